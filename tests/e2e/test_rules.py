"""What the service would refuse is refused while planning: exit 1, rule and lines named, and no write is sent."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Workplace
from tests.e2e.world import World

HEAD = "tenants:\n  - tenant: acmeprod\n    groups:\n"


def ours(name: str, more: str) -> str:
    return f"      - {{id: {name}, name: {{en: {name}}}, {more}}}\n"


def somebodys(match: str, members: str) -> str:
    return f"      - {{match: {match}, membership: additive, members: {members}}}\n"


VIOLATIONS = {
    "1: an employee in a group of customers": (
        ours("mixed", "userType: CUSTOMER, members: [ana]"), ["ana", "CUSTOMER", ":4:"]),
    "1: a customer in a group of employees": (
        ours("mixed", "userType: EMPLOYEE, members: [kim]"), ["kim", "EMPLOYEE", ":4:"]),
    "1: one user in groups of both types": (
        ours("first", "userType: EMPLOYEE, members: [ana]") + ours("second", "userType: CUSTOMER, members: [ana]"),
        ["ana", "one userType", ":4:", ":5:"]),
    "1: a type that there is not": (ours("odd", "userType: ROBOT, members: []"), ["ROBOT", "EMPLOYEE", ":4:"]),
    "1: a user whom nobody knows": (ours("odd", "userType: EMPLOYEE, members: [nobody]"), ["nobody", ":4:"]),
    "2: two vendors for one employee": (
        ours("of-b", "userType: EMPLOYEE, vendorId: b, members: [ana]")
        + somebodys("{id: vendor-a}", "[ana]"), ["ana", "vendor", ":4:", ":5:"]),
    "2: a vendor's group besides one without": (
        ours("free", "userType: EMPLOYEE, members: [ana]") + somebodys("{id: vendor-a}", "[ana]"),
        ["ana", "vendor", ":4:", ":5:"]),
    "2: a vendor's group besides one that we do not manage": (
        somebodys("{id: vendor-a}", "[zoe]"), ["zoe", "vendor", "clerks", ":4:"]),
    "3: a vendor's group of customers": (
        ours("odd", "userType: CUSTOMER, vendorId: a, members: []"), ["vendor", "CUSTOMER", ":4:"]),
    "4: two roles in one company": (
        somebodys("{code: ADMIN}", "[kim]") + somebodys("{code: BUYER}", "[kim]"), ["kim", "company X", ":4:", ":5:"]),
    "4: a second role besides one that we do not manage": (
        somebodys("{code: BUYER}", "[lee]"), ["lee", "company X", "requester-x", ":4:"]),
    "5: an access control for the other type": (
        ours("odd", "userType: EMPLOYEE, accessControls: [orders, carts], members: []"),
        ["carts", "CUSTOMER", "restrictedTo", ":4:"]),
    "a match that fits nothing": (somebodys("{code: NOTHING}", "[ana]"), ["NOTHING", ":4:"]),
    "a match that fits several": (somebodys("{legalEntityId: X}", "[kim]"), ["admin-x", "buyer-x", ":4:"]),
    "somebody else's group that is not there": ("      - {id: nowhere, members: [ana]}\n", ["nowhere", ":4:"]),
}  # fmt: skip


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    seed["tenants"][0]["assignments"].append({"groupId": "requester-x", "userId": "lee"})
    return seed


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_it_is_refused_while_planning(work: Workplace, world: World, violation: str) -> None:
    """Plan and apply: exit 1, whom it concerns and which lines, and not one write."""
    text, words = VIOLATIONS[violation]
    work.configure(HEAD + text)
    for result in (work.run("plan"), work.apply()):
        assert result.code == 1, result.everything
        for word in words:
            assert word in result.err, (word, result.everything)
        assert "Traceback" not in result.err
    assert world.writes == []


def test_all_violations_are_told_at_once(work: Workplace, world: World) -> None:
    """Who repairs a file wants to do it once."""
    work.configure(
        HEAD
        + ours("odd", "userType: EMPLOYEE, accessControls: [carts], members: [nobody]")
        + somebodys("{code: ADMIN}", "[kim]")
        + somebodys("{code: BUYER}", "[kim, lee]")
    )
    result = work.run("plan")
    assert result.code == 1
    for word in ("nobody", "carts", "kim", "lee"):
        assert word in result.err
    assert world.writes == []


ALLOWED = {
    "an employee of one vendor only": somebodys("{id: vendor-a}", "[ana, ben]"),
    "one role in each company and the free groups": (
        somebodys("{code: ADMIN}", "[kim]") + ours("free", "userType: CUSTOMER, members: [kim, lee]")
    ),
    "an access control for its own type": ours("shop", "userType: CUSTOMER, accessControls: [carts], members: [kim]"),
    "a vendor's group made by us": ours("of-b", "userType: EMPLOYEE, vendorId: b, members: [ana]"),
}


@pytest.mark.parametrize("allowed", ALLOWED)
def test_what_the_rules_allow_is_done(work: Workplace, world: World, allowed: str) -> None:
    """The rules refuse nothing more than the service does."""
    work.configure(HEAD + ALLOWED[allowed])
    result = work.apply()
    assert result.code == 0, result.everything
    assert work.run("plan", "--detailed-exitcode").code == 0


def test_a_role_moves_by_removing_first(work: Workplace, world: World) -> None:
    """Rule 4 in one apply: from Requester to Admin of one company, in the only order that the service takes."""
    work.configure(HEAD + somebodys("{code: REQUESTER}", "[lee, mia]"))
    assert work.apply().code == 0
    work.configure(HEAD + somebodys("{code: REQUESTER}", "[mia]") + somebodys("{code: ADMIN}", "[lee]"))
    world.clear()
    assert work.apply().code == 0
    moves = [call for call in world.calls if call.startswith(("PUT", "DELETE"))]
    assert moves == ["DELETE groups/requester-x/users/lee", "PUT groups/admin-x/users/CUSTOMER/lee"]


def test_a_vendor_changes_by_removing_first(work: Workplace, serve: Callable[..., Sandbox], seed: Any) -> None:
    """Rule 2 in one apply: an employee goes from a group without vendor to one with."""
    work.url = serve(seed).url
    with closing(World(work.url)) as world:
        work.configure(HEAD + ours("free", "userType: EMPLOYEE, members: [ana, ben]"))
        assert work.apply().code == 0
        vendors = somebodys("{id: vendor-a}", "[ana]")
        work.configure(HEAD + ours("free", "userType: EMPLOYEE, members: [ben]") + vendors)
        world.clear()
        assert work.apply().code == 0
        assert [call for call in world.calls if call.startswith(("PUT", "DELETE"))] == [
            "DELETE groups/free/users/ana",
            "PUT groups/vendor-a/users/EMPLOYEE/ana",
        ]
