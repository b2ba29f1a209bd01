"""Strikes a client before every single line that it runs in ``reconciler.state.local``, one line each time.

``kill``: a writer is killed there, in a child process; prints at which line it died, what was there afterwards, and
whether the next run could lock and write at once. ``leave``: the holder whom the client waits for leaves at just that
moment; prints whether the client's lease is a good one. A process of its own, because only one without threads may
fork and only one without coverage may trace.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from reconciler.state import LockInfo, local, open_backend

CONTENTS = (b"one" * 1000, b"two" * 2000, b"three" * 3000)


class Blade:
    """A trace function that lets ``lines`` lines pass and then strikes once; prints where it did."""

    def __init__(self, lines: int, strike: Callable[[], None]) -> None:
        self.lines = lines
        self.strike = strike

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != local.__file__:
            return None
        if event == "line":
            if self.lines == 0:
                print(frame.f_lineno, flush=True)
                sys.settrace(None)
                self.strike()
            self.lines -= 1
        return self


def prepare(path: Path) -> str:
    """Two writes are done, the second one's content is there, the first one's is the backup."""
    for old in path.parent.iterdir():
        old.unlink()
    backend = open_backend(str(path))
    return backend.write(CONTENTS[1], expected=backend.write(CONTENTS[0], expected=None))


def behead(path: Path, version: str, lines: int) -> bool:
    """Whether the third write was killed after so many lines, rather than done before."""
    child = os.fork()
    if child == 0:
        backend = open_backend(str(path))
        sys.settrace(Blade(lines, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        with backend.lock(LockInfo.mine("doomed")):
            backend.write(CONTENTS[2], expected=version)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def examine(path: Path) -> list[Any]:
    """Which content and which backup are there, who seems to hold the lock, and what the next run leaves behind."""
    backend = open_backend(str(path))
    stored = backend.read()
    assert stored is not None
    found = [CONTENTS.index(stored.data), CONTENTS.index(path.with_name(f"{path.name}.backup").read_bytes())]
    holder = backend.holder()
    with backend.lock(LockInfo.mine("next")):
        backend.write(b"next", expected=stored.version)
    return [*found, str(holder), sorted(left.name for left in path.parent.iterdir())]


def kill(path: Path) -> None:
    lines = 0
    while behead(path, prepare(path), lines):
        print(json.dumps(examine(path)), flush=True)
        lines += 1


def leave(path: Path) -> None:
    backend = open_backend(str(path))
    for lines in range(40):
        holder = open_backend(str(path)).lock(LockInfo.mine("holder"))
        sys.settrace(Blade(lines, holder.release))
        lease = backend.lock(LockInfo.mine("next"), timeout=60)
        sys.settrace(None)
        lease.check()
        print(json.dumps(open_backend(str(path)).holder() == lease.info), flush=True)
        lease.release()


if __name__ == "__main__":
    {"kill": kill, "leave": leave}[sys.argv[1]](Path(sys.argv[2]))
