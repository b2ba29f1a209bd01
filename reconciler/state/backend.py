"""What a place for the lockfile guarantees, and how to open one by its URL.

A place stores bytes, compares and sets them, and knows who holds its lock. It knows nothing of the format, so that one
conformance suite (``tests/state``) can be run against every place with any content, garbage included.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state.lockfile import Lockfile, decode, encode, new


class StateConflict(StateError):
    """The content is not the one that was read: somebody wrote meanwhile, and nothing of theirs was overwritten."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a place holds: ``version`` is opaque, changes whenever ``data`` does, and is what a write compares."""

    data: bytes
    version: str


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds a lock, for what and since when, so that whoever has to wait knows whom to ask.

    ``who`` is user@host, ``info`` free text such as the address of a CI job, ``version`` ours, ``created`` ISO 8601 in
    UTC, ``path`` what is locked: the place fills it in. Written as JSON under Terraform's names (``ID``, ``Operation``,
    ``Info``, ``Who``, ``Version``, ``Created``, ``Path``), because servers and people know them.
    """

    id: str
    operation: str
    info: str = ""
    who: str = ""
    version: str = ""
    created: str = ""
    path: str = ""

    @classmethod
    def mine(cls, operation: str, *, info: str = "", version: str = "") -> Self:
        """What this process says of itself now, under an id that nobody else has."""
        import getpass
        import os
        import socket
        import uuid
        from datetime import UTC, datetime

        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # containers run under numbers that have no name
            user = str(os.getuid())
        return cls(
            id=str(uuid.uuid4()),
            operation=operation,
            info=info,
            who=f"{user}@{socket.gethostname()}",
            version=version,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """The holder that ``data`` tells of, or None if it tells of nobody: such text only decorates a message."""
        try:
            found = msgspec.json.decode(data, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        texts = {name: value for name, value in found.items() if isinstance(value, str)}
        if "ID" not in texts:
            return None
        return cls(**{field: texts.get(name, "") for field, name in _TERRAFORM.items()})

    def json(self) -> bytes:
        """The same for the other side's :meth:`parse`."""
        return msgspec.json.encode({name: getattr(self, field) for field, name in _TERRAFORM.items()})

    def __str__(self) -> str:
        since = f" since {self.created}" if self.created else ""
        info = f" ({self.info})" if self.info else ""
        return f"{self.who or 'somebody unknown'}, {self.operation or 'unknown operation'}{info}{since}"


_TERRAFORM: Final = {
    "id": "ID",
    "operation": "Operation",
    "info": "Info",
    "who": "Who",
    "version": "Version",
    "created": "Created",
    "path": "Path",
}

OnWait = Callable[[LockInfo], None]
"""Told once for each holder that is waited for."""


class Lease(Protocol):
    """The right to write, until it is released or lost, or its holder dies: the dead never block anybody for good."""

    info: LockInfo

    @abstractmethod
    def check(self) -> None:
        """Raise StateError if the lease was lost; asked before each request that changes the world."""

    @abstractmethod
    def release(self) -> None:
        """Let others in; a second release, or one of a lost lease, changes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Backend(Protocol):
    """A place for one lockfile. Whatever goes wrong there is a StateError that says what to do, never a traceback."""

    url: str

    @abstractmethod
    def read(self) -> Stored | None:
        """The whole content of the last complete write, or None if there was none yet; needs no lock."""

    @abstractmethod
    def write(self, data: bytes, *, expected: str | None) -> str:
        """Replace the content if it still is the ``expected`` version (None: nothing yet); returns the new version.

        All or nothing: after a crash at any moment a read gives either the old content or the new one. The previous
        content is kept where the place can. Raises StateConflict if the content is another one, LockHeld if somebody
        else holds the lock, and StateError if a lease taken from this object was lost: who is late can't overwrite.
        """

    @abstractmethod
    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """A lease that nobody else has, waiting for it up to ``timeout`` seconds.

        ``on_wait`` is told the holder, once for each, as soon as there is somebody to wait for. Raises LockHeld with
        who holds it when the time is over. Of many who ask at once exactly one is let in.
        """

    @abstractmethod
    def holder(self) -> LockInfo | None:
        """Who holds the lock now, or None; never disturbs the holder nor whoever is waiting."""


def held(url: str, holder: LockInfo | None) -> LockHeld:
    """The refusal that every place gives while somebody else holds its lock."""
    return LockHeld(
        f"{url} is locked by {holder or 'somebody who left no name'}",
        remedy="wait until that run is over, then try again",
    )


def conflict(url: str, expected: str | None, current: Stored | None) -> StateConflict:
    """The refusal that every place gives to a write that is not based on the ``current`` content."""
    if current is None:
        message = f"{url} is gone: it was removed after it was read"
    elif expected is None:
        message = f"{url} exists by now: it was written{_author(current)} after it was looked for"
    else:
        message = f"{url} has changed: it was written{_author(current)} after it was read"
    return StateConflict(message, remedy="nothing was overwritten: plan again from what is there now")


def _author(current: Stored) -> str:
    try:
        found = decode(current.data, "")
    except StateError:
        return " with content that is no lockfile"
    by = f" by {found.written_by}" if found.written_by else ""
    at = f" at {found.written_at}" if found.written_at else ""
    return f"{by}{at} (serial {found.serial})"


def _open_file(rest: str, url: str, folder: Path) -> Backend:
    from reconciler.state.local import LocalBackend

    return LocalBackend(url, folder / _file_path(rest, url))


PLACES: Final[Mapping[str, Callable[[str, str, Path], Backend]]] = {"file": _open_file}
"""How each scheme is opened: from what stands behind the colon, the whole URL and the folder of relative paths."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)


def open_backend(url: str, *, folder: Path | None = None) -> Backend:
    """The place that ``url`` names: ``file:path``, ``file:///absolute/path`` or a plain path.

    Relative paths start at ``folder``, by default the working directory. Opening touches nothing: a wrong place shows
    at the first read or write. Raises StateError for an unknown scheme, without repeating the rest of the URL because a
    password may stand there.
    """
    named = _SCHEME.fullmatch(url)
    scheme, rest = (named[1].lower(), named[2]) if named else ("file", url)
    if scheme not in PLACES:
        known = ", ".join(f"{name}:" for name in PLACES)
        raise StateError(f"no place for a lockfile is called {scheme}:", remedy=f"use one of: {known} or a plain path")
    return PLACES[scheme](rest, url, folder or Path())


def _file_path(rest: str, url: str) -> str:
    from urllib.parse import unquote

    path = rest
    if rest.startswith("//"):
        host, slash, absolute = rest[2:].partition("/")
        if host not in {"", "localhost"}:
            raise StateError(f"{url} names another machine", remedy="write file:path or file:///absolute/path")
        path = unquote(slash + absolute)
    if not path or path.endswith("/") or "\0" in path:
        raise StateError(f"{url!r} names no file", remedy="write file:reconciler.lock or file:///absolute/path")
    return path


def load(backend: Backend) -> tuple[Lockfile, str | None]:
    """The lockfile, and the version to base a write on.

    Where nothing was written yet the version is None and the lockfile is a new one with serial 0 and a lineage that
    nobody else has: it means nothing before it is written, so what was computed from serial 0 can't be compared by it.
    """
    stored = backend.read()
    if stored is None:
        from uuid import uuid4

        return new(str(uuid4())), None
    return decode(stored.data, backend.url), stored.version


def save(backend: Backend, lockfile: Lockfile, expected: str | None) -> str:
    """Write the lockfile as it is, the serial included, if the place still has the ``expected`` version."""
    return backend.write(encode(lockfile), expected=expected)
