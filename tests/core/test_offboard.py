"""Offboarding: exactly the memberships of those who leave go, whoever manages the groups."""

from itertools import product

from reconciler.core.diff import diff
from reconciler.core.limits import Guards
from reconciler.core.model import (
    DesiredGroup,
    DesiredTenant,
    Entry,
    KnownGroup,
    LiveGroup,
    Membership,
    Person,
    Snapshot,
    UserType,
)
from reconciler.core.offboard import offboard
from reconciler.core.plan import Action, Plan, Reason, Touched
from reconciler.core.schedule import Call, schedule
from reconciler.diagnostics import Source

HERE, LEFT, MEMBER = Source("a.yaml", 1, 1), Source("a.yaml", 9, 9), Source("a.yaml", 2, 2)
TYPE = UserType.EMPLOYEE
ANA = Entry(Person("ana", id="ana"), LEFT, reason="OPS-1")


def live(name: str, *members: str) -> LiveGroup:
    return LiveGroup(name, {"userType": TYPE.value, "name": {"en": name.title()}}, TYPE, 1, members=frozenset(members))


def plan_of(desired: DesiredTenant, snapshot: Snapshot, known: dict[str, KnownGroup]) -> Plan:
    found = offboard(diff(desired, snapshot, known), desired, snapshot, {"ana": ANA})
    return Plan(tuple(found.changes), touched=found.touched, left=found.left)


def test_she_is_nowhere_afterwards() -> None:
    """Managed or not, additive or exact, hers in the lockfile or not: every membership goes, and nobody else's."""
    kinds = [None, Membership.EXACT, Membership.ADDITIVE]
    for kind, is_live, is_known in product(kinds, (True, False), (True, False)):
        members = ("ana", "bo") if is_live else ("bo",)
        groups = () if kind is None else (
            DesiredGroup(HERE, id="g", membership=kind, members={"bo": MEMBER}, guards=Guards(min_members=1)),
        )  # fmt: skip
        desired = DesiredTenant("acme", HERE, groups)
        known = {"g": KnownGroup(False, TYPE, frozenset({"ana", "bo"} if is_known else {"bo"}))}
        memberships = {"ana": frozenset({"g"} if is_live else ())}
        snapshot = Snapshot("acme", {"g": live("g", *members), "h": live("h", "bo")}, memberships)
        plan = plan_of(desired, snapshot, known if groups else {})
        removed = [change for change in plan.changes if change.user == "ana" and change.action is Action.DELETE]
        assert [(c.group, c.reason, c.source, c.note) for c in removed] == (
            [("g", Reason.OFFBOARDED, LEFT, "OPS-1")] if is_live else []
        )
        assert not any(change.user == "bo" and change.action is Action.DELETE for change in plan.changes)
        assert not plan.left
        if is_live:
            assert (plan.touched["acme", "g"].live, plan.touched["acme", "g"].desired) == (2, 1)


def test_a_group_that_nobody_manages_is_described_for_guards() -> None:
    """The tenant's guards hold there, and what is shown is its own name."""
    guards = Guards(min_members=2)
    desired = DesiredTenant("acme", HERE, guards=guards, people={"ana": Person("ana", id="ana", name="Ana Silva")})
    snapshot = Snapshot("acme", {"h": live("h", "ana", "bo")}, {"ana": frozenset({"h", "unknown"})})
    plan = plan_of(desired, snapshot, {})
    assert plan.touched == {
        ("acme", "h"): Touched(2, 1, Membership.ADDITIVE, guards, unlisted=True, name="H"),
    }
    assert plan.changes[0].person == Person("ana", id="ana", name="Ana Silva")


def test_a_lists_own_forgetting_gives_way() -> None:
    """A member list that is gone would only be forgotten; who leaves is removed all the same, and others are left."""
    desired = DesiredTenant("acme", HERE, (DesiredGroup(HERE, id="g"),))
    snapshot = Snapshot("acme", {"g": live("g", "ana", "bo")}, {"ana": frozenset({"g"})})
    known = {"g": KnownGroup(False, TYPE, frozenset({"ana", "bo"}))}
    plan = plan_of(desired, snapshot, known)
    assert [(c.user, c.action) for c in plan.changes] == [("ana", Action.DELETE), ("bo", Action.FORGET)]


def test_it_is_one_request_however_many_groups() -> None:
    """Leaving everything is what the service has one request for."""
    groups = {name: live(name, "ana", "bo") for name in "abcd"}
    snapshot = Snapshot("acme", groups, {"ana": frozenset(groups)})
    plan = plan_of(DesiredTenant("acme", HERE), snapshot, {})
    (step,) = schedule(plan, {"acme": snapshot})
    assert (step.call, step.user, len(step.changes)) == (Call.REMOVE_USER, "ana", 4)


def test_others_left_alone_stay_told() -> None:
    groups = (DesiredGroup(HERE, id="g", membership=Membership.ADDITIVE, members={}),)
    snapshot = Snapshot("acme", {"g": live("g", "ana", "eve")}, {"ana": frozenset({"g"})})
    plan = plan_of(DesiredTenant("acme", HERE, groups), snapshot, {"g": KnownGroup(False, TYPE)})
    assert plan.left == {"acme/g": ("eve",)}


def test_members_read_only_for_the_leaving_are_counted() -> None:
    """Of a group whose members are not managed and whose definition changes as well: guards need both numbers."""
    fields = {"userType": TYPE.value, "name": {"en": "New"}}
    desired = DesiredTenant("acme", HERE, (DesiredGroup(HERE, id="g", fields=fields),))
    unread = Snapshot("acme", {"g": LiveGroup("g", {"userType": TYPE.value}, TYPE, 1)})
    found = diff(desired, unread, {"g": KnownGroup(True, TYPE)})
    snapshot = Snapshot("acme", {"g": live("g", "ana", "bo", "cy")}, {"ana": frozenset({"g"})})
    touched = offboard(found, desired, snapshot, {"ana": ANA}).touched["acme", "g"]
    assert (touched.live, touched.desired) == (3, 2)
