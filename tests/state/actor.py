"""Another client of a place, in a process of its own, so that it can be killed and does not share our locks.

It reads one JSON command a line and answers each with one line: the result, or the name and text of the error.
"""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from reconciler.diagnostics import StateError
from reconciler.state import LEASE, Backend, Lease, LockInfo, Store, open_backend


class Actor:
    """The near end: ``tell`` sends a command, ``answer`` waits for the result, ``ask`` does both."""

    def __init__(self, url: str, lease: float = LEASE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.state.actor", url, str(lease)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, command: str, **details: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, **details}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, command: str, **details: Any) -> Any:
        self.tell(command, **details)
        return self.answer()

    def kill(self, last: Any = None) -> Any:
        """Kill it without a warning; returns the last thing that it said, ``last`` if it said no more."""
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        lines = self.process.stdout.read().splitlines()
        return json.loads(lines[-1]) if lines else last

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


class Stage:
    """The far end: what each command does."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.lease: Lease | None = None

    def ready(self) -> str:
        return "ready"

    def lock(self, name: str, timeout: float = 0) -> str:
        self.lease = self.backend.lock(LockInfo.mine(name), timeout=timeout)
        return "won"

    def release(self) -> str:
        assert self.lease is not None
        self.lease.release()
        return "released"

    def leave(self, name: str, seconds: float) -> str:
        """Lock, and leave the lock behind; returns its id."""
        lease = self.backend.lock(LockInfo.mine(name))
        return lease.leave(datetime.now(UTC) + timedelta(seconds=seconds)).id

    def check(self) -> str:
        assert self.lease is not None
        self.lease.check()
        return "mine"

    def write(self, text: str, expected: str | None) -> str:
        return self.backend.write(text.encode(), expected=expected)

    def count(self, times: int) -> str:
        """Raise the serial under a lease, as an apply does."""
        for _ in range(times):
            with self.backend.lock(LockInfo.mine("count"), timeout=60):
                lockfile, version = Store(self.backend).load()
                Store(self.backend).save(replace(lockfile, lineage="one", serial=lockfile.serial + 1), version)
        return "counted"

    def struggle(self, times: int) -> int:
        """The same while somebody takes the lock away; returns how often it was said to be written."""
        written = 0
        for _ in range(times):
            with suppress(StateError), self.backend.lock(LockInfo.mine("struggle"), timeout=60):
                lockfile, version = Store(self.backend).load()
                Store(self.backend).save(replace(lockfile, lineage="one", serial=lockfile.serial + 1), version)
                written += 1
        return written

    def scribble(self) -> None:
        """Write for ever; tells the number of each write that is over."""
        version = None
        turn = 0
        while True:
            turn += 1
            version = self.backend.write(scribble(turn), expected=version)
            print(turn, flush=True)


def scribble(turn: int) -> bytes:
    """The content of one turn, told apart from its neighbours by letter and length."""
    return bytes([97 + turn % 26]) * (200_000 + turn % 7)


def main(url: str, lease: str) -> None:
    stage = Stage(open_backend(url, lease=float(lease)))
    for line in sys.stdin:
        details = json.loads(line)
        command = details.pop("command")
        try:
            answer = getattr(stage, command)(**details)
        except StateError as error:
            answer = [type(error).__name__, str(error)]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
