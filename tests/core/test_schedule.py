"""The schedule, exhaustively on small worlds: every order that respects it works, and nobody is left outside."""

from collections.abc import Iterable, Mapping, Sequence

import pytest

from reconciler.core.model import DesiredTenant, KnownGroup, UserType
from reconciler.core.plan import Action, Plan
from reconciler.core.schedule import Step, schedule

from .runs import ADVERSARIES, Choice, must_have_a_gap, ordered, perform, planned_as_the_engine_does, wanted_edges
from .world import Refused, World, definition, desired, known, live, plan_of, subsets, tenant_states
from .worlds import COMPANY, company, kinds, lawful, made, matched, remembered, roles, wished

NEWEST, REMOVALS_FIRST = ADVERSARIES["newest"], ADVERSARIES["removals first"]


def holds(want: DesiredTenant, world: World, plan: Plan, steps: Sequence[Step], choices: Iterable[Choice]) -> None:
    """Every chosen order leads to what is desired, is never refused, and leaves nobody outside without need."""
    ending = {user for _, user in wanted_edges(want)}
    world.watched = frozenset(user for user in ending if world.groups_of(user))
    deleted = {c.group for c in plan.changes if c.user is None and c.action is Action.DELETE}
    for choose in choices:
        after = perform(ordered(steps, choose), world, plan)
        for wanted in want.groups:
            assert after.members[wanted.id or ""] == set(wanted.members or ())
        assert not wanted_edges(want) & after.mistyped.keys()
        for user in after.gaps:
            assert must_have_a_gap(user, plan, world, after), f"{user} was without access for a moment: {steps}"
        assert after.groups.keys() == {wanted.id for wanted in want.groups} | (world.groups.keys() - deleted)


def holds_or_is_refused(
    want: DesiredTenant, world: World, ours: Mapping[str, KnownGroup], choices: Sequence[Choice]
) -> bool:
    """What the rules object to the service refuses in every order; what they do not works in every order."""
    plan, snapshot, objections = planned_as_the_engine_does(want, world, ours)
    steps = schedule(plan, {"acme": snapshot})
    if not objections:
        holds(want, world, plan, steps, choices)
        return True
    for choose in choices:
        with pytest.raises(Refused):
            perform(ordered(steps, choose), world, plan)
    return False


def test_three_groups_and_two_users_move_in_every_way_in_every_order() -> None:
    """Creation, deletion, moves, swaps and chains: 15,625 pairs of states converge, whatever is run first."""
    states = tenant_states("fgh", "ab")
    worlds = [(live(state), known(state)) for state in states]
    for want in map(desired, states):
        for world, ours in worlds:
            plan = plan_of(want, world, ours)
            holds(want, world, plan, schedule(plan, {"acme": world.snapshot()}), [NEWEST, REMOVALS_FIRST])


def is_possible(world: World) -> bool:
    """Whether the service would have let the world become so."""
    empty = World({}, {}, dict(world.codes), kinds=world.kinds)
    plan = plan_of(wished({g: (f, frozenset(world.members[g])) for g, f in world.groups.items()}), empty, {})
    try:
        perform(ordered(schedule(plan, {"acme": empty.snapshot()}), NEWEST), empty, plan)
    except Refused:
        return False
    return True


def test_vendors_of_two_groups_and_two_employees_in_every_way() -> None:
    """Rule 2: employees who change vendors, and groups that are replaced to change theirs, in every order."""
    states = list(kinds([definition(), definition(vendor="v")], "ab", "gh"))
    worlds = [(world, remembered(world)) for world in map(made, states) if is_possible(world)]
    outcomes = [
        holds_or_is_refused(want, world, ours, [NEWEST, REMOVALS_FIRST])
        for want in map(wished, states)
        for world, ours in worlds
    ]
    assert (len(outcomes), sum(outcomes)) == (5427, 4713)


def test_user_types_of_two_groups_in_every_way() -> None:
    """Rules 1 and 3: groups replaced to take other users, users of the wrong type, vendors' groups for customers."""
    definitions = [definition(), definition("CUSTOMER"), definition(vendor="v"), definition("CUSTOMER", "v")]
    people = {"a": "EMPLOYEE", "b": "CUSTOMER"}
    states = list(kinds(definitions, "ab", "gh"))
    worlds = [(world, remembered(world)) for world in (made(s, kinds=people) for s in states) if is_possible(world)]
    outcomes = [
        holds_or_is_refused(want, world, ours, [NEWEST, REMOVALS_FIRST])
        for want in map(wished, states)
        for world, ours in worlds
    ]
    assert (len(outcomes), sum(outcomes)) == (13_583, 1869)


def role_moves(names: Sequence[str], *moves: tuple[frozenset[str], frozenset[str]]) -> bool:
    before, after = roles(names, *(old for old, _ in moves)), roles(names, *(new for _, new in moves))
    ours = {name: KnownGroup(False, UserType.CUSTOMER, users) for name, users in before.items()}
    return holds_or_is_refused(matched(after), company(names, before), ours, [REMOVALS_FIRST])


def test_one_customer_changes_roles_in_two_companies_in_every_way() -> None:
    """Rule 4: 24 lawful sets of roles to each of the 64 sets; another role is taken up only after the old one."""
    held = list(subsets(COMPANY))
    outcomes = [role_moves(list(COMPANY), (old, new)) for old in filter(lawful, held) for new in held]
    assert (len(outcomes), sum(outcomes)) == (24 * 64, 24 * 24)


def test_two_customers_change_roles_and_swap_in_every_way() -> None:
    """Rule 4 with whole groups emptied and refilled: every pair of moves of two users between four groups."""
    names = ["ax", "bx", "ay", "contact"]
    held = list(subsets(names))
    moves = [(old, new) for old in filter(lawful, held) for new in held]
    pairs = [(one, other) for number, one in enumerate(moves) for other in moves[: number + 1]]
    outcomes = [role_moves(names, one, other) for one, other in pairs]
    assert (len(outcomes), sum(outcomes)) == (192 * 193 / 2, 144 * 145 / 2)
