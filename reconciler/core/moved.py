"""Groups under a new id: the definition is carried over, and that nobody loses access is checked before it is planned.

The service can't rename a group, so the new one is made, everybody added, and the old one deleted; that order is the
schedule's. What is here makes sure that the new one has what the old one had.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.core.diff import Differences
from reconciler.core.fields import GRANTED, takes_rights
from reconciler.core.known import GAINS
from reconciler.core.model import (
    IMMUTABLE,
    DesiredGroup,
    DesiredTenant,
    Fields,
    KnownGroup,
    LiveGroup,
    Membership,
    Moved,
    address,
)
from reconciler.core.plan import Action, Change, Reason
from reconciler.core.terms import terms
from reconciler.diagnostics import Diagnostic, PlanError, Severity

MOST_NAMED: Final = 5
RIGHTS: Final = (*GRANTED, "restrictions", "b2b")
"""The fields of a definition that say what its members may do."""


def carry(desired: DesiredTenant, live: Mapping[str, LiveGroup]) -> DesiredTenant:
    """The tenant with what its new groups don't say themselves taken from the old ones, unless they exist already.

    A field that the file leaves out is not managed, so it has to come along as it does in an update.
    """
    from_old = {moved.new: live[moved.old] for moved in desired.moved if moved.old in live and moved.new not in live}
    return replace(
        desired,
        groups=tuple(
            replace(group, fields={**from_old[group.id].fields, **group.fields})
            if group.id in from_old and group.fields is not None
            else group
            for group in desired.groups
        ),
    )


def objections(
    desired: DesiredTenant, live: Mapping[str, LiveGroup], known: Mapping[str, KnownGroup]
) -> Iterator[Diagnostic]:
    """What stands against moving: groups that are not there or not ours, and what members would lose by it.

    ``live`` has the members of the old groups.
    """
    wanted = {group.id: group for group in desired.groups}
    for moved in desired.moved:
        old, new = live.get(moved.old), wanted.get(moved.new)
        if moved.old in wanted:
            message = f"{moved.old} is moved to {moved.new}, and is still in the configuration"
            related = (("its entry", wanted[moved.old].source),)
            yield Diagnostic(message, moved.source, "remove one of the two entries", related)
        elif new is None or new.fields is None:
            message = f"{moved.old} is moved to {moved.new}, which is no group of ours in the configuration"
            yield Diagnostic(message, moved.source, "add the group with its new id and its name, or correct `to`")
        elif old is None:
            message = f"{moved.old} does not exist any more, so there is nothing to move to {moved.new}"
            yield Diagnostic(message, moved.source, "take this line out", severity=Severity.WARNING)
        elif not (moved.old in known and known[moved.old].owned):
            message = f"{moved.old} is not ours, so it would stay beside {moved.new}"
            yield Diagnostic(message, moved.source, "take this line out, or have it adopted first under its old id")
        elif old.members:
            yield from _losses(moved, old, new, live.get(moved.new))


def _losses(moved: Moved, old: LiveGroup, new: DesiredGroup, there: LiveGroup | None) -> Iterator[Diagnostic]:
    """What members would lose: their place, all access for a moment, or rights.

    ``there`` is what exists under the new id already: the new group of a run that was half done, or one of its own.
    """
    related = (("the new group", new.source),)
    if left := _left_behind(old, new):
        yield _losing(moved, new, left)
    fields = {**(there.fields if there else {}), **(new.fields or {})}
    if why := _why_not_both(old, fields, there.code if there else None):
        message = f"{moved.old} is moved to {moved.new}, {why}: nobody can be in both, so that all would be in neither"
        remedy = "let it be the same, or take this line out: then guards judge what is lost in between"
        yield Diagnostic(message, moved.source, remedy, related)
    if there and (lost := _taken(old.fields, there.fields, new.fields or {})):
        message = f"{moved.old} is moved to {moved.new}, which exists already and grants less: {', '.join(lost)}"
        had = "; ".join(f"{name}: {json.dumps(value)}" for name, value in lost.items())
        yield Diagnostic(message, moved.source, f"write there what its members shall have; old: {had}", related)


def _why_not_both(old: LiveGroup, new: Fields, code: str | None) -> str:
    """Why the service would not have anybody in the old group and in the new one (FACTS, rules 1, 2 and 4)."""
    if other := [name for name in IMMUTABLE if (old.fields.get(name) or None) != (new.get(name) or None)]:
        return f"which has another {' and '.join(other)}"
    is_forbidden = terms(old.fields, old.code).forbid(terms(new, code))
    return "which is of the same company" if is_forbidden else ""


def _taken(old: Fields, there: Fields, managed: Fields) -> dict[str, Any]:
    """What the old group has in the fields that the file leaves to the service, where the new one gives less."""
    return {
        name: old.get(name, [])
        for name in RIGHTS
        if name not in managed and takes_rights(old, {**old, name: there.get(name, [])})
    }


def _left_behind(old: LiveGroup, new: DesiredGroup) -> frozenset[str]:
    """Who is in the old group and not in the new one, and nobody has said that they shall not be."""
    is_open = new.members is None or new.membership is Membership.ADDITIVE
    return (old.members or frozenset()) - (new.members or {}).keys() if is_open else frozenset()


def _losing(moved: Moved, new: DesiredGroup, left: frozenset[str]) -> Diagnostic:
    return Diagnostic(
        f"{moved.old} is moved to {moved.new}, and {len(left)} of its members are not listed there: {_named(left)}",
        moved.source,
        "list them under the new id, or write `membership: exact` there if they shall go",
        (("the new group", new.source),),
    )


def check_limited(found: Differences, limited: Differences, desired: DesiredTenant) -> None:
    """Refuse targets by which an old group loses somebody or is deleted before the new one is as it is wanted.

    Raises PlanError, which says what to target as well.
    """
    wanted = {group.id: group.members or {} for group in desired.groups}
    planned, kept = by_group(found.changes), by_group(limited.changes)
    for moved in desired.moved:
        old, new = (desired.name, moved.old), (desired.name, moved.new)
        losing = {each.user for each in kept.get(old, ()) if each.action is Action.DELETE}
        moving = losing & {None, *wanted.get(moved.new, ())}
        left_out = {each.key: each for each in planned.get(new, ()) if each.user is None or each.user in moving}
        missing = left_out.keys() - {each.key for each in kept.get(new, ())}
        if moving and missing:
            raise PlanError(
                f"{address(*old)} is moved to {address(*new)}, and the targets leave out"
                f" {_named(left_out[key].address for key in missing)}",
                remedy=f"add --target {address(*new)}, so that nobody loses the old group without having the new one",
            )


def told(found: Differences, desired: DesiredTenant, live: Mapping[str, LiveGroup]) -> Differences:
    """The differences with removals from an old group told as moves where the user is in the new one: no loss.

    ``found`` is what will be done, because who is to be added to the new group by another plan is not in it yet.
    """
    targets = {moved.old: moved for moved in desired.moved}
    changes_of = by_group(found.changes) if targets else {}
    inside = {
        new: members_after(live.get(new), changes_of.get((desired.name, new), ()))
        for new in (moved.new for moved in desired.moved)
    }
    changes = [_told(change, targets.get(change.group), inside) for change in found.changes]
    leaving = {change.group for change in changes if change.reason is Reason.MOVED}
    touched = {
        key: replace(value, moved_to=targets[key[1]].new) if key[1] in leaving else value
        for key, value in found.touched.items()
    }
    return replace(found, changes=changes, touched=touched)


def _told(change: Change, moved: Moved | None, inside: Mapping[str, Collection[str]]) -> Change:
    if moved is None or change.action is not Action.DELETE or change.reason is Reason.OFFBOARDED:
        return change
    if change.user is None or change.user in inside[moved.new]:
        return replace(change, reason=Reason.MOVED, source=moved.source, note=f"to {moved.new}")
    return change


def members_after(group: LiveGroup | None, changes: Iterable[Change]) -> Collection[str]:
    """Who is in a group, which may not be there yet, once its changes are done."""
    inside = {*((group.members if group else None) or ())}
    for change in changes:
        if change.user is not None and change.action in GAINS:
            inside.add(change.user)
        elif change.user is not None and change.action is Action.DELETE:
            inside.discard(change.user)
    return inside


def by_group(changes: Iterable[Change]) -> Mapping[tuple[str, str], list[Change]]:
    """The changes of each group by tenant and group id, in their order."""
    found: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        found[change.tenant, change.group].append(change)
    return found


def _named(things: Iterable[str]) -> str:
    listed = sorted(things)
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    return ", ".join(listed[:MOST_NAMED]) + more
