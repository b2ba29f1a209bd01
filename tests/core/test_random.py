"""Larger worlds at random: eight users, nine groups of every sort, all that the configuration can say of them."""

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.core.known import GAINS, advance, settle
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, Membership, UserType
from reconciler.core.plan import Action, Plan
from reconciler.core.schedule import Call, Step, schedule

from .runs import (
    ADVERSARIES,
    must_have_a_gap,
    ordered,
    perform,
    planned,
    planned_as_the_engine_does,
    random_choice,
)
from .world import HERE, Edge, Refused, World, definition, plan_of

STAFF, SHOPPERS = ["e1", "e2", "e3", "e4"], ["c1", "c2", "c3", "c4"]
KINDS = dict.fromkeys(STAFF, "EMPLOYEE") | dict.fromkeys(SHOPPERS, "CUSTOMER")
OURS = ["staff", "desk", "shop"]
"""Groups that the configuration may define: any userType and vendor."""
ROLES = {"ax": "ADMIN", "bx": "BUYER", "rx": "REQUESTER", "ay": "ADMIN"}
NAMES = [*OURS, *ROLES, "theirs", "unread"]


def lawful(world: World) -> World:
    """The world without the memberships that the service would have refused."""
    kept = World(world.groups, {name: set() for name in world.groups}, world.codes, kinds=KINDS)
    for group, user in sorted(world.edges):
        kind = UserType(world.groups[group]["userType"])
        try:
            kept.perform(Step(Call.ADD, "acme", group, user, kind))
        except Refused:
            continue
    return kept


@st.composite
def worlds(draw: st.DrawFn) -> World:
    groups = {name: definition("CUSTOMER", company=name[1]) for name in ROLES}
    for name in [*OURS, "theirs", "unread"]:
        groups[name] = draw(DEFINITIONS, name)
    for name in draw(st.sets(st.sampled_from([*OURS, "unread"])), "absent"):
        del groups[name]
    codes = {name: code for name, code in ROLES.items() if name in groups}
    members = {name: draw(USERS[fields["userType"]], f"in {name}") for name, fields in groups.items()}
    world = lawful(World(groups, members, codes))
    for group, user in draw(st.sets(st.sampled_from(sorted(world.edges) or [("", "")]), max_size=2), "mistyped"):
        if group in OURS:
            world.mistyped[group, user] = OTHER[UserType(groups[group]["userType"])]
    return world


OTHER = {UserType.EMPLOYEE: UserType.CUSTOMER, UserType.CUSTOMER: UserType.EMPLOYEE}
DEFINITIONS = st.sampled_from([definition(), definition(), definition(vendor="v"), definition("CUSTOMER")])
USERS = {
    "EMPLOYEE": st.sets(st.sampled_from(STAFF)),
    "CUSTOMER": st.sets(st.sampled_from(SHOPPERS)),
}


@st.composite
def wishes(draw: st.DrawFn, world: World) -> DesiredTenant:
    groups = []
    for name in draw(st.lists(st.sampled_from([*OURS, *ROLES, "theirs"]), unique=True, max_size=5), "desired"):
        owned = name in OURS and (name not in world.groups or draw(st.booleans(), f"defines {name}"))
        fields = draw(DEFINITIONS, f"{name} as") if owned else None
        users = draw(USERS[(fields or world.groups[name])["userType"]], f"wants in {name}")
        managed = fields is None or draw(st.integers(0, 5), f"manages members of {name}") > 0
        members = dict.fromkeys(sorted(users), HERE) if managed else None
        membership = draw(st.sampled_from(Membership), f"{name} is")
        groups.append(DesiredGroup(HERE, id=name, fields=fields, members=members, membership=membership))
    return DesiredTenant("acme", HERE, tuple(groups))


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, DesiredTenant, dict[str, KnownGroup]]:
    world = draw(worlds())
    known = {}
    for name in draw(st.sets(st.sampled_from([*OURS, *ROLES])), "known"):
        fields = world.groups.get(name) or draw(DEFINITIONS, f"{name} was")
        kind = UserType(fields["userType"])
        owned = name in OURS and draw(st.booleans(), f"{name} is ours")
        members = frozenset(draw(USERS[kind], f"ours in {name}"))
        known[name] = KnownGroup(owned, kind, members, fields if owned else None, 1)
    return world, draw(wishes(world)), known


def expected(group: DesiredGroup, plan: Plan, world: World, known: Mapping[str, KnownGroup]) -> set[str]:
    """Who shall be in a desired group, said once more without the table."""
    name = group.id or ""
    replaced = any(c.group == name and c.user is None and c.action is Action.REPLACE for c in plan.changes)
    before = set() if replaced else world.members.get(name, set())
    if group.members is None:
        return before
    ours = known[name].members if name in known else frozenset[str]()
    kept = before - ours if group.membership is Membership.ADDITIVE else set()
    return set(group.members) | kept


def members_of(ours: Mapping[str, KnownGroup]) -> set[Edge]:
    return {(name, user) for name, group in ours.items() for user in group.members}


ANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@given(case=cases(), seed=st.integers(0, 99))
@ANY
def test_any_plan_is_refused_while_planning_or_works_in_any_order(case, seed) -> None:
    """What the rules object to the service refuses; the rest leads to what is desired, and then nothing is left."""
    world, wish, known = case
    plan, snapshot, objections = planned_as_the_engine_does(wish, world, known)
    steps = schedule(plan, {"acme": snapshot})
    world.watched = frozenset(user for _, user in world.edges)
    for choose in [*ADVERSARIES.values(), random_choice(seed)]:
        if objections:
            with pytest.raises(Refused):
                perform(ordered(steps, choose), world, plan)
            continue
        after = perform(ordered(steps, choose), world, plan)
        for group in wish.groups:
            assert after.members[group.id or ""] == expected(group, plan, world, known)
        for user in after.gaps & {user for _, user in after.edges}:
            assert must_have_a_gap(user, plan, world, after)
        untouched = world.groups.keys() - known.keys() - {group.id for group in wish.groups}
        assert all(after.members[name] == world.members[name] for name in untouched)
        ours = advance({"acme": known}, plan.changes, {"acme": after.snapshot()}).get("acme", {})
        assert plan_of(wish, after, ours).changes == ()


@given(case=cases(), data=st.data())
@ANY
def test_any_death_of_any_plan_is_followed_by_any_other_wish(case, data) -> None:
    """Whatever was done of one plan, the next one leads to what is desired by then."""
    world, wish, known = case
    plan, snapshot, objections = planned_as_the_engine_does(wish, world, known)
    assume(not objections)
    steps = list(ordered(schedule(plan, {"acme": snapshot}), random_choice(data.draw(st.integers(0, 99), "order"))))
    done = steps[: data.draw(st.integers(0, len(steps)), "done")]
    dead = perform(done, world, plan)
    ours = settle({"acme": known}, plan.changes, {"acme": dead.snapshot()}).get("acme", {})
    assert {(step.group, step.user) for step in done if step.call is Call.ADD} <= members_of(ours)
    assert all(ours[step.group].owned for step in done if step.call is Call.PUT_GROUP)
    assert members_of(ours) <= members_of(known) | planned(plan, *GAINS)
    other = data.draw(wishes(dead), "desired afterwards")
    again, snapshot, objections = planned_as_the_engine_does(other, dead, ours)
    assume(not objections)
    after = perform(schedule(again, {"acme": snapshot}), dead, again)
    for group in other.groups:
        assert after.members[group.id or ""] == expected(group, again, dead, ours)
    recall = advance({"acme": ours}, again.changes, {"acme": after.snapshot()}).get("acme", {})
    assert plan_of(other, after, recall).changes == ()
