"""Where the output can't go: a full disk, closed streams and folders in which nothing can be written."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import IO

import pytest

from tests.e2e.command import Workplace
from tests.e2e.test_prompt import Terminal
from tests.e2e.world import World, configuration, group


@pytest.fixture
def ready(work: Workplace) -> Workplace:
    work.configure(configuration(group("ours", ["ana"])))
    return work


def run(work: Workplace, *args: str, out: IO[bytes] | int, err: IO[bytes] | int) -> tuple[int, str]:
    """Run the command with other streams; its exit code, and what it said on stderr if that is a pipe."""
    process = subprocess.Popen(
        work.arguments(*args), cwd=work.folder, env=work.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
    )
    said = process.communicate(timeout=60)[1]
    return process.returncode, (said or b"").decode()


@pytest.mark.parametrize(
    "args", [("validate",), ("version",), ("plan",), ("plan", "--format", "json"), ("completion", "bash"), ("--help",)]
)
def test_a_full_disk_is_told(ready: Workplace, world: World, args: tuple[str, ...]) -> None:
    """A result that can't be written is an error with one message, exit 1, no traceback."""
    with Path("/dev/full").open("wb") as full:
        code, said = run(ready, *args, out=full, err=subprocess.PIPE)
    assert code == 1, said
    assert said.count("error: the output: No space left on device") == 1
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_an_apply_on_a_full_disk_says_so(ready: Workplace, world: World) -> None:
    """Its plan can't be shown, so nothing is done: exit 1, no request that writes, and the lock is free."""
    with Path("/dev/full").open("wb") as full:
        code, said = run(ready, "apply", "--auto-approve", out=full, err=subprocess.PIPE)
    assert code == 1, said
    assert "No space left on device" in said
    assert world.writes == []
    assert ready.files == ["reconciler.yaml"]


def test_talk_that_nobody_can_read_is_no_traceback(ready: Workplace, world: World) -> None:
    """A full disk under stderr: the exit code is all that can still be told."""
    with Path("/dev/full").open("wb") as full:
        (ready.folder / "reconciler.yaml").write_text("tenants: [")
        code, _ = run(ready, "validate", out=subprocess.PIPE, err=full)
    assert code == 1


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2)])
def test_closed_streams_are_silence(ready: Workplace, world: World, closed: tuple[int, ...]) -> None:
    """A caller that closed stdout or stderr gets the work done and the right exit code."""
    redirections = " ".join(f"{number}>&-" for number in closed)
    command = f'exec "$0" -m reconciler "$@" {redirections}'
    shell = ["sh", "-c", command, *ready.arguments("apply", "--auto-approve")[:1], "apply", "--auto-approve"]
    done = subprocess.run(
        shell, cwd=ready.folder, env=ready.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert world.members("ours") == {"ana"}
    assert ready.owned == {"acmeprod/ours*": ["ana"]}
    (ready.folder / "reconciler.yaml").write_text("tenants: [")
    failed = subprocess.run(
        shell, cwd=ready.folder, env=ready.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert failed.returncode == 1
    assert "Traceback" not in failed.stdout + failed.stderr


def test_a_listener_that_leaves_during_an_apply_stops_nothing(ready: Workplace, world: World) -> None:
    """Whoever read stderr has gone: the apply comes to its end and is recorded."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        code, _ = run(ready, "apply", "--auto-approve", out=subprocess.DEVNULL, err=gone)
    assert code == 0
    assert ready.owned == {"acmeprod/ours*": ["ana"]}


def test_a_rehearsal_where_nothing_can_be_written_is_told(ready: Workplace) -> None:
    """A file where the sandbox's folder would be: a message that names the place, exit 1."""
    (ready.folder / ".reconciler").write_text("")
    for args in (("--sandbox", "plan"), ("--sandbox", "doctor"), ("sandbox", "seed", "reconciler.yaml")):
        result = ready.run(*args)
        assert result.code == 1
        assert ".reconciler" in result.everything
        assert "Traceback" not in result.everything
        assert "a bug in" not in result.everything


def test_broken_data_of_a_rehearsal_is_told(ready: Workplace) -> None:
    """What is no database, and a seed with a mistake: a message that names it, exit 1."""
    (ready.folder / ".reconciler").mkdir()
    (ready.folder / ".reconciler" / "sandbox.db").write_text("this is no database " * 100)
    result = ready.run("--sandbox", "plan")
    assert result.code == 1
    assert "the sandbox can't keep its data in .reconciler" in result.err
    (ready.folder / ".reconciler" / "sandbox.db").unlink()
    (ready.folder / "sandbox").mkdir()
    (ready.folder / "sandbox" / "seed.yaml").write_text("tenants: [{tenant: acmeprod, groups: [{idd: x}]}]")
    result = ready.run("--sandbox", "plan")
    assert result.code == 1
    assert "the sandbox's seed is wrong" in result.err
    assert "Traceback" not in result.everything


@pytest.mark.parametrize("place", ["/proc/reconciler.yaml", "taken/reconciler.yaml"])
def test_init_where_nothing_can_be_written_is_told(work: Workplace, place: str) -> None:
    """A message, exit 1, nothing made."""
    (work.folder / "taken").write_text("")
    result = work.run("-f", place, "init")
    assert result.code == 1
    assert f"{place} can't be written" in result.err
    assert "Traceback" not in result.everything


def test_a_bar_shows_the_way_on_a_terminal(ready: Workplace, world: World) -> None:
    """An apply on a terminal shows one bar instead of a line for each request, and the result stays to be read."""
    terminal = Terminal(ready, "apply", "--auto-approve")
    try:
        assert terminal.end() == 0
    finally:
        terminal.close()
    assert "Verified 2 of 2 changes" in terminal.text
    assert "[1/2]" not in terminal.text


def test_a_bar_ends_with_a_signal(ready: Workplace, world: World) -> None:
    """Ctrl-C on a terminal is told above the bar."""
    world.fail("PUT **/users/** 429 retry-after=30")
    terminal = Terminal(ready, "apply", "--auto-approve")
    try:
        terminal.read_until("slow down")
        os.kill(terminal.process.pid, signal.SIGINT)
        assert terminal.end() == 4
    finally:
        terminal.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.text)
    assert "Interrupted: waiting for 1 request to finish" in plain
    assert "Traceback" not in terminal.text
    assert ready.lockfile["pending"] == []


OLDER = '{"format": 1, "kind": "plan"}'


def test_a_plan_that_does_not_fit_leaves_the_older_one(ready: Workplace, world: World) -> None:
    """When the disk is full halfway through, the older plan file is as it was, and no half of a new one lies about."""
    (ready.folder / "x.plan").write_text(OLDER)
    ready.configure(configuration(group("ours", ["ana"], description={"en": "many words " * 1000})))
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$0" "$@"', *ready.arguments("plan", "-o", "x.plan")],
        cwd=ready.folder, env=ready.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the plan can't be saved to x.plan: File too large" in done.stderr
    assert (ready.folder / "x.plan").read_text() == OLDER
    assert ready.files == ["reconciler.yaml", "x.plan"]


@pytest.mark.parametrize("name", ["reconciler.yaml", "reconciler.lock"])
def test_a_plan_is_written_over_nothing_but_a_plan(ready: Workplace, world: World, name: str) -> None:
    """``-o`` is easily mistaken for ``-f``, and then the configuration or the lockfile would be gone."""
    assert ready.apply().code == 0
    before = (ready.folder / name).read_bytes()
    refused = ready.run("plan", "-o", name)
    assert (refused.code, "is no plan" in refused.err) == (1, True), refused.everything
    assert (ready.folder / name).read_bytes() == before
