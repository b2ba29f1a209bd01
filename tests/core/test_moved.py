"""Groups under a new id: what is carried over, what stands against it, and what is no loss."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.diff import Differences, diff
from reconciler.core.guards import refusals
from reconciler.core.model import (
    DesiredGroup,
    DesiredTenant,
    KnownGroup,
    LiveGroup,
    Membership,
    Moved,
    Snapshot,
    UserType,
)
from reconciler.core.moved import carry, check_limited, objections, told
from reconciler.core.plan import Action, Plan, Reason
from reconciler.core.schedule import schedule
from reconciler.core.target import limit
from reconciler.diagnostics import PlanError, Severity, Source
from tests.core.world import World

HERE, LINE, NEW = Source("a.yaml", 1, 1), Source("a.yaml", 7, 7), Source("a.yaml", 3, 3)
TYPE = UserType.EMPLOYEE
FIELDS = {"userType": "EMPLOYEE", "name": {"en": "Old"}, "accessControls": ["x"]}
OLD = LiveGroup("old", FIELDS, TYPE, 3, members=frozenset({"ana", "bo"}))
OURS = {"old": KnownGroup(True, TYPE, frozenset({"ana", "bo"}), FIELDS, 3)}
MOVE = Moved("old", "new", LINE)
MOVES = "old is moved to new"


def new(**more: object) -> DesiredGroup:
    fields = {"userType": "EMPLOYEE", "name": {"en": "New"}}
    members = {"ana": HERE, "bo": HERE}
    return replace(DesiredGroup(NEW, id="new", fields=fields, members=members), **more)  # type: ignore[arg-type]


def tenant(*groups: DesiredGroup) -> DesiredTenant:
    return DesiredTenant("acme", HERE, groups, moved=(MOVE,))


def test_what_the_file_does_not_say_comes_along() -> None:
    """Into a new group only: one that exists has a definition of its own."""
    other = DesiredGroup(HERE, id="other", fields={"name": "O"})
    carried = carry(tenant(new(), other), {"old": OLD})
    assert carried.groups[0].fields == {"userType": "EMPLOYEE", "name": {"en": "New"}, "accessControls": ["x"]}
    assert carried.groups[1] is other
    there = {"old": OLD, "new": replace(OLD, id="new")}
    assert carry(tenant(new()), there) == tenant(new())
    assert carry(tenant(new(fields=None)), {"old": OLD}) == tenant(new(fields=None))


def test_nothing_stands_against_a_whole_move() -> None:
    assert not list(objections(tenant(new()), {"old": OLD}, OURS))


@pytest.mark.parametrize(
    ("groups", "live", "known", "message"),
    [
        ((new(), DesiredGroup(HERE, id="old")), {"old": OLD}, OURS, f"{MOVES}, and is still in the configuration"),
        ((), {"old": OLD}, OURS, f"{MOVES}, which is no group of ours in the configuration"),
        ((new(fields=None),), {"old": OLD}, OURS, f"{MOVES}, which is no group of ours in the configuration"),
        ((new(),), {}, OURS, "old does not exist any more, so there is nothing to move to new"),
        ((new(),), {"old": OLD}, {}, "old is not ours, so it would stay beside new"),
        ((new(),), {"old": OLD}, {"old": KnownGroup(False, TYPE)}, "old is not ours, so it would stay beside new"),
        ((new(members=None),), {"old": OLD}, OURS, f"{MOVES}, and 2 of its members are not listed there: ana, bo"),
        (
            (new(members={"ana": HERE}, membership=Membership.ADDITIVE),),
            {"old": replace(OLD, members=frozenset({"ana", *"bcdefg"}))},
            OURS,
            "old is moved to new, and 6 of its members are not listed there: b, c, d, e, f and 1 more",
        ),
    ],
)  # fmt: skip
def test_what_stands_against_it(
    groups: tuple[DesiredGroup, ...], live: dict[str, LiveGroup], known: dict[str, KnownGroup], message: str
) -> None:
    (problem,) = objections(tenant(*groups), live, known)
    assert (problem.message, problem.source) == (message, LINE)
    assert (problem.severity is Severity.WARNING) is ("does not exist" in message)


VENDOR = {"vendorId": "v"}
COMPANY = {"userType": "CUSTOMER", "name": {"en": "C"}, "b2b": {"legalEntityId": "e"}}
LESS = f"{MOVES}, which exists already and grants less: "
APART = "nobody can be in both, so that all would be in neither"


@pytest.mark.parametrize(
    ("old", "wanted", "there", "message", "remedy"),
    [
        ({}, {"vendorId": "v"}, None, f"{MOVES}, which has another vendorId: {APART}", ""),
        (VENDOR, {}, {}, f"{MOVES}, which has another vendorId: {APART}", ""),
        (VENDOR, {}, None, "", ""),
        (VENDOR, {}, VENDOR, "", ""),
        ({}, {"userType": "CUSTOMER"} | VENDOR, None, f"{MOVES}, which has another userType and vendorId: {APART}", ""),
        (COMPANY, COMPANY, COMPANY, f"{MOVES}, which is of the same company: {APART}", ""),
        ({}, {}, {}, "", ""),
        ({}, {}, {"accessControls": ["y"]}, f"{LESS}accessControls", 'accessControls: ["x"]'),
        ({}, {"accessControls": []}, {"accessControls": ["y"]}, "", ""),
        ({"templates": ["t"]}, {}, {}, f"{LESS}templates", 'templates: ["t"]'),
        ({}, {}, {"restrictions": ["r"]}, f"{LESS}restrictions", "restrictions: []"),
    ],
)
def test_what_members_would_lose_by_moving(
    old: dict[str, Any], wanted: dict[str, Any], there: dict[str, Any] | None, message: str, remedy: str
) -> None:
    """A moment without any group, or what the file leaves to a group that exists; nobody loses who is not there."""
    groups = {"old": replace(OLD, fields=FIELDS | old, code="BUYER")}
    if there is not None:
        groups["new"] = replace(OLD, id="new", fields=FIELDS | there, code="ADMIN")
    desired = carry(tenant(new(fields={**(new().fields or {}), **wanted})), groups)
    problems = list(objections(desired, groups, OURS))
    assert [problem.message for problem in problems] == [message] * bool(message)
    assert all(problem.remedy.endswith(remedy) for problem in problems)
    groups["old"] = replace(groups["old"], members=frozenset())
    assert not list(objections(desired, groups, OURS))


def test_moving_is_no_loss_to_guards_and_leaves_nobody_without() -> None:
    """Twenty move: no guard minds, nobody is without a group for a moment; who does not move is a loss."""
    users = [f"u{number:02}" for number in range(20)]
    old = replace(OLD, members=frozenset({*users, "gone"}))
    world = World({"old": dict(FIELDS)}, {"old": {*users, "gone"}}, watched=frozenset(users))
    snapshot = Snapshot("acme", {"old": old})
    desired = carry(tenant(new(members=dict.fromkeys(users, HERE))), snapshot.groups)
    known = {"old": KnownGroup(True, TYPE, frozenset(old.members or ()), FIELDS, 3)}
    found = told(diff(desired, snapshot, known), desired, snapshot.groups)
    plan = Plan(tuple(found.changes), touched=found.touched)
    reasons = {change.user: change.reason for change in plan.changes if change.action is Action.DELETE}
    assert reasons == {None: Reason.MOVED, "gone": Reason.REMOVED} | dict.fromkeys(users, Reason.MOVED)
    assert not refusals(plan)
    assert {change.source for change in plan.changes if change.reason is Reason.MOVED} == {LINE}
    for step in schedule(plan, {"acme": snapshot}):
        world.perform(step)
    assert (world.members, world.gaps) == ({"new": set(users)}, set())


BOTH = {"ana", "bo"}
NOTHING: set[str | None] = set()


@pytest.mark.parametrize(
    ("there", "targets", "left_out", "moves"),
    [
        (None, ["old"], "acme/new, acme/new/ana, acme/new/bo", NOTHING),
        (None, ["old/ana"], "acme/new, acme/new/ana", NOTHING),
        (None, ["old", "new/bo"], "acme/new/ana", NOTHING),
        (set(), ["old/ana", "new/bo"], "acme/new, acme/new/ana", NOTHING),
        (BOTH, ["old"], "acme/new", NOTHING),
        (None, ["old/gone"], "", NOTHING),
        (None, ["new"], "", NOTHING),
        (None, ["old", "new"], "", {None, *BOTH}),
        (None, ["old/bo", "new/bo"], "", {"bo"}),
    ],
)
def test_targets_that_leave_somebody_without_are_refused(
    there: set[str] | None, targets: list[str], left_out: str, moves: set[str | None]
) -> None:
    """Whoever leaves the old group by the plan as it is limited is in the new one by it; only then it is no loss."""
    live = {"old": replace(OLD, members=frozenset({*BOTH, "gone"}))}
    known = {"old": replace(OURS["old"], members=frozenset({*BOTH, "gone"}))}
    if there is not None:
        live["new"] = replace(OLD, id="new", members=frozenset(there))
        known["new"] = replace(OURS["old"], members=frozenset(there))
    desired = tenant(new())
    found = diff(desired, Snapshot("acme", live), known)
    limited = limit(found, "acme", [f"acme/{target}" for target in targets], ["old", "new"])
    if left_out:
        with pytest.raises(PlanError, match=f"acme/old is moved to acme/new, and the targets leave out {left_out}$"):
            check_limited(found, limited, desired)
        return
    check_limited(found, limited, desired)
    changes = told(limited, desired, live).changes
    assert {change.user for change in changes if change.reason is Reason.MOVED} == moves


def test_only_who_is_in_the_new_group_moves() -> None:
    """Listed is not enough, being in is; who is removed there, or leaves for good, moves nowhere."""
    live = {"old": OLD, "new": replace(OLD, id="new", members=frozenset({"bo", "cy"}))}
    of_old = diff(tenant(), Snapshot("acme", {"old": OLD}), OURS)
    assert moved_of(told(of_old, tenant(new()), live)) == {None, "bo"}
    assert moved_of(told(of_old, tenant(new()), {"old": OLD})) == {None}
    desired = tenant(new(members={"ana": HERE}))
    assert moved_of(told(diff(desired, Snapshot("acme", live), OURS), desired, live)) == {None, "ana"}
    leaving = [replace(change, reason=Reason.OFFBOARDED) for change in of_old.changes]
    assert not moved_of(told(replace(of_old, changes=leaving), tenant(new()), live))


def moved_of(found: Differences) -> set[str | None]:
    return {change.user for change in found.changes if change.reason is Reason.MOVED}
