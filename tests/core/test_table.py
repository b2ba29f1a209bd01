"""The three-way table of DESIGN section 4, on every state of two groups and two users."""

from itertools import product

import pytest

from reconciler.core.guards import refusals
from reconciler.core.model import Membership
from reconciler.core.plan import Action, Reason
from reconciler.core.schedule import schedule

from .world import desired, known, live, plan_of, recorded, run, tenant_states

STATES = tenant_states("gh", "ab")
WORLDS = [(state, world, world.snapshot()) for state, world in ((state, live(state)) for state in STATES)]


@pytest.mark.parametrize("membership", Membership)
def test_every_state_converges_and_a_second_plan_is_empty(membership: Membership) -> None:
    """All 15,625 states of desired, live and known lead to desired; then nothing is left to do."""
    assert len(STATES) ** 3 == 15_625
    wishes, memories = [desired(state, membership) for state in STATES], [known(state) for state in STATES]
    for (want, tenant), (have, start, snapshot), (ours, mine) in product(
        zip(STATES, wishes, strict=True), WORLDS, zip(STATES, memories, strict=True)
    ):
        plan, world = plan_of(tenant, snapshot, mine), start.copy()
        run(schedule(plan, {"acme": snapshot}), world)
        foreign = {} if membership is Membership.EXACT else have
        for group in "gh":
            expected = want.get(group)
            if expected is not None:
                kept = foreign.get(group, frozenset()) - ours.get(group, frozenset())
                assert world.members[group] == expected | kept
            elif group in ours:
                assert group not in world.groups
            else:
                assert world.members.get(group) == have.get(group)
        after = recorded(plan, world, mine)
        assert {name: group.members for name, group in after.items()} == want
        assert plan_of(tenant, world, after).changes == ()
        assert all(group.owned for group in after.values())


def test_without_take_over_nobody_who_was_never_ours_loses_a_membership_on_first_contact() -> None:
    """A plan that no guard refuses removes foreign members only from exact groups that the lockfile knows."""
    memories = [known(state) for state in STATES]
    for want in STATES:
        tenant = desired(want)
        for (_, _, snapshot), (ours, mine) in product(WORLDS, zip(STATES, memories, strict=True)):
            plan = plan_of(tenant, snapshot, mine, take_over=False)
            foreign = [c for c in plan.changes if c.reason is Reason.NEVER_OURS]
            harmful = [c for c in foreign if c.group not in ours or c.group not in want]
            assert bool(harmful) == any(d.rule == "takeOver" for d in refusals(plan))


@pytest.mark.parametrize("membership", Membership)
def test_the_members_of_somebody_elses_groups_converge_too(membership: Membership) -> None:
    """Groups without a definition of ours are never created or deleted; our members in them are."""
    memories = [known(state, owned=False) for state in STATES]
    for want in STATES:
        tenant = desired(want, membership, owned=False)
        for (have, start, snapshot), (ours, mine) in product(WORLDS, zip(STATES, memories, strict=True)):
            if want.keys() - have.keys():
                continue
            plan, world = plan_of(tenant, snapshot, mine), start.copy()
            run(schedule(plan, {"acme": snapshot}), world)
            assert world.groups.keys() == have.keys()
            for group in have:
                left = have[group] - ours.get(group, frozenset())
                if group not in want:
                    assert world.members[group] == left
                elif membership is Membership.EXACT:
                    assert world.members[group] == want[group]
                else:
                    assert world.members[group] == want[group] | left
            after = recorded(plan, world, mine)
            assert plan_of(tenant, world, after).changes == ()
            assert {name: group.members for name, group in after.items()} == want


ROWS = [
    # desired, live, known, membership, action, reason
    ("a", "", "", "exact", Action.CREATE, Reason.NEW),
    ("a", "", "a", "exact", Action.CREATE, Reason.DRIFT_REMOVED),
    ("a", "a", "", "exact", Action.ADOPT, Reason.EXISTS),
    ("a", "a", "a", "exact", None, None),
    ("", "a", "a", "exact", Action.DELETE, Reason.REMOVED),
    ("", "a", "a", "additive", Action.DELETE, Reason.REMOVED),
    ("", "a", "", "exact", Action.DELETE, Reason.NEVER_OURS),
    ("", "a", "", "additive", None, None),
    ("", "", "a", "exact", Action.FORGET, Reason.GONE),
]


@pytest.mark.parametrize(("want", "have", "ours", "membership", "action", "reason"), ROWS)
def test_each_row_of_the_table(want, have, ours, membership, action, reason) -> None:
    """Each row of the table gives its action and its reason."""
    plan = plan_of(
        desired({"g": frozenset(want)}, Membership(membership)),
        live({"g": frozenset(have)}),
        known({"g": frozenset(ours)}),
    )
    assert [(c.action, c.reason) for c in plan.changes] == ([(action, reason)] if action else [])
    assert plan.left == ({"acme/g": ("a",)} if action is None and not want else {})
