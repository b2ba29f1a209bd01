"""Whether a saved plan still fits: what is already so is dropped, what has moved is refused, the rest goes on.

Each change carries its live precondition, so that a plan grows old change by change and not as a whole (DESIGN 7).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.core.fields import same
from reconciler.core.known import GAINS, advance, is_so, not_yet_replaced
from reconciler.core.model import Known, LiveGroup, Snapshot
from reconciler.core.moved import by_group, members_after
from reconciler.core.plan import Action, Change, Plan, Reason, Touched

WITHOUT_REQUEST = frozenset({Action.ADOPT, Action.FORGET})
ENDS = frozenset({Action.DELETE, Action.REPLACE})


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

    A group whose own change has moved takes the changes of its members with it: they were reviewed together. A group
    is deleted or replaced only with the members that the plan names, so nobody who joined it since goes with it, and
    one that goes on under another id only once all of them are in the new one.
    """
    remaining: list[Change] = []
    satisfied: list[Change] = []
    moved: list[tuple[Change, str]] = []
    moved_groups: set[tuple[str, str]] = set()
    joined, still = _joined_since(plan, live), not_yet_replaced(plan.changes, live)
    made = {(c.tenant, c.group) for c in plan.changes if c.user is None and c.action in {Action.CREATE, Action.REPLACE}}
    for change in plan.changes:
        key = change.tenant, change.group
        group = live[change.tenant].groups.get(change.group)
        if change.action not in WITHOUT_REQUEST and is_so(change, still, live):
            satisfied.append(change)
        elif change.user is not None and key in moved_groups:
            moved.append((change, "its group has moved"))
        elif why := (
            _why_group_moved(change, group, joined.get(key, []))
            if change.user is None
            else _why_member_moved(change, group, key in made)
        ):
            moved.append((change, why))
            if change.user is None:
                moved_groups.add(key)
        else:
            remaining.append(change)
    stranding = _stranding(plan, remaining, moved_groups, live)
    moved += ((change, stranding[change.key]) for change in remaining if change.key in stranding)
    kept = tuple(change for change in remaining if change.key not in stranding)
    return Checked(replace(plan, changes=kept), tuple(satisfied), tuple(moved))


def as_of(plan: Plan, live: Mapping[str, Snapshot], known: Known) -> Plan:
    """The plan as guards have to see it now: who is in its groups, and who of those to be removed is still ours.

    Its changes stay what they are. A share of a group that has shrunk, or a member that meanwhile became somebody
    else's, is no longer what was reviewed.
    """
    changes = tuple(_of_whom(change, known) for change in plan.changes)
    moves = Counter((c.tenant, c.group, c.action) for c in changes if c.user is not None)
    managed = {(change.tenant, change.group) for change in changes if change.reason is not Reason.OFFBOARDED}
    touched: dict[tuple[str, str], Touched] = {}
    for key in {(change.tenant, change.group): None for change in changes}:
        tenant, group_id = key
        group = live[tenant].groups.get(group_id)
        members = len((group.members if group else None) or ())
        touched[key] = replace(
            plan.touched[key],
            live=members,
            desired=members - moves[*key, Action.DELETE] + moves[*key, Action.CREATE],
            first_contact=key in managed and group is not None and group_id not in known.get(tenant, {}),
        )
    return replace(plan, changes=changes, touched=touched)


def _of_whom(change: Change, known: Known) -> Change:
    if change.user is None or change.action is not Action.DELETE or change.reason is not Reason.REMOVED:
        return change
    group = known.get(change.tenant, {}).get(change.group)
    return change if group and change.user in group.members else replace(change, reason=Reason.NEVER_OURS)


def are_done(changes: Iterable[Change], live: Mapping[str, Snapshot], known: Known) -> bool:
    """Whether all of them are live and recorded, so that nothing would come of doing them once more.

    What was not read is not known to be done.
    """
    listed = [*changes]
    if not all(_was_read(change, live) for change in listed):
        return False
    still = not_yet_replaced(listed, live)
    is_recorded = _without_versions(advance(known, listed, live)) == _without_versions(known)
    return is_recorded and all(is_so(change, still, live) for change in listed)


def _without_versions(known: Known) -> Known:
    """What is ours, whatever the service has counted since it was recorded."""
    return {
        tenant: {name: replace(group, version=None) for name, group in groups.items()}
        for tenant, groups in known.items()
    }


def _was_read(change: Change, live: Mapping[str, Snapshot]) -> bool:
    if change.tenant not in live:
        return False
    group = live[change.tenant].groups.get(change.group)
    return group is None or change.user is None or group.members is not None


def _joined_since(plan: Plan, live: Mapping[str, Snapshot]) -> dict[tuple[str, str], list[str]]:
    """Members of groups to be deleted or replaced of whom the plan says neither that they go nor that they come."""
    fatal = {(change.tenant, change.group) for change in plan.changes if change.user is None and change.action in ENDS}
    planned: dict[tuple[str, str], set[str]] = {key: set() for key in fatal}
    for change in plan.changes:
        if change.user is not None and change.action not in WITHOUT_REQUEST and (change.tenant, change.group) in fatal:
            planned[change.tenant, change.group].add(change.user)
    found: dict[tuple[str, str], list[str]] = {}
    for (tenant, group_id), users in planned.items():
        group = live[tenant].groups.get(group_id)
        found[tenant, group_id] = sorted(((group.members if group else None) or frozenset()) - users)
    return found


def _stranding(
    plan: Plan, remaining: Iterable[Change], refused: Collection[tuple[str, str]], live: Mapping[str, Snapshot]
) -> dict[tuple[str, str, str], str]:
    """Why changes of groups that go on under another id no longer fit, by key: somebody would be left without both.

    ``refused`` are the groups whose definition does not become what was planned.
    """
    moves = {key: (key[0], of.moved_to) for key, of in plan.touched.items() if of.moved_to}
    changes_of = by_group(remaining) if moves else {}
    found: dict[tuple[str, str, str], str] = {}
    for old in moves.keys() & changes_of.keys():
        new, mine = moves[old], changes_of[old]
        there, arriving = live[old[0]].groups.get(new[1]), changes_of.get(new, [])
        is_whole = new not in refused and (there is not None or any(change.user is None for change in arriving))
        inside = members_after(there, arriving) if is_whole else ()
        moving = [change for change in mine if change.reason is Reason.MOVED]
        left = [change for change in moving if (not is_whole if change.user is None else change.user not in inside)]
        if left:
            users = ", ".join(change.user for change in left if change.user)
            why = f"not in {new[1]} now: {users}" if is_whole else f"{new[1]} is not there as planned"
            taken = mine if any(change.user is None for change in mine) else left
            found |= {change.key: why for change in taken}
    return found


def _why_member_moved(change: Change, group: LiveGroup | None, made: bool) -> str:
    """Why a membership can't change as planned; ``made`` says that the plan itself makes the group anew."""
    is_member = group is not None and change.user in (group.members or ())
    if change.action is Action.ADOPT and not is_member:
        return "the user is no longer a member"
    if change.action is Action.FORGET and change.reason is Reason.GONE and is_member:
        return "the user is a member again"
    if change.action not in GAINS or made:
        return ""
    if group is None:
        return "the group no longer exists"
    return "" if group.user_type is change.user_type else f"the group takes {group.user_type} users now"


def _why_group_moved(change: Change, group: LiveGroup | None, joined: list[str]) -> str:
    if change.action is Action.CREATE:
        return "a group with this id exists now" if group else ""
    if change.action is Action.FORGET:
        return "the group exists again" if group and change.reason is Reason.GONE else ""
    if group is None:
        return "the group no longer exists"
    if change.action is Action.ADOPT:
        return "its definition has changed" if change.owned and not same(group.fields, change.after) else ""
    if group.version != change.version or not same(group.fields, change.before):
        return f"its definition has changed (version {change.version} when planned, {group.version} now)"
    return f"members have joined since: {', '.join(joined)}" if joined else ""
