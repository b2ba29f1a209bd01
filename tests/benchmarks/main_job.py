"""How fast the main job is: whole processes against a sandbox in another process, medians in one table.

    python -m tests.benchmarks.main_job [--runs 5]

Beside the times stand the requests sent and the least number possible. The least is: one token, one listing of the
groups, the pages of the members of each managed group, and for an apply one request for each change, one look whether
the new users exist, and the pages of the touched groups once more to verify.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import httpx

PAGE = 1000
TENANT = "bench"


@dataclass(frozen=True)
class Case:
    """One row: a world, what is asked of it, and the goal in seconds."""

    name: str
    groups: int
    members: int
    command: tuple[str, ...]
    goal: float
    additions: int = 0
    latency: int = 0
    parallelism: int = 16

    @property
    def least_reads(self) -> int:
        """Requests that read, the token call included."""
        before = self.groups * max(1, ceil(self.members / self.groups / PAGE))
        if not self.additions:
            return 2 + before
        after = self.groups * ceil((self.members + self.additions) / self.groups / PAGE)
        users = ceil((self.members + self.additions) / PAGE)
        return 2 + before + users + after


CASES = (
    Case("no-op plan, 1,000 members", 2, 1_000, ("plan",), 0.6),
    Case("no-op plan, 10,000 members", 20, 10_000, ("plan",), 0.8),
    Case("no-op plan, 100,000 members", 20, 100_000, ("plan",), 2.0),
    Case("1,000 additions, 50 ms, 50 at once", 20, 0, ("apply", "--auto-approve"), 1.9, 1_000, 50, 50),
)


def users(count: int) -> list[str]:
    return [f"00u{number:012d}" for number in range(count)]


def spread(case: Case, count: int) -> list[list[str]]:
    """The users of each group, dealt out in turn."""
    everybody = users(count)
    return [everybody[start :: case.groups] for start in range(case.groups)]


def seed(case: Case) -> dict[str, Any]:
    everybody = users(case.members + case.additions)
    return {
        "tenants": [
            {
                "tenant": TENANT,
                "languages": ["en"],
                "groups": [{"id": f"g{i:03d}", "name": {"en": f"Group {i}"}} for i in range(case.groups)],
                "employees": everybody,
                "assignments": [
                    {"groupId": f"g{i:03d}", "userId": user}
                    for i, of in enumerate(spread(case, case.members))
                    for user in of
                ],
            }
        ]
    }


def configuration(case: Case) -> str:
    lines = ["tenants:", f"  - tenant: {TENANT}", "    groups:"]
    for i, members in enumerate(spread(case, case.members + case.additions)):
        lines += [f"      - id: g{i:03d}", f"        name: {{en: Group {i}}}", "        members:"]
        lines += [f"          - {user}" for user in members]
    return "\n".join(lines) + "\n"


@contextmanager
def sandbox(folder: Path, seed: dict[str, Any], latency: int = 0) -> Iterator[str]:
    """A service in a process of its own; its address."""
    (folder / "seed.json").write_text(json.dumps(seed))
    serve = ["sandbox", "serve", "--port", "0", "--seed", str(folder / "seed.json"), "--latency", str(latency)]
    with subprocess.Popen([sys.executable, "-m", "reconciler", *serve], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            yield next(word for word in line.split() if word.startswith("http"))
        finally:
            server.terminate()


def once(folder: Path, url: str, *command: str) -> tuple[float, str]:
    """The seconds that a command takes in a process of its own, and what it says; it must succeed."""
    environment = {
        **os.environ,
        "EMPORIX_API_URL": url,
        "EMPORIX_CLIENT_ID": TENANT,
        "EMPORIX_CLIENT_SECRET": "sandbox",
    }
    command = (sys.executable, "-m", "reconciler", "-f", str(folder / "bench.yaml"), *command)
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds, done.stdout


def measure(case: Case, runs: int) -> dict[str, Any]:
    """The median of the runs; an apply starts each time from the same world and without a lockfile."""
    times, counted = [], {"reads": 0, "writes": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.yaml").write_text(configuration(case))
        if case.additions:
            for _ in range(runs):
                (folder / "reconciler.lock").unlink(missing_ok=True)
                with sandbox(folder, seed(case), case.latency) as url:
                    times.append(once(folder, url, *case.command, "--parallelism", str(case.parallelism))[0])
                    counted = requests(url)
        else:
            with sandbox(folder, seed(case), case.latency) as url:
                once(folder, url, "apply", "--auto-approve")
                for _ in range(runs):
                    httpx.delete(f"{url}/sandbox/requests")
                    seconds, text = once(folder, url, *case.command, "--parallelism", str(case.parallelism))
                    assert "No changes." in text
                    times.append(seconds)
                counted = requests(url)
    return {"seconds": statistics.median(times), **counted}


def requests(url: str) -> dict[str, int]:
    log = httpx.get(f"{url}/sandbox/requests").json()
    rows = log["requests"] if isinstance(log, dict) else log
    writes = sum(row["method"] in {"PUT", "DELETE"} for row in rows)
    return {"reads": len(rows) - writes, "writes": writes}


def start_up(runs: int) -> float:
    times = []
    for _ in range(max(runs, 5)):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "reconciler", "version"], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(f"| {'case':<38} | seconds |  goal | reads (least) | writes (least) |")
    print(f"|{'-' * 40}|--------:|------:|--------------:|---------------:|")
    print(f"| {'reconciler version':<38} | {start_up(runs):7.2f} |  0.12 | {'':>13} | {'':>14} |")
    for case in CASES:
        found = measure(case, runs)
        reads = f"{found['reads']} ({case.least_reads})"
        writes = f"{found['writes']} ({case.additions})"
        print(
            f"| {case.name:<38} | {found['seconds']:7.2f} | {case.goal:5.2f} | {reads:>13} | {writes:>14} |", flush=True
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nPeak memory of the largest process, the sandbox included: {peak:.0f} MB.")


if __name__ == "__main__":
    main()
