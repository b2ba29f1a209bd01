"""The lockfile as a whole: bringing it elsewhere and back, its history, its lock."""

import json
import re

import pytest

from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """Three applies have left serial 6: ana and ben, then cleo as well, then without ana."""
    for people in (["ana", "ben"], ["ana", "ben", "cleo"], ["ben", "cleo"]):
        work.configure(configuration(group("ours", people), guards={"maxRemovals": "100%"}))
        assert work.apply().code == 0
    assert work.lockfile["serial"] == 6
    return work


def test_what_is_pulled_can_be_pushed_back(applied: Workplace) -> None:
    """``pull`` prints what is there to the letter; pushing it back changes nothing, and says so."""
    pulled = applied.run("state", "pull")
    assert pulled.code == 0
    assert pulled.out == (applied.folder / "reconciler.lock").read_text()
    (applied.folder / "copy").write_text(pulled.out)
    pushed = applied.run("state", "push", "copy")
    assert (pushed.code, "is so already (serial 6)" in pushed.err) == (0, True), pushed.everything
    assert applied.lockfile["serial"] == 6


def test_what_is_older_or_another_is_not_pushed(applied: Workplace) -> None:
    """An older serial and another lineage are refused with what is there; --force writes them as the newest serial."""
    document = applied.lockfile
    (applied.folder / "older").write_text(json.dumps({**document, "serial": 5}))
    older = applied.run("state", "push", "older")
    assert older.code == 1
    assert "serial 6 is there, and this one is serial 5" in older.err
    (applied.folder / "other").write_text(json.dumps({**document, "lineage": "other", "serial": 60}))
    other = applied.run("state", "push", "other")
    assert other.code == 1
    assert f"it has lineage {document['lineage']}, and this one other" in other.err
    assert applied.lockfile == document
    assert applied.run("state", "push", "older", "--force").code == 0
    assert applied.lockfile["serial"] == 7
    assert applied.run("state", "push", "other", "--force").code == 0
    assert (applied.lockfile["lineage"], applied.lockfile["serial"]) == ("other", 60)


def test_a_newer_serial_is_pushed(applied: Workplace) -> None:
    """What a run could not write has the next serial."""
    (applied.folder / "newer").write_text(json.dumps({**applied.lockfile, "serial": 7, "writtenBy": "ana@laptop"}))
    assert applied.run("state", "push", "newer").code == 0
    assert (applied.lockfile["serial"], applied.lockfile["writtenBy"]) == (7, "ana@laptop")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"format": 99, "lineage": "x", "serial": 1}'])
def test_what_is_no_lockfile_is_not_pushed(applied: Workplace, content: bytes) -> None:
    """Not even by force."""
    before = applied.lockfile
    (applied.folder / "broken").write_bytes(content)
    for options in ([], ["--force"]):
        refused = applied.run("state", "push", "broken", *options)
        assert refused.code == 1
        assert "Traceback" not in refused.err
        assert "broken" in refused.err
    assert applied.lockfile == before
    assert "can't be read" in applied.run("state", "push", "nowhere").err


def test_history_lists_what_can_be_restored(applied: Workplace) -> None:
    """A file keeps one content before the current one; restoring it is a new serial, and the next plan adds up."""
    listed = applied.run("state", "history")
    assert listed.code == 0
    assert re.findall(r"^ +(\d+) ", listed.out, re.M) == ["6", "5"]
    assert "(current)" in listed.out.splitlines()[1]
    assert [change["user"] for change in applied.lockfile["pending"]] == []
    restored = applied.run("state", "restore", "5")
    assert (restored.code, "as serial 7" in restored.err) == (0, True), restored.everything
    assert applied.lockfile["pending"] == []
    assert applied.apply().code == 0
    assert set(applied.owned["acmeprod/ours*"]) == {"ben", "cleo"}
    unknown = applied.run("state", "restore", "2")
    assert unknown.code == 1
    assert "state history" in unknown.err


def test_a_lockfile_that_broke_is_restored(applied: Workplace) -> None:
    """What is there can't be read: each command says how to go on, and that way works."""
    (applied.folder / "reconciler.lock").write_bytes(b"<html>502 Bad Gateway</html>")
    broken = applied.run("plan")
    assert broken.code == 1
    assert "reconciler state history" in broken.err
    listed = applied.run("state", "history")
    assert listed.code == 0
    assert "can't be read (current)" in listed.out
    assert applied.run("state", "restore", "5").code == 0
    assert applied.lockfile["serial"] == 7
    assert applied.apply().code == 0
    assert set(applied.owned["acmeprod/ours*"]) == {"ben", "cleo"}


def test_a_lockfile_moves_to_another_place(applied: Workplace) -> None:
    """``migrate`` takes lineage and serial along and leaves the old place; over a newer or another one it refuses."""
    moved = applied.run("state", "migrate", "file:reconciler.lock", "file:new/shared.lock")
    assert moved.code == 0, moved.everything
    assert "state: {url: 'file:new/shared.lock'}" in moved.err
    assert (applied.folder / "new" / "shared.lock").read_bytes() == (applied.folder / "reconciler.lock").read_bytes()
    assert applied.run("--state", "file:new/shared.lock", "plan", "--detailed-exitcode").code == 0
    again = applied.run("state", "migrate", "file:reconciler.lock", "file:new/shared.lock")
    assert again.code == 0
    assert applied.run("state", "forget", "acmeprod/ours/ben", "--state", "file:new/shared.lock").code == 0
    refused = applied.run("state", "migrate", "file:reconciler.lock", "file:new/shared.lock")
    assert (refused.code, "serial 7 is there" in refused.err) == (1, True), refused.everything
    assert applied.run("state", "migrate", "file:reconciler.lock", "file:new/shared.lock", "--force").code == 0
    for source, target in (("file:none.lock", "file:x.lock"), ("file:x.lock", "file:x.lock"), ("ftp://a", "file:x")):
        assert applied.run("state", "migrate", source, target).code == 1


def test_nothing_is_moved_or_shown_where_nothing_is(work: Workplace) -> None:
    """Without a lockfile each command says so, and creates none."""
    for args in (["pull"], ["history"], ["list"], ["restore", "1"], ["unlock", "7"]):
        result = work.run("state", *args)
        assert result.code == 1, args
        assert "Traceback" not in result.err
    assert "reconciler.lock" not in work.files


def test_a_rename_is_followed(applied: Workplace, world: World) -> None:
    """``move`` renames a tenant, a group or a member in the lockfile, and nothing at the service."""
    world.clear()
    assert applied.run("state", "move", "acmeprod/ours", "acmeprod/theirs").code == 0
    assert list(applied.owned) == ["acmeprod/theirs*"]
    assert applied.run("state", "move", "acmeprod/theirs/ben", "acmeprod/theirs/zoe").code == 0
    assert set(applied.owned["acmeprod/theirs*"]) == {"zoe", "cleo"}
    assert applied.run("state", "move", "acmeprod", "acmetest").code == 0
    assert list(applied.owned) == ["acmetest/theirs*"]
    for old, new, word in (
        ("acmetest/their", "acmetest/x", "did you mean acmetest/theirs?"),
        ("acmetest/theirs", "acmetest", "not both"),
        ("acmetest/theirs/zoe", "acmetest/theirs/cleo", "is in the lockfile already"),
        ("acmetest/theirs/zoe", "acmetest/nowhere/zoe", "is not in the lockfile as a group of EMPLOYEE"),
    ):
        refused = applied.run("state", "move", old, new)
        assert (refused.code, word in refused.err) == (1, True), refused.everything
    assert world.calls == []


def test_what_is_pending_is_not_moved(applied: Workplace) -> None:
    """Nobody knows yet what became of it."""
    (applied.folder / "reconciler.lock").write_bytes(b"<html>")
    assert applied.run("state", "restore", "5").code == 0
    assert [change["user"] for change in applied.lockfile["pending"]] == ["ana"]
    refused = applied.run("state", "move", "acmeprod/ours", "acmeprod/theirs")
    assert (refused.code, "reconciler apply" in refused.err) == (1, True), refused.everything


def test_a_lock_keeps_every_run_out_until_it_is_freed(applied: Workplace) -> None:
    """``state lock`` outlives its process: apply exits with 5 and is told why and how to free it; reading goes on."""
    locked = applied.run("state", "lock", "--for", "1h", "--reason", "audit, ask Ana")
    assert locked.code == 0
    lock_id = locked.out.strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", lock_id)
    assert "Locked file:reconciler.lock until 20" in locked.err
    refused = applied.apply()
    assert refused.code == 5
    assert "audit, ask Ana" in refused.err
    assert f"reconciler --state file:reconciler.lock state unlock {lock_id}" in refused.err
    assert "the lock ends at 20" in refused.err
    assert applied.run("plan").code == 0
    assert applied.run("doctor").out.count("audit, ask Ana") == 1
    wrong = applied.run("state", "unlock", "another")
    assert (wrong.code, lock_id in wrong.err) == (5, True), wrong.everything
    assert applied.run("state", "unlock", lock_id).code == 0
    assert applied.apply().code == 0
    again = applied.run("state", "unlock", lock_id)
    assert (again.code, "is not locked" in again.err) == (1, True), again.everything


@pytest.mark.parametrize("text", ["soon", "-1h", "9999999999h"])
def test_a_lock_lasts_for_a_time_that_can_be_told(applied: Workplace, text: str) -> None:
    """What is no duration, or is longer than anybody means, locks nothing."""
    assert applied.run("state", "lock", "--for", text).code == 1
    assert applied.apply().code == 0


def test_a_restored_intent_makes_nothing_ours(applied: Workplace, world: World) -> None:
    """Every other serial is what an apply was about to do; what became of that was settled since."""
    world.fail("PUT /iam/*/groups/ours/users/EMPLOYEE/eve 403")
    applied.configure(configuration(group("ours", ["ben", "cleo", "eve"])))
    assert applied.apply().code == 1
    serial = applied.lockfile["serial"]
    assert "eve" not in applied.owned["acmeprod/ours*"]
    world.fail()
    world.add("ours", "eve")
    assert applied.run("state", "restore", str(serial - 1)).code == 0
    assert applied.lockfile["pending"] == []
    assert "eve" not in applied.owned["acmeprod/ours*"]


def test_a_lock_ends_by_itself(applied: Workplace) -> None:
    """Whoever forgets it locks nobody out for good, and who waits gets in."""
    assert applied.run("state", "lock", "--for", "1s").code == 0
    waited = applied.apply("--lock-timeout", "1m")
    assert waited.code == 0, waited.everything


JOBS = {
    "https://gitlab.example/jobs/7": {"CI_JOB_URL": "https://gitlab.example/jobs/7"},
    "https://github.com/acme/access/actions/runs/99": {
        "GITHUB_RUN_ID": "99",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/access",
    },
    "https://dev.azure.com/acme/access/_build/results?buildId=5": {
        "BUILD_BUILDID": "5",
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
        "SYSTEM_TEAMPROJECT": "access",
    },
}


@pytest.mark.parametrize("address", JOBS)
def test_others_are_told_which_job_holds_the_lock(applied: Workplace, address: str) -> None:
    """Who waits can look at the job instead of asking around."""
    lock_id = applied.run("state", "lock", **JOBS[address]).out.strip()
    refused = applied.apply()
    assert (refused.code, address in refused.err) == (5, True), refused.everything
    assert applied.run("state", "unlock", lock_id).code == 0


@pytest.mark.parametrize("text", ["soon", "0s", "0.5s", "-1m"])
def test_a_lease_that_can_not_be_used_is_refused(work: Workplace, text: str) -> None:
    """RECONCILER_LEASE is a duration, and not a tiny one."""
    work.configure(configuration(group("ours", ["ana"])))
    refused = work.run("plan", RECONCILER_LEASE=text)
    assert refused.code == 1
    assert f"RECONCILER_LEASE={text}" in refused.err
