"""Groups under a new id: the definition is carried over, and that nobody loses access is checked before it is planned.

The service can't rename a group, so the new one is made, everybody added, and the old one deleted; that order is the
schedule's. What is here makes sure that the new one has what the old one had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from reconciler.core.diff import Differences
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, LiveGroup, Membership, Moved
from reconciler.core.plan import Action, Change, Reason
from reconciler.diagnostics import Diagnostic, Severity

MOST_NAMED: Final = 5


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
    """What stands against moving: groups that are not there or not ours, and members who would be left behind.

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
        elif left := _left_behind(old, new):
            yield _losing(moved, new, left)


def _left_behind(old: LiveGroup, new: DesiredGroup) -> frozenset[str]:
    """Who is in the old group and not in the new one, and nobody has said that they shall not be."""
    is_open = new.members is None or new.membership is Membership.ADDITIVE
    return (old.members or frozenset()) - (new.members or {}).keys() if is_open else frozenset()


def _losing(moved: Moved, new: DesiredGroup, left: frozenset[str]) -> Diagnostic:
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    named = ", ".join(sorted(left)[:MOST_NAMED]) + more
    return Diagnostic(
        f"{moved.old} is moved to {moved.new}, and {len(left)} of its members are not listed there: {named}",
        moved.source,
        "list them under the new id, or write `membership: exact` there if they shall go",
        (("the new group", new.source),),
    )


def told(found: Differences, desired: DesiredTenant) -> Differences:
    """The differences with removals from an old group told as moves where the user is in the new one: no loss."""
    targets = {moved.old: moved for moved in desired.moved}
    members = {group.id: group.members or {} for group in desired.groups}
    changes = [_told(change, targets.get(change.group), members) for change in found.changes]
    return replace(found, changes=changes)


def _told(change: Change, moved: Moved | None, members: Mapping[str | None, Mapping[str, object]]) -> Change:
    if moved is None or change.action is not Action.DELETE:
        return change
    if change.user is None or change.user in members.get(moved.new, ()):
        return replace(change, reason=Reason.MOVED, source=moved.source, note=f"to {moved.new}")
    return change
