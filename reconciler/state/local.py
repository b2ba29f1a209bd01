"""A lockfile in a folder: written whole or not at all, guarded by a lock that dies with its holder.

The lock is the operating system's (``flock``) on a file beside the lockfile, so a run that was killed leaves nothing to
clean up and no other run waiting. That file is there only while somebody holds the lock: a work tree stays clean.
"""

import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from reconciler.diagnostics import StateError
from reconciler.state.backend import Backend, Lease, LockInfo, OnWait, Stored, conflict, held

MODE: Final = 0o600
"""For every file we make, whatever its mode was: who may do what is not for other accounts of the machine, and a mode
taken over from the umask or an old file would show it to them by accident. Git does not record it."""

PATIENCE: Final = 0.5
"""Seconds that even a caller without a timeout tries: a mere look at the holder is over by then, so is a lone write."""

PAUSE: Final = 0.02
"""Seconds between two tries: ``flock`` can wait by itself, but not for a limited time."""

_REMEDIES: Final = {
    errno.ENOSPC: "free some space and try again: the last content is still there",
    errno.EDQUOT: "free some space and try again: the last content is still there",
    errno.EFBIG: "raise the limit for the size of files and try again: the last content is still there",
    errno.EBUSY: "mount the folder that holds the lockfile, not the file alone: it is replaced as a whole",
    errno.ENOLCK: "put it on a file system that has locks",
    errno.EOPNOTSUPP: "put it on a file system that has locks",
}


class LocalBackend(Backend):
    """The lockfile at ``path``, or at its target if that is a link, so that every link leads to the same lock.

    A missing folder is made by the first lock or write, because a sandbox has none yet.
    """

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self._path = path
        self._lease: LocalLease | None = None

    def read(self) -> Stored | None:
        """See :meth:`Backend.read`; the version is a digest of the content, so that a copy or a checkout keeps it."""
        with self._explained("read"):
            data = _content(self._target)
        return None if data is None else Stored(data, _digest(data))

    def write(self, data: bytes, *, expected: str | None) -> str:
        """See :meth:`Backend.write`; the previous content stays beside it as ``.backup``."""
        if self._lease is not None:
            self._lease.check()
            return self._write(data, expected)
        with self.lock(LockInfo.mine("write")):
            return self._write(data, expected)

    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """See :meth:`Backend.lock`; a dead holder's lock is free at once."""
        with self._explained("lock"):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = self._wait(timeout, on_wait)
            self._lease = LocalLease(self, replace(info, path=str(self._target)), descriptor)
        return self._lease

    def holder(self) -> LockInfo | None:
        """See :meth:`Backend.holder`; what a killed holder left behind tells of nobody."""
        with self._explained("look at the lock of"), suppress(FileNotFoundError), self.lock_path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return LockInfo.parse(file.read())
        return None

    def forget(self, lease: "LocalLease") -> None:
        """From now on ``lease`` covers no write of this object: it was released."""
        if self._lease is lease:
            self._lease = None

    @cached_property
    def lock_path(self) -> Path:
        """The file that is locked: never the lockfile itself, which each write replaces by another file."""
        return self._target.with_name(f".{self._target.name}.lck")

    @cached_property
    def _target(self) -> Path:
        try:
            target = self._path.resolve()
        except RuntimeError as error:  # how Python before 3.13 reports links that lead in a circle
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
        if target.is_symlink():  # and how later ones leave it to be found
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return target

    def _wait(self, timeout: float, on_wait: OnWait | None) -> int:
        deadline = time.monotonic() + max(timeout, PATIENCE)
        told = None
        while (descriptor := _locked(self.lock_path)) is None:
            holder = self.holder()
            if time.monotonic() > deadline:
                raise held(self.url, holder)
            if on_wait is not None and timeout > 0 and holder is not None and holder != told:
                on_wait(holder)
                told = holder
            time.sleep(PAUSE)
        return descriptor

    def _write(self, data: bytes, expected: str | None) -> str:
        current = self.read()
        if (None if current is None else current.version) != expected:
            raise conflict(self.url, expected, current)
        with self._explained("write"):
            if current is not None:
                _replace(self._target.with_name(f"{self._target.name}.backup"), current.data)
            _replace(self._target, data)
        return _digest(data)

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            where = f" ({error.filename})" if error.filename else ""
            remedy = _REMEDIES.get(error.errno or 0, "check the path and your rights on the file and its whole folder")
            raise StateError(f"can't {action} {self.url}: {reason}{where}", remedy=remedy) from error


class LocalLease(Lease):
    """A lock on a file beside the lockfile, which also says who holds it to those who wait."""

    def __init__(self, backend: LocalBackend, info: LockInfo, descriptor: int) -> None:
        self.info = info
        self._backend = backend
        self._descriptor: int | None = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, info.json(), 0)
        except OSError:
            self.release()
            raise

    def check(self) -> None:
        """See :meth:`Lease.check`: it is lost when its file was removed, for then somebody else may hold a new one."""
        if self._descriptor is None or not _is_at(self._descriptor, self._backend.lock_path):
            raise StateError(
                f"the lock of {self._backend.url} was lost: {self._backend.lock_path} is not the file that was locked",
                remedy="nothing more was written: plan again, and leave that file alone while a run lasts",
            )

    def release(self) -> None:
        """See :meth:`Lease.release`; the file is removed while it is still locked, so never somebody else's."""
        self._backend.forget(self)
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with suppress(OSError):  # a file that can't be removed locks nobody out
            if _is_at(descriptor, self._backend.lock_path):
                self._backend.lock_path.unlink()
        os.close(descriptor)


def _locked(path: Path) -> int | None:
    """An open and locked file, or None if somebody else has it or removed it while we were getting it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    ours = False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = _is_at(descriptor, path)
    except BlockingIOError:
        pass
    finally:
        if not ours:
            os.close(descriptor)
    return descriptor if ours else None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _content(path: Path) -> bytes | None:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # asked first, because reading a pipe would wait for ever
            raise StateError(
                f"{path} is not a file", remedy="name a file that can be written, for example file:reconciler.lock"
            )
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` whole or not at all, even if the machine stops; the caller holds the lock.

    The temporary file has one fixed name, so that what a killed writer left is removed by the next one.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
