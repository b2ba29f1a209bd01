"""Time and memory of encoding, decoding and storing a lockfile, each in a process of its own.

Run it as ``python -m tests.benchmarks.lockfile [MEMBERS ...]``; the members are spread over groups of a thousand, and
the last row has all of them in one group. ``seal`` and ``unseal`` are ``save`` and ``load`` of a sealed lockfile.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from reconciler.core.known import advance
from reconciler.core.model import KnownGroup, UserType
from reconciler.core.plan import Action, Change, Reason
from reconciler.state import Lockfile, Seal, Store, decode, encode, open_backend
from reconciler.state.keys import KEY

SEAL = Seal.of({KEY: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="})
SIZES = (1_000, 10_000, 100_000, 1_000_000)
REPEATS = 3


def example(members: int, groups: int) -> Lockfile:
    """Ids as long as the service's own."""
    known = {
        f"group-{group:06}": KnownGroup(
            owned=True,
            user_type=UserType.EMPLOYEE,
            members=frozenset(f"00u{group:07}{member:010}" for member in range(members // groups)),
            fields={"userType": "EMPLOYEE", "name": {"en": f"Group {group}"}},
            version=1,
        )
        for group in range(groups)
    }
    return Lockfile("bench", 1, {"tenant": known})


def pending(members: int) -> Lockfile:
    """What the first apply of so many members intends."""
    return Lockfile(
        "bench",
        1,
        {},
        tuple(
            Change(
                "tenant", f"group-{member // 1000:06}", f"00u{member:017}", Action.CREATE, Reason.NEW, UserType.EMPLOYEE
            )
            for member in range(members)
        ),
    )


def peak() -> float:
    """The highest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object]) -> float:
    """The median seconds of a few runs."""
    spent = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def written(path: str, lockfile: Lockfile, *seal: Seal) -> None:
    backend = open_backend(path)
    stored = backend.read()
    Store(backend, *seal).save(lockfile, stored.version if stored else None)


def round_trip(path: str) -> None:
    """What an apply does to the lockfile: read it, take note of changes to one member in a hundred, write it."""
    store = Store(open_backend(path))
    lockfile, version = store.load()
    done = [
        Change("tenant", group, user, Action.DELETE, Reason.REMOVED, UserType.EMPLOYEE)
        for group, known in lockfile.known.get("tenant", {}).items()
        for user in islice(known.members, max(1, len(known.members) // 100))
    ]
    known = advance(lockfile.known, done, {})
    store.save(replace(lockfile, known=known, serial=lockfile.serial + 1), version)


def measure(what: str, kind: str, members: int, path: str) -> str:
    """The seconds and the peak of one thing, as a cell of the table."""
    if what == "prepare":
        lockfile = (
            pending(members) if kind == "pending" else example(members, 1 if kind == "one" else max(1, members // 1000))
        )
        Path(path).write_bytes(encode(lockfile))
        Path(f"{path}.sealed").write_bytes(SEAL.encode(lockfile))
        return f"{Path(path).stat().st_size / 1e6:.1f}"
    if what == "round":
        return f"{timed(lambda: round_trip(path)):.3f} s {peak():5.0f} MB"
    if what == "load":
        return f"{timed(lambda: Store(open_backend(path)).load()):.3f} s {peak():5.0f} MB"
    if what == "unseal":
        return f"{timed(lambda: Store(open_backend(f'{path}.sealed'), SEAL).load()):.3f} s {peak():5.0f} MB"
    data = Path(path).read_bytes()
    if what == "decode":
        seconds = timed(lambda: decode(data, path))
    elif what == "edited":
        seconds = timed(lambda: decode(data + b"\n", path))
    else:
        lockfile = decode(data, path)
        del data
        other = f"{path}.copy"
        works: dict[str, Callable[[], object]] = {
            "encode": lambda: encode(lockfile),
            "save": lambda: written(other, lockfile),
            "seal": lambda: written(other, lockfile, SEAL),
        }
        seconds = timed(works[what])
    return f"{seconds:.3f} s {peak():5.0f} MB"


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["measure"]:
        print(measure(arguments[1], arguments[2], int(arguments[3]), arguments[4]))
        return
    sizes = [int(size) for size in arguments] or list(SIZES)
    columns = ("encode", "decode", "edited", "save", "load", "round", "seal", "unseal")
    print(f"{'members':>9} {'kind':8} {'MB':>6} " + " ".join(f"{column:>16}" for column in columns))
    rows = [(size, "many") for size in sizes] + [(sizes[-1], "one"), (sizes[-1], "pending")]
    for size, kind in rows:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "reconciler.lock")
            cells = [
                subprocess.run(
                    [sys.executable, "-m", "tests.benchmarks.lockfile", "measure", what, kind, str(size), path],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.strip()
                for what in ("prepare", *columns)
            ]
        print(f"{size:>9} {kind:8} {cells[0]:>6} " + " ".join(f"{cell:>16}" for cell in cells[1:]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
