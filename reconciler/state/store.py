"""A lockfile at its place: the bytes of a :class:`Backend` on one side, :class:`Lockfile` values on the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler.diagnostics import StateError
from reconciler.state.backend import Backend, Lease
from reconciler.state.lockfile import Header, Lockfile, new, peek
from reconciler.state.seal import PLAIN, Seal


@dataclass(frozen=True, slots=True)
class Look:
    """What is at a place, whatever it is: nothing (``version`` is None), a lockfile, or ``trouble`` instead of one."""

    version: str | None = None
    header: Header | None = None
    lockfile: Lockfile | None = None
    trouble: StateError | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """Where a lockfile is kept and in which form it is written and read there."""

    backend: Backend
    seal: Seal = PLAIN

    @property
    def url(self) -> str:
        """What messages and plans call the place; there is no secret in it."""
        return self.backend.url

    def load(self) -> tuple[Lockfile, str | None]:
        """The lockfile, and the version to base a write on.

        Where nothing was written yet the version is None and the lockfile is a new one with serial 0 and a lineage that
        nobody else has: it means nothing before it is written, so what was computed from serial 0 can't be compared by
        it. Raises StateError for content that is no lockfile.
        """
        there = self.look()
        if there.trouble is not None:
            raise there.trouble
        if there.lockfile is None:
            from uuid import uuid4

            return new(str(uuid4())), None
        return there.lockfile, there.version

    def look(self) -> Look:
        """The same for who can do something about content that is no lockfile."""
        stored = self.backend.read()
        if stored is None:
            return Look()
        try:
            return Look(stored.version, peek(stored.data), self.decode(stored.data))
        except StateError as error:
            return Look(stored.version, peek(stored.data), trouble=error)

    def save(self, lockfile: Lockfile, expected: str | None) -> str:
        """Write the lockfile as it is, the serial included, if the place still has the ``expected`` version."""
        return self.backend.write(self.encode(lockfile), expected=expected)

    def encode(self, lockfile: Lockfile) -> bytes:
        """The lockfile as it is written at this place."""
        return self.seal.encode(lockfile)

    def decode(self, data: bytes, name: str | None = None) -> Lockfile:
        """The lockfile in what such a place holds; ``name`` is what messages call it, by default the place's URL."""
        return self.seal.decode(data, name or self.url)

    def rescue(self, lockfile: Lockfile, folder: Path) -> Path:
        """Keep in ``folder``, as it would be written, what could not be written here; returns the file's path.

        Its name has the lineage and the serial, so that it overwrites no other one. Raises StateError.
        """
        from reconciler.state.local import keep

        path = folder / f"unsaved-{lockfile.lineage[:8]}-{lockfile.serial}.lock"
        keep(path, self.encode(lockfile))
        return path

    def history(self) -> Iterator[bytes]:
        """What the place held before the current content, the newest first, as far as it keeps that."""
        return (stored.data for stored in self.backend.history())

    def earlier(self, serial: int) -> tuple[Lockfile, bool]:
        """The newest earlier content with this serial, and whether it is the newest of all.

        Raises StateError if the place keeps none, or if it can't be opened.
        """
        for number, data in enumerate(self.history()):
            if (header := peek(data)) is not None and header.serial == serial:
                return self.decode(data, f"serial {serial} of {self.url}"), number == 0
        raise StateError(
            f"{self.url} keeps no earlier content with serial {serial}", remedy="`reconciler state history` lists them"
        )

    def next_serial(self, there: Look) -> int:
        """A serial that nobody has used: the one after what is there, or where that tells none, after all that was."""
        if there.header is not None:
            return there.header.serial + 1
        serials = [header.serial for data in self.history() if (header := peek(data)) is not None]
        return max(serials, default=0) + 2  # what can't be read any more had the one in between


def signed(lockfile: Lockfile, serial: int, lease: Lease) -> Lockfile:
    """The lockfile as the ``serial``-th write, by who holds the lease, now: a conflict's loser is told."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(lockfile, serial=serial, written_by=lease.info.who, written_at=now)
