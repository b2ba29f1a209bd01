"""Guards: rules that can refuse a plan before anything happens, each a function from the plan to what it objects to.

A guard judges what a plan does, never what the service allows (that is :mod:`reconciler.core.rules`): a refused plan
may be exactly what somebody wants, and then ``apply --accept FINGERPRINT`` lets this one plan pass.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from reconciler.core.limits import Limit
from reconciler.core.model import Membership, address
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Diagnostic

DEFAULT_MAX_REMOVALS = Limit(25, percent=True)
DEFAULT_FROM_MEMBERS = 10
MOST_NAMED = 5

COUNTING = frozenset({"maxRemovals", "minMembers", "emptied", "takeOver"})
"""The guards that say how many members a group has or loses."""

Removals = Mapping[tuple[str, str], list[Change]]


def refusals(plan: Plan) -> tuple[Diagnostic, ...]:
    """All objections to the plan, in the order of :data:`GUARDS` and then of addresses; empty means it may go on.

    What policy files deny comes last: for everybody who asks, a refusal is a refusal.
    """
    removals: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in plan.changes:
        if change.user is not None and change.action is Action.DELETE and change.reason is not Reason.MOVED:
            removals[change.tenant, change.group].append(change)
    by_address = dict(sorted(removals.items()))
    return (*(diagnostic for guard in GUARDS for diagnostic in guard(plan, by_address)), *plan.denials)


def new_refusals(plan: Plan, seen: Plan) -> tuple[Diagnostic, ...]:
    """The refusals of a plan that another one, which somebody has looked at, did not have.

    A guard counts otherwise when a plan is half done: that is no news while the group ends as it was to end.
    """
    told = {(item.rule, item.address, item.message) for item in refusals(seen)}
    counted = {(rule, of) for rule, of, _ in told if rule in COUNTING and _ends_as_well(of, plan, seen)}
    return tuple(
        item
        for item in refusals(plan)
        if (item.rule, item.address, item.message) not in told and (item.rule, item.address) not in counted
    )


def _ends_as_well(group: str, plan: Plan, seen: Plan) -> bool:
    """Whether a group has the guards that it had, and keeps no fewer members than was seen."""
    tenant, _, group_id = group.partition("/")
    now, then = plan.touched.get((tenant, group_id)), seen.touched[tenant, group_id]
    return now is not None and now.guards == then.guards and now.desired >= then.desired


def protected(plan: Plan, removals: Removals) -> Iterator[Diagnostic]:
    """A protected user never loses a membership: break-glass accounts must survive every mistake."""
    for key, changes in removals.items():
        for change in changes:
            if change.user in plan.touched[key].guards.protected:
                yield Diagnostic(
                    f"{change.address} is protected and would be removed ({change.reason})",
                    change.source,
                    "list the user as a member, or take it out of guards.protected first",
                    address=change.address,
                    rule="protected",
                )


def max_removals(plan: Plan, removals: Removals) -> Iterator[Diagnostic]:
    """No group loses more members at once than its limit says; by default a quarter, once it has ten.

    The message shows both numbers, so that a reviewer can judge without counting.
    """
    for key, changes in removals.items():
        touched = plan.touched[key]
        limit = touched.guards.max_removals
        if limit is None and touched.live < DEFAULT_FROM_MEMBERS:
            continue
        limits = (limit or DEFAULT_MAX_REMOVALS).parts
        told = next(filter(None, (_over(len(changes), touched.live, each) for each in limits)), "")
        if told:
            origin = "guards.maxRemovals" if limit else f"the default from {DEFAULT_FROM_MEMBERS} members on"
            yield Diagnostic(
                f"{address(*key)} would lose {len(changes)} of {members(touched.live)}: {told} ({origin})",
                touched.source,
                "check that nobody was dropped by mistake; raise guards.maxRemovals, or accept this one plan",
                address=address(*key),
                rule="maxRemovals",
            )


def _over(removed: int, live: int, limit: Limit) -> str:
    if not limit.percent:
        return f"{removed} is over {limit}" if removed > limit.amount else ""
    share = 100 * removed / live
    if share <= limit.amount:
        return ""
    rounded = f"{share:.2f}"
    return f"{rounded if float(rounded) > limit.amount else repr(share)}% is over {limit}"


def min_members(plan: Plan, removals: Removals) -> Iterator[Diagnostic]:
    """A group with ``minMembers`` never has fewer afterwards, so that somebody can always act.

    Deleted groups aside, and those whose members are not managed, unless they lose some: their members are not read.
    """
    for key, touched in sorted(plan.touched.items()):
        least = touched.guards.min_members
        judged = not touched.leaves and (key in removals or not touched.unlisted)
        if least is not None and touched.desired < least and judged:
            yield Diagnostic(
                f"{address(*key)} would have {members(touched.desired)}, fewer than minMembers {least}"
                + (f" (now {touched.live}, {len(removals[key])} removed)" if key in removals else ""),
                touched.source,
                "list more members, or lower guards.minMembers",
                address=address(*key),
                rule="minMembers",
            )


def emptied(plan: Plan, removals: Removals) -> Iterator[Diagnostic]:
    """An exact group whose list is empty loses everybody, which is more often a broken generator than a wish."""
    for key, changes in removals.items():
        touched = plan.touched[key]
        if touched.emptied:
            yield Diagnostic(
                f"{address(*key)}: the member list is empty, so all {members(len(changes))} would be removed",
                touched.source,
                "list the members; if nobody shall be left, accept this one plan",
                address=address(*key),
                rule="emptied",
            )


def vanished(plan: Plan, removals: Removals) -> Iterator[Diagnostic]:
    """A member list that is gone from the file would silently stop being managed, and its members stay in for ever.

    Or leave for ever, if their group is replaced at the same time.
    """
    for key, touched in sorted(plan.touched.items()):
        if touched.vanished and not touched.leaves:
            fate = "be removed with the old group" if key in removals else "not be managed any more"
            yield Diagnostic(
                f"{address(*key)}: `members` is no longer there, so its members would {fate}",
                touched.source,
                "put the list back; to remove everybody write `members: []`; to let go of them accept this one plan",
                address=address(*key),
                rule="vanished",
            )
    changed = {change.tenant for change in plan.changes}
    for tenant in plan.orphaned:
        if tenant in changed:
            yield Diagnostic(
                f"{tenant}: the tenant is no longer in the configuration, so all that is ours there would be removed",
                remedy="pass all configuration files with -f, or limit the run with --tenant",
                address=tenant,
                rule="vanished",
            )


def take_over(plan: Plan, removals: Removals) -> Iterator[Diagnostic]:
    """Members that were never ours are not removed by accident on first contact, or together with their group."""
    if plan.take_over:
        return
    for change in plan.changes:
        is_replaced = change.user is None and change.action is Action.REPLACE
        if is_replaced and plan.touched[change.tenant, change.group].first_contact:
            yield Diagnostic(
                f"{change.address} was never ours and would be deleted and made anew ({change.reason})",
                change.source,
                "keep what can't change in place as it is, or take the group over with --take-over",
                address=change.address,
                rule="takeOver",
            )
    for key, changes in removals.items():
        touched = plan.touched[key]
        foreign = [change for change in changes if change.reason is Reason.NEVER_OURS]
        if foreign and not _is_settled(touched):
            yield Diagnostic(
                f"{address(*key)} would lose {len(foreign)} of {members(touched.live)}, never ours:"
                f" {some(change.user or '' for change in foreign)}",
                touched.source,
                "list them, or use membership: additive, or take the group over with --take-over",
                address=address(*key),
                rule="takeOver",
            )


def _is_settled(touched: Touched) -> bool:
    """Whether foreign members are removed because an exact list that we already keep does not name them."""
    if touched.first_contact or touched.leaves or touched.unlisted:
        return False
    return touched.membership is Membership.EXACT


def members(count: int) -> str:
    """How many members, in words."""
    return f"{count} member{'' if count == 1 else 's'}"


def some(users: Iterable[str]) -> str:
    """The first few in order, and how many more there are."""
    listed = sorted(users)
    more = len(listed) - MOST_NAMED
    return ", ".join(listed[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


GUARDS: tuple[Callable[[Plan, Removals], Iterator[Diagnostic]], ...] = (
    protected,
    take_over,
    vanished,
    emptied,
    max_removals,
    min_members,
)
"""All guards; a new one is a new function here."""
