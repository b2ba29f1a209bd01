"""``--events FILE``: what happens, one JSON object a line, for whoever watches a run without reading its text."""

import json
import os
import signal
import threading
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.event_forms import json_schema
from tests.e2e.command import Workplace
from tests.e2e.proxy import Proxy
from tests.e2e.test_interrupted import PEOPLE, gate, third_member_on
from tests.e2e.world import World, configuration, group

VALIDATOR = Draft202012Validator(json_schema())
WATCHED = ("--events", "run.jsonl")
OURS = configuration(group("ours", ["ana", "ben"]))


def events(work: Workplace, name: str = "run.jsonl") -> list[dict[str, Any]]:
    """What the file says: whole lines, each of them as the schema has it; the time is left out."""
    text = (work.folder / name).read_text(encoding="utf-8")
    assert text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        VALIDATOR.validate(event)
    times = [event.pop("time") for event in found]
    assert times == sorted(times)
    assert found[0]["type"] == "version"
    return found


def of_type(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in event.items() if key != "type"} for event in found if event["type"] == kind]


def types(found: list[dict[str, Any]]) -> list[str]:
    """The types in their order, each once however often it comes in a row."""
    return [event["type"] for at, event in enumerate(found) if not at or found[at - 1]["type"] != event["type"]]


def test_a_plan_is_told(work: Workplace, world: World) -> None:
    """Each change with what asked for it, then the whole; stdout is the same as without."""
    member = "{id: bo-manager, membership: additive, members: [{id: ana, reason: OPS-42}]}"
    work.configure(f"tenants: [{{tenant: acmeprod, groups: [\n  {member}]}}]\n")
    result = work.run("plan", "--detailed-exitcode", *WATCHED)
    assert result.code == 2, result.everything
    assert result.out == work.run("plan", "--detailed-exitcode").out
    found = events(work)
    assert types(found) == ["version", "planned_change", "plan_summary", "summary"]
    assert found[0] | {"reconciler": "0"} == {"type": "version", "format": 1, "reconciler": "0", "command": "plan"}
    changes = of_type(found, "planned_change")
    assert [change["address"] for change in changes] == ["acmeprod/bo-manager", "acmeprod/bo-manager/ana"]
    assert changes[1] == {
        "address": "acmeprod/bo-manager/ana", "action": "create", "reason": "new in configuration",
        "tenant": "acmeprod", "group": "bo-manager", "user": "ana", "userType": "EMPLOYEE", "note": "OPS-42",
        "source": {"file": "reconciler.yaml", "line": 2, "column": 57},
    }  # fmt: skip
    (summary,) = of_type(found, "plan_summary")
    assert summary["changes"] == {"create": 1, "update": 0, "delete": 0, "replace": 0, "adopt": 1, "forget": 0}
    assert summary["fingerprint"] in result.out
    assert (summary["refusals"], summary["failures"]) == ([], {})
    assert of_type(found, "summary") == [{"exitCode": 2}]


def test_an_apply_is_told_from_start_to_end(work: Workplace, world: World) -> None:
    """Every request as it ends and every change with its outcome, in that order."""
    work.configure(OURS)
    assert work.apply(*WATCHED).code == 0
    found = events(work)
    assert types(found) == [
        "version", "planned_change", "plan_summary", "apply_start", "step", "verifying", "apply_complete", "summary",
    ]  # fmt: skip
    assert of_type(found, "apply_start") == [{"steps": 3}]
    first, *rest = of_type(found, "step")
    assert first == {"request": "put group acmeprod/ours", "outcome": "done", "addresses": ["acmeprod/ours"]}
    assert {tuple(step["addresses"]) for step in rest} == {("acmeprod/ours/ana",), ("acmeprod/ours/ben",)}
    complete = of_type(found, "apply_complete")
    assert [change["address"] for change in complete] == [c["address"] for c in of_type(found, "planned_change")]
    assert {change["outcome"] for change in complete} == {"done"}
    (summary,) = of_type(found, "summary")
    assert summary["exitCode"] == 0
    assert summary["outcomes"] == {"done": 3, "failed": 0, "unsure": 0, "skipped": 0}
    assert summary["done"]["create"] == 3
    assert (summary["verified"], summary["verifiable"]) == (3, 3)
    assert (work.folder / "run.jsonl").stat().st_mode & 0o777 == 0o600
    again = work.apply(*WATCHED)
    assert again.code == 0, again.everything
    assert types(events(work)) == ["version", "plan_summary", "summary"]


def test_a_failure_is_told_with_what_it_stops(work: Workplace, world: World) -> None:
    """The refused request says why, what waits for it is skipped, and the exit code is there."""
    work.configure(OURS)
    world.fail("PUT **/groups/ours 403")
    result = work.apply(*WATCHED)
    assert result.code == 1, result.everything
    found = events(work)
    steps = of_type(found, "step")
    assert Counter(step["outcome"] for step in steps) == {"failed": 1, "skipped": 2}
    assert all(step["why"] for step in steps)
    assert "Injected fault" in steps[0]["why"] or "403" in steps[0]["why"] or "refused" in steps[0]["why"]
    (summary,) = of_type(found, "summary")
    assert (summary["exitCode"], summary["outcomes"]["failed"], summary["outcomes"]["skipped"]) == (1, 1, 2)


def test_a_refused_plan_is_told(work: Workplace, world: World) -> None:
    """Which guard, about what, and what would be right; nothing starts."""
    work.configure(OURS)
    assert work.apply().code == 0
    work.configure(configuration(group("ours", [])))
    for command in (("plan",), ("apply", "--auto-approve")):
        result = work.run(*command, *WATCHED)
        assert result.code == 3, result.everything
        found = events(work)
        (whole,) = of_type(found, "plan_summary")
        assert {(item["rule"], item["address"]) for item in whole["refusals"]} == {("emptied", "acmeprod/ours")}
        assert not of_type(found, "apply_start")
        assert of_type(found, "summary") == [{"exitCode": 3}]
    (problem,) = of_type(found, "diagnostic")
    assert "nothing was changed" in problem["message"]
    assert "--accept" in problem["remedy"]
    assert world.members("ours") == {"ana", "ben"}


def test_a_saved_plan_tells_what_was_so_already(work: Workplace, world: World) -> None:
    """Each planned change has one outcome, also the one that somebody else has carried out meanwhile."""
    work.configure(OURS)
    assert work.run("plan", "-o", "x.plan").code == 0
    world.edit("ours", name={"en": "Ours"}, userType="EMPLOYEE")
    world.add("ours", "ana")
    result = work.run("apply", "x.plan", *WATCHED)
    found = events(work)
    planned = [change["address"] for change in of_type(found, "planned_change")]
    outcomes = {change["address"]: change["outcome"] for change in of_type(found, "apply_complete")}
    assert sorted(planned) == sorted(outcomes), result.everything
    assert outcomes["acmeprod/ours/ana"] == "satisfied"
    for step in of_type(found, "step"):
        assert set(step["addresses"]) <= outcomes.keys()
    assert of_type(found, "summary")[0]["exitCode"] == result.code


def test_a_mistake_is_told(work: Workplace, world: World) -> None:
    """Whatever ends a run before it begins: what it is, where it is, and the exit code."""
    work.configure("tenants:\n  - tenant: acmeprod\n    gruops: []\n")
    result = work.run("plan", *WATCHED)
    assert result.code == 1, result.everything
    found = events(work)
    assert types(found) == ["version", "diagnostic", "summary"]
    first, *_ = of_type(found, "diagnostic")
    assert first["source"]["line"] == 3
    assert first["severity"] == "error"


def test_a_killed_run_leaves_whole_lines(work: Workplace, between: Proxy, world: World) -> None:
    """What had ended by then is there; that the end is missing tells how the run ended."""
    work.configure(configuration(group("ours", PEOPLE)))
    args = ("apply", "--auto-approve", "--parallelism", "2", *WATCHED)
    with gate(between, third_member_on(between)) as held, work.start(*args) as command:
        held.wait_for(2)
        command.signal(signal.SIGKILL)
        assert command.end().code == -signal.SIGKILL
        found = events(work)
    assert [step["outcome"] for step in of_type(found, "step")] == ["done"] * 3
    assert of_type(found, "apply_start") == [{"steps": 9}]
    assert not of_type(found, "summary")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_told(work: Workplace, between: Proxy, world: World, number: int) -> None:
    """Two requests run when the signal comes; what was not sent is skipped."""
    work.configure(configuration(group("ours", PEOPLE)))
    args = ("apply", "--auto-approve", "--parallelism", "2", *WATCHED)
    with gate(between, third_member_on(between)) as held, work.start(*args) as command:
        held.wait_for(2)
        command.signal(number)
        command.says("Interrupted: waiting for 2 requests to finish")
        held.is_open.set()
        assert command.end().code == 4
    found = events(work)
    assert of_type(found, "interrupted") == [{"running": 2}]
    (summary,) = of_type(found, "summary")
    assert (summary["exitCode"], summary["interrupted"]) == (4, True)
    assert summary["outcomes"]["done"] + summary["outcomes"]["skipped"] == 9


def test_a_run_interrupted_while_planning_is_told(work: Workplace, between: Proxy, world: World) -> None:
    work.configure(OURS)
    with gate(between, lambda request: request.method == "GET") as held, work.start("plan", *WATCHED) as command:
        held.wait_for(1)
        command.signal(signal.SIGINT)
        assert command.end().code == 1
    found = events(work)
    assert types(found) == ["version", "summary"]
    assert of_type(found, "summary") == [{"exitCode": 1}]


@pytest.mark.parametrize("file", ["-", "/dev/full", "missing/run.jsonl", "."])
@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")])
def test_a_file_that_takes_no_events_is_an_error_before_anything_happens(
    work: Workplace, world: World, command: tuple[str, ...], file: str
) -> None:
    """A sentence, exit 1, and not a single request; stdout is for results."""
    work.configure(OURS)
    world.clear()
    result = work.run(*command, "--events", file)
    assert result.code == 1, result.everything
    assert result.out == ""
    assert "Traceback" not in result.err
    assert file in result.err
    assert world.calls == []
    assert work.files == ["reconciler.yaml"]


def test_no_other_file_is_overwritten(work: Workplace, world: World) -> None:
    """A name given by mistake costs nobody a plan, a lockfile or a configuration; earlier events are replaced."""
    work.configure(OURS)
    assert work.run("plan", "-o", "x.plan").code == 0
    before = {name: (work.folder / name).read_bytes() for name in ("x.plan", "reconciler.yaml")}
    for name, content in before.items():
        result = work.run("apply", "x.plan", "--events", name)
        assert result.code == 1, result.everything
        assert f"{name} has something else than events in it" in result.err
        assert (work.folder / name).read_bytes() == content
    assert "ours" not in world.groups
    for _ in range(2):
        assert work.run("plan", *WATCHED).code == 0
        assert types(events(work)) == ["version", "planned_change", "plan_summary", "summary"]


def test_a_watcher_who_leaves_stops_no_apply(work: Workplace, between: Proxy, world: World) -> None:
    """The reader of a pipe goes away once it runs: one warning, and everything is done and recorded."""
    work.configure(configuration(group("ours", PEOPLE)))
    pipe = work.folder / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []

    def watch() -> None:
        with pipe.open(encoding="utf-8") as lines:
            for line in lines:
                read.append(line)
                if '"apply_start"' in line:
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    args = ("apply", "--auto-approve", "--events", "pipe")
    with gate(between, lambda request: request.writes) as held, work.start(*args) as command:
        watcher.join()
        held.is_open.set()
        result = command.end()
    assert result.code == 0, result.everything
    assert '"apply_start"' in read[-1]
    assert result.err.count("warning: no more events: pipe can't be written: Broken pipe") == 1
    assert world.members("ours") == set(PEOPLE)
    assert work.lockfile["pending"] == []


def test_a_watcher_who_reads_nothing_holds_up_no_run(work: Workplace, world: World) -> None:
    """A pipe takes some lines and then no more: before anything is changed that is an error, and the lock is free."""
    work.configure(configuration(*(group(f"ours-{number}") for number in range(400))))
    os.mkfifo(work.folder / "pipe")
    reader = os.open(work.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = work.apply("--events", "pipe")
    finally:
        os.close(reader)
    assert (done.code, "nobody reads it" in done.err) == (1, True), done.everything
    assert "ours-0" not in world.groups
    work.configure(OURS)
    assert work.apply().code == 0


def test_hostile_names_stay_in_their_line(work: Workplace, world: World) -> None:
    """A note with line ends is a value like any other."""
    reason = 'x\n{"type": "summary"}'
    work.configure(configuration(group("ours", [{"id": "ana", "reason": reason}])))
    result = work.run("plan", *WATCHED)
    assert result.code == 0, result.everything
    found = events(work)
    assert of_type(found, "planned_change")[1]["note"] == reason
    assert len(of_type(found, "summary")) == 1


def test_no_secret_is_told(work: Workplace, world: World) -> None:
    work.configure(OURS)
    assert work.apply(*WATCHED, EMPORIX_CLIENT_SECRET="sandbox").code == 0
    text = (work.folder / "run.jsonl").read_text(encoding="utf-8")
    assert "sandbox" not in text and "Bearer" not in text
