"""What is ours: how outcomes, and changes that may or may not have happened, move the lockfile on."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.fields import same
from reconciler.core.model import IMMUTABLE, Known, KnownGroup, LiveGroup, Snapshot, UserType
from reconciler.core.plan import Action, Change

GAINS = frozenset({Action.CREATE, Action.REPLACE, Action.ADOPT})
"""Member actions after which the membership is ours; after the others it is not."""


def settle(known: Known, pending: Iterable[Change], live: Mapping[str, Snapshot]) -> Known:
    """What is ours after a run of which only the intentions are recorded: those that are live did happen.

    An intention was written down before its request and only for what was not so yet; so what is so now was done by us,
    and what is not was never sent or failed (DESIGN section 6). A new definition that somebody has edited since is not
    taken for ours, because it could be theirs and we could delete it; whom we added to it is ours all the same.
    """
    found = found_out(pending, live)
    settled = advance(known, (change for change, happened in found if happened), live)
    return advance(settled, (change for change, _ in found if is_half_replaced(change, live)), live)


def found_out(pending: Iterable[Change], live: Mapping[str, Snapshot]) -> list[tuple[Change, bool]]:
    """Whether each of the intentions happened, as far as their tenants were read."""
    readable = [change for change in pending if change.tenant in live]
    still = not_yet_replaced(readable, live)
    return [(change, is_so(change, still, live)) for change in readable]


def not_yet_replaced(changes: Iterable[Change], live: Mapping[str, Snapshot]) -> frozenset[tuple[str, str]]:
    """Tenant and id of the groups that are to be replaced and, by what can't change in place, still are not."""
    found = set()
    for change in changes:
        if change.user is None and change.action is Action.REPLACE:
            group, after = live[change.tenant].groups.get(change.group), change.after or {}
            if group is None or any(group.fields.get(name) != after.get(name) for name in IMMUTABLE):
                found.add((change.tenant, change.group))
    return frozenset(found)


def is_half_replaced(change: Change, live: Mapping[str, Snapshot]) -> bool:
    """Whether a group was deleted to be replaced and the new one is not there.

    What was to be written is then all that is left of the definition, so it is kept as ours and comes back from there.
    """
    is_replacement = change.user is None and change.action is Action.REPLACE
    return is_replacement and change.group not in live[change.tenant].groups


def is_so(change: Change, still: Collection[tuple[str, str]], live: Mapping[str, Snapshot]) -> bool:
    """Whether the change has happened, given the groups that are ``still`` to be replaced.

    Who is in such a group is in the old one and loses that membership with it.
    """
    joins_new_group = change.user is not None and change.action in GAINS and (change.tenant, change.group) in still
    return not joins_new_group and has_happened(change, live)


def has_happened(change: Change, live: Mapping[str, Snapshot]) -> bool:
    """Whether the service is now as the change wants it; of a membership, whether it also has the userType."""
    group = live[change.tenant].groups.get(change.group)
    if change.user is not None:
        if change.action in GAINS:
            return group is not None and _is_member(change, group) and group.user_type is change.user_type
        return change.reason.lets_go or group is None or change.user not in (group.members or ())
    if change.action in {Action.DELETE, Action.FORGET}:
        return change.reason.lets_go or group is None
    return group is not None and (not change.owned or same(group.fields, change.after))


def _is_member(change: Change, group: LiveGroup) -> bool:
    return change.user in (group.members or ()) and change.user not in group.mistyped


@dataclass(slots=True)
class _Moves:
    """The changes of one group, gathered so that its member set is rebuilt once."""

    user_type: UserType
    definition: Change | None = None
    gained: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    emails: dict[str, str] = field(default_factory=dict)


def advance(known: Known, done: Iterable[Change], live: Mapping[str, Snapshot]) -> Known:
    """What is ours once these changes are done; versions come from ``live``, which is read after them."""
    moves: dict[tuple[str, str], _Moves] = {}
    for change in done:
        key = change.tenant, change.group
        move = moves[key] if key in moves else moves.setdefault(key, _Moves(change.user_type))
        if change.user is None:
            move.definition = change
        elif change.action in GAINS:
            move.gained.add(change.user)
            if change.email:
                move.emails[change.user] = change.email
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
    remembered = {**(before.emails if before else {}), **move.emails}
    emails = {user: email for user, email in remembered.items() if user in members}
    change = move.definition
    if change is None and before:
        return replace(before, members=members, emails=emails)
    if change is None or change.action in {Action.DELETE, Action.FORGET}:
        return KnownGroup(False, move.user_type, members, emails=emails) if members else None
    if not change.owned:
        return KnownGroup(False, change.user_type, members, emails=emails)
    version = live.version if live else change.version
    return KnownGroup(True, change.user_type, members, change.after, version, emails)
