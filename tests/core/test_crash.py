"""A run that dies: whatever was done, the next run finishes, and knows what is ours and what is not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.known import settle
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, LiveGroup, Membership, Snapshot, UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.core.schedule import Call, Step, schedule

from .runs import perform, planned, wanted_edges
from .world import HERE, Edge, Refused, World, definition, desired, known, live, plan_of, recorded, run, tenant_states
from .worlds import made, remembered, wished

Ours = Mapping[str, KnownGroup]


def deaths(steps: Sequence[Step], start: World) -> Iterator[tuple[World, set[Edge]]]:
    """Every world that a run can leave behind, with whom it added: any steps that wait for no undone one."""
    seen = {frozenset[int](): start}
    queue = [frozenset[int]()]
    while queue:
        done = queue.pop()
        yield seen[done], {(steps[i].group, steps[i].user) for i in done if steps[i].call is Call.ADD}
        for index, step in enumerate(steps):
            if index not in done and done >= set(step.after) and done | {index} not in seen:
                after = seen[done].copy()
                after.perform(step)
                seen[done | {index}] = after
                queue.append(done | {index})


def settled(plan: Plan, start: World, dead: World, added: set[Edge], ours: Ours) -> Ours:
    """What is ours after the death, once it is certain that nothing changed hands."""
    now = settle({"acme": ours}, plan.changes, {"acme": dead.snapshot()}).get("acme", {})
    members = {(name, user) for name, group in now.items() for user in group.members}
    before = {(name, user) for name, group in ours.items() for user in group.members}
    assert added & dead.edges <= members, "whom we added is not ours"
    assert members <= before | added | planned(plan, Action.ADOPT), "somebody is ours whom we did not add or adopt"
    owned = {name for name, group in now.items() if group.owned}
    assert dead.groups.keys() - start.groups.keys() <= owned, "a group that we made is not ours"
    defined = {c.group for c in plan.changes if not c.user and c.owned}
    half_way = {c.group for c in plan.changes if not c.user and c.action is Action.REPLACE} - dead.groups.keys()
    assert owned <= {name for name, group in ours.items() if group.owned} | (defined & dead.groups.keys()) | half_way
    return now


@pytest.mark.parametrize("membership", Membership)
@pytest.mark.parametrize("owned", [True, False])
def test_every_death_in_every_state_is_followed_by_convergence_even_if_the_wish_has_changed(
    membership: Membership, owned: bool
) -> None:
    """Two groups and one user: every state of desired, live and known, every death, every wish afterwards."""
    states, seen = tenant_states("gh", "a"), set()
    for want, have, mine in product(states, repeat=3):
        if not owned and want.keys() - have.keys():
            continue
        start, ours, tenant = live(have), known(mine, owned), desired(want, membership, owned)
        plan = plan_of(tenant, start, ours)
        for dead, added in deaths(schedule(plan, {"acme": start.snapshot()}), start):
            now = settled(plan, start, dead, added, ours)
            snapshot = dead.snapshot()
            left = repr((sorted(dead.groups.items()), sorted(dead.edges), sorted(now.items())))
            for wish in states if left not in seen else ():  # what another run has left behind as well goes on the same
                if not owned and wish.keys() - dead.groups.keys():
                    continue
                changed = desired(wish, membership, owned)
                again, world = plan_of(changed, snapshot, now), dead.copy()
                run(schedule(again, {"acme": snapshot}), world)
                after = recorded(again, world, now)
                assert {name: group.members for name, group in after.items()} == wish
                assert plan_of(changed, world, after).changes == ()
                assert wanted_edges(changed) <= world.edges
                foreign = dead.edges - {(name, user) for name, group in now.items() for user in group.members}
                if membership is Membership.ADDITIVE:
                    assert all(edge in world.edges for edge in foreign if edge[0] in world.groups)
            seen.add(left)


DEFINITIONS = [definition(), definition(vendor="v"), {**definition(), "description": {"en": "Other"}}]


def state_of(names: str, users: str) -> st.SearchStrategy:
    some = st.tuples(st.sampled_from(DEFINITIONS), st.frozensets(st.sampled_from(users)))
    return st.dictionaries(st.sampled_from(names), some)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_deaths_of_larger_runs_with_replaced_and_edited_groups(data: st.DataObject) -> None:
    """Three groups and three users with vendors: any death, then any other wish, converges."""
    start = made(data.draw(state_of("fgh", "abc"), "live"))
    ours = {
        name: replace(
            group, members=group.members & data.draw(st.frozensets(st.sampled_from("abc")), f"ours in {name}")
        )
        for name, group in remembered(start).items()
        if data.draw(st.booleans(), f"{name} is known")
    }
    wish = wished(data.draw(state_of("fgh", "abc"), "desired"))
    plan = plan_of(wish, start, ours)
    other = wished(data.draw(state_of("fgh", "abc"), "desired afterwards"))
    try:
        for dead, added in deaths(schedule(plan, {"acme": start.snapshot()}), start):
            now = settled(plan, start, dead, added, ours)
            again = plan_of(other, dead, now)
            after = perform(schedule(again, {"acme": dead.snapshot()}), dead, again)
            recall = recorded(again, after, now)
            assert plan_of(other, after, recall).changes == ()
            assert wanted_edges(other) == {edge for edge in after.edges if edge[0] in recall}
    except Refused as why:
        assert str(why) in {"rule 2"}


def test_whom_we_added_is_ours_even_if_the_new_group_was_edited_since() -> None:
    """A new group that was edited after the death is not taken for ours, but its members that we added are."""
    start, tenant = live({}), desired({"g": frozenset("a")})
    plan = plan_of(tenant, start, {})
    dead = perform(schedule(plan, {"acme": start.snapshot()}), start, plan)
    dead.groups["g"] = {**dead.groups["g"], "description": {"en": "Edited by hand"}}
    now = settle({}, plan.changes, {"acme": dead.snapshot()})
    assert now == {"acme": {"g": KnownGroup(False, UserType.EMPLOYEE, frozenset("a"))}}


def test_a_tenant_that_could_not_be_read_keeps_what_it_had() -> None:
    """Without knowing what is live nothing is settled: neither gained nor lost."""
    start, ours = live({"g": frozenset("b")}), known({"g": frozenset("b")})
    plan = plan_of(desired({"g": frozenset("a")}), start, ours)
    assert settle({"acme": ours}, plan.changes, {}) == {"acme": ours}


def test_a_definition_whose_replacement_died_half_way_comes_back_whole() -> None:
    """The old group is gone and the new one not there yet: what was to be written is kept, unmanaged fields and all."""
    before = {"userType": "EMPLOYEE", "name": {"en": "Old"}, "description": {"en": "Kept"}, "accessControls": ["ac"]}
    wanted = DesiredGroup(HERE, id="g", fields={"userType": "CUSTOMER", "name": {"en": "New"}}, members={})
    tenant = DesiredTenant("acme", HERE, (wanted,))
    plan = plan_of(tenant, World({"g": before}, {"g": set()}), {})
    gone = World()
    now = settle({}, plan.changes, {"acme": gone.snapshot()})["acme"]
    again = plan_of(tenant, gone, now)
    assert [(c.action, c.after) for c in again.changes] == [
        (Action.CREATE, {**before, "userType": "CUSTOMER", "name": {"en": "New"}})
    ]


def test_an_e_mail_outlives_a_crash() -> None:
    """What was to be remembered stands with the intention, and counts once the membership is found to be there."""
    change = Change("acme", "g", "00uM", Action.CREATE, Reason.NEW, UserType.EMPLOYEE, email="Marta@x.y")
    fields = {"userType": "EMPLOYEE"}
    for members in (frozenset({"00uM"}), frozenset[str]()):
        live = {"acme": Snapshot("acme", {"g": LiveGroup("g", fields, UserType.EMPLOYEE, members=members)})}
        found = settle({"acme": {"g": KnownGroup(False, UserType.EMPLOYEE, frozenset({"a"}))}}, [change], live)
        assert found["acme"]["g"].emails == ({"00uM": "Marta@x.y"} if members else {})
