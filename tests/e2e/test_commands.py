"""The commands around plan and apply: targets, drift, the lockfile's contents, the sandbox and the first file."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group


@pytest.fixture
def two(work: Workplace, world: World) -> Workplace:
    """Two groups of ours, applied."""
    work.configure(configuration(group("one", ["ana", "ben"]), group("two", ["cleo"])))
    assert work.apply().code == 0
    world.clear()
    return work


def test_a_target_limits_what_is_done(two: Workplace, world: World) -> None:
    """One member, then one group, then the rest; what is not targeted is neither done nor forgotten."""
    two.configure(configuration(group("one", ["ana", "dan", "eve"]), group("new", ["fay"])))
    assert two.apply("--target", "acmeprod/one/dan").code == 0
    assert world.everything["one"] == {"ana", "ben", "dan"}
    assert two.owned == {"acmeprod/one*": ["ana", "ben", "dan"], "acmeprod/two*": ["cleo"]}
    assert two.apply("--target", "acmeprod/new/fay").code == 0
    assert world.members("new") == {"fay"}
    assert "two" in world.groups
    assert two.apply("--target", "acmeprod/one").code == 0
    assert world.members("one") == {"ana", "dan", "eve"}
    assert two.apply().code == 0
    assert "two" not in world.groups
    assert two.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("target", ["acmeprod/onee", "acmeprd/one", "acmeprod/", "", "/"])
def test_a_target_that_is_not_there_is_an_error(two: Workplace, world: World, target: str) -> None:
    """A typo must not look like nothing to do."""
    two.configure(configuration(group("one", ["ana"]), group("two", ["cleo"])))
    result = two.apply("--target", target)
    assert result.code == 1, result.everything
    assert "Traceback" not in result.everything
    assert world.writes == []


def test_a_target_whom_nobody_knows_is_warned_of(two: Workplace) -> None:
    """A misspelt id in an offboarding must not look like a person who has left; a known one is fine."""
    for user, warned in (("annna", True), ("ana/x", True), ("ana", False)):
        result = two.apply("--target", f"acmeprod/one/{user}")
        assert result.code == 0, result.everything
        assert (f"--target acmeprod/one/{user}: no such member" in result.everything) is warned


def test_drift_is_shown_and_changes_nothing(two: Workplace, world: World) -> None:
    """Somebody removed one and added one: both are named; exit 0, or 2 if asked; the lockfile stays as it was."""
    assert two.run("drift", "--detailed-exitcode").code == 0
    world.remove("one", "ana")
    world.add("one", "zoe")
    world.clear()
    before = two.lockfile
    result = two.run("drift", "--detailed-exitcode")
    assert result.code == 2, result.everything
    assert "acmeprod/one/ana" in result.out
    assert "acmeprod/one/zoe" in result.out
    assert two.run("drift").code == 0
    assert world.writes == []
    assert two.lockfile == before
    assert two.apply().code == 0
    assert world.members("one") == {"ana", "ben"}


def test_the_lockfile_is_listed_and_shown(two: Workplace) -> None:
    """Addresses, one a line, all or those below one; an unknown one is an error with the nearest."""
    assert two.run("state", "list").out.split() == [
        "acmeprod/one", "acmeprod/one/ana", "acmeprod/one/ben", "acmeprod/two", "acmeprod/two/cleo",
    ]  # fmt: skip
    assert two.run("state", "list", "acmeprod/two").out.split() == ["acmeprod/two", "acmeprod/two/cleo"]
    assert '"ana"' in two.run("state", "show", "acmeprod/one").out
    typo = two.run("state", "show", "acmeprod/onne")
    assert typo.code == 1
    assert "did you mean acmeprod/one" in typo.err


def test_forgetting_keeps_the_service_as_it_is(two: Workplace, world: World) -> None:
    """What is forgotten is nobody's: it stays when the file drops it, and is adopted when the file lists it."""
    assert two.run("state", "forget", "acmeprod/two", "acmeprod/one/ben").code == 0
    assert two.owned == {"acmeprod/one*": ["ana"]}
    assert two.run("state", "forget", "acmeprod/two").code == 1
    assert world.writes == []
    adopted = two.apply()
    assert adopted.code == 0, adopted.everything
    assert world.writes == []
    assert two.owned == {"acmeprod/one*": ["ana", "ben"], "acmeprod/two*": ["cleo"]}
    assert two.run("state", "forget", "acmeprod/two").code == 0
    two.configure(configuration(group("one", ["ana", "ben"])))
    assert two.apply().code == 0
    assert world.members("two") == {"cleo"}


def test_forgetting_a_group_that_has_gone_from_the_service(two: Workplace, world: World) -> None:
    """A lost group is made anew with its members, because the file still wants it."""
    world.drop("two")
    result = two.apply()
    assert result.code == 0, result.everything
    assert "removed outside (drift)" in result.out
    assert world.members("two") == {"cleo"}


def test_init_writes_a_file_that_works_and_never_another(work: Workplace) -> None:
    """It validates, it can be rehearsed at once, and a second init is refused."""
    assert work.run("init").code == 0
    assert work.run("validate").code == 0
    assert work.run("--sandbox", "apply", "--auto-approve").code == 0
    assert work.run("--sandbox", "plan", "--detailed-exitcode").code == 0
    text = (work.folder / "reconciler.yaml").read_text()
    again = work.run("init")
    assert again.code == 1
    assert "exists already" in again.err
    assert (work.folder / "reconciler.yaml").read_text() == text


def test_the_sandbox_has_a_lockfile_of_its_own(two: Workplace, world: World) -> None:
    """A rehearsal touches neither the service nor the real lockfile; reset begins anew."""
    before = (two.folder / "reconciler.lock").read_bytes()
    first = two.run("--sandbox", "apply", "--auto-approve")
    assert first.code == 0, first.everything
    assert two.run("--sandbox", "plan", "--detailed-exitcode").code == 0
    assert world.log == []
    assert (two.folder / "reconciler.lock").read_bytes() == before
    assert two.run("sandbox", "reset").code == 0
    assert two.run("--sandbox", "plan", "--detailed-exitcode").code == 2


def test_a_sandbox_in_a_process_of_its_own(work: Workplace, tmp_path: Path) -> None:
    """``sandbox seed`` fills a file, ``sandbox serve`` says one line when it is ready and ends at SIGTERM."""
    seed = work.configure("tenants: [{tenant: acmeprod, employees: [ana]}]", "seed.yaml")
    loaded = work.run("sandbox", "seed", str(seed), "--db", "world.db")
    assert loaded.code == 0, loaded.everything
    work.configure(configuration(group("ours", ["ana"])))
    with work.start("sandbox", "serve", "--port", "0", "--db", "world.db") as served:
        served.says("Sandbox listening on ")
        work.url = served.out[0].split()[-1]
        applied = work.apply()
        assert applied.code == 0, applied.everything
        assert work.run("plan", "--detailed-exitcode").code == 0
        served.signal(signal.SIGTERM)
        assert served.end() == Result(0, served.out[0], "")


def test_validate_tells_all_problems_without_a_network(work: Workplace) -> None:
    """No credentials, no address: each problem with its place, and the valid file is counted."""
    nowhere = {"EMPORIX_API_URL": "", "EMPORIX_CLIENT_ID": "", "EMPORIX_CLIENT_SECRET": ""}
    work.configure(configuration(group("ours", ["ana", "ana"]), group("ours", []), {"idd": "x"}))
    wrong = work.run("validate", **nowhere)
    assert wrong.code == 1
    assert wrong.err.count("error: ") >= 4
    work.configure(configuration(group("ours", ["ana"])))
    right = work.run("validate", **nowhere)
    assert right.code == 0
    assert "1 tenant, 1 group, 1 member in 1 file" in right.out


def test_a_closed_pipe_is_no_traceback(two: Workplace) -> None:
    """``reconciler state list | head -1``: the reader has seen enough."""
    many = [f"user{number:05}" for number in range(3000)]
    two.configure(configuration(group("one", many)))
    command = [sys.executable, "-m", "reconciler", "validate"]
    reading = subprocess.Popen(command, cwd=two.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert reading.stdout is not None
    reading.stdout.close()
    assert reading.stderr is not None
    assert "Traceback" not in reading.stderr.read()
    reading.stderr.close()
    reading.wait()


def test_wrong_usage_is_an_error_and_not_pending_changes(two: Workplace) -> None:
    """Click's own exit code 2 means "changes pending" here, so it is 1."""
    for args in (["plna"], ["plan", "--detailed-exitcodes"], ["apply", "--lock-timeout", "soon"], ["state", "forget"]):
        result = two.run(*args)
        assert result.code == 1, args
        assert result.out == ""
    assert "Did you mean 'plan'" in two.run("plna").err


def test_a_copy_of_the_schema_is_current_or_it_is_said_why_not(work: Workplace) -> None:
    """One that is missing is not called outdated."""
    missing = work.run("schema", "--check", "schema.json")
    assert (missing.code, "schema.json does not exist" in missing.err) == (1, True), missing.everything
    (work.folder / "schema.json").write_text("{}")
    assert "is not this version's schema" in work.run("schema", "--check", "schema.json").err
    (work.folder / "schema.json").write_text(work.run("schema").out)
    assert work.run("schema", "--check", "schema.json").code == 0
