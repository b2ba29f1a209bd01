"""What guards say of access that is there: sensitive scopes are marked, and who has together what is kept apart."""

import csv
import io
import json
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group

FINDING = (
    "holds both order.order_manage (through ours) and payment.payment_manage (through bo-manager),"
    " which guards.separation keeps apart"
)
GUARDS = {"sensitive": ["payment.*"], "separation": [["order.*_manage", "payment.payment_manage"]]}


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """One access control of ours, and one of a group that nobody of us cares for."""
    (tenant,) = seed["tenants"]
    tenant["accessControls"] = [
        {"id": "orders", "scopes": ["order.order_manage", "order.order_read"]},
        {"id": "payments", "scopes": ["payment.payment_manage"]},
    ]
    groups = {each["id"]: each for each in tenant["groups"]}
    groups["bo-manager"]["accessControls"] = ["payments"]
    return seed


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """``ana`` gets the other scope behind our back."""
    work.configure(configuration(group("ours", ["ana", "ben"], accessControls=["orders"]), guards=GUARDS))
    assert work.apply().code == 0
    world.add("bo-manager", "ana")
    world.clear()
    return work


def test_the_findings_stand_first(applied: Workplace) -> None:
    """In every form, and every sensitive scope is marked; a spreadsheet names the other scope beside each."""
    table = applied.run("access").out.splitlines()
    assert table[0] == "3 of 5 memberships need a look; 1 conflict with guards.separation."
    assert "3 users, 5 memberships, 3 scopes, 2 users with sensitive scopes" in table[2]
    assert table[4:6] == [
        "Conflicts (1): scopes of a pair that guards.separation keeps apart, in one hand",
        f"  ana@acmeprod.example (ana) {FINDING}",
    ]
    assert "  payment.payment_manage (sensitive)  " in "\n".join(table)

    markdown = applied.run("access", "--format", "markdown").out
    assert "- `ana@acmeprod.example (ana)` holds both `order.order_manage` (through ours) and" in markdown
    assert "| `payment.payment_manage` **sensitive** through `access control payments` |" in markdown

    page = applied.run("access", "--format", "html").out
    assert f"<li><b>ana@acmeprod.example (ana)</b> {FINDING}</li>" in page
    assert "<code>payment.payment_manage</code> <em>sensitive</em>" in page

    (told,) = json.loads(applied.run("access", "--format", "json").out)["tenants"]
    (conflict,) = told["conflicts"]
    assert (conflict["user"]["id"], conflict["pair"]) == ("ana", ["order.*_manage", "payment.payment_manage"])
    assert conflict["holds"] == [
        [{"scope": "order.order_manage", "groups": ["ours"]}],
        [{"scope": "payment.payment_manage", "groups": ["bo-manager"]}],
    ]
    marks = {(one["scope"], one.get("sensitive")) for each in told["memberships"] for one in each["scopes"]}
    assert marks == {("payment.payment_manage", True), ("order.order_manage", None), ("order.order_read", None)}

    rows = csv.DictReader(io.StringIO(applied.run("access", "--format", "csv").out))
    assert {(row["user"], row["scope"]): (row["sensitive"], row["conflict"]) for row in rows} == {
        ("ana", "order.order_manage"): ("", "payment.payment_manage"), ("ana", "order.order_read"): ("", ""),
        ("ana", "payment.payment_manage"): ("yes", "order.order_manage"),
        ("ben", "order.order_manage"): ("", ""), ("ben", "order.order_read"): ("", ""),
        ("zoe", "payment.payment_manage"): ("yes", ""), ("zoe", ""): ("", ""),
    }  # fmt: skip


def test_explain_says_it_of_its_user(applied: Workplace, world: World) -> None:
    """Before the ways, and in JSON; of others nothing, of scopes that were not asked for neither."""
    told = applied.run("explain", "ana").out.splitlines()
    assert told[1] == f"  {FINDING}"
    assert told[-1].startswith("  payment.payment_manage (sensitive) <- access control payments")
    assert "holds both" not in applied.run("explain", "ben").out
    assert "holds both" in applied.run("explain", "ana", "--scope", "payment.*").out
    assert "holds both" not in applied.run("explain", "ana", "--scope", "*_read").out
    (user,) = json.loads(applied.run("explain", "ana", "--format", "json").out)["tenants"][0]["users"]
    assert [each["pair"] for each in user["conflicts"]] == [["order.*_manage", "payment.payment_manage"]]
    assert [way.get("sensitive") for way in user["ways"]] == [None, None, True]
    assert "(sensitive)" in applied.run("who", "payment.*").out
