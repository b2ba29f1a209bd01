"""What is ours: how outcomes, and changes that may or may not have happened, move the lockfile on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.model import Known, KnownGroup, LiveGroup, Snapshot
from reconciler.core.plan import Action, Change

GAINS = frozenset({Action.CREATE, Action.REPLACE, Action.ADOPT})
"""Member actions after which the membership is ours; after the others it is not."""


def settle(known: Known, pending: Iterable[Change], live: Mapping[str, Snapshot]) -> Known:
    """What is ours after a run of which only the intentions are recorded: those that are live did happen.

    An intention was written down before its request and only for what was not so yet; so what is so now was done by us,
    and what is not was never sent or failed (DESIGN section 6).
    """
    return advance(known, (change for change in pending if change.tenant in live and has_happened(change, live)), live)


def has_happened(change: Change, live: Mapping[str, Snapshot]) -> bool:
    """Whether the service is now as the change wants it."""
    group = live[change.tenant].groups.get(change.group)
    if change.user is not None:
        is_member = group is not None and change.user in (group.members or ())
        if change.action in GAINS:
            return is_member and group is not None and change.user not in group.mistyped
        return change.reason.lets_go or not is_member
    if change.action in {Action.DELETE, Action.FORGET}:
        return change.reason.lets_go or group is None
    return group is not None and (not change.owned or group.fields == change.after)


@dataclass(slots=True)
class _Moves:
    """The changes of one group, gathered so that its member set is rebuilt once."""

    definition: Change | None = None
    gained: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


def advance(known: Known, done: Iterable[Change], live: Mapping[str, Snapshot]) -> Known:
    """What is ours once these changes are done; versions come from ``live``, which is read after them."""
    moves: defaultdict[tuple[str, str], _Moves] = defaultdict(_Moves)
    for change in done:
        move = moves[change.tenant, change.group]
        if change.user is None:
            move.definition = change
        elif change.action in GAINS:
            move.gained.add(change.user)
        else:
            move.lost.add(change.user)
    ours = {tenant: dict(groups) for tenant, groups in known.items()}
    for (tenant, group_id), move in moves.items():
        groups = ours.setdefault(tenant, {})
        snapshot = live.get(tenant, Snapshot(tenant))
        moved = _moved(groups.get(group_id), move, snapshot.groups.get(group_id))
        if moved is None:
            groups.pop(group_id, None)
        else:
            groups[group_id] = moved
    return {tenant: groups for tenant, groups in ours.items() if groups}


def _moved(before: KnownGroup | None, move: _Moves, live: LiveGroup | None) -> KnownGroup | None:
    members = ((before.members if before else frozenset()) - move.lost) | move.gained
    change = move.definition
    if change is None:
        return replace(before, members=members) if before else None
    if change.action in {Action.DELETE, Action.FORGET}:
        return KnownGroup(False, change.user_type, members) if members else None
    if not change.owned:
        return KnownGroup(False, change.user_type, members)
    version = live.version if live else change.version
    return KnownGroup(True, change.user_type, members, change.after, version)
