import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from reconciler.state import local


def struck(how: str, folder: Path) -> tuple[list[int], list[Any]]:
    """The lines before which it struck, and the report of each time."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.state.guillotine", how, str(folder / "reconciler.lock")],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[::2], lines[1::2]


def line_of(code: str) -> int:
    """Where this stands in the local place: so that a test knows that it struck there."""
    return [line.strip() for line in Path(local.__file__).read_text().splitlines()].index(code) + 1


def test_a_writer_killed_at_any_line_leaves_old_or_new(tmp_path: Path) -> None:
    """Before whatever line a writer dies: content and backup are whole and one step apart, the lock is free, and
    the next run clears all that was left."""
    died_at, reports = struck("kill", tmp_path)
    states = [(content, backup) for content, backup, _, _ in reports]
    assert set(states) == {(1, 0), (1, 1), (2, 1)}
    assert states == sorted(states)
    assert {holder for _, _, holder, _ in reports} == {"None"}
    assert {tuple(left) for _, _, _, left in reports} == {("reconciler.lock", "reconciler.lock.backup")}
    assert died_at.count(line_of("temporary.replace(path)")) == 2


def test_a_holder_who_leaves_at_any_line_leaves_a_good_lock(tmp_path: Path) -> None:
    """The lock's file goes away with its holder, so who was about to lock that file has to take the next one."""
    left_at, reports = struck("leave", tmp_path)
    assert reports == [True] * 40
    assert line_of("fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)") in left_at
