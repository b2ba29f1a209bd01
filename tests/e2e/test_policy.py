"""Policy end to end: what rules deny is refused like what guards refuse, now and when a saved plan is applied."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group

RULES = """package main
import rego.v1
deny contains {"msg": "eve is not for keep", "address": change.address, "remedy": "ask OPS"} if {
  some change in input.plan.changes
  change.user == "eve"
}
warn contains "think twice" if count(input.plan.changes) > 1
"""


@pytest.fixture
def ruled(work: Workplace) -> Workplace:
    """A configuration that names a policy which it breaks."""
    (work.folder / "rules").mkdir()
    (work.folder / "rules" / "access.rego").write_text(RULES)
    work.configure(configuration(group("keep", ["ana", "eve"]), policy=["rules"]))
    return work


def refused(result: Result) -> None:
    assert result.code == 3, result.everything
    assert "eve is not for keep" in result.everything
    assert "access.rego:3:1: `deny` of package main says so" in result.everything
    assert "ask OPS" in result.everything


def document(work: Workplace, name: str = "x.plan") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work.folder / name).read_bytes())
    return found


def test_a_denial_refuses_the_plan_and_its_application(ruled: Workplace, world: World) -> None:
    """Exit 3 with the line of the change, and nothing is written."""
    world.clear()
    for result in (ruled.run("plan"), ruled.apply()):
        refused(result)
        assert "reconciler.yaml:" in result.everything
        assert "think twice" in result.out
    assert world.writes == []


def test_it_is_in_the_document(ruled: Workplace) -> None:
    """Machines read it where they read all refusals."""
    result = ruled.run("plan", "--format", "json")
    assert result.code == 3
    found = json.loads(result.out)
    assert [(each["rule"], each["address"]) for each in found["refusals"]] == [
        ("policy main.deny", "acmeprod/keep/eve")
    ]
    assert [each["message"] for each in found["warnings"]] == ["think twice"]


def test_one_plan_can_be_accepted(ruled: Workplace, world: World) -> None:
    """As with every guard, by its fingerprint; another plan's does not help."""
    fingerprint = json.loads(ruled.run("plan", "--format", "json").out)["fingerprint"]
    refused(ruled.apply("--accept", "0" * 20))
    assert ruled.apply("--accept", fingerprint).code == 0
    assert world.members("keep") == {"ana", "eve"}


def test_a_saved_plan_stays_refused(ruled: Workplace, world: World) -> None:
    """Wherever it is applied, without configuration and rules as well, until it is accepted."""
    assert ruled.run("plan", "-o", "x.plan").code == 3
    (ruled.folder / "reconciler.yaml").unlink()
    (ruled.folder / "rules" / "access.rego").unlink()
    assert "eve is not for keep" in ruled.run("show", "x.plan").out
    refused(ruled.run("apply", "x.plan"))
    assert "keep" not in world.groups
    assert ruled.run("apply", "x.plan", "--accept", document(ruled)["fingerprint"]).code == 0


def tampered(work: Workplace, *, with_checksum: bool) -> None:
    """Take the refusals out of ``x.plan``; the checksum has no key, so anybody can make a valid one."""
    found = document(work)
    del found["refusals"]
    if with_checksum:
        found["checksum"] = ""
        # The content in the order of the document, as msgspec writes it.
        from reconciler.core import document_forms as forms

        typed = msgspec.convert(found, forms.Document)
        found["checksum"] = hashlib.sha256(msgspec.json.encode(typed, order="deterministic")).hexdigest()
    (work.folder / "x.plan").write_text(json.dumps(found))


def test_a_denial_can_not_be_edited_away(ruled: Workplace, world: World) -> None:
    """The checksum no longer fits, and if somebody makes it fit, the configuration's rules are asked again."""
    assert ruled.run("plan", "-o", "x.plan").code == 3
    tampered(ruled, with_checksum=False)
    result = ruled.run("apply", "x.plan")
    assert result.code == 1 and "changed after it was written" in result.err
    assert ruled.run("plan", "-o", "x.plan").code == 3
    tampered(ruled, with_checksum=True)
    assert "eve is not for keep" not in ruled.run("show", "x.plan").out
    refused(ruled.run("apply", "x.plan"))
    (ruled.folder / "reconciler.yaml").unlink()
    refused(ruled.run("apply", "x.plan", "--policy", "rules"))
    assert "keep" not in world.groups


def test_rules_may_come_from_the_command_line(work: Workplace) -> None:
    """For plan, show and apply, beside those of the configuration; `show` needs no service."""
    work.configure(configuration(group("keep", ["ana", "eve"])))
    (work.folder / "access.rego").write_text(RULES)
    assert work.run("plan", "-o", "x.plan").code == 0
    for command in (["plan"], ["show", "x.plan"], ["apply", "x.plan"], ["apply", "--auto-approve"]):
        refused(work.run(*command, "--policy", "access.rego", EMPORIX_API_URL="" if command[0] == "show" else work.url))
    assert work.run("show", "x.plan").code == 0


def test_the_configuration_of_a_saved_plan_is_needed_only_for_its_policy(ruled: Workplace) -> None:
    """One that names no policy may be broken or gone; one that does must be readable, or nobody knows the rules."""
    ruled.configure(configuration(group("keep", ["ana"])))
    assert ruled.run("plan", "-o", "x.plan").code == 0
    ruled.configure("policy: [rules]\ntenants: {")
    assert ruled.run("apply", "x.plan").code == 1
    (ruled.folder / "reconciler.yaml").write_bytes(b"\xff\xfe")
    assert ruled.run("apply", "x.plan").code == 1
    assert ruled.run("-f", "missing.yaml", "apply", "x.plan").code == 1
    ruled.configure("# no policy\ntenants: {")
    assert ruled.run("apply", "x.plan").code == 1, "what can't be read may name one"
    ruled.configure(configuration(group("policy", ["ana"]), guards={"minMembers": -1}))
    assert ruled.run("apply", "x.plan").code == 0, "another word of that name is none"


def test_the_policy_of_a_saved_plan_may_be_written_in_any_way(ruled: Workplace) -> None:
    """An escape in the key, with which a search for the word finds nothing, does not hide the rules."""
    (ruled.folder / "rules" / "access.rego").write_text("package main\nwarn := []\n")
    assert ruled.run("plan", "-o", "x.plan").code == 0
    (ruled.folder / "rules" / "access.rego").write_text(RULES)
    path = ruled.folder / "reconciler.yaml"
    path.write_text(path.read_text().replace('"policy"', '"p\\u006flicy"'))
    refused(ruled.run("apply", "x.plan"))


def test_validate_tries_the_rules(ruled: Workplace, tmp_path: Path) -> None:
    """What is wrong with them is found before there is a plan; without the interpreter that is said."""
    valid = ruled.run("validate")
    assert (valid.code, valid.err) == (0, ""), valid.everything
    rules = ruled.folder / "rules" / "access.rego"
    rules.write_text("package main\ndeny contains nosuch(1)\n")
    wrong = ruled.run("validate")
    assert (wrong.code, "access.rego:2:15: error: there is no function" in wrong.err) == (1, True), wrong.everything
    rules.write_text("package main\ndenies := 1\n")
    idle = ruled.run("validate")
    assert (idle.code, "neither `deny` nor `warn`" in idle.err) == (0, True), idle.everything
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "regopy.py").write_text("raise ImportError('not here', name='regopy')\n")
    unknown = ruled.run("validate", PYTHONPATH=str(tmp_path / "without"))
    assert (unknown.code, "its rules not tried" in unknown.err) == (0, True), unknown.everything
    rules.write_text("deny := 1\n")
    assert ruled.run("validate", PYTHONPATH=str(tmp_path / "without")).code == 1


def test_rules_that_come_to_no_end_are_no_yes(ruled: Workplace, world: World) -> None:
    """They are stopped, and nothing is applied; the time is a setting."""
    numbers = "numbers.range(1, 3000)"
    (ruled.folder / "rules" / "access.rego").write_text(
        "package main\nimport rego.v1\n"
        f'deny contains "no" if {{\n  some a in {numbers}\n  some b in {numbers}\n  a * b == 0\n}}\n'
    )
    result = ruled.apply(RECONCILER_POLICY_TIMEOUT="1s")
    assert result.code == 1, result.everything
    assert "came to no end within 1 s" in result.err
    assert "RECONCILER_POLICY_TIMEOUT=5m" in result.err
    assert "keep" not in world.groups
    wrong = ruled.run("plan", RECONCILER_POLICY_TIMEOUT="soon")
    assert (wrong.code, "RECONCILER_POLICY_TIMEOUT=soon" in wrong.err) == (1, True), wrong.everything


def test_what_is_wrong_with_the_rules_stops_everything(ruled: Workplace, world: World) -> None:
    """An error of its own, with file, line and column, never a pass and never a traceback."""
    assert ruled.run("plan", "-o", "x.plan").code == 3
    (ruled.folder / "rules" / "access.rego").write_text("package main\ndeny contains nosuch(1)\n")
    for command in (["plan"], ["apply", "--auto-approve"], ["apply", "x.plan"]):
        result = ruled.run(*command)
        assert result.code == 1
        assert "access.rego:2:15: error: there is no function `nosuch`" in result.err
        assert "Traceback" not in result.everything
    (ruled.folder / "rules" / "access.rego").unlink()
    assert "has no *.rego file" in ruled.run("plan").err
    assert ruled.run("plan", "--policy", "nowhere.rego").code == 1
    assert "keep" not in world.groups


def test_the_missing_package_is_named(ruled: Workplace, tmp_path: Path) -> None:
    """With the command that installs it; a plan that should be judged is not made unjudged."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "regopy.py").write_text("raise ImportError('not here', name='regopy')\n")
    result = ruled.run("plan", PYTHONPATH=str(tmp_path / "without"))
    assert result.code == 1
    assert "policy in Rego needs the Python package regopy" in result.err
    assert "pip install 'emporix-reconciler[policy]'" in result.err


def test_a_team_can_not_reach_beyond_its_file(work: Workplace, world: World) -> None:
    """What its rule does not grant is refused before anything is read, by validate as by plan and apply."""
    (work.folder / "teams").mkdir()
    rules = [{"files": "teams/*", "may": ["acmeprod/catalog-*"]}]
    work.configure(configuration(group("admins", ["ana"]), ownership=rules))
    work.configure(configuration(group("clerks", ["eve"]), guards={"maxRemovals": 100}), "teams/catalog.yaml")
    world.clear()
    for command in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        result = work.run("-f", "reconciler.yaml", "-f", "teams", *command)
        assert result.code == 1
        assert "this file may not touch acmeprod/clerks" in result.err
        assert "this file may not state `guards`" in result.err
        assert "reconciler.yaml:" in result.err
    assert world.log == [] and world.writes == []


@pytest.mark.parametrize("name", ["secret", "secret.txt", "link.rego"])
def test_only_files_of_rules_are_read_as_rules(work: Workplace, world: World, name: str) -> None:
    """The list comes from whoever proposes a change, and messages quote lines: no other file may be shown by it."""
    (work.folder / "secret").write_text("correct-horse-battery-staple\n")
    (work.folder / "secret.txt").write_text("correct-horse-battery-staple\n")
    (work.folder / "link.rego").symlink_to("secret")
    work.configure({**configuration(group("ours", ["ana"])), "policy": [name]})
    refused = work.run("plan")
    assert (refused.code, "is no file of rules" in refused.err) == (1, True), refused.everything
    assert "correct-horse" not in refused.everything


def test_a_number_that_rules_misread_is_no_yes(work: Workplace, world: World) -> None:
    """The interpreter of Rego wraps large whole numbers around, so that a limit would let them pass."""
    (work.folder / "limit.rego").write_text(
        'package main\nimport rego.v1\ndeny contains "too much" if input.plan.changes[_].after.mixins.limit > 1000\n'
    )
    work.configure({**configuration(group("ours", ["ana"], mixins={"limit": 2**63})), "policy": ["limit.rego"]})
    refused = work.run("plan")
    assert (refused.code, "19 digits or more" in refused.err) == (1, True), refused.everything


def test_a_saved_plan_is_accepted_with_the_refusals_that_it_carries(work: Workplace, world: World) -> None:
    """Rules that deny it since it was made have been read by nobody who gave the fingerprint."""
    work.configure(configuration(group("keep", ["ana", "eve"])))
    assert work.run("plan", "-o", "x.plan").code == 0
    (work.folder / "access.rego").write_text(RULES)
    rules = ("--policy", "access.rego")
    refused(work.run("apply", "x.plan", *rules, "--accept", document(work)["fingerprint"]))
    assert work.run("plan", "-o", "x.plan", *rules).code == 3
    assert work.run("apply", "x.plan", *rules, "--accept", document(work)["fingerprint"]).code == 0
    assert world.members("keep") == {"ana", "eve"}


def test_what_is_left_of_a_saved_plan_is_judged_again(work: Workplace, world: World) -> None:
    """Somebody may go because somebody comes; whose coming is off now, because a stranger has made that group."""
    (work.folder / "access.rego").write_text(
        "package main\nimport rego.v1\n"
        'deny contains "nobody goes unless somebody comes" if {\n'
        '  some gone in input.plan.changes\n  gone.action == "delete"\n'
        '  count([come | some come in input.plan.changes; come.action == "create"]) == 0\n}\n'
    )
    rules = {"policy": ["access.rego"]}
    work.configure(configuration(group("keep", ["ana", "ben"]), **rules))
    assert work.apply().code == 0
    work.configure(configuration(group("keep", ["ana"]), group("new", ["ben"]), guards={"maxRemovals": 1}, **rules))
    assert work.run("plan", "-o", "x.plan").code == 0
    world.edit("new", name={"en": "Theirs"}, userType="EMPLOYEE")
    world.clear()
    result = work.run("apply", "x.plan")
    assert result.code == 3, result.everything
    assert "nobody goes unless somebody comes" in result.err
    assert world.writes == []
