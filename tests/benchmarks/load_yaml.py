"""How long reading a configuration takes, and how much memory: ``python -m tests.benchmarks.load_yaml [MEMBERS...]``.

Each row is a process of its own, because memory that was once used is never given back. Imports are not counted.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HEAD = "tenants:\n  - tenant: acmeprod\n    groups:\n"
GROUP = "      - id: g{}\n        name: {{en: Group {}}}\n        members:\n"
STYLES = {
    "plain": "          - 00u4ukqvzlEP{:08d}\n",
    "flow mapping": "          - {{id: 00u4ukqvzlEP{:08d}, reason: OPS-42}}\n",
    "block mapping": "          - id: 00u4ukqvzlEP{:08d}\n            reason: OPS-42\n",
}
CHILD = """
import resource, sys, time
from pathlib import Path
from reconciler.config import load
start = time.perf_counter()
load([Path(sys.argv[1])])
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def lines(members: int, style: str, group_size: int) -> Iterator[str]:
    yield HEAD
    for number in range(members):
        if number % group_size == 0:
            yield GROUP.format(number, number)
        yield STYLES[style].format(number)


def measure(members: int, style: str, group_size: int) -> tuple[float, float, float]:
    """Size of the file in MB, seconds of the best of three runs, peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reconciler.yaml"
        with file.open("w") as out:
            out.writelines(lines(members, style, group_size))
        runs = []
        for _ in range(3):
            command = [sys.executable, "-c", CHILD, str(file)]
            seconds, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            runs.append((float(seconds), float(peak)))
        return file.stat().st_size / 1e6, *min(runs)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000]
    print(f"{'members':>10} {'style':<14} {'a group':>9} {'file MB':>8} {'seconds':>8} {'peak MB':>8}")
    for members in sizes:
        for style, group_size in [*((style, members) for style in STYLES), ("plain", 10)]:
            size, seconds, peak = measure(members, style, group_size)
            print(f"{members:>10,} {style:<14} {group_size:>9,} {size:>8.1f} {seconds:>8.2f} {peak:>8.0f}")


if __name__ == "__main__":
    main()
