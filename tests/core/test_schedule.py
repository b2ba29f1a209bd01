"""The schedule, exhaustively on small worlds: every order that respects it works, and nobody is left outside."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import pytest

from reconciler.core.model import DesiredTenant, KnownGroup, UserType
from reconciler.core.plan import Action, Plan
from reconciler.core.schedule import Call, Step, schedule

from .runs import ADVERSARIES, Choice, must_have_a_gap, ordered, perform, planned_as_the_engine_does, wanted_edges
from .world import HERE, Refused, World, definition, desired, group, known, live, plan_of, subsets, tenant_states
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


def test_memberships_of_the_wrong_type_in_every_way() -> None:
    """Two groups and two users, each absent, a member or a mistyped one: removed before being added again."""
    names = [("g", "a"), ("g", "b"), ("h", "a"), ("h", "b")]
    for state in product(["absent", "member", "mistyped"], repeat=4):
        here = {edge for edge, how in zip(names, state, strict=True) if how != "absent"}
        members = {group: frozenset(user for of, user in here if of == group) for group in "gh"}
        world = live(members)
        world.mistyped = {edge: UserType.CUSTOMER for edge, how in zip(names, state, strict=True) if how == "mistyped"}
        for want in (dict(zip("gh", pair, strict=True)) for pair in product(subsets("ab"), repeat=2)):
            plan = plan_of(desired(want), world, known(members))
            steps = schedule(plan, {"acme": world.snapshot()})
            holds(desired(want), world, plan, steps, [NEWEST, REMOVALS_FIRST])


def test_a_group_whose_members_are_all_mistyped_is_emptied_at_once() -> None:
    """One request takes all of them out, and then each is added again."""
    world = live({"g": frozenset("abc")})
    world.mistyped = {("g", user): UserType.CUSTOMER for user in "abc"}
    plan = plan_of(desired({"g": frozenset("abc")}), world, known({"g": frozenset("abc")}))
    steps = schedule(plan, {"acme": world.snapshot()})
    assert [step.call for step in steps] == [Call.EMPTY_GROUP, Call.ADD, Call.ADD, Call.ADD]
    assert perform(steps, world, plan).mistyped == {}


def test_who_stays_in_a_role_that_goes_to_another_company_waits_for_that() -> None:
    """Rule 4 forbids the new role until the definition of the old one has changed."""
    world = company(["ax", "bx"], {"ax": "a"})
    other = definition("CUSTOMER", company="y")
    wish = DesiredTenant("acme", HERE, (group("ax", "a", other), group("bx", "a", None)))
    for choose in ADVERSARIES.values():
        assert holds_or_is_refused(wish, world, remembered(world), [choose])
