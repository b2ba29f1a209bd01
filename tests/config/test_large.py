"""Large configurations: the time is the benchmark's business, memory and the collector are held here."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.config import load
from reconciler.diagnostics import ConfigurationError
from tests.config.world import HEAD, of_groups

CHILD = """
import resource, sys
from pathlib import Path
from reconciler.config import load
(group,) = load([Path(sys.argv[1])]).desired.tenants[0].groups
print(len(group.members), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_file_of_50_megabytes(tmp_path: Path) -> None:
    """1.2 million members are read within a few hundred megabytes."""
    file = tmp_path / "a.yaml"
    with file.open("w") as out:
        out.write(f"{HEAD}      - id: a\n        members:\n")
        out.writelines(f"          - 00u4ukqvzlEP31sCk417-{number:08d}\n" for number in range(1_200_000))
    assert file.stat().st_size > 50_000_000
    command = [sys.executable, "-c", CHILD, str(file)]
    members, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert members == "1200000"
    assert int(peak) < 700


def test_many_problems_are_all_told(file: Path) -> None:
    """A thousand ids with a slash are a thousand messages."""
    mails = ", ".join(f"user/{number}" for number in range(1000))
    file.write_text(of_groups(f"- {{id: a, members: [{mails}]}}"))
    with pytest.raises(ConfigurationError, match=r"^1,000 problems in 1 file$"):
        load([file])


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("text", [of_groups("- id: a"), "tenants: 5"])
def test_the_garbage_collector_is_left_as_found(file: Path, on: bool, text: str) -> None:
    """It is off only while reading, whether that succeeds or not."""
    file.write_text(text)
    was_on = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        load([file])
    except ConfigurationError:
        pass
    finally:
        after = gc.isenabled()
        (gc.enable if was_on else gc.disable)()
    assert after is on
