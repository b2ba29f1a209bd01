"""Real policy tools read Terraform's form of a plan: each has a policy that fires, and the same one passing."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.plan import Action, Plan, Reason
from reconciler.render import terraform
from tests.machines import world
from tests.machines.tools import PATIENCE, python_with, run
from tests.machines.world import EVERYTHING, HARMLESS

NOTHING = Plan(tenants=("acmeprod",))
HOSTILE = world.plan(world.change("g", 'a"] ${x} \u202e目', Action.DELETE, Reason.REMOVED))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def save(plan: Plan, file: Path) -> Path:
    """What ``plan --format terraform > plan.json`` leaves."""
    file.write_text("".join(f"{line}\n" for line in terraform.plan(plan)), encoding="utf-8")
    return file


FEATURE = """\
Feature: who may be in groups
  Scenario: members are employees
    Given I have emporix_group_membership defined
    Then it must have user_type
    And its value must be EMPLOYEE
  Scenario: groups have a name in English
    Given I have emporix_group defined
    Then it must have name
    And it must have en
"""


def compliance(plan: Plan, file: Path) -> tuple[int, str]:
    features = file.parent / "features"
    features.mkdir(exist_ok=True)
    (features / "members.feature").write_text(FEATURE, encoding="utf-8")
    save(plan, file)
    return run(file.parent, "terraform-compliance", "--no-ansi", "-f", str(features), "-p", str(file))


def test_terraform_compliance(file: Path) -> None:
    """A customer's membership is found; employees pass; a plan without changes has nothing to check."""
    code, said = compliance(EVERYTHING, file)
    assert code == 1, said
    failures = [line for line in said.splitlines() if "Failure:" in line and "emporix_" in line]
    assert len(failures) == 1, said
    assert 'emporix_group_membership.this["acmeprod/turn/eve"]' in failures[0]
    assert "1 passed, 1 failed" in said
    code, said = compliance(HARMLESS, file)
    assert code == 0, said
    assert "2 scenarios (2 passed)" in said
    code, said = compliance(NOTHING, file)
    assert code == 0, said


CHECK = """\
metadata: {id: CKV2_ACME_1, name: Members are employees, category: IAM}
definition:
  cond_type: attribute
  resource_types: [emporix_group_membership]
  attribute: user_type
  operator: equals
  value: EMPLOYEE
"""


def checked(plan: Plan, file: Path) -> tuple[int, dict[str, Any]]:
    checks = file.parent / "checks"
    checks.mkdir(exist_ok=True)
    (checks / "members.yaml").write_text(CHECK, encoding="utf-8")
    save(plan, file)
    args = (
        "--framework",
        "terraform_plan",
        "--external-checks-dir",
        str(checks),
        "--check",
        "CKV2_ACME_1",
        "--skip-download",
    )
    code, said = run(file.parent, "checkov", "-f", str(file), *args, "-o", "json")
    return code, json.loads(said[said.index("{") :])


def test_checkov(file: Path) -> None:
    """A check of ours finds the customer, and nobody else among the members that are there afterwards."""
    code, found = checked(EVERYTHING, file)
    assert code == 1, found
    assert [item["resource"] for item in found["results"]["failed_checks"]] == [
        'emporix_group_membership.this["acmeprod/turn/eve"]'
    ]
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] == 6
    code, found = checked(HARMLESS, file)
    assert code == 0, found
    assert (found["summary"]["failed"], found["summary"]["passed"]) == (0, 3)


REGO = """\
package acme

deny contains message if {
    some change in input.resource_changes
    "delete" in change.change.actions
    message := sprintf("%s is removed: %s", [change.index, change.reconciler.reason])
}

deny contains "the plan is not whole" if not input.complete

removed contains change.change.before.tenant if {
    some change in input.resource_changes
    startswith(change.address, "emporix_group_membership.this[")
    contains(change.address, "acmeprod/g/")
    change.change.after == null
}

owners contains change.change.after.user_id if {
    some change in input.resource_changes
    change.type == "emporix_group_membership"
    change.change.actions == ["create"]
}
"""


ASK = """\
import json, sys
from regopy import Interpreter
module, found, query = json.load(sys.stdin)
rego = Interpreter()
rego.add_module("acme", module)
rego.set_input(found)
print(rego.query(f"x = data.acme.{query}"))
"""


def asked(plan: Plan, query: str) -> Any:
    """What Open Policy Agent's language makes of the plan; regopy can't tell quotes within strings from their ends."""
    given = json.dumps([REGO, world.written(plan), query])
    done = subprocess.run(
        [python_with("regopy"), "-c", ASK], input=given, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return json.loads(done.stdout)["bindings"]["x"]


def test_rego() -> None:
    """A policy denies removals by action and says our own reason; it passes where nobody loses anything."""
    denied = asked(EVERYTHING, "deny")
    assert "acmeprod/old/dan is removed: removed from configuration" in denied
    assert len(denied) == 8
    assert asked(HARMLESS, "deny") == []
    assert asked(Plan(targets=("acmeprod",)), "deny") == ["the plan is not whole"]
    assert asked(EVERYTHING, "owners") == ["ana", "ben"]
    assert asked(HOSTILE, "removed") == ["acmeprod"]


def test_tfsumpy(file: Path) -> None:
    """A summary counts what is added, changed and destroyed, as Terraform does for a plan like this."""
    save(EVERYTHING, file)
    code, said = run(file.parent, "tfsumpy", "-o", "json", str(file))
    assert code == 0, said
    start = said.index("{")
    found, _ = json.JSONDecoder().raw_decode(said[start:])
    summary = {key.removeprefix("resources_to_"): count for key, count in found["summary"].items()}
    assert (summary["add"], summary["change"], summary["destroy"]) == (8, 3, 8)
    replaced = {item["identifier"] for item in found["resources"] if item["replacement"]}
    assert 'emporix_group.this["acmeprod/turn"]' in replaced
    assert len(replaced) == 5
    assert run(file.parent, "tfsumpy", "-o", "markdown", str(save(NOTHING, file)))[0] == 0


def test_terrasafe(file: Path) -> None:
    """Deletions are refused, unless a pattern of addresses allows them; a plan without any passes."""
    given = save(EVERYTHING, file).read_text(encoding="utf-8")
    code, said = run(file.parent, "terrasafe", given=given)
    assert code == 1, said
    assert ' - emporix_group_membership.this["acmeprod/old/dan"]' in said
    assert said.count("\n - ") == 8
    allowed = {"ignore_deletion": ['emporix_group.this["acmeprod/*"]', "emporix_group_membership.*"]}
    config = file.with_name("terrasafe.json")
    config.write_text(json.dumps(allowed), encoding="utf-8")
    code, said = run(file.parent, "terrasafe", "--config", str(config), given=given)
    assert code == 0, said
    for plan in (HARMLESS, NOTHING):
        code, said = run(file.parent, "terrasafe", given=save(plan, file).read_text(encoding="utf-8"))
        assert code == 0, said
