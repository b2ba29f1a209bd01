"""The audit file at its place: lines that are only ever appended, sealed one by one where the lockfile is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.state.audit_lines import AuditLines, Found
from reconciler.state.backend import LEASE
from reconciler.state.lock import OnWait
from reconciler.state.places import open_backend, path_of, scheme_of
from reconciler.state.seal import PLAIN, Seal
from reconciler.state.seal_lines import is_sealed, open_line, seal_line

PATIENCE: Final = 1.25
"""How long to wait for who appends, in leases: one that died while doing so has lost its lock by then."""

DOCUMENTS: Final = frozenset({"http", "https"})
"""The schemes of places that may take nothing but JSON documents: GitLab's reads a serial in them."""

CHANGED: Final = "this record was changed after it was sealed, or is torn"
UNSEALED: Final = "this record is not sealed, and one before it is: somebody without the key may have written it"


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was before it was sealed, with its end; ``flaw`` says what is wrong with its seal, if anything."""

    text: bytes
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the audit file is, and in which form lines are written and read there.

    With a key lines are sealed from then on; plain ones may stand before them and never behind, because who has no key
    could have written those.
    """

    place: AuditLines
    seal: Seal = PLAIN

    @property
    def url(self) -> str:
        """What messages call the place; there is no secret in it."""
        return self.place.url

    @property
    def name(self) -> str:
        """What messages call it before the number of a line."""
        return self.place.name

    def exists(self) -> bool:
        """See :meth:`AuditLines.exists`."""
        return self.place.exists()

    def check(self, recognise: Callable[[bytes], object | None]) -> None:
        """See :meth:`AuditLines.check`; also raises StateError if the last line can't be opened with the keys here."""
        self.place.check(lambda line: self._recognised(line, recognise))

    def append(
        self, recognise: Callable[[bytes], Found | None], line: Callable[[Found | None], bytes]
    ) -> tuple[bytes, bool]:
        """See :meth:`AuditLines.append`; the line is returned as it was before it was sealed."""
        plain = b""

        def as_written(last: Found | None) -> bytes:
            nonlocal plain
            plain = line(last)
            return self._sealed(plain)

        _, is_torn = self.place.append(lambda there: self._recognised(there, recognise), as_written)
        return plain, is_torn

    def lines(self) -> Iterator[Line]:
        """All lines, one after the other. Raises StateError if there are none, or for one that no key here opens."""
        behind_sealed = False
        for number, line in enumerate(self.place.lines(), 1):
            if is_sealed(line):
                behind_sealed = True
                yield self._opened(line, f"{self.name}:{number}")
            else:
                yield Line(line, UNSEALED if behind_sealed else "")

    def _recognised(self, line: bytes, recognise: Callable[[bytes], Found | None]) -> Found | None:
        return recognise(self._opened(line, f"a record in {self.url}").text if is_sealed(line) else line)

    def _opened(self, line: bytes, name: str) -> Line:
        sealed = line.rstrip(b"\r\n")
        text = open_line(sealed, self.seal, name)
        return Line(line, CHANGED) if text is None else Line(text + line[len(sealed) :])

    def _sealed(self, line: bytes) -> bytes:
        key = self.seal.writes
        return line if key is None else seal_line(line.removesuffix(b"\n"), key) + b"\n"


def open_audit(
    url: str, seal: Seal = PLAIN, *, lockfile: str | None = None, lease: float = LEASE, on_wait: OnWait | None = None
) -> Audit:
    """The audit file at any place that a lockfile can be at; nothing is touched or asked yet.

    ``lockfile`` is the lockfile's URL if that is another place; ``lease`` and what is raised are those of
    :func:`reconciler.state.open_backend`. ``on_wait`` is told of somebody else who appends just now.
    """
    path = path_of(url)
    if path is not None:
        from reconciler.state.audit_file import AuditFile

        return Audit(AuditFile(url, Path(path)), seal)
    from reconciler.state.audit_object import AuditObject

    backend = open_backend(url, lease=lease, lockfile=lockfile)
    is_document = scheme_of(url) in DOCUMENTS
    return Audit(AuditObject(backend, is_document=is_document, patience=lease * PATIENCE, on_wait=on_wait), seal)
