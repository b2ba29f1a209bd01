"""Definitions over real HTTP: what was written reads back as written, and what is not managed stays as it is."""

from contextlib import closing
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group

FULL: dict[str, Any] = {
    "name": {"en": "Ours", "de": "Unsere 我们的"},
    "description": {"en": 'With "quotes", a \\ and a\nline', "de": ""},
    "accessControls": ["orders"],
    "templates": ["office"],
    "restrictions": ["FR", "DE"],
    "mixins": {"deep": {"list": [3, 1, 2], "null": None, "true": True, "number": 1.5}},
}


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    seed["tenants"][0]["languages"] = ["en", "de"]
    seed["tenants"][0]["templates"] = [{"id": "office", "accessControls": ["orders"]}]
    return seed


def settled(work: Workplace) -> None:
    """Applied, and nothing is left to do."""
    result = work.apply()
    assert result.code == 0, result.everything
    again = work.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.everything


def test_every_field_reads_back(work: Workplace, world: World) -> None:
    """Created, then each field changed or emptied in turn: after each apply a plan is empty."""
    work.configure(configuration(group("ours", ["ana"], **FULL)))
    settled(work)
    changes: dict[str, Any] = {"description": None, "templates": [], "restrictions": ["DE"], "mixins": {}}
    for name, value in changes.items():
        work.configure(configuration(group("ours", ["ana"], **{**FULL, name: value})))
        settled(work)
    assert world.members("ours") == {"ana"}


@pytest.mark.parametrize("field", ["description", "accessControls", "templates", "restrictions", "mixins"])
def test_a_field_that_is_left_out_is_carried_along(work: Workplace, world: World, field: str) -> None:
    """Somebody else keeps it: an update of another field does not take it away."""
    work.configure(configuration(group("ours", [], **FULL)))
    settled(work)
    before = world.groups["ours"][field]
    rest = {name: value for name, value in FULL.items() if name != field}
    work.configure(configuration(group("ours", [], **{**rest, "name": {"en": "Renamed"}})))
    settled(work)
    assert world.groups["ours"][field] == before
    assert world.groups["ours"]["name"] == {"en": "Renamed"}


def test_a_plain_name_is_in_the_default_language(work: Workplace, world: World) -> None:
    """Other languages stay."""
    work.configure(configuration(group("ours", [], name={"en": "Ours", "de": "Unsere"})))
    settled(work)
    work.configure(configuration(group("ours", [], name="Renamed")))
    settled(work)
    assert world.groups["ours"]["name"] == {"en": "Renamed", "de": "Unsere"}


@pytest.mark.parametrize("name", ["a..b", "ä", "%2F", "a?b#c", "x" * 200, "00123", "1e5", "no"])
def test_ids_are_taken_as_written(work: Workplace, serve: Any, seed: dict[str, Any], name: str) -> None:
    """Of users, whatever they consist of: added, found again, removed."""
    seed["tenants"][0]["employees"].append(name)
    work.url = serve(seed).url
    with closing(World(work.url)) as world:
        work.configure(configuration(group("ours", ["ana", name])))
        settled(work)
        assert world.members("ours") == {"ana", name}
        work.configure(configuration(group("ours", ["ana"])))
        settled(work)
        assert world.members("ours") == {"ana"}


def test_an_edit_by_somebody_else_is_undone_and_said(work: Workplace, world: World) -> None:
    """Drift of the definition: the reason says so, and only the managed fields go back."""
    work.configure(configuration(group("ours", ["ana"], description={"en": "Ours"})))
    settled(work)
    world.edit("ours", name={"en": "Theirs"}, userType="EMPLOYEE", description={"en": "Theirs"}, restrictions=["DE"])
    result = work.apply()
    assert result.code == 0
    assert "drift" in result.out
    assert world.groups["ours"]["name"] == {"en": "Ours"}
    assert world.groups["ours"]["restrictions"] == ["DE"]
