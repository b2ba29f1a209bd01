"""How long a plan takes for a long list, and how much memory: ``python -m tests.benchmarks.long_lists [MEMBERS...]``.

Each row is a whole ``reconciler plan`` against a sandbox in another process that has as many live members as the list
has rows, and a lockfile that knows them: nothing is to be done, and everything has to be read and compared to say so.
``user`` is the processor time of the plan's process alone: the sandbox takes its own from the same machine meanwhile.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.main_job import TENANT, Case, sandbox, users

GROUP = "tenants:\n  - tenant: {}\n    groups:\n      - {{id: g000, name: {{en: Group 0}}, membersFrom: {}}}\n"
SIZES = (10_000, 100_000, 1_000_000)
GOAL = "goal: 1,000,000 within 12 s and 1,000 MB"


class Run(NamedTuple):
    """One process: seconds that passed, processor seconds, peak memory in MB, and what it wrote."""

    seconds: float
    user: float
    peak: float
    out: str


def write_list(file: Path, members: int) -> None:
    """The list, in the format that the file's name says; in ``until.csv`` everybody is a member for a time."""
    everybody = users(members)
    match file.suffix:
        case ".csv" if file.stem == "until":
            text = "id,until,reason\n" + "".join(f"{user},2099-12-31,OPS-42\n" for user in everybody)
        case ".csv":
            text = "id,name\n" + "".join(f"{user},Ana Silva\n" for user in everybody)
        case ".json":
            text = "[\n" + ",\n".join(f'  "{user}"' for user in everybody) + "\n]\n"
        case _:
            text = "".join(f"{user}\n" for user in everybody)
    file.write_text(text)
    file.with_name("reconciler.yaml").write_text(GROUP.format(TENANT, file.name))


def run(folder: Path, url: str, *command: str) -> Run:
    """Run the command to its end; it has to succeed."""
    secrets = {"EMPORIX_CLIENT_ID": TENANT, "EMPORIX_CLIENT_SECRET": "sandbox"}
    environment = {**os.environ, "EMPORIX_API_URL": url, **secrets}
    start = time.perf_counter()
    with (folder / "out.txt").open("w+") as out, (folder / "err.txt").open("w+") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "-f", str(folder / "reconciler.yaml"), *command],
            env=environment, stdout=out, stderr=err,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if process.returncode or status:
            raise SystemExit(f"exit {os.waitstatus_to_exitcode(status)}\n{out.read(2000)}\n{err.read(2000)}")
        return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out.read(2000))


def measure(members: int) -> dict[str, Run]:
    """A first plan and a plan of nothing to do, by the kind of list; the lockfile comes from applying the first."""
    case = Case("", 1, members, (), 0)
    found = {}
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), case) as url:
        folder = Path(name)
        write_list(folder / "list.csv", members)
        found["first plan, list.csv"] = run(folder, url, "plan", "--format", "gitlab")
        run(folder, url, "apply", "--auto-approve")
        for file in ("list.csv", "list.txt", "list.json", "until.csv"):
            write_list(folder / file, members)
            found[f"no-op plan, {file}"] = done = run(folder, url, "plan")
            assert "No changes." in done.out
    return found


def main() -> None:
    print(f"{'members':>10} {'what':<21} {'seconds':>8} {'user':>8} {'peak MB':>8}   ({GOAL})")
    for members in [int(size) for size in sys.argv[1:]] or SIZES:
        for what, found in measure(members).items():
            print(f"{members:>10,} {what:<21} {found.seconds:>8.2f} {found.user:>8.2f} {found.peak:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
