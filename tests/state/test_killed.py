import json
import subprocess
import sys
from pathlib import Path

from reconciler.state import local


def test_a_writer_killed_at_any_line_leaves_old_or_new(tmp_path: Path) -> None:
    """Before whatever line a writer dies: content and backup are whole and one step apart, the lock is free, and
    the next run clears all that was left."""
    path = tmp_path / "reconciler.lock"
    done = subprocess.run(
        [sys.executable, "-m", "tests.state.guillotine", str(path)], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    died_at, reports = lines[::2], lines[1::2]
    states = [(content, backup) for content, backup, _, _ in reports]
    assert set(states) == {(1, 0), (1, 1), (2, 1)}
    assert states == sorted(states)
    assert {holder for _, _, holder, _ in reports} == {"None"}
    assert {tuple(left) for _, _, _, left in reports} == {("reconciler.lock", "reconciler.lock.backup")}
    replacing = Path(local.__file__).read_text().splitlines().index("        temporary.replace(path)") + 1
    assert died_at.count(replacing) == 2
