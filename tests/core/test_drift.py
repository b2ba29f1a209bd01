"""Drift and what a plan says of groups that leave, are let go or change hands."""

import json
from dataclasses import replace

import pytest

from reconciler.core.diff import diff, replaces
from reconciler.core.drift import drift, encode_drift
from reconciler.core.guards import refusals
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, LiveGroup, Membership, Snapshot, UserType
from reconciler.core.plan import Action, Plan, Reason
from reconciler.core.schedule import schedule

from .runs import perform
from .world import CUSTOMERS, EMPLOYEES, HERE, World, definition, group, known, live, plan_of, recorded

Told = list[tuple[str, Action, Reason]]


def told(plan: Plan) -> Told:
    return [(change.address, change.action, change.reason) for change in plan.changes]


def tenant(*groups: DesiredGroup) -> DesiredTenant:
    return DesiredTenant("acme", HERE, groups)


def test_drift_tells_what_was_added_and_removed_outside() -> None:
    """The lockfile stands in the place of the configuration."""
    world = World({"g": {**EMPLOYEES, "name": {"en": "Edited"}}, "m": dict(EMPLOYEES)}, {"g": {"a", "x"}, "m": {"b"}})
    ours = {
        **known({"g": frozenset("ab"), "gone": frozenset("a")}),
        **known({"m": frozenset("b"), "n": frozenset("b")}, False),
    }
    found = drift("acme", world.snapshot(), ours)
    assert [(change.address, change.action) for change in found.changes] == [
        ("acme/g", Action.UPDATE),
        ("acme/g/b", Action.CREATE),
        ("acme/g/x", Action.DELETE),
        ("acme/gone", Action.CREATE),
        ("acme/gone/a", Action.CREATE),
        ("acme/n", Action.FORGET),
        ("acme/n/b", Action.FORGET),
    ]
    assert drift("acme", live({"g": frozenset("ab")}).snapshot(), known({"g": frozenset("ab")})).changes == []


def test_the_document_says_what_is_known_and_live_of_everything() -> None:
    """null means that it is not there, on that side; a member has its type, and so tells which side has it."""
    world = World(
        {"g": {**EMPLOYEES, "name": {"en": "Edited"}}, "t": dict(CUSTOMERS), "v": definition(vendor="w")},
        {"g": {"a", "x"}, "t": {"c", "y"}, "v": {"d"}},
    )
    world.mistyped = {("g", "a"): UserType.CUSTOMER}
    ours = {
        **known({"g": frozenset("ab"), "gone": frozenset(), "t": frozenset("c"), "v": frozenset("d")}),
        **known({"n": frozenset("b")}, False),
    }
    ours["v"] = replace(ours["v"], fields=definition(vendor="v"))
    found = json.loads(encode_drift(Plan(tuple(drift("acme", world.snapshot(), ours).changes))))["drift"]
    employee, customer, group_g = {"userType": "EMPLOYEE"}, {"userType": "CUSTOMER"}, ours["g"].fields
    assert {item["address"]: (item["known"], item["live"]) for item in found} == {
        "acme/g": (group_g, {**EMPLOYEES, "name": {"en": "Edited"}}),
        "acme/g/a": (employee, customer),
        "acme/g/b": (employee, None),
        "acme/g/x": (None, employee),
        "acme/gone": (ours["gone"].fields, None),
        "acme/n": (employee, None),
        "acme/n/b": (employee, None),
        "acme/t": (ours["t"].fields, dict(CUSTOMERS)),
        "acme/t/c": (employee, customer),
        "acme/t/y": (None, customer),
        "acme/v": (ours["v"].fields, definition(vendor="w")),
        "acme/v/d": (employee, employee),
    }


NEW_NAME = {**EMPLOYEES, "name": {"en": "New"}}
EDITED = {**EMPLOYEES, "name": {"en": "Edited"}}


@pytest.mark.parametrize(
    ("wish", "world", "ours", "expected"),
    [
        (group("g", "", NEW_NAME), EMPLOYEES, True, [("acme/g", Action.UPDATE, Reason.DIFFERS)]),
        (group("g", "", NEW_NAME), EDITED, True, [("acme/g", Action.UPDATE, Reason.DRIFT)]),
        (group("g", "", NEW_NAME), EMPLOYEES, False, [("acme/g", Action.UPDATE, Reason.EXISTS)]),
        (group("g", "", NEW_NAME), EMPLOYEES, None, [("acme/g", Action.UPDATE, Reason.EXISTS)]),
        (group("g", ""), EMPLOYEES, None, [("acme/g", Action.ADOPT, Reason.EXISTS)]),
        (group("g", ""), EMPLOYEES, False, [("acme/g", Action.ADOPT, Reason.EXISTS)]),
        (group("g", ""), EMPLOYEES, True, []),
        (group("g", "", None), EMPLOYEES, True, [("acme/g", Action.ADOPT, Reason.DISOWNED)]),
        (group("g", "", None), EMPLOYEES, False, []),
        (group("g", "", None), EMPLOYEES, None, [("acme/g", Action.ADOPT, Reason.EXISTS)]),
        (group("g", ""), None, None, [("acme/g", Action.CREATE, Reason.NEW)]),
        (group("g", ""), None, True, [("acme/g", Action.CREATE, Reason.DRIFT_REMOVED)]),
        (group("g", "", CUSTOMERS), EMPLOYEES, True, [("acme/g", Action.REPLACE, Reason.TYPE)]),
        (group("g", "", definition(vendor="v")), EMPLOYEES, True, [("acme/g", Action.REPLACE, Reason.VENDOR)]),
        (None, EMPLOYEES, True, [("acme/g", Action.DELETE, Reason.REMOVED)]),
        (None, EMPLOYEES, False, [("acme/g", Action.FORGET, Reason.LET_GO)]),
        (None, None, True, [("acme/g", Action.FORGET, Reason.GONE)]),
    ],
)
def test_each_fate_of_a_definition(wish, world, ours, expected) -> None:
    """Desired, live and known, where known is None, somebody else's (False) or ours (True)."""
    have = World() if world is None else World({"g": dict(world)}, {"g": set()})
    mine = {} if ours is None else known({"g": frozenset()}, owned=ours)
    assert told(plan_of(tenant() if wish is None else tenant(wish), have, mine)) == expected


@pytest.mark.parametrize(("fields", "why"), [(CUSTOMERS, Reason.TYPE), (definition(vendor="v"), Reason.VENDOR)])
def test_members_of_a_replaced_group_carry_its_reason(fields, why) -> None:
    """A reader sees why somebody is removed and added again."""
    plan = plan_of(tenant(group("g", "ab", fields)), live({"g": frozenset("ax")}), known({"g": frozenset("ay")}))
    assert told(plan) == [
        ("acme/g", Action.REPLACE, why),
        ("acme/g/a", Action.REPLACE, why),
        ("acme/g/b", Action.CREATE, Reason.NEW),
        ("acme/g/x", Action.DELETE, Reason.NEVER_OURS),
        ("acme/g/y", Action.FORGET, Reason.GONE),
    ]


def test_fields_that_ask_for_another_group() -> None:
    """Only what the file manages and the service can't change in place."""
    has = LiveGroup("g", definition(vendor="v"), UserType.EMPLOYEE)
    assert replaces(group("g", "", {"userType": "CUSTOMER", "vendorId": None}), has) == ["userType", "vendorId"]
    assert replaces(group("g", "", EMPLOYEES), has) == []
    assert (
        replaces(group("g", "", {"userType": "EMPLOYEE", "vendorId": ""}), LiveGroup("g", EMPLOYEES, UserType.EMPLOYEE))
        == []
    )
    assert replaces(group("g", "", None), has) == replaces(group("g", "", CUSTOMERS), None) == []


def test_a_list_that_is_not_managed_lets_go_of_its_members() -> None:
    """They stay where they are and leave the lockfile; who is gone is forgotten."""
    wish = tenant(DesiredGroup(HERE, id="g", fields=EMPLOYEES))
    world = live({"g": frozenset("ax")})
    plan = plan_of(wish, world, known({"g": frozenset("ab")}))
    assert told(plan) == [
        ("acme/g/a", Action.FORGET, Reason.UNMANAGED),
        ("acme/g/b", Action.FORGET, Reason.GONE),
    ]
    assert schedule(plan, {"acme": world.snapshot()}) == ()
    assert recorded(plan, world, known({"g": frozenset("ab")}))["g"].members == frozenset()


def test_a_group_of_others_that_leaves_the_configuration_loses_only_our_members() -> None:
    """It is let go, with whoever was never ours."""
    world, ours = live({"g": frozenset("abx")}), known({"g": frozenset("abc")}, owned=False)
    plan = plan_of(tenant(), world, ours)
    assert told(plan)[0] == ("acme/g", Action.FORGET, Reason.LET_GO)
    after = perform(schedule(plan, {"acme": world.snapshot()}), world, plan)
    assert after.members["g"] == {"x"}
    assert recorded(plan, after, ours) == {}


def test_members_of_the_wrong_type_are_removed_and_added_again() -> None:
    """The type of an assignment can't change; whoever is not wanted is only removed."""
    world = live({"g": frozenset("abc")})
    world.mistyped = {("g", "a"): UserType.CUSTOMER, ("g", "c"): UserType.CUSTOMER}
    ours = known({"g": frozenset("ac")})
    plan = plan_of(tenant(group("g", "ab")), world, ours)
    assert told(plan) == [
        ("acme/g/a", Action.REPLACE, Reason.TYPE),
        ("acme/g/b", Action.ADOPT, Reason.EXISTS),
        ("acme/g/c", Action.DELETE, Reason.REMOVED),
    ]
    after = perform(schedule(plan, {"acme": world.snapshot()}), world, plan)
    assert (after.members["g"], after.mistyped) == ({"a", "b"}, {})
    assert plan_of(tenant(group("g", "ab")), after, recorded(plan, after, ours)).changes == ()


def test_a_reason_and_a_place_of_its_own_go_with_each_member() -> None:
    """What the file says of a member, and where; of one that it no longer names, where the group stands."""
    there = HERE._replace(line=9)
    wish = DesiredGroup(HERE, id="g", fields=EMPLOYEES, members={"a": there}, reasons={"a": "OPS-42", "z": "unused"})
    plan = plan_of(tenant(wish), live({"g": frozenset("x")}), known({"g": frozenset("x")}))
    assert [(c.user, c.note, c.source) for c in plan.changes] == [("a", "OPS-42", there), ("x", "", HERE)]


@pytest.mark.parametrize(
    ("live_name", "wish_name", "shown"),
    [
        ({"de": "Käufer", "en": "Buyer"}, "Other", "Buyer"),
        ({"de": "Käufer"}, "Other", "Käufer"),
        (None, "Plain", "Plain"),
        (None, {"fr": "Acheteur"}, "Acheteur"),
        (None, None, ""),
    ],
)
def test_a_touched_group_has_a_name_for_readers(live_name, wish_name, shown) -> None:
    """English first, or whatever there is."""
    fields = {"userType": "EMPLOYEE"} | ({"name": wish_name} if wish_name else {})
    have = {}
    if live_name is not None:
        have["g"] = LiveGroup("g", {**EMPLOYEES, "name": live_name}, UserType.EMPLOYEE, members=frozenset())
    found = diff(tenant(group("g", "a", fields)), Snapshot("acme", have, language="en"), {})
    assert found.touched["acme", "g"].name == shown


def test_the_name_of_a_group_that_is_gone_and_no_longer_wanted_is_empty() -> None:
    """Nobody knows it any more."""
    ours = {"g": KnownGroup(False, UserType.CUSTOMER, frozenset("a"))}
    plan = plan_of(tenant(), World(), ours)
    assert plan.touched["acme", "g"].name == ""
    assert {change.user_type for change in plan.changes} == {UserType.CUSTOMER}


def test_a_group_that_nobody_defined_and_nobody_knows_takes_employees() -> None:
    """The case can't be bound, so the type only has to be one."""
    plan = plan_of(tenant(group("g", "a", None)), World(), {})
    assert {change.user_type for change in plan.changes} == {UserType.EMPLOYEE}


def test_switching_to_additive_keeps_foreign_members_of_a_replaced_group_behind_a_guard() -> None:
    """A replacement can't leave them, so it needs --take-over."""
    wish = tenant(group("g", "a", definition(vendor="v"), membership=Membership.ADDITIVE))
    plan = plan_of(wish, live({"g": frozenset("ax")}), known({"g": frozenset("a")}), take_over=False)
    assert [refusal.rule for refusal in refusals(plan)] == ["takeOver"]
