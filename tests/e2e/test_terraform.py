"""``--format terraform`` over a real service: one line that a policy reads, and nothing else on stdout."""

import json
from typing import Any

from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group
from tests.machines.tools import run

FORM = ("--format", "terraform")


def read(result: Result) -> dict[str, Any]:
    """The plan from stdout, which has nothing else."""
    assert result.out.count("\n") == 1 and result.out.endswith("}\n"), result.everything
    found: dict[str, Any] = json.loads(result.out)
    return found


def actions(found: dict[str, Any], part: str = "resource_changes") -> dict[str, list[str]]:
    return {item["index"].removeprefix("acmeprod/"): item["change"]["actions"] for item in found[part]}


def test_every_action_of_a_real_plan(work: Workplace, world: World) -> None:
    """What the service holds stands before, what will be there after; a saved plan gives the same line."""
    old = group("turn", ["ida"])
    work.configure(configuration(group("staff", ["ana", "ben"]), group("old", ["dan"]), old))
    assert work.apply().code == 0
    world.remove("staff", "ben")
    work.configure(
        configuration(
            group("staff", ["ana", "ben", "cleo"], description={"en": "Those who stay"}),
            group("turn", ["kim"], userType="CUSTOMER"),
            {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["zoe"]},
        )
    )
    planned = work.run("plan", "--detailed-exitcode", "-o", "x.plan", *FORM)
    assert planned.code == 2, planned.everything
    found = read(planned)
    assert actions(found) == {
        "bo-manager": ["no-op"],
        "bo-manager/zoe": ["no-op"],
        "old": ["delete"],
        "old/dan": ["delete"],
        "staff": ["update"],
        "staff/ben": ["create"],
        "staff/cleo": ["create"],
        "turn": ["delete", "create"],
        "turn/ida": ["delete"],
        "turn/kim": ["create"],
    }
    assert actions(found, "resource_drift") == {"staff/ben": ["delete"]}
    staff = next(item["change"] for item in found["resource_changes"] if item["index"] == "acmeprod/staff")
    assert (staff["before"]["description"], staff["after"]["description"]) == (None, {"en": "Those who stay"})
    shown = work.run("show", "x.plan", *FORM)
    assert read(shown)["resource_changes"] == found["resource_changes"]
    code, said = run(work.folder, "terrasafe", given=planned.out)
    assert code == 1
    assert said.count("\n - ") == 4, said


def test_a_refused_plan_can_not_be_applied(work: Workplace, world: World) -> None:
    """The exit code says it, and so does the plan."""
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", [])))
    refused = work.run("plan", *FORM)
    assert refused.code == 3, refused.everything
    found = read(refused)
    assert found["applyable"] is False
    assert [item["rule"] for item in found["reconciler"]["refusals"]] == ["emptied"]


def test_a_tenant_that_can_not_be_planned(work: Workplace, world: World) -> None:
    """The others are there, and the plan says that it is not the whole."""
    both = configuration(group("ours", ["ana"]))
    both["tenants"].append({"tenant": "elsewhere", "groups": [group("theirs", ["ben"])]})
    work.configure(both)
    failed = work.run("plan", *FORM)
    assert failed.code == 1, failed.everything
    found = read(failed)
    assert (found["errored"], found["complete"]) == (True, False)
    assert actions(found) == {"ours": ["create"], "ours/ana": ["create"]}
    assert list(found["reconciler"]["failures"]) == ["elsewhere"]
