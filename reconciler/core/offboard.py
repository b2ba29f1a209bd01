"""Offboarding: who is to be in no group at all loses every membership of the tenant, managed by us or not."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.diff import Differences, group_name
from reconciler.core.model import DesiredGroup, DesiredTenant, Entry, LiveGroup, Membership, Snapshot
from reconciler.core.plan import Action, Change, Reason, Touched


def offboard(
    found: Differences,
    desired: DesiredTenant,
    live: Snapshot,
    leaving: Mapping[str, Entry],
) -> Differences:
    """The differences with everything that those who leave still hold taken away, by what ``live.memberships`` says.

    A removal that was planned anyway is told as theirs, because that is why a reviewer finds it there.
    """
    planned = {(change.group, change.user): change for change in found.changes if change.user in leaving}
    held = {(group, user) for user in leaving for group in live.memberships.get(user, ()) if group in live.groups}
    changes = [_told(change, leaving) for change in found.changes]
    more = [
        _removal(desired, live.groups[group], user, leaving[user])
        for group, user in sorted(held)
        if (group, user) not in planned or planned[group, user].action is not Action.DELETE
    ]
    dropped = {(change.group, change.user) for change in more}
    changes = [change for change in changes if (change.group, change.user) not in dropped]
    wanted = {group.id: group for group in desired.groups}
    touched = dict(found.touched)
    for change in more:
        key = change.tenant, change.group
        group, before = live.groups[change.group], touched.get(key)
        before = _counted(before, group) if before else _touched(desired, wanted.get(change.group), group)
        touched[key] = replace(before, desired=before.desired - 1)
    return replace(
        found,
        changes=sorted([*changes, *more], key=lambda change: change.key),
        touched=dict(sorted(touched.items())),
        left={name: _without(users, leaving) for name, users in found.left.items() if _without(users, leaving)},
    )


def _told(change: Change, leaving: Mapping[str, Entry]) -> Change:
    entry = leaving.get(change.user or "")
    if entry is None or change.action is not Action.DELETE:
        return change
    return replace(change, reason=Reason.OFFBOARDED, source=entry.source, note=entry.reason, person=entry.person)


def _removal(desired: DesiredTenant, group: LiveGroup, user: str, entry: Entry) -> Change:
    return Change(
        desired.name,
        group.id,
        user,
        Action.DELETE,
        Reason.OFFBOARDED,
        group.mistyped.get(user, group.user_type),
        entry.source,
        entry.reason,
        person=desired.people.get(user, entry.person),
    )


def _counted(touched: Touched, group: LiveGroup) -> Touched:
    """The same with its members counted: who is in a group whose members are not managed was read only for this."""
    members = len(group.members or ())
    return replace(touched, live=members, desired=touched.desired + members - touched.live)


def _touched(desired: DesiredTenant, wanted: DesiredGroup | None, group: LiveGroup) -> Touched:
    """What is to be known of a group that nothing else changes: its own guards count, or the tenant's."""
    members = len(group.members or ())
    return Touched(
        live=members,
        desired=members,
        membership=wanted.membership if wanted else Membership.ADDITIVE,
        guards=wanted.guards if wanted else desired.guards,
        unlisted=wanted is None or wanted.members is None,
        name=group_name(group, wanted),
        source=wanted.source if wanted else None,
    )


def _without(users: tuple[str, ...], leaving: Mapping[str, Entry]) -> tuple[str, ...]:
    return tuple(user for user in users if user not in leaving)
