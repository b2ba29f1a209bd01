"""The audit file in a folder: lines that are only ever appended, each whole and on the disk before an apply goes on.

What is in a line is not known here. A line that a writer who died left half is never repaired: the next line begins on
a line of its own, so that the torn one stays to be seen.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.diagnostics import StateError
from reconciler.state.audit_lines import AuditLines, Found, absent, last_of
from reconciler.state.local import MODE, explained

BLOCK: Final = 1 << 20
"""Bytes that are read at once from the end."""


class AuditFile(AuditLines):
    """The file at ``path``."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.name, self.path = url, str(path), path

    def exists(self) -> bool:
        """See :meth:`AuditLines.exists`."""
        return self.path.exists()

    def check(self, recognise: Callable[[bytes], object | None]) -> None:
        """See :meth:`AuditLines.check`; nothing of a file that is there is changed, and a missing one is not made."""
        with explained("append to", self.url):
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if not os.access(self.path.parent, os.W_OK | os.X_OK):
                    raise StateError(
                        f"can't append to {self.url}: its folder can't be written", remedy="check its rights"
                    )
                return
            with self._opened() as file:
                self._last(file, recognise)

    def append(
        self, recognise: Callable[[bytes], Found | None], line: Callable[[Found | None], bytes]
    ) -> tuple[bytes, bool]:
        """See :meth:`AuditLines.append`; several processes wait for each other, each for a moment."""
        with explained("append to", self.url):
            is_new = not self.path.exists()
            with self._opened() as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # two lockfiles may share one audit file
                last, is_torn = self._last(file, recognise)
                written = line(last)
                _write_whole(file.fileno(), b"\n" * is_torn + written)
                os.fsync(file.fileno())
            if is_new:
                _keep_entry(self.path.parent)
        return written, is_torn

    def lines(self) -> Iterator[bytes]:
        """See :meth:`AuditLines.lines`."""
        with explained("read", self.url):
            if not self.path.exists():
                raise absent(self.url)
            self._check_kind(self.path.stat().st_mode)
            with self.path.open("rb") as file:
                yield from file

    def _opened(self) -> BinaryIO:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, MODE)
        file = os.fdopen(descriptor, "rb", buffering=0)
        try:
            self._check_kind(os.fstat(descriptor).st_mode)
        except StateError:
            file.close()
            raise
        return file

    def _check_kind(self, mode: int) -> None:
        if not stat.S_ISREG(mode):  # reading a pipe would wait for ever
            raise StateError(f"{self.url} is not a file", remedy="name a file that can be appended to")

    def _last(self, file: BinaryIO, recognise: Callable[[bytes], Found | None]) -> tuple[Found | None, bool]:
        return last_of(_backwards(file), recognise, self.url, is_empty=not file.seek(0, os.SEEK_END))


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """The lines from the last to the first without their ends; before them what stands behind the last line end."""
    end, rest = file.seek(0, os.SEEK_END), b""
    while end:
        start = max(0, end - BLOCK)
        file.seek(start)
        rest, *lines = (_read_whole(file, end - start) + rest).split(b"\n")
        yield from reversed(lines)
        end = start
    yield rest


def _read_whole(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it: one call may write a part where a disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _keep_entry(folder: Path) -> None:
    """Have the new file's name on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
