"""How a live group is to be said: by what it is found, what of it is ours, and whether its members can be listed."""

from dataclasses import replace

from reconciler.core.model import LiveGroup, Match, UserType
from reconciler.core.portrait import Portrait, portray

from .world import CUSTOMERS, EMPLOYEES


def live(group: str, code: str | None = None, company: str | None = None, **fields: object) -> LiveGroup:
    b2b = {"b2b": {"legalEntityId": company}} if company else {}
    return LiveGroup(group, {**CUSTOMERS, **b2b, **fields}, UserType.CUSTOMER, 1, code, frozenset({"b", "a"}))


def portraits(*groups: LiveGroup) -> dict[str, Portrait]:
    return {found.group.id: found for found in portray(groups, {group.id: group for group in groups})}


def test_a_group_of_the_platform_is_found_by_its_code_if_no_other_is() -> None:
    found = portraits(
        live("users", "BO_USER"), live("mine", name={"en": "Mine"}), live("nameless", name={}),
        live("x", "ADMIN", "X"), live("y", "ADMIN", "Y"), live("y2", "ADMIN", "Y"),
        live("everywhere", "BUYER"), live("buyer-x", "BUYER", "X"),
    )  # fmt: skip
    assert {group: portrait.match for group, portrait in found.items()} == {
        "users": Match(code="BO_USER"),
        "mine": None,
        "nameless": Match(id="nameless"),
        "x": Match(code="ADMIN", legal_entity_id="X"),
        "y": Match(id="y"),
        "y2": Match(id="y2"),
        "everywhere": Match(id="everywhere"),
        "buyer-x": Match(code="BUYER", legal_entity_id="X"),
    }


def test_only_what_is_ours_has_a_definition() -> None:
    found = portraits(live("users", "BO_USER"), live("mine"))
    assert (found["users"].fields, found["mine"].fields) == ({}, CUSTOMERS)
    assert found["mine"].members == ("a", "b")


def test_the_order_is_by_name_and_then_by_id() -> None:
    names = {"z": "alpha", "b": "Beta", "a": "beta", "0": "gamma"}
    assert list(portraits(*(live(group, name={"en": name}) for group, name in names.items()))) == ["z", "a", "b", "0"]


def test_members_of_another_type_can_not_be_listed() -> None:
    """A plan would remove and add them."""
    group = LiveGroup("g", EMPLOYEES, UserType.EMPLOYEE, 1, None, frozenset({"a", "b", "c"}))
    one = portraits(replace(group, mistyped={"a": UserType.CUSTOMER}))["g"]
    two = portraits(replace(group, mistyped={"a": UserType.CUSTOMER, "b": UserType.CUSTOMER}))["g"]
    assert (one.members, two.members) == (None, None)
    assert one.obstacle == "1 of them is in it as another userType than the group's"
    assert two.obstacle == "2 of them are in it as another userType than the group's"
