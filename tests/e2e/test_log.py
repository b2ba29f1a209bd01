"""The audit file: each apply leaves a record of what it did, however it ends, and `log` finds it again."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.test_interrupted import PEOPLE, TWO_AT_ONCE, gate, third_member_on
from tests.e2e.test_pending import dies_after_writing
from tests.e2e.test_sealed import KEY
from tests.e2e.world import World, configuration, group

NAME = "reconciler.audit.jsonl"
AUDIT = {"audit": {"url": f"file:{NAME}"}}
JOB = {
    "GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "acme/access", "GITHUB_RUN_ID": "71",
    "GITHUB_SHA": "9f1c2ab", "GITHUB_ACTOR": "jdoe",
}  # fmt: skip


def logged(*groups: Any, **more: Any) -> dict[str, Any]:
    return configuration(*groups, **AUDIT, **more)


def records(work: Workplace, *args: str) -> list[dict[str, Any]]:
    result = work.run("log", "--format", "json", *args)
    assert result.code == 0, result.everything
    return [json.loads(line) for line in result.out.splitlines()]


def fates(record: dict[str, Any], part: str = "changes") -> dict[str, str]:
    return {each["address"]: each["outcome"] for each in record[part]}


def plain(text: str) -> str:
    """What differs from run to run is left out: times, who runs it, fingerprints and hashes."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC  \S+@\S+", "WHEN  WHO", text)
    text = re.sub(r"for http\S+", "for SERVICE:", text)
    return re.sub(r"\b[0-9a-f]{20,64}\b", "DIGITS", text)


def passes(result: Result) -> Result:
    assert result.code == 0, result.everything
    return result


def test_who_gave_whom_access(work: Workplace, world: World) -> None:
    """Two applies by different hands: every change with its reason, in whose name, and by which job and commit."""
    people = {"ana": "ana", "bo": {"id": "ben", "email": "ben@acme.example", "name": "Ben Oak"}}
    teams = {"catalog": ["bo"]}
    first = group("ours", [{"person": "ana", "reason": "OPS-42", "until": "2999-12-31"}, {"team": "catalog"}])
    work.configure(logged(first, people=people, teams=teams))
    told = passes(work.apply(**JOB)).err
    assert re.search(rf"^Recorded in file:\S+/{NAME}: record 1, hash [0-9a-f]{{64}}$", told, re.MULTILINE)
    work.configure(logged(group("ours", [{"team": "catalog"}]), people=people, teams=teams))
    passes(work.apply())
    passes(work.apply())  # nothing to do, so nothing to record
    assert plain(passes(work.run("log")).out) == (
        "WHEN  WHO  record 1\n"
        "  https://forge.example/acme/access/actions/runs/71  commit 9f1c2ab  started by jdoe\n"
        "  plan DIGITS for SERVICE: 3 added\n"
        "  + acmeprod/ours  done\n"
        "      userType + EMPLOYEE\n"
        "      new in configuration  reconciler.yaml:6:5\n"
        "  + acmeprod/ours/ana  done\n"
        "      ana, until 3000-01-01 00:00 UTC\n"
        "      new in configuration, OPS-42  reconciler.yaml:13:7\n"
        "  + acmeprod/ours/ben  done\n"
        "      bo, Ben Oak <ben@acme.example>, through team catalog\n"
        "      new in configuration  reconciler.yaml:39:4\n"
        "\n"
        "WHEN  WHO  record 2\n"
        "  plan DIGITS for SERVICE: 1 destroyed\n"
        "  - acmeprod/ours/ana  done\n"
        "      ana\n"
        "      removed from configuration  reconciler.yaml:6:5\n"
    )
    for name in ("bo", "ben", "BEN@acme.example", "acmeprod/ours/ben"):
        assert [list(fates(each)) for each in records(work, name)] == [["acmeprod/ours/ben"]]
    assert [len(each["changes"]) for each in records(work, "ours", "--since", "1d", "--tenant", "acmeprod")] == [3, 1]
    assert records(work, "--since", "2999-01-01") == []
    (first_record, _) = records(work)
    assert first_record["job"] == "https://forge.example/acme/access/actions/runs/71"
    assert (first_record["commit"], first_record["actor"]) == ("9f1c2ab", "jdoe")
    assert (first_record["lineage"], first_record["serial"]) == (work.lockfile["lineage"], 2)
    assert "started by jdoe" in passes(work.run("access", "--format", "html")).out
    assert passes(work.run("access", "--format", "json")).out.count('"actor": "jdoe"') == 1
    assert "sandbox" not in (work.folder / NAME).read_text().replace(work.url, "")  # the secret of the client
    assert (work.folder / NAME).stat().st_mode & 0o777 == 0o600


def test_an_apply_that_does_a_part(work: Workplace, world: World) -> None:
    """What failed, and why, stands beside what was done, and the next run's record has the rest."""
    work.configure(logged(group("ours", ["ana", "ben"])))
    world.fail("PUT /iam/*/groups/ours/users/*/ben 403")
    assert work.apply().code == 4
    (partial,) = records(work)
    assert fates(partial) == {
        "acmeprod/ours": "done", "acmeprod/ours/ana": "done", "acmeprod/ours/ben": "failed",
    }  # fmt: skip
    (ben,) = [each for each in partial["changes"] if each.get("user") == "ben"]
    assert "403" in ben["message"]
    assert f"+ acmeprod/ours/ben  failed: {ben['message']}" in passes(work.run("log", "ben")).out
    world.fail()
    passes(work.apply())
    assert [fates(each) for each in records(work, "ben")] == [
        {"acmeprod/ours/ben": "failed"}, {"acmeprod/ours/ben": "done"},
    ]  # fmt: skip
    passes(work.run("log", "--verify"))


def test_an_interrupted_apply(work: Workplace, between: Proxy, world: World) -> None:
    """Ctrl-C lets what runs finish: done is done, and the rest was not tried."""
    work.configure(logged(group("ours", PEOPLE)))
    with gate(between, third_member_on(between)) as held, work.start(*TWO_AT_ONCE) as command:
        held.wait_for(2)
        command.signal(signal.SIGINT)
        command.says("Interrupted: waiting for 2 requests to finish")
        held.is_open.set()
        assert command.end().code == 4
    (record,) = records(work)
    assert record["interrupted"] is True
    assert sorted(fates(record).values()) == ["done"] * 5 + ["skipped"] * 4
    assert "\n  interrupted\n" in passes(work.run("log")).out
    passes(work.apply())
    assert sorted(fates(records(work)[1]).values()) == ["done"] * 4


def test_a_killed_apply_is_told_of_by_the_next(work: Workplace, between: Proxy, world: World) -> None:
    """It can write nothing any more; whoever settles what it left pending says what became of it."""
    work.configure(logged(group("ours", ["ana", "ben"])))
    dies_after_writing(work, between, lambda request: request.path.endswith("/ana"))
    assert NAME not in work.files
    passes(work.apply())
    (record,) = records(work)
    assert fates(record, "settled") == {
        "acmeprod/ours": "done", "acmeprod/ours/ana": "done", "acmeprod/ours/ben": "not done",
    }  # fmt: skip
    assert fates(record) == {"acmeprod/ours/ben": "done"}
    assert "Left open by an earlier run, and looked at by this one: 1 change\n  + acmeprod/ours/ana  done" in (
        passes(work.run("log", "ana")).out
    )


def test_a_saved_plan(work: Workplace, world: World) -> None:
    """Recorded under its own fingerprint, with what was so already and what had moved."""
    work.configure(logged(group("ours", ["ana", "ben"]), group("more", ["cleo"])))
    passes(work.apply())
    work.configure(logged(group("ours", ["ana", "ben", "dan", "eve"])))
    passes(work.run("plan", "-o", "x.plan"))
    world.add("ours", "eve")
    world.add("more", "fay")
    result = work.run("apply", "x.plan", "--accept", json.loads((work.folder / "x.plan").read_text())["fingerprint"])
    record = records(work)[-1]
    assert record["fingerprint"] == json.loads((work.folder / "x.plan").read_text())["fingerprint"]
    assert fates(record)["acmeprod/ours/dan"] == "done", result.everything
    assert fates(record)["acmeprod/ours/eve"] == "satisfied"
    assert fates(record)["acmeprod/more"] in {"failed", "skipped"}


def test_overruled_guards_are_recorded(work: Workplace, world: World) -> None:
    """Who lets a plan pass in spite of refusals leaves them in its record, and by which fingerprint it was expected."""
    work.configure(logged(group("ours", PEOPLE[:3])))
    passes(work.apply())
    work.configure(logged(group("ours", PEOPLE[1:3]), guards={"protected": [PEOPLE[0]], "minMembers": 3}))
    assert work.run("plan", "-o", "x.plan").code == 3
    fingerprint = json.loads((work.folder / "x.plan").read_text())["fingerprint"]
    assert work.apply().code == 3
    passes(work.apply("--accept", fingerprint, "--expect", "x.plan"))
    work.configure(logged(group("ours", PEOPLE[1:4]), guards={"minMembers": 1}))
    passes(work.run("plan", "-o", "x.plan"))
    passes(work.run("apply", "x.plan", "--accept", json.loads((work.folder / "x.plan").read_text())["fingerprint"]))
    _, overruled, last = records(work)
    assert overruled["expected"] == fingerprint
    assert [(each["rule"], each["address"]) for each in overruled["accepted"]] == [
        ("protected", f"acmeprod/ours/{PEOPLE[0]}"), ("minMembers", "acmeprod/ours"),
    ]  # fmt: skip
    told = passes(work.run("log", PEOPLE[0])).out
    assert "\n  expected by its fingerprint\n" in told
    assert "  accepted in spite of: minMembers: acmeprod/ours would have 2 members, fewer than minMembers 3" in told
    assert not {"accepted", "expected"} & last.keys()
    passes(work.run("log", "--verify"))


def test_a_rehearsal_has_a_file_of_its_own(work: Workplace) -> None:
    """It never touches the real one."""
    work.configure(logged(group("ours", ["ana"])))
    passes(work.run("--sandbox", "apply", "--auto-approve", RECONCILER_STATE_KEY=KEY))
    assert NAME not in work.files
    assert len(records(work, "--sandbox")) == 1
    assert "1 record, 0 flaws" in passes(work.run("--sandbox", "log", "--verify")).out


def test_a_record_that_can_not_be_written(work: Workplace, between: Proxy, world: World) -> None:
    """What was done is in the lockfile and told; that the record is missing is told too, and is no success."""
    work.configure(logged(group("ours", ["ana"])))

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if request.writes:
            (work.folder / NAME).mkdir(exist_ok=True)
        return forward()

    between.rule = rule
    result = work.apply()
    assert result.code == 4, result.everything
    assert "This run left no record in the audit file: can't append to file:" in result.out
    assert "Apply incomplete. Resources: 2 added, 0 changed, 0 destroyed." in result.out
    assert "keep this output" in result.out
    assert work.owned == {"acmeprod/ours*": ["ana"]}
    assert work.lockfile["pending"] == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("tenants: []\n"), "has no record of an apply in it"),
        (lambda path: path.symlink_to("/dev/null"), "is not a file"),
    ],
)
def test_what_can_not_be_appended_to_stops_the_apply(
    work: Workplace, world: World, make: Callable[[Path], object], says: str
) -> None:
    """Nothing is changed by an apply whose record could not be written."""
    make(work.folder / NAME)
    work.configure(logged(group("ours", ["ana"])))
    world.clear()
    result = work.apply()
    assert result.code == 1, result.everything
    assert says in result.err
    assert world.writes == []
    assert "reconciler.lock" not in work.files


@pytest.fixture
def three(work: Workplace, world: World) -> Workplace:
    """Three records."""
    for count in (1, 2, 3):
        work.configure(logged(group("ours", PEOPLE[:count])))
        passes(work.apply())
    return work


def lines(work: Workplace) -> list[str]:
    return (work.folder / NAME).read_text().splitlines(keepends=True)


def test_verify(three: Workplace) -> None:
    """A whole chain, a changed record and a missing one; `log` warns of them as well, and shows what there is."""
    good = lines(three)
    assert plain(passes(three.run("log", "--verify")).out) == ("3 records, 0 flaws; the last one has the hash DIGITS\n")
    (three.folder / NAME).write_text("".join([good[0].replace('"ana"', '"eve"'), good[2]]))
    result = three.run("log", "--verify")
    assert result.code == 1
    assert plain(result.out).replace(f"{three.folder}/", "") == (
        f"{NAME}:1: record 1 was changed: its content does not have the hash that it says\n"
        f"{NAME}:2: record 2 is missing before record 3\n"
        "2 records, 2 flaws; the last one has the hash DIGITS\n"
    )
    result = three.run("log")
    assert result.code == 1
    assert "record 3" in result.out
    assert "1: record 1 was changed" in result.err


def test_a_cut_off_end(three: Workplace) -> None:
    """The lockfile gives a hint, and who kept the hash that apply told knows."""
    *rest, last = lines(three)
    head = json.loads(last)["hash"]
    passes(three.run("log", "--verify", "--head", head))
    (three.folder / NAME).write_text("".join(rest))
    assert "or records were cut off at the end" in passes(three.run("log", "--verify")).out
    result = three.run("log", "--verify", "--head", head[:12])
    assert result.code == 1
    assert f"No record has the hash {head[:12]}" in result.out


def test_a_torn_line_stays_to_be_seen(three: Workplace) -> None:
    """A writer that died in the middle: told at once, never repaired, and the chain goes on behind it."""
    *rest, last = lines(three)
    (three.folder / NAME).write_text("".join(rest) + last[:40])
    three.configure(logged(group("ours", PEOPLE[:4])))
    assert "the last line of file:" in passes(three.apply()).err
    assert lines(three)[2] == last[:40] + "\n"
    result = three.run("log", "--verify")
    assert result.code == 1
    assert f"{NAME}:3: this line is no record\n3 records, 1 flaw; " in result.out
    result = three.run("log")
    assert (result.code, result.out.count("record ")) == (1, 3)
    assert ":3: this line is no record" in result.err


def test_what_log_is_told_wrongly(work: Workplace, world: World) -> None:
    """No audit file configured, none there yet, options that do not go together: each says what to do."""
    work.configure(configuration(group("ours", ["ana"])))
    assert "add `audit: beside`" in work.run("log").err
    work.configure(logged(group("ours", ["ana"])))
    assert "the first apply that has something to do writes it" in work.run("log").err
    for wrong in (["--head", "12345678"], ["--verify", "--head", "1"], ["ana", "--verify"], ["--since", "soon"]):
        result = work.run("log", *wrong)
        assert result.code == 1, wrong
        assert "Usage: reconciler log" in result.err


def test_a_broken_configuration_still_tells(three: Workplace) -> None:
    """The records are there even if the rest of the file is wrong by now: only other names are not known then."""
    three.configure(logged(group("ours", [{"person": "nobody"}])))
    result = passes(three.run("log", "ana"))
    assert "record 1" in result.out
    assert "warning: other names of ana are not known" in result.err


RIGHTS: list[dict[str, Any]] = [
    {"id": "pay", "scopes": ["payment.payment_manage"]},
    {"id": "old", "scopes": ["order.order_read"]},
]


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """With access controls for groups of ours."""
    seed["tenants"][0]["accessControls"] += RIGHTS
    return seed


def test_what_a_definition_gives_and_takes(work: Workplace, world: World) -> None:
    """Nobody comes or goes, and still the record tells which fields differ, and the users what it came to for them."""
    people = {"ana": {"id": "ana", "email": "ana@acme.example"}}
    ours = [{"person": "ana"}, "ben"]
    work.configure(logged(group("ours", ours, accessControls=["old"], description={"en": "Old"}), people=people))
    passes(work.apply())
    work.configure(logged(group("ours", ours, accessControls=["pay"], description={"en": "New"}), people=people))
    passes(work.apply())
    shown = (
        "WHEN  WHO  record 2\n"
        "  plan DIGITS for SERVICE: 1 changed\n"
        "  ~ acmeprod/ours  done\n"
        "      accessControls - old, + pay\n"
        '      description.en "Old" -> "New"\n'
        "      differs from configuration  reconciler.yaml:6:5\n"
    )
    foreseen = (
        "  Scopes of users in acmeprod, as foreseen by the plan:\n"
        "    {}\n"
        "      + payment.payment_manage through ours (Ours)\n"
        "      - order.order_read was through ours (Ours)\n"
    )
    whole = plain(passes(work.run("log")).out)
    assert whole.endswith(shown + foreseen.format("2 users (ana, ben)"))
    for name in ("ana", "ANA@acme.example"):
        told = plain(passes(work.run("log", name)).out)
        assert told.endswith(shown[: shown.index("  ~")] + foreseen.format("ana (ana@acme.example)"))
    assert plain(passes(work.run("log", "acmeprod/ours")).out).endswith(shown)
    record = records(work)[-1]
    (change,) = record["changes"]
    assert change["before"] == {"accessControls": ["old"], "description": {"en": "Old"}}
    assert change["after"] == {"accessControls": ["pay"], "description": {"en": "New"}}
    assert [len(effect["users"]) for effect in record["access"][0]["effects"]] == [2]
    assert not {"summary", "uncounted"} & record["access"][0].keys()
    passes(work.run("log", "--verify"))

    work.configure(logged(group("ours", [*ours, "cleo"], accessControls=["pay"]), people=people))
    world.fail("PUT /iam/*/groups/ours/users/** 403")
    assert work.apply().code == 1
    assert (
        "  Scopes of users in acmeprod, as foreseen by the plan (known to be done: 0 of 1 change):\n    cleo\n"
    ) in work.run("log", "cleo").out


def test_a_name_that_no_record_mentions(work: Workplace, world: World) -> None:
    """Known to the configuration or the lockfile it is no error; otherwise it is one, as any typing error."""
    people = {"ana": "ana", "marta": "00uM"}
    matched = {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["ben"]}
    work.configure(logged(group("ours", [{"person": "ana"}]), people=people))
    passes(work.apply())
    (work.folder / "one.lock").write_bytes((work.folder / "reconciler.lock").read_bytes())
    work.configure(logged(group("ours", [{"person": "ana"}]), matched, people=people))
    assert passes(work.run("log", "marta")).out == "No record mentions marta.\n"
    there = ("ours", "--tenant", "acmeprod", "--since", "2999-01-01")
    assert passes(work.run("log", *there)).out == ("No record mentions ours in acmeprod since 2999-01-01 00:00 UTC.\n")
    assert passes(work.run("log", "--since", "2999-01-01")).out == "There is no record since 2999-01-01 00:00 UTC.\n"
    for name, says in (
        ("martha", "did you mean marta?"),
        ("acmeprod/our", "did you mean acmeprod/ours?"),
        ("tom@acme.example", "may have the id only"),
        ("0815", "ask for a user by id, e-mail or handle"),
        ("code:BO_MANAGER", "`reconciler state list` shows"),
        ("acmeprod/code:BO_MANAGER", "`reconciler state list` shows"),
    ):
        for more in ((), ("--format", "json")):
            result = work.run("log", name, *more)
            assert (result.code, result.out) == (1, ""), name
            assert says in result.err
    (work.folder / "reconciler.lock").write_text("broken")
    assert passes(work.run("log", "martha")).out == "No record mentions martha.\n"


def test_an_audit_file_that_is_gone(three: Workplace) -> None:
    """The lockfile tells that applies have been, as it does where only the last records are cut off."""
    (three.folder / NAME).unlink()
    for how in (("log",), ("log", "--verify")):
        result = three.run(*how)
        assert result.code == 1
        assert re.search(r"there is no audit file at file:\S+\. The lockfile was written \(serial \d\)", result.err)
        assert "if there was one, restore it" in result.err
