"""Binding: exactly one live group, or words that say why not (golden/match.txt)."""

from collections.abc import Callable

import pytest

from reconciler.core.match import bind
from reconciler.core.model import DesiredGroup, DesiredTenant, LiveGroup, Match, UserType
from reconciler.diagnostics import Source

from .golden import cases, shown
from .world import EMPLOYEES, HERE

GOLDEN = cases("match.txt")


def there(group: str, code: str | None = None, **fields: object) -> LiveGroup:
    return LiveGroup(group, {"userType": "CUSTOMER", **fields}, UserType.CUSTOMER, 1, code)


BUYERS = there("g1", "BUYER", name={"en": "Buyer", "de": "Einkäufer"}, b2b={"legalEntityId": "x"})
OTHERS = there("g2", "BUYER", name={"en": "Buyer"}, b2b={"legalEntityId": "y"})
VENDORS = there("g3", vendorId="v")
LIVE = {group.id: group for group in (BUYERS, OTHERS, VENDORS)}


def entry(line: int = 1, **more: object) -> DesiredGroup:
    return DesiredGroup(Source("acme.yaml", line, 1), **more)  # type: ignore[arg-type]


def match(line: int = 1, **criteria: str) -> DesiredGroup:
    return entry(line, match=Match(**criteria))


def bound(*groups: DesiredGroup, live: dict[str, LiveGroup] = LIVE) -> tuple[list[str | None], str]:
    tenant, problems = bind(DesiredTenant("acme", HERE, groups), live)
    return [group.id for group in tenant.groups], shown(problems)


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"id": "g2"}, "g2"),
        ({"name": "Einkäufer"}, "g1"),
        ({"name": "Buyer", "legal_entity_id": "y"}, "g2"),
        ({"code": "BUYER", "legal_entity_id": "x"}, "g1"),
        ({"vendor_id": "v"}, "g3"),
    ],
)
def test_a_match_finds_the_one_group_that_fits_every_criterion(criteria: dict[str, str], found: str) -> None:
    """By id, code, company, vendor, and by the name in any language."""
    assert bound(match(**criteria)) == ([found], "nothing")


def test_a_group_with_an_id_and_fields_need_not_exist() -> None:
    """It is ours and will be created; without fields it is somebody else's and must be there."""
    assert bound(entry(id="new", fields=EMPLOYEES), entry(id="g1")) == (["new", "g1"], "nothing")


MANY = {f"g{number:02}": there(f"g{number:02}", "BUYER") for number in range(11)}

CASES: dict[str, Callable[[], tuple[list[str | None], str]]] = {
    "several fit": lambda: bound(match(name="Buyer")),
    "very many fit": lambda: bound(match(code="BUYER"), live=MANY),
    "none fits": lambda: bound(match(code="ADMIN")),
    "none fits, some in part": lambda: bound(match(code="BUYER", legal_entity_id="z")),
    "no criterion": lambda: bound(entry(match=Match()), live={"g1": BUYERS}),
    "no such id": lambda: bound(entry(id="g9")),
    "no such id, but in other letters": lambda: bound(entry(id="G3")),
    "the same group twice": lambda: bound(entry(3, id="g1"), match(9, name="Einkäufer")),
}


def said(name: str) -> str:
    return CASES[name]()[1]


@pytest.mark.parametrize("name", CASES)
def test_what_can_not_be_bound_is_left_out_and_said(name: str) -> None:
    """Each message names the candidates and what would be right."""
    assert said(name) == GOLDEN[name]
    assert CASES[name]()[0] == (["g1"] if "twice" in name else [])


def test_the_golden_file_has_no_other_cases() -> None:
    """A case that nobody tests would say what may no longer be so."""
    assert GOLDEN.keys() == CASES.keys()
