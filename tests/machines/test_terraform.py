"""Terraform's form of a plan: what each change becomes, and what holds for every plan. Real tools read it beside."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.limits import Guards
from reconciler.core.model import Membership, Person
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.render import terraform, terraform_resources
from tests.core.test_document import plans
from tests.machines import world
from tests.machines.world import EVERYTHING, entry, written

FOUND = written(EVERYTHING)
REASONS = {"delete_because_each_key", "replace_because_cannot_update", "replace_by_triggers", None}


@pytest.mark.parametrize(
    ("change", "actions", "types", "more"),
    [
        (world.CREATED, ["create"], (None, "EMPLOYEE"), {}),
        (world.JOINED, ["create"], (None, "EMPLOYEE"), {}),
        (world.RENAMED, ["update"], ("EMPLOYEE", "EMPLOYEE"), {}),
        (world.IMPORTED, ["update"], ("EMPLOYEE", "EMPLOYEE"), {"importing": {"id": "acmeprod/found"}}),
        (world.ADOPTED, ["no-op"], ("EMPLOYEE", "EMPLOYEE"), {"importing": {"id": "acmeprod/theirs/cleo"}}),
        (world.REMEMBERED, ["no-op"], ("EMPLOYEE", "EMPLOYEE"), {}),
        (world.LET_GO, ["no-op"], ("EMPLOYEE", "EMPLOYEE"), {}),
        (world.DELETED, ["delete"], ("EMPLOYEE", None), {}),
        (world.LEFT, ["delete"], ("EMPLOYEE", None), {}),
        (world.RETYPED, ["delete", "create"], ("EMPLOYEE", "CUSTOMER"), {"replace_paths": [["user_type"]]}),
        (world.TURNED, ["delete", "create"], ("EMPLOYEE", "CUSTOMER"), {"replace_paths": [["user_type"]]}),
        (world.MISTYPED, ["delete", "create"], ("CUSTOMER", "EMPLOYEE"), {"replace_paths": [["user_type"]]}),
        (world.OUSTED, ["delete"], ("EMPLOYEE", None), {}),
        (world.RESOLD, ["delete", "create"], ("EMPLOYEE", "EMPLOYEE"), {"replace_paths": [["vendor_id"]]}),
        (world.CARRIED, ["delete", "create"], ("EMPLOYEE", "EMPLOYEE"), {}),
    ],
    ids=lambda value: value.address if isinstance(value, Change) else "",
)
def test_what_a_change_becomes(
    change: Change, actions: list[str], types: tuple[Any, Any], more: dict[str, Any]
) -> None:
    """Its actions, who it is about before and after, and what Terraform says besides."""
    told = entry(FOUND, change)["change"]
    assert told["actions"] == actions
    assert tuple(side and side["user_type"] for side in (told["before"], told["after"])) == types
    assert {key: told[key] for key in ("importing", "replace_paths") if key in told} == more
    if actions == ["no-op"]:
        assert told["before"] == told["after"]


def test_why_a_change_is_there() -> None:
    """Only Terraform's own words stand under Terraform's own key; ours stand under ours."""
    found = {
        change.address: entry(FOUND, change).get("action_reason")
        for change in EVERYTHING.changes
        if change.reason is not Reason.GONE
    }
    assert {address: why for address, why in found.items() if why} == {
        "acmeprod/desk/gus": "replace_because_cannot_update",
        "acmeprod/old": "delete_because_each_key",
        "acmeprod/old/dan": "delete_because_each_key",
        "acmeprod/shop": "replace_because_cannot_update",
        "acmeprod/shop/hal": "replace_by_triggers",
        "acmeprod/turn": "replace_because_cannot_update",
        "acmeprod/turn/eve": "replace_because_cannot_update",
        "acmeprod/turn/fay": "delete_because_each_key",
    }
    assert entry(FOUND, world.JOINED)["reconciler"] == {
        "action": "create", "reason": "new in configuration", "note": "OPS-42",
        "source": {"file": "reconciler.yaml", "line": 7, "column": 11},
    }  # fmt: skip


def test_what_happened_outside_is_drift() -> None:
    """Removed, gone for good, or edited; what is gone is no change, because nothing will be done about it."""
    drift = {item["index"]: item["change"]["actions"] for item in FOUND["resource_drift"]}
    assert drift == {
        "acmeprod/desk/ben": ["delete"],
        "acmeprod/desk/jo": ["delete"],
        "acmeprod/void": ["delete"],
        "acmeprod/till": ["update"],
    }
    changed = {item["index"] for item in FOUND["resource_changes"]}
    assert not {"acmeprod/desk/jo", "acmeprod/void"} & changed
    assert entry(FOUND, world.EDITED, "resource_drift")["change"]["after"]["name"] == {"en": "Hacked"}


def test_the_values_are_in_the_vendors_style() -> None:
    told = entry(FOUND, world.CREATED)
    assert told["type"] == "emporix_group"
    assert told["change"]["after"] == {
        "id": "acmeprod/fresh", "tenant": "acmeprod", "group_id": "fresh", "user_type": "EMPLOYEE",
        "name": {"en": "Fresh"}, "description": None, "access_controls": None, "templates": None, "restrictions": None,
        "b2b": None, "vendor_id": None, "mixins": {"a": {}, "b": 1},
    }  # fmt: skip
    assert entry(FOUND, world.JOINED)["change"]["after"] == {
        "id": "acmeprod/fresh/ana", "tenant": "acmeprod", "group_id": "fresh", "user_id": "ana",
        "user_type": "EMPLOYEE", "handle": "ana", "email": "ana@acme.example", "name": "Ana Blum",
        "teams": ["staff", "ops"], "until": "2027-02-01T00:00:00Z",
    }  # fmt: skip


def test_who_somebody_is_makes_no_difference_between_before_and_after() -> None:
    """What nobody knows is null, never left out, and remembering an e-mail is no change of the membership."""
    pinned = world.change("g", "cleo", Action.ADOPT, Reason.PINNED, email="cleo@acme.example")
    retyped = world.change("g", "dan", Action.REPLACE, Reason.TYPE, person=Person("dan"))
    found = written(world.plan(pinned, retyped))
    for change, known in ((pinned, {"email": "cleo@acme.example"}), (retyped, {"handle": "dan"})):
        told = entry(found, change)["change"]
        names = {"handle": None, "email": None, "name": None, "teams": [], "until": None} | known
        for side in ("before", "after"):
            assert {name: told[side][name] for name in names} == names


@pytest.mark.parametrize(
    ("user", "quoted"),
    [
        ("ana", '"acmeprod/g/ana"'),
        ('a"]', r'"acmeprod/g/a\"]"'),
        ("a\\b", r'"acmeprod/g/a\\b"'),
        ("${file}%{if}", '"acmeprod/g/$${file}%%{if}"'),
        ("5$ 5%", '"acmeprod/g/5$ 5%"'),
        ("a\nb\t\r", r'"acmeprod/g/a\nb\t\r"'),
        ("\u202e\x1b\U000e0001", r'"acmeprod/g/\u202e\u001b\U000e0001"'),
        ("目ü", '"acmeprod/g/目ü"'),
    ],
)
def test_an_address_is_quoted_as_terraform_quotes_it(user: str, quoted: str) -> None:
    """No id can end its quotes, name another resource, or begin a template."""
    change = world.change("g", user, Action.CREATE, Reason.NEW)
    assert terraform_resources.address(change) == f"emporix_group_membership.this[{quoted}]"
    assert entry(written(world.plan(change)), change)["index"] == f"acmeprod/g/{user}"


def test_a_plan_as_a_whole() -> None:
    """What can be applied, what is all, what failed, and who is to be asked."""
    assert (FOUND["format_version"], FOUND["terraform_version"][:2]) == ("1.2", "1.")
    assert (FOUND["applyable"], FOUND["complete"], FOUND["errored"]) == (True, True, False)
    nothing = written(Plan(tenants=("acmeprod",), unchanged=7))
    assert (nothing["applyable"], nothing["complete"], nothing["errored"]) == (False, True, False)
    assert nothing["resource_changes"] == [] and nothing["reconciler"]["unchanged"] == 7
    part = written(replace(EVERYTHING, targets=("acmeprod/desk",)))
    assert (part["applyable"], part["complete"]) == (True, False)
    failed = written(replace(EVERYTHING, failures={"beta": "no answer"}))
    assert (failed["errored"], failed["complete"], failed["reconciler"]["failures"]) == (
        True,
        False,
        {"beta": "no answer"},
    )


def test_a_refused_plan_can_not_be_applied() -> None:
    protected = Touched(900, 899, Membership.EXACT, Guards(protected=frozenset({"dan"})))
    refused = written(replace(world.plan(world.LEFT), touched={("acmeprod", "old"): protected}))
    assert refused["applyable"] is False
    assert [item["rule"] for item in refused["reconciler"]["refusals"]] == ["protected"]


@given(plan=plans())
@settings(max_examples=50, deadline=None)
def test_what_holds_for_every_plan(plan: Plan) -> None:
    """Each part agrees with the others, and addresses are what tools take them for."""
    found = written(plan)
    reachable = [c for c in plan.changes if (c.action, c.reason) != (Action.FORGET, Reason.GONE)]
    assert [item["index"] for item in found["resource_changes"]] == [change.address for change in reachable]
    for part, side in (("planned_values", "after"), ("prior_state", "before")):
        module = (found[part] if part == "planned_values" else found[part]["values"])["root_module"]
        wanted = [(i["address"], i["change"][side]) for i in found["resource_changes"] if i["change"][side] is not None]
        assert [(item["address"], item["values"]) for item in module["resources"]] == wanted
    blocks = {block["address"] for block in found["configuration"]["root_module"]["resources"]}
    for item in found["resource_changes"] + found["resource_drift"]:
        assert f"{item['type']}.{item['name']}" in blocks
        assert re.fullmatch(r'emporix_\w+\.this\["(?:[^"\\]|\\.)*"\]', item["address"])
        assert item["address"].isprintable()
        assert item.get("action_reason") in REASONS


@given(names=st.dictionaries(st.text(max_size=4), st.text(max_size=4), min_size=2, max_size=4))
def test_equal_plans_give_equal_lines(names: dict[str, str]) -> None:
    """The order in which the service wrote a definition means nothing."""
    backwards = dict(reversed(names.items()))
    lines = [
        list(terraform.plan(world.plan(replace(world.CREATED, after={"name": found})))) for found in (names, backwards)
    ]
    assert lines[0] == lines[1]
    assert json.loads(lines[0][0])
