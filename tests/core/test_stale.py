"""A saved plan against a world that has moved meanwhile."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.known import advance
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, UserType
from reconciler.core.plan import Action, Plan, Reason
from reconciler.core.schedule import schedule
from reconciler.core.stale import Checked, are_done, as_of, check

from .runs import perform, planned
from .world import (
    CUSTOMERS,
    EMPLOYEES,
    HERE,
    Edge,
    World,
    definition,
    desired,
    group,
    known,
    live,
    plan_of,
    tenant_states,
)
from .worlds import made, remembered, wished


def applied(plan: Plan, world: World) -> tuple[Checked, World]:
    """What the check says and what applying the rest leads to."""
    snapshot = {"acme": world.snapshot()}
    checked = check(plan, snapshot)
    return checked, perform(schedule(checked.plan, snapshot), world, checked.plan)


def told(checked: Checked) -> list[tuple[str, str]]:
    return [(change.address, why) for change, why in checked.moved]


def test_every_move_of_a_small_world_between_plan_and_apply() -> None:
    """Two groups, one user: nothing is refused, nobody unplanned goes, what is done and what was so is recorded."""
    states = tenant_states("gh", "a")
    for want in states:
        for have in states:
            for mine in states:
                ours = known(mine)
                plan = plan_of(desired(want), live(have), ours)
                for now in map(live, states):
                    every_change_has_its_fate(plan, now, ours)


def every_change_has_its_fate(plan: Plan, now: World, ours: dict[str, KnownGroup]) -> None:
    checked, after = applied(plan, now)
    fates = [*checked.plan.changes, *checked.satisfied, *(change for change, _ in checked.moved)]
    assert sorted(fates, key=lambda c: c.key) == sorted(plan.changes, key=lambda c: c.key)
    moved = {(change.group, change.user) for change, _ in checked.moved}
    assert planned(plan, Action.CREATE, Action.REPLACE) - moved <= after.edges
    assert not (planned(plan, Action.DELETE) - moved) & after.edges
    assert now.edges - after.edges <= planned(plan, Action.DELETE)
    done = advance(advance({"acme": ours}, checked.satisfied, {}), checked.plan.changes, {}).get("acme", {})
    members = {(name, user) for name, of in done.items() for user in of.members}
    assert planned(plan, Action.CREATE, Action.ADOPT, Action.REPLACE) - moved <= members
    assert not (planned(plan, Action.DELETE, Action.FORGET) - moved) & members


PLAIN, OTHER = definition(), {**definition(), "description": {"en": "Other"}}
DEFINITIONS = [PLAIN, OTHER, definition(vendor="v"), definition("CUSTOMER")]
SOME = st.tuples(st.sampled_from(DEFINITIONS), st.frozensets(st.sampled_from("abc")))
STATES = st.dictionaries(st.sampled_from("gh"), SOME)


@given(wish=STATES, then=STATES, now=STATES, forgotten=st.frozensets(st.sampled_from("gh")))
@settings(max_examples=150, deadline=None)
def test_any_move_of_definitions_and_members_between_plan_and_apply(wish, then, now, forgotten) -> None:
    """Replaced, edited and recreated groups: whoever the plan does not name keeps every membership."""
    before, mine = made(then), remembered(made(then))
    ours = {name: of for name, of in mine.items() if name not in forgotten}
    plan = plan_of(wished(wish), before, ours)
    world = made(now)
    if all(of in (PLAIN, OTHER) for of, _ in [*wish.values(), *now.values()]):
        every_change_has_its_fate(plan, world, ours)
    checked = check(plan, {"acme": world.snapshot()})
    fatal = {c.group for c in checked.plan.changes if not c.user and c.action in {Action.DELETE, Action.REPLACE}}
    named = planned(plan, Action.DELETE, Action.REPLACE, Action.CREATE)
    assert all(edge in named for edge in world.edges if edge[0] in fatal)


def drop(edge: Edge) -> Callable[[World], None]:
    return lambda world: world.members[edge[0]].discard(edge[1])


def join(edge: Edge) -> Callable[[World], None]:
    return lambda world: world.members[edge[0]].add(edge[1])


def edit(world: World) -> None:
    edit_of(world, "g")


def edit_of(world: World, name: str) -> None:
    world.groups[name] = {**world.groups[name], "description": {"en": "Edited"}}


def vanish(world: World) -> None:
    del world.groups["g"], world.members["g"]


def turn(world: World) -> None:
    world.groups["g"], world.members["g"] = dict(CUSTOMERS), set()


NAMED = {**EMPLOYEES, "name": {"en": "New name"}}
EDITED = "its definition has changed (version 1 when planned, 1 now)"
WITH_GROUP = ("acme/g/a", "its group has moved")
MOVED = [
    # wish for group g (members, fields), live members, known members, what happened meanwhile, what has moved and why
    (("a", NAMED), "", "", vanish, [("acme/g", "the group no longer exists"), WITH_GROUP]),
    (("ab", EMPLOYEES), "a", "a", vanish, [("acme/g/b", "the group no longer exists")]),
    (("ab", EMPLOYEES), "a", "a", turn, [("acme/g/b", "the group takes CUSTOMER users now")]),
    (("a", EMPLOYEES), "a", "", drop(("g", "a")), [("acme/g/a", "the user is no longer a member")]),
    (("", EMPLOYEES), "", "a", join(("g", "a")), [("acme/g/a", "the user is a member again")]),
    (
        ("a", EMPLOYEES),
        "a",
        None,
        edit,
        [("acme/g", "its definition has changed"), WITH_GROUP],
    ),
    (
        ("a", NAMED),
        "",
        "",
        edit,
        [
            ("acme/g", EDITED),
            WITH_GROUP,
        ],
    ),
    (None, "a", "a", edit, [("acme/g", EDITED), WITH_GROUP]),
    (
        None,
        "a",
        "a",
        join(("g", "b")),
        [("acme/g", "members have joined since: b"), WITH_GROUP],
    ),
    (
        None,
        "",
        "a",
        join(("g", "a")),
        [("acme/g", "members have joined since: a"), WITH_GROUP],
    ),
    (("a", None), "a", None, vanish, [("acme/g", "the group no longer exists"), WITH_GROUP]),
]


@pytest.mark.parametrize(("wish", "have", "ours", "happens", "expected"), MOVED)
def test_what_has_moved_is_refused_and_says_why(wish, have, ours, happens, expected) -> None:
    """Each precondition of a change, when it no longer holds."""
    world = live({"g": frozenset(have)})
    tenant = DesiredTenant("acme", HERE, () if wish is None else (group("g", wish[0], wish[1]),))
    mine = {} if ours is None else known({"g": frozenset(ours)})
    plan = plan_of(tenant, world, mine)
    happens(world)
    checked, _ = applied(plan, world)
    assert told(checked) == expected
    assert not checked.satisfied


@pytest.mark.parametrize(
    ("wish", "ours", "now", "why"),
    [
        ((group("g", "a"),), {}, "", "a group with this id exists now"),
        ((), known({"g": frozenset()}), "", "the group exists again"),
    ],
)
def test_a_group_that_exists_again_is_refused(wish, ours, now, why) -> None:
    """Neither is a group of somebody else's overwritten, nor one that is back forgotten."""
    plan = plan_of(DesiredTenant("acme", HERE, wish), World(), ours)
    world = live({"g": frozenset(now)})
    edit(world)
    assert told(applied(plan, world)[0])[0] == ("acme/g", why)


def test_what_is_so_already_is_dropped_and_still_recorded() -> None:
    """Somebody added the user and renamed the group just as the plan would: nothing is sent, all of it is ours."""
    world, wish = live({"g": frozenset()}), DesiredTenant("acme", HERE, (group("g", "a", NAMED),))
    plan = plan_of(wish, world, {})
    world.groups["g"], world.members["g"] = dict(NAMED), {"a"}
    checked, after = applied(plan, world)
    assert checked.plan.changes == ()
    assert len(checked.satisfied) == 2
    ours = advance({}, checked.satisfied, {"acme": after.snapshot()})["acme"]
    assert ours == {"g": KnownGroup(True, UserType.EMPLOYEE, frozenset("a"), NAMED, 1)}


def test_a_member_that_is_so_already_is_recorded_before_its_group_is_adopted() -> None:
    """Recording in two parts, what was so and what is done, loses nobody."""
    world = live({"g": frozenset()})
    plan = plan_of(desired({"g": frozenset("a")}), world, {})
    world.members["g"] = {"a"}
    checked, after = applied(plan, world)
    ours = advance(advance({}, checked.satisfied, {"acme": after.snapshot()}), checked.plan.changes, {})
    assert (ours["acme"]["g"].owned, ours["acme"]["g"].members) == (True, frozenset("a"))


@pytest.mark.parametrize("anew", [definition(vendor="v"), dict(CUSTOMERS)])
def test_members_of_a_group_to_be_replaced_are_not_so_already(anew) -> None:
    """They are in the old group, which goes: all are added to the new one, also who joined the old meanwhile."""
    world = live({"g": frozenset("ab")})
    plan = plan_of(DesiredTenant("acme", HERE, (group("g", "abc", anew),)), world, known({"g": frozenset("ab")}))
    world.members["g"].add("c")
    checked, after = applied(plan, world)
    assert checked.plan == plan
    assert (after.groups["g"], after.members["g"]) == (anew, {"a", "b", "c"})


def test_once_the_group_is_replaced_its_members_may_be_so_already() -> None:
    """Finishing a saved plan after a death in the middle adds only who is missing."""
    world = live({"g": frozenset("ab")})
    plan = plan_of(DesiredTenant("acme", HERE, (group("g", "ab", definition(vendor="v")),)), world, {})
    now = World({"g": definition(vendor="v")}, {"g": {"a"}})
    checked, after = applied(plan, now)
    assert [change.address for change in checked.plan.changes] == ["acme/g/b"]
    assert after.members["g"] == {"a", "b"}


def test_members_who_left_a_group_to_be_deleted_do_not_hold_it_up() -> None:
    """The group goes without force once nobody is in it."""
    world = live({"g": frozenset("a")})
    plan = plan_of(DesiredTenant("acme", HERE), world, known({"g": frozenset("a")}))
    world.members["g"] = set()
    checked, after = applied(plan, world)
    assert [change.address for change in checked.satisfied] == ["acme/g/a"]
    assert not schedule(checked.plan, {"acme": world.snapshot()})[0].force
    assert not after.groups


def test_letting_go_needs_no_precondition() -> None:
    """What only leaves the lockfile leaves it whatever has happened to it."""
    world = live({"g": frozenset("a")})
    wish = DesiredGroup(HERE, id="g", members=None)
    plan = plan_of(DesiredTenant("acme", HERE, (wish,)), world, known({"g": frozenset("a")}, owned=False))
    other = plan_of(DesiredTenant("acme", HERE), world, {"g": replace(known({"g": frozenset()})["g"], owned=False)})
    world.members["g"] = set()
    assert check(plan, {"acme": world.snapshot()}) == Checked(plan, (), ())
    assert check(other, {"acme": world.snapshot()}) == Checked(other, (), ())


def test_what_is_done_is_told_from_what_is_not_in_every_small_world() -> None:
    """Before the plan none of its changes is done, after it all are; guards see the same while nothing moves."""
    states = tenant_states("gh", "a")
    for want in states:
        for have in states:
            for mine in states:
                ours, before = {"acme": known(mine)}, live(have)
                plan, now = plan_of(desired(want), before, ours["acme"]), {"acme": before.snapshot()}
                assert as_of(plan, now, ours) == plan
                assert not any(are_done([change], now, ours) for change in plan.changes)
                after = {"acme": perform(schedule(plan, now), before, plan).snapshot()}
                assert are_done(plan.changes, after, advance(ours, plan.changes, after))


def test_what_was_not_read_is_not_done() -> None:
    """Nobody knows who is in a group whose members, or whose whole tenant, were not read."""
    plan = plan_of(desired({"g": frozenset()}), live({"g": frozenset("a")}), known({"g": frozenset("a")}))
    now, ours = live({"g": frozenset()}).snapshot(), {"acme": known({"g": frozenset()})}
    unread = replace(now, groups={"g": replace(now.groups["g"], members=None)})
    assert are_done(plan.changes, {"acme": now}, ours)
    assert not are_done(plan.changes, {"acme": unread}, ours)
    assert not are_done(plan.changes, {}, ours)


def test_guards_see_who_is_in_a_group_now_and_who_is_no_longer_ours() -> None:
    """The group has lost two who stay in the plan, and of those who go one is nobody's any more."""
    ours = known({"g": frozenset("abcd")})
    plan = plan_of(desired({"g": frozenset("cd")}), live({"g": frozenset("abcd")}), ours)
    forgotten = {"acme": known({"g": frozenset("bcd")})}
    now = as_of(plan, {"acme": live({"g": frozenset("ab")}).snapshot()}, forgotten)
    (touched,) = now.touched.values()
    assert (touched.live, touched.desired, touched.first_contact) == (2, 0, False)
    assert [(change.user, change.reason) for change in now.changes] == [
        ("a", Reason.NEVER_OURS),
        ("b", Reason.REMOVED),
    ]
    (touched,) = as_of(plan, {"acme": live({}).snapshot()}, {}).touched.values()
    assert (touched.live, touched.first_contact) == (0, False)
    (touched,) = as_of(plan, {"acme": live({"g": frozenset("ab")}).snapshot()}, {}).touched.values()
    assert touched.first_contact


def test_a_foreign_group_that_somebody_leaves_for_good_is_no_first_contact() -> None:
    """Guards see offboarding as it was planned: nothing of that group is ours, and nothing is taken over."""
    plan = plan_of(desired({"g": frozenset("b")}), live({"g": frozenset("ab")}), known({"g": frozenset("ab")}))
    leaving = replace(plan, changes=tuple(replace(change, reason=Reason.OFFBOARDED) for change in plan.changes))
    assert as_of(leaving, {"acme": live({"g": frozenset("ab")}).snapshot()}, {}) == leaving
