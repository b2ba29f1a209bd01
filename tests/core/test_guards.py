"""Guards: what each refuses and in which words (golden/guards.txt), and where exactly each limit lies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.diff import diff
from reconciler.core.guards import new_refusals, refusals
from reconciler.core.limits import Guards, Limit
from reconciler.core.model import DesiredGroup, DesiredTenant, Membership
from reconciler.core.plan import Action, Plan
from reconciler.diagnostics import Diagnostic, Source

from .golden import cases, shown
from .world import EMPLOYEES, HERE, definition, desired, known, live, plan_of

GOLDEN = cases("guards.txt")


def many(count: int) -> frozenset[str]:
    return frozenset(f"u{number:03}" for number in range(count))


NO_GUARDS = Guards()


def plan(
    want: int | None,
    have: int,
    ours: int | None = None,
    guards: Guards = NO_GUARDS,
    take_over: bool = True,
    **more: Any,
) -> Plan:
    """One group: so many members desired (None: the group has left), live and ours (all live ones unless said)."""
    mine = many(have if ours is None else ours)
    groups = () if want is None else desired({"g": many(want)}, guards=guards, **more).groups
    return plan_of(DesiredTenant("acme", HERE, groups, guards), live({"g": many(have)}), known({"g": mine}), take_over)


def of_group(entry: DesiredGroup | None, have: int, ours: Mapping[str, Any], take_over: bool = False) -> Plan:
    tenant = DesiredTenant("acme", HERE, () if entry is None else (entry,))
    return plan_of(tenant, live({"g": many(have)}), ours, take_over)


def entry(want: int | None, **more: Any) -> DesiredGroup:
    members = None if want is None else dict.fromkeys(many(want), Source("members.csv", 7, 1))
    return DesiredGroup(HERE, **{"id": "g", "fields": EMPLOYEES, "members": members} | more)


def orphaned() -> Plan:
    left = plan_of(DesiredTenant("acme"), live({"g": many(2)}), known({"g": many(2)}))
    return replace(left, orphaned=("acme", "idle"))


def percent(amount: float) -> Guards:
    return Guards(max_removals=Limit(amount, percent=True))


def at_most(amount: float) -> Guards:
    return Guards(max_removals=Limit(amount))


BOTH = Guards(
    max_removals=Limit.strictest([Limit(20, percent=True), Limit(3), None, Limit(4), Limit(25, percent=True)])
)
PROTECTED = Guards(protected=frozenset({"u001"}))
MINE = known({"g": many(3)})
VENDOR = definition(vendor="v")

CASES: dict[str, Callable[[], Plan]] = {
    "nothing to do": lambda: plan(3, 3),
    "maxRemovals, by default a quarter from ten members on": lambda: plan(7, 10),
    "maxRemovals, by default exactly a quarter": lambda: plan(9, 12),
    "maxRemovals, by default not below ten members": lambda: plan(1, 9),
    "maxRemovals, a number, one over": lambda: plan(3, 6, guards=at_most(2)),
    "maxRemovals, a number, exactly": lambda: plan(4, 6, guards=at_most(2)),
    "maxRemovals, a number and a percentage, over the number": lambda: plan(96, 100, guards=BOTH),
    "maxRemovals, a number and a percentage, over the percentage": lambda: plan(6, 8, guards=BOTH),
    "maxRemovals, a number and a percentage, at both": lambda: plan(12, 15, guards=BOTH),
    "maxRemovals, nobody": lambda: plan(1, 2, guards=at_most(0)),
    "maxRemovals, a percentage, exactly": lambda: plan(7, 8, guards=percent(12.5)),
    "maxRemovals, a percentage, over": lambda: plan(6, 8, guards=percent(12.5)),
    "maxRemovals, a percentage that rounding would hide": lambda: plan(29_999, 40_000, guards=percent(25)),
    "maxRemovals, a percentage that floats can't hold exactly": lambda: plan(667, 1000, guards=percent(33.3)),
    "maxRemovals, of a group that leaves": lambda: plan(None, 12),
    "maxRemovals, foreign members of a group that is replaced": lambda: of_group(
        entry(2, fields=VENDOR), 12, MINE, True
    ),
    "maxRemovals, not those who are added anew to a replaced group": lambda: of_group(
        entry(12, fields=VENDOR), 12, MINE
    ),
    "minMembers, one below": lambda: plan(2, 4, guards=Guards(min_members=3)),
    "minMembers, exactly": lambda: plan(3, 4, guards=Guards(min_members=3)),
    "minMembers, of a new group": lambda: plan_of(
        desired({"new": many(1)}, guards=Guards(min_members=2)), live({}), known({})
    ),
    "minMembers, foreign members count": lambda: plan(
        1, 3, 2, guards=Guards(min_members=2), membership=Membership.ADDITIVE
    ),
    "minMembers, of a group that leaves": lambda: plan(None, 3, guards=Guards(min_members=3)),
    "minMembers, members not managed and so not read": lambda: of_group(
        entry(None, fields=VENDOR, guards=Guards(min_members=3)), 0, known({"g": frozenset()})
    ),
    "protected, removed": lambda: plan(1, 3, guards=PROTECTED),
    "protected, in a group that leaves": lambda: plan(None, 2, guards=PROTECTED),
    "protected, added anew to a replaced group": lambda: of_group(entry(3, fields=VENDOR, guards=PROTECTED), 3, MINE),
    "protected, foreign and removed": lambda: plan(1, 3, 0, guards=PROTECTED),
    "emptied": lambda: plan(0, 3),
    "emptied, when nobody was in it": lambda: plan(0, 0, 3),
    "emptied, additive": lambda: plan(0, 3, membership=Membership.ADDITIVE),
    "emptied and replaced": lambda: of_group(entry(0, fields=VENDOR), 3, MINE),
    "vanished, the list": lambda: of_group(entry(None), 3, MINE),
    "vanished, the list of a group that is replaced": lambda: of_group(entry(None, fields=VENDOR), 3, MINE),
    "vanished, the list of a group without members": lambda: of_group(entry(None), 0, known({"g": many(0)})),
    "vanished, the list of a group that is gone": lambda: plan_of(
        DesiredTenant("acme", HERE, (entry(None),)), live({}), MINE
    ),
    "vanished, the group": lambda: of_group(None, 3, MINE),
    "vanished, the tenant": orphaned,
    "takeOver, on first contact": lambda: of_group(entry(1), 8, {}),
    "takeOver, on first contact with an additive group": lambda: of_group(
        entry(1, membership=Membership.ADDITIVE), 8, {}
    ),
    "takeOver, told to": lambda: of_group(entry(1), 8, {}, take_over=True),
    "takeOver, foreign members of a group that we keep": lambda: of_group(entry(3), 5, MINE),
    "takeOver, foreign members of a group that leaves": lambda: of_group(None, 5, MINE),
    "takeOver, foreign members of an additive group that is replaced": lambda: of_group(
        entry(3, fields=VENDOR, membership=Membership.ADDITIVE), 5, MINE
    ),
    "takeOver, members not managed of a group that is replaced": lambda: of_group(
        entry(None, fields=VENDOR), 2, known({"g": frozenset()})
    ),
    "several at once": lambda: plan(0, 12, 2, guards=replace(PROTECTED, min_members=1), take_over=False),
}


def said(name: str) -> str:
    return shown(refusals(CASES[name]()))


@pytest.mark.parametrize("name", CASES)
def test_a_guard_says_exactly_this(name: str) -> None:
    """Each guard at, below and beyond its limit, word for word."""
    assert said(name) == GOLDEN[name]


def test_the_golden_file_has_no_other_cases() -> None:
    """A case that nobody tests would say what may no longer be so."""
    assert GOLDEN.keys() == CASES.keys()


def test_each_group_has_its_own_limits_and_a_group_that_left_those_of_its_tenant() -> None:
    """The same removals pass in one group and not in the other."""
    groups = tuple(
        DesiredGroup(HERE, id=name, fields=EMPLOYEES, members=dict.fromkeys(many(2), HERE), guards=at_most(limit))
        for name, limit in (("strict", 1), ("lenient", 2))
    )
    tenant = DesiredTenant("acme", HERE, groups, guards=at_most(3))
    state = {name: many(4) for name in ("strict", "lenient", "left")}
    found = diff(tenant, live(state).snapshot(), known(state))
    told = refusals(Plan(tuple(found.changes), ("acme",), found.touched))
    assert [(d.rule, d.address) for d in told] == [("maxRemovals", "acme/left"), ("maxRemovals", "acme/strict")]


def test_no_guard_objects_to_adding() -> None:
    """Additions, adoptions and updates take nothing from anybody."""
    found = plan(12, 4, 2, guards=Guards(max_removals=Limit(0), protected=many(12)))
    assert {change.action for change in found.changes} == {Action.CREATE, Action.ADOPT}
    assert refusals(found) == ()


def test_a_group_that_was_never_ours_is_not_made_anew_without_a_word() -> None:
    """A userType that can't change in place deletes the group, also an empty one: at first somebody has to say so."""
    want = DesiredTenant("acme", HERE, (DesiredGroup(HERE, id="g", fields=definition("CUSTOMER"), members={}),))
    for take_over, rules in ((False, ["takeOver"]), (True, [])):
        made = plan_of(want, live({"g": frozenset()}), {}, take_over=take_over)
        assert [diagnostic.rule for diagnostic in refusals(made)] == rules


def rules(found: Sequence[Diagnostic]) -> list[str]:
    return [diagnostic.rule for diagnostic in found]


def test_a_refusal_is_news_unless_it_was_seen() -> None:
    """The same words are no news, nor other numbers of a half done plan; a tighter guard is, and a smaller group."""
    quarter = percent(25)
    seen = plan(4, 8, guards=quarter)
    assert rules(refusals(seen)) == ["maxRemovals"]
    assert rules(new_refusals(seen, seen)) == []
    assert rules(new_refusals(plan(4, 6, guards=quarter), seen)) == []
    assert rules(new_refusals(plan(3, 6, guards=quarter), seen)) == ["maxRemovals"]
    assert rules(new_refusals(plan(4, 6, guards=percent(20)), seen)) == ["maxRemovals"]
    assert rules(new_refusals(seen, plan(8, 8, guards=quarter))) == ["maxRemovals"]
    other = Diagnostic("no", address="acme/g", rule="policy main.deny")
    assert new_refusals(replace(seen, denials=(other,)), seen) == (other,)
    seen = replace(seen, denials=(other,))
    worse = replace(other, message="no, and for another reason")
    assert new_refusals(replace(seen, denials=(worse,)), seen) == (worse,)
    assert new_refusals(plan(8, 8), seen) == ()
