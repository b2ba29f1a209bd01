"""What it costs to say what a plan comes to for users: 1,000 who change among 100,000, with and without being told.

    python -m tests.benchmarks.effects [--runs 5] [--users 100000] [--changed 1000]

Twenty groups are ours and five are others', all of which grant scopes: every tenth user is in one of theirs, so it has
to be asked what each of the changed users is in besides. They all leave their group, or every other one moves on to
the next, for whom the rules ask as well. Employees cost one list of all; each customer costs a request.
"""

import argparse
import json
import statistics
import tempfile
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx

from tests.benchmarks.main_job import TENANT, once, requests, sandbox, users

OURS: Final = 20
THEIRS: Final = 5


def controls() -> list[dict[str, Any]]:
    """Fifty access controls of ten scopes; each group has ten of them, so that any two share some."""
    return [
        {"id": f"c{number:02d}", "scopes": [f"area{number:02d}.scope_{i}" for i in range(10)], "restrictionAware": True}
        for number in range(50)
    ]


def attached(number: int) -> list[str]:
    return [f"c{(number * 3 + i) % 50:02d}" for i in range(10)]


def seed(everybody: list[str], kind: str) -> dict[str, Any]:
    groups = [
        {"id": name, "name": {"en": name}, "userType": kind, "accessControls": attached(number), "restrictions": ["DE"]}
        for number, name in enumerate([*(f"g{i:03d}" for i in range(OURS)), *(f"x{i:03d}" for i in range(THEIRS))])
    ]
    held = [(f"g{i % OURS:03d}", user) for i, user in enumerate(everybody)]
    held += [(f"x{i % THEIRS:03d}", user) for i, user in enumerate(everybody[::10])]
    assignments = [{"groupId": group, "userId": user, "userType": kind} for group, user in held]
    who = "employees" if kind == "EMPLOYEE" else "customers"
    tenant = {"tenant": TENANT, "languages": ["en"], "accessControls": controls(), "groups": groups}
    return {"tenants": [{**tenant, who: everybody, "assignments": assignments}]}


def configuration(everybody: list[str], changed: int, move: bool) -> str:
    """All as it is, but for some users of each group, who leave; or every other one of them moves on to the next.

    They are spread over all, so that no page of the service's list has many of them.
    """
    step = len(everybody) // changed
    chosen = {number * step + number % min(step, OURS): move and bool(number % 2) for number in range(changed)}
    listed: dict[int, list[str]] = {number: [] for number in range(OURS)}
    for i, user in enumerate(everybody):
        if i not in chosen:
            listed[i % OURS].append(user)
        elif chosen[i]:
            listed[(i + 1) % OURS].append(user)
    lines = ["tenants:", f"  - tenant: {TENANT}", "    groups:"]
    for number, members in listed.items():
        lines += [f"      - match: {{id: g{number:03d}}}", "        members:"]
        lines += [f"          - {user}" for user in members]
    return "\n".join(lines) + "\n"


def measure(kind: str, move: bool, total: int, changed: int, runs: int) -> None:
    everybody = users(total)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.yaml").write_text(configuration(everybody, changed, move))
        with sandbox(folder, seed(everybody, kind)) as url:
            without, who = 0.0, f"{kind} {'move' if move else 'leave'}"
            for label, options in (
                ("not told", ("--no-access",)),
                ("told", ("--access-limit", str(changed))),
                ("told as JSON", ("--access-limit", str(changed), "--format", "json")),
            ):
                httpx.delete(f"{url}/sandbox/requests")
                found = [once(folder, url, "plan", "--take-over", *options) for _ in range(runs)]
                reads, out = requests(url)["reads"] // runs, found[-1][1]
                seconds = statistics.median(seconds for seconds, _ in found)
                without = without or seconds
                more = seconds - without
                print(f"{who:14} {label:13} {seconds:6.2f} s  {more:+6.2f} s  {reads:6} requests", flush=True)
            told = json.loads(out)["access"][0]
            concerned = sum(len(effect["users"]) for effect in told["effects"])
            print(f"{who:14} {concerned} users, {len(told['effects'])} effects, {len(told['summary'])} scopes\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=1_000)
    options = parser.parse_args()
    for kind, move in product(("EMPLOYEE", "CUSTOMER"), (False, True)):
        measure(kind, move, options.users, options.changed, options.runs)


if __name__ == "__main__":
    main()
