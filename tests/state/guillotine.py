"""Kills a writer before every single line that it runs in ``reconciler.state.local``, one child process each.

Prints, as JSON, for each child that was killed: at which line it died, what was there afterwards, and whether the next
run could lock and write at once. A process of its own, because only one without threads may fork.
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from reconciler.state import LockInfo, local, open_backend

CONTENTS = (b"one" * 1000, b"two" * 2000, b"three" * 3000)


class Blade:
    """A trace function that lets ``lines`` lines pass and then kills its own process."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != local.__file__:
            return None
        if event == "line":
            if self.lines == 0:
                os.write(1, f"{frame.f_lineno}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)
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
        sys.settrace(Blade(lines))
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


def main(path: Path) -> None:
    lines = 0
    while behead(path, prepare(path), lines):
        print(json.dumps(examine(path)), flush=True)
        lines += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
