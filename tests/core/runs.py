"""Running a schedule in every kind of order, and watching that nothing happens on the way that nobody planned."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from reconciler.core import rules
from reconciler.core.diff import Differences
from reconciler.core.model import DesiredTenant, KnownGroup, Snapshot
from reconciler.core.plan import Action, Plan
from reconciler.core.schedule import Call, Step
from reconciler.diagnostics import Diagnostic, Severity

from .world import Edge, World, plan_of

REMOVALS = {Call.REMOVE, Call.EMPTY_GROUP, Call.REMOVE_USER, Call.DELETE_GROUP}

Choice = Callable[[Sequence[Step], list[int]], int]

ADVERSARIES: dict[str, Choice] = {
    "oldest": lambda _, ready: min(ready),
    "newest": lambda _, ready: max(ready),
    "removals first": lambda steps, ready: min(ready, key=lambda i: (steps[i].call not in REMOVALS, -i)),
    "removals last": lambda steps, ready: min(ready, key=lambda i: (steps[i].call in REMOVALS, -i)),
}


def random_choice(seed: int) -> Choice:
    random = Random(seed)
    return lambda _, ready: random.choice(ready)


def ordered(steps: Sequence[Step], choose: Choice) -> Iterator[Step]:
    """The steps in an order that respects ``after``, picking among those that are ready."""
    waiting = {index: set(step.after) for index, step in enumerate(steps)}
    while waiting:
        ready = [index for index, before in waiting.items() if not before]
        assert ready, "steps wait for each other in a circle"
        index = choose(steps, ready)
        del waiting[index]
        for before in waiting.values():
            before.discard(index)
        yield steps[index]


def planned(plan: Plan, *actions: Action) -> set[Edge]:
    return {(c.group, c.user) for c in plan.changes if c.user is not None and c.action in actions}


def perform(steps: Iterable[Step], world: World, plan: Plan) -> World:
    """The world after the steps: on the way no membership came or went that the plan does not name."""
    after = world.copy()
    ends, begins = planned(plan, Action.DELETE, Action.REPLACE), planned(plan, Action.CREATE, Action.REPLACE)
    anew = {change.group for change in plan.changes if change.user is None and change.action is Action.REPLACE}
    ends |= {edge for edge in begins if edge[0] in anew}  # who joined the old group meanwhile joins the new one too
    for step in steps:
        before = after.edges
        after.perform(step)
        assert before - after.edges <= ends, f"{step} removes more than planned"
        assert after.edges - before <= begins
        named = {(plan.changes[i].group, plan.changes[i].user) for i in step.changes}
        also = ends if step.call is Call.REMOVE_USER or step.group in anew else set()
        assert before ^ after.edges <= named | also, f"{step} does not name all that it does"
    return after


def compatible(left: str, joined: str, before: World, after: World) -> bool:
    """Whether one user may be in a group that is left and one that is joined at the same time."""
    if left == joined:
        return False
    old, new = before.groups[left], after.groups[joined]
    if old["userType"] == new["userType"] == "EMPLOYEE":
        return old.get("vendorId") == new.get("vendorId")
    if old["userType"] != new["userType"]:
        return True
    companies = [before._company(left), after._company(joined)]
    return companies[0] is None or companies[0] != companies[1]


def must_have_a_gap(user: str, plan: Plan, before: World, after: World) -> bool:
    """Whether FACTS forces a moment without any group: no group may be kept until another is there.

    Two groups that are both replaced may have to wait for each other, when their members change places.
    """
    ends = {group for group, of in planned(plan, Action.DELETE, Action.REPLACE) if of == user}
    begins = {group for group, of in planned(plan, Action.CREATE, Action.REPLACE) if of == user}
    anew = {c.group for c in plan.changes if c.user is None and c.action is Action.REPLACE}
    bridges = [(left, joined) for left in ends for joined in begins if compatible(left, joined, before, after)]
    return not before.groups_of(user) - ends and all({left, joined} <= anew for left, joined in bridges)


def wanted_edges(desired: DesiredTenant) -> set[Edge]:
    return {(group.id or "", user) for group in desired.groups for user in group.members or ()}


def planned_as_the_engine_does(
    want: DesiredTenant, world: World, ours: Mapping[str, KnownGroup], take_over: bool = True
) -> tuple[Plan, Snapshot, list[Diagnostic]]:
    """Read what concerns us, ask the planner's questions, check the rules: the plan, what was read, the objections."""
    complete = world.snapshot()
    concerned = {group.id for group in want.groups} | ours.keys()
    hidden = {name: replace(group, members=None) for name, group in complete.groups.items() if name not in concerned}
    snapshot = replace(complete, groups={**complete.groups, **hidden})
    plan = plan_of(want, snapshot, ours, take_over)
    found = Differences(list(plan.changes), dict(plan.touched))
    questions = rules.questions(found, snapshot)
    people = {**questions.existing, **questions.users}
    snapshot = replace(
        snapshot,
        groups={**snapshot.groups, **{name: complete.groups[name] for name in questions.groups}},
        memberships={user: frozenset(world.groups_of(user)) for user in questions.users},
        missing=frozenset(user for user, kind in people.items() if world.kinds.get(user, kind) != kind),
    )
    remarks = rules.check(want, found, snapshot)
    return plan, snapshot, [told for told in remarks if told.severity is Severity.ERROR]
