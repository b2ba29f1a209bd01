"""Whether a saved plan still fits: what is already so is dropped, what has moved is refused, the rest goes on.

Each change carries its live precondition, so that a plan grows old change by change and not as a whole (DESIGN 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.core.known import has_happened
from reconciler.core.model import LiveGroup, Snapshot
from reconciler.core.plan import Action, Change, Plan, Reason

WITHOUT_REQUEST = frozenset({Action.ADOPT, Action.FORGET})


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan held against what is live now.

    ``plan`` is what remains to be done; ``satisfied`` is so already and only has to be recorded; ``moved`` pairs each
    change that no longer fits with what has changed.
    """

    plan: Plan
    satisfied: tuple[Change, ...]
    moved: tuple[tuple[Change, str], ...]


def check(plan: Plan, live: Mapping[str, Snapshot]) -> Checked:
    """Sort the plan's changes into those to do, those already satisfied and those that have moved.

    A group whose own change has moved takes the changes of its members with it: they were reviewed together.
    """
    remaining: list[Change] = []
    satisfied: list[Change] = []
    moved: list[tuple[Change, str]] = []
    moved_groups: set[tuple[str, str]] = set()
    joined = _joined_since(plan, live)
    for change in plan.changes:
        group = live[change.tenant].groups.get(change.group)
        if change.action not in WITHOUT_REQUEST and has_happened(change, live):
            satisfied.append(change)
        elif change.user is not None and (change.tenant, change.group) in moved_groups:
            moved.append((change, "its group has moved"))
        elif why := _why_moved(change, group, joined.get((change.tenant, change.group), ())):
            moved.append((change, why))
            if change.user is None:
                moved_groups.add((change.tenant, change.group))
        else:
            remaining.append(change)
    return Checked(replace(plan, changes=tuple(remaining)), tuple(satisfied), tuple(moved))


def _joined_since(plan: Plan, live: Mapping[str, Snapshot]) -> dict[tuple[str, str], list[str]]:
    """Members of groups to be deleted or replaced whom the plan does not know of."""
    fatal = {
        (change.tenant, change.group)
        for change in plan.changes
        if change.user is None and change.action in {Action.DELETE, Action.REPLACE}
    }
    if not fatal:
        return {}
    planned = {(change.tenant, change.group, change.user) for change in plan.changes}
    found: dict[tuple[str, str], list[str]] = {}
    for tenant, group_id in fatal:
        group = live[tenant].groups.get(group_id)
        for user in sorted((group.members if group else None) or ()):
            if (tenant, group_id, user) not in planned:
                found.setdefault((tenant, group_id), []).append(user)
    return found


def _why_moved(change: Change, group: LiveGroup | None, joined: object) -> str:
    if change.user is None:
        return _why_group_moved(change, group, joined)
    is_member = group is not None and change.user in (group.members or ())
    if change.action is Action.ADOPT and not is_member:
        return "the user is no longer a member"
    if change.action is Action.FORGET and change.reason is Reason.GONE and is_member:
        return "the user is a member again"
    return ""


def _why_group_moved(change: Change, group: LiveGroup | None, joined: object) -> str:
    if change.action is Action.CREATE:
        return "a group with this id exists now" if group else ""
    if change.action is Action.FORGET:
        return "the group exists again" if group and change.reason is Reason.GONE else ""
    if group is None:
        return "the group no longer exists"
    if change.action is Action.ADOPT:
        return "its definition has changed" if change.owned and group.fields != change.after else ""
    if group.version != change.version or group.fields != change.before:
        return f"its definition has changed (version {change.version} when planned, {group.version} now)"
    return f"members have joined since: {', '.join(joined)}" if isinstance(joined, list) else ""
