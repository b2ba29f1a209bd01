"""A saved plan in which a group goes on under another id: whoever leaves the old one is in the new one, or stays."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.core.diff import diff
from reconciler.core.model import Moved
from reconciler.core.moved import carry, told
from reconciler.core.plan import Action, Plan, Reason
from reconciler.core.schedule import Call, schedule
from reconciler.core.stale import check
from reconciler.core.target import limit

from .runs import perform
from .world import EMPLOYEES, HERE, State, World, definition, desired, known, live, tenant_states

WISH = frozenset("ab")


def plan_of(have: World, members: frozenset[str] = WISH, targets: tuple[str, ...] = ()) -> Plan:
    """The old group ``g``, which is ours, is to go on as ``h`` with these members."""
    tenant = replace(desired({"h": members}), moved=(Moved("g", "h", HERE),))
    snapshot = have.snapshot()
    tenant = carry(tenant, snapshot.groups)
    ours = known({name: frozenset(of) for name, of in have.members.items()})
    found = told(limit(diff(tenant, snapshot, ours), "acme", targets, ["g", "h"]), tenant, snapshot.groups)
    return Plan(tuple(found.changes), ("acme",), found.touched, take_over=True)


OLD_STATES = [state for state in tenant_states("gh", "ab") if "g" in state]


@pytest.mark.parametrize("members", [frozenset(), frozenset("a"), WISH])
def test_whatever_happens_meanwhile_nobody_who_moves_is_left_without_both(members: frozenset[str]) -> None:
    """Two groups, two users, every state then and now; while nothing has happened everything is done."""
    for have in OLD_STATES:
        plan = plan_of(live(have), members)
        moving = {change.user for change in plan.changes if change.user and change.reason is Reason.MOVED}
        for now in map(live, tenant_states("gh", "ab")):
            snapshot = {"acme": now.snapshot()}
            checked = check(plan, snapshot)
            after = perform(schedule(checked.plan, snapshot), now, checked.plan)
            assert all({("g", user), ("h", user)} & after.edges for user in moving if ("g", user) in now.edges)
            if now.members == live(have).members:
                assert (after.members, checked.moved) == ({"h": set(members)}, ())
            if "g" in now.groups and "h" not in now.groups and "h" in have:
                assert "g" in after.groups, "the new one is gone, so the old one is all that is left"


FULL: State = {"g": WISH, "h": WISH}
GONE = "h is not there as planned"


def leave(world: World) -> None:
    world.members["h"] -= {"b"}


def vanish(world: World) -> None:
    del world.groups["h"], world.members["h"]


def come(world: World) -> None:
    world.groups["h"], world.members["h"] = {**EMPLOYEES, "name": {"en": "Theirs"}}, set("ab")


def start(world: World) -> None:
    world.groups["h"], world.members["h"] = dict(EMPLOYEES), {"a"}


@pytest.mark.parametrize(
    ("have", "targets", "meanwhile", "refused"),
    [
        (FULL, (), leave, dict.fromkeys(["acme/g", "acme/g/a", "acme/g/b"], "not in h now: b")),
        (FULL, (), vanish, dict.fromkeys(["acme/g", "acme/g/a", "acme/g/b"], GONE)),
        (FULL, ("acme/g/a", "acme/g/b"), leave, {"acme/g/b": "not in h now: b"}),
        ({"g": frozenset(), "h": WISH}, (), vanish, {"acme/g": GONE}),
        ({"g": frozenset("a")}, (), come, {"acme/h": "a group with this id exists now"}
         | dict.fromkeys(["acme/g", "acme/g/a"], GONE)),
        ({"g": WISH}, (), start, {}),
    ],
)  # fmt: skip
def test_what_is_refused_takes_the_old_group_with_it(
    have: State, targets: tuple[str, ...], meanwhile: Callable[[World], None], refused: dict[str, str]
) -> None:
    """Each time with why; where only single members leave, only those stay; a half-done move goes on."""
    plan, world = plan_of(live(have), targets=targets), live(have)
    meanwhile(world)
    checked = check(plan, {"acme": world.snapshot()})
    assert {change.address: why for change, why in checked.moved} == refused


def test_the_old_group_is_deleted_after_the_new_one_is_written() -> None:
    """Also if nobody has to be added: what the old one granted is not gone before the new one grants it."""
    for have, waits in (({"g": frozenset()}, True), ({"g": WISH, "h": WISH}, True), (FULL, False)):
        world = live(have)
        if waits and "h" in have:
            world.groups["h"]["name"] = {"en": "Before"}
        plan = plan_of(world)
        steps = schedule(plan, {"acme": world.snapshot()})
        (deletion,) = (step for step in steps if step.call is Call.DELETE_GROUP)
        assert any(steps[index].call is Call.PUT_GROUP for index in deletion.after) is waits


def test_a_new_group_that_is_made_anew_closes_no_circle() -> None:
    """Its members are added again before they leave the old one, which is as good."""
    world = live(FULL)
    world.groups["h"] = definition(vendor="v")
    for user in "ab":
        world.members["h"].discard(user)
    plan = plan_of(world)
    assert {change.action for change in plan.changes if change.group == "h"} >= {Action.CREATE}
    after = perform(schedule(plan, {"acme": world.snapshot()}), world, plan)
    assert after.members == {"h": {"a", "b"}}
