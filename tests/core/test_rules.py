"""Rules 1 to 5 of FACTS: what is refused while planning, in which words (golden/rules.txt), and what must be asked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core import rules
from reconciler.core.diff import Differences, diff
from reconciler.core.model import Control, DesiredGroup, DesiredTenant, KnownGroup, LiveGroup, Snapshot, UserType
from reconciler.core.target import limit
from reconciler.core.terms import Terms
from reconciler.diagnostics import Diagnostic, Source

from .golden import cases, shown
from .world import HERE, definition

GOLDEN = cases("rules.txt")
Known = Mapping[str, KnownGroup]


def listed(*users: str, line: int = 10) -> dict[str, Source]:
    return {user: Source("members.yaml", line + number, 7) for number, user in enumerate(users)}


def wish(name: str, *users: str, fields: dict[str, Any] | None = None, line: int = 10, **more: Any) -> DesiredGroup:
    return DesiredGroup(Source("acme.yaml", line, 5), id=name, fields=fields, members=listed(*users, line=line), **more)


def there(name: str, *users: str, code: str | None = None, read: bool = True, **fields: Any) -> LiveGroup:
    of = definition(**fields)
    return LiveGroup(name, of, UserType(of["userType"]), 1, code, frozenset(users) if read else None)


def snapshot(*groups: LiveGroup, **more: Any) -> Snapshot:
    return Snapshot("acme", {group.id: group for group in groups}, **more)


def check(wishes: Iterable[DesiredGroup], live: Snapshot, known: Known | None = None) -> list[Diagnostic]:
    tenant = DesiredTenant("acme", HERE, tuple(wishes))
    return rules.check(tenant, diff(tenant, live, known or {}), live)


def controls(*ids: str, kind: str = "EMPLOYEE", before: tuple[str, ...] = (), **restricted: Any) -> list[Diagnostic]:
    fields = definition(kind) | {"accessControls": list(ids)}
    live = LiveGroup(
        "g", definition("EMPLOYEE") | {"accessControls": list(before)}, UserType.EMPLOYEE, 1, None, frozenset()
    )
    known = {name: Control(name, restricted_to=UserType(kind) if kind else None) for name, kind in restricted.items()}
    where = {"accessControls": Source("acme.yaml", 12, 9)}
    return check([wish("g", fields=fields, field_sources=where)], snapshot(live, controls=known))


def templates(*ids: str, **known: tuple[str, ...]) -> list[Diagnostic]:
    wanted = wish("g", fields=definition("EMPLOYEE") | {"templates": list(ids)})
    restricted = {"ac1": Control("ac1", restricted_to=UserType.CUSTOMER), "ac2": Control("ac2")}
    return check([wanted], replace(snapshot(controls=restricted), templates=known))


def ours(kind: str, **members: str) -> dict[str, KnownGroup]:
    return {name: KnownGroup(False, UserType(kind), frozenset(users.split())) for name, users in members.items()}


BUYER = there("buyer", "ana", code="BUYER", user_type="CUSTOMER", company="x")
ADMIN = there("admin", code="ADMIN", user_type="CUSTOMER", company="x")
OTHER = there("other", "ana", code="ADMIN", user_type="CUSTOMER", company="y")
CONTACT = there("contact", "ana", code="CONTACT", user_type="CUSTOMER", company="x")

CASES: dict[str, Callable[[], list[Diagnostic]]] = {
    "a group whose only name is emptied": lambda: check(
        [wish("g", fields={"userType": "EMPLOYEE", "name": {"en": ""}})], snapshot(there("g"))
    ),
    "a user that does not exist": lambda: check(
        [wish("g", "ghost")], snapshot(there("g"), missing=frozenset({"ghost"}))
    ),
    "1, one user listed in groups of both types": lambda: check(
        [wish("staff", "ana", line=3), wish("shoppers", "ana", line=8)],
        snapshot(there("staff"), there("shoppers", user_type="CUSTOMER")),
    ),
    "1, a member already, and listed in a new group of the other type": lambda: check(
        [wish("staff", "ana", line=3), wish("shoppers", "ana", line=8, fields=definition("CUSTOMER"))],
        snapshot(there("staff", "ana")),
    ),
    "2, groups of two vendors": lambda: check(
        [wish("a", "ana", line=3), wish("b", "ana", line=8)], snapshot(there("a", vendor="v"), there("b", vendor="w"))
    ),
    "2, no vendor counts as one": lambda: check(
        [wish("b", "ana")], snapshot(there("a", "ana", vendor="v"), there("b"))
    ),
    "2, a group that nobody read": lambda: check(
        [wish("b", "ana")],
        snapshot(there("a", vendor="v", read=False), there("b"), memberships={"ana": frozenset({"a"})}),
    ),
    "2, a new group of a vendor": lambda: check(
        [wish("b", "ana", fields=definition(vendor="v"))], snapshot(there("a", "ana"))
    ),
    "2, leaving the other vendor": lambda: check(
        [wish("a"), wish("b", "ana")], snapshot(there("a", "ana", vendor="v"), there("b")), ours("EMPLOYEE", a="ana")
    ),
    "2, the other vendor's group leaves": lambda: check(
        [wish("b", "ana")],
        snapshot(there("a", "ana", vendor="v"), there("b")),
        {"a": KnownGroup(True, UserType.EMPLOYEE, frozenset({"ana"}))},
    ),
    "2, a group replaced for another vendor": lambda: check(
        [wish("a", "ana", fields=definition(vendor="w"), line=3), wish("b", "ana", line=8)],
        snapshot(there("a", "ana", vendor="v"), there("b", "ana", vendor="v")),
        {"a": KnownGroup(True, UserType.EMPLOYEE, frozenset({"ana"})), **ours("EMPLOYEE", b="ana")},
    ),
    "3, customers in a vendor's group": lambda: check(
        [wish("g", fields=definition("CUSTOMER", "v"), field_sources={"vendorId": Source("acme.yaml", 13, 9)})],
        snapshot(),
    ),
    "4, two roles in one company": lambda: check(
        [wish("admin", "ben", line=3), wish("buyer", "ana", "ben", line=8)],
        snapshot(BUYER, ADMIN),
        ours("CUSTOMER", buyer="ana"),
    ),
    "4, a role that nobody of us gave": lambda: check([wish("admin", "ana")], snapshot(BUYER, ADMIN)),
    "4, another role instead": lambda: check(
        [wish("admin", "ana"), wish("buyer")], snapshot(BUYER, ADMIN), ours("CUSTOMER", buyer="ana")
    ),
    "4, roles in two companies, and the contact group": lambda: check(
        [wish("admin", "ana")], snapshot(OTHER, CONTACT, ADMIN)
    ),
    "5, for another userType": lambda: controls("ac1", ac1="CUSTOMER"),
    "5, for both": lambda: controls("ac1", ac1=""),
    "5, for nobody of the three": lambda: controls("ac1", "ac2", "ac3", ac1="CUSTOMER", ac2="EMPLOYEE", ac3="CUSTOMER"),
    "5, attached already": lambda: controls("ac1", "ac2", before=("ac1",), ac1="CUSTOMER", ac2="EMPLOYEE"),
    "5, attached already, but the userType changes": lambda: controls(
        "ac1", before=("ac1",), kind="CUSTOMER", ac1="EMPLOYEE"
    ),
    "5, one that does not exist": lambda: controls("ac9"),
    "5, through templates": lambda: templates("good", "bad", "none", good=("ac2",), bad=("ac1", "ac2", "ac9")),
}


def said(name: str) -> str:
    return shown(CASES[name]())


@pytest.mark.parametrize("name", CASES)
def test_a_rule_says_exactly_this(name: str) -> None:
    """Each rule, broken and kept, word for word."""
    assert said(name) == GOLDEN[name]


def test_the_golden_file_has_no_other_cases() -> None:
    """A case that nobody tests would say what may no longer be so."""
    assert GOLDEN.keys() == CASES.keys()


def questions(wishes: Iterable[DesiredGroup], live: Snapshot, known: Known | None = None) -> rules.Questions:
    return rules.questions(diff(DesiredTenant("acme", HERE, tuple(wishes)), live, known or {}), live)


def test_a_plan_without_changes_asks_nothing() -> None:
    """Reading what no answer depends on would cost requests for nothing."""
    asked = questions([wish("g", "ana")], snapshot(there("g", "ana")), ours("EMPLOYEE", g="ana"))
    assert asked == rules.Questions({}, {}, frozenset(), controls=False)
    assert not asked


def test_employees_who_join_are_asked_about_and_customers_must_exist() -> None:
    """An employee's other groups bind to a vendor; a customer's existence is all that can't be seen from groups."""
    live = snapshot(there("staff"), there("shoppers", user_type="CUSTOMER"), there("rest", read=False))
    asked = questions([wish("staff", "ana"), wish("shoppers", "ben")], live)
    assert (asked.users, asked.existing) == ({"ana": UserType.EMPLOYEE}, {"ben": UserType.CUSTOMER})
    assert asked


def test_who_loses_several_memberships_is_asked_about_if_anything_can_be_saved() -> None:
    """All groups of a user must be known before all are removed in one request; a deleted group needs none."""
    live = snapshot(*(there(name, "ana") for name in "abc"), there("rest", read=False))
    mine = ours("EMPLOYEE", a="ana", b="ana") | {"c": KnownGroup(True, UserType.EMPLOYEE, frozenset({"ana"}))}
    keep_b, keep_c = wish("b", "ana"), wish("c", "ana", fields=definition())
    assert questions([wish("a"), keep_b, keep_c], live, mine).users == {}
    assert questions([wish("a"), keep_b], live, mine).users == {}
    assert questions([wish("a"), keep_c], live, mine).users == {"ana": UserType.EMPLOYEE}
    read = replace(live, groups={name: group for name, group in live.groups.items() if name != "rest"})
    assert questions([wish("a"), keep_c], read, mine).users == {}


def test_who_joins_something_is_not_asked_about_twice() -> None:
    """Somebody who gains a group never loses all of them at once."""
    live = snapshot(there("a", "ben"), there("b", "ben"), there("c", user_type="CUSTOMER"), there("rest", read=False))
    asked = questions([wish("c", "ben")], live, ours("EMPLOYEE", a="ben", b="ben"))
    assert (asked.users, asked.existing) == ({}, {"ben": UserType.CUSTOMER})


def test_the_unread_roles_of_a_company_are_asked_for_when_somebody_joins_one() -> None:
    """Rule 4 depends on who has a role already; other companies and the contact group do not matter."""
    live = snapshot(ADMIN, *(replace(group, members=None) for group in (BUYER, OTHER, CONTACT)))
    assert questions([wish("admin", "ben")], live).groups == {"buyer"}
    assert questions([wish("admin")], live).groups == frozenset()


def test_access_controls_are_asked_for_when_a_group_gains_one() -> None:
    """A new group, or one of another userType, gains all of its access controls."""
    with_one = {**definition(), "accessControls": ["ac1"]}
    live = snapshot(LiveGroup("g", with_one, UserType.EMPLOYEE, 1, None, frozenset()))
    assert questions([wish("g", fields=with_one)], snapshot()).controls
    assert questions([wish("g", fields={**with_one, "userType": "CUSTOMER"})], live).controls
    assert not questions([wish("g", fields={**with_one, "name": {"en": "New"}})], live).controls
    assert not questions([wish("new", fields=definition())], live).controls
    assert not questions([], live, {"g": KnownGroup(True, UserType.EMPLOYEE)}).controls


def test_a_group_outside_the_targets_is_not_judged() -> None:
    """A group that is to be created, but not among the targets, has no terms yet."""
    tenant = DesiredTenant("acme", HERE, (wish("g", "ana"), wish("new", "ana", fields=definition("CUSTOMER"))))
    live = snapshot(there("g"))
    found: Differences = limit(diff(tenant, live, {}), "acme", ["acme/g"], ["g", "new"])
    assert rules.check(tenant, found, live) == []


def test_groups_of_employees_and_of_customers_do_not_exclude_each_other() -> None:
    """Rules 2 and 4 are about groups of one user type; nobody can be in two types, and that is rule 1's to say."""
    vendors, companys = Terms(UserType.EMPLOYEE, vendor="v"), Terms(UserType.CUSTOMER, company="x")
    assert not vendors.forbid(companys)
    assert not companys.forbid(vendors)
