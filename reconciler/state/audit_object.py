"""The audit file at a place for lockfiles: its whole content is read, and written again with a line more behind it.

The place compares and sets, so a line that somebody else appended meanwhile is never lost: theirs is read, and ours
follows it. What is there is never written otherwise, and each write is whole, so no line is ever torn.
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import Final

from reconciler.state.audit_lines import AuditLines, Found, absent, foreign, last_of
from reconciler.state.backend import Backend, Lease, StateConflict
from reconciler.state.lock import LockInfo, OnWait

_HEAD: Final = b'{"audit":1,"records":[\n'
_TAIL: Final = re.compile(rb'\n\],"serial":\d+\}\s*\Z')


class AuditObject(AuditLines):
    """The lines that are the content of ``backend``.

    ``is_document`` says that the place takes nothing but JSON documents with a serial: then the lines stand in one.
    ``patience`` is how many seconds to wait for somebody else who appends, or died while doing so; ``on_wait`` is told
    of it.
    """

    def __init__(self, backend: Backend, *, is_document: bool, patience: float, on_wait: OnWait | None = None) -> None:
        self.url = self.name = backend.url
        self._backend = backend
        self._is_document = is_document
        self._patience, self._on_wait = patience, on_wait
        self._seen: tuple[bytes, str | None] | None = None

    def exists(self) -> bool:
        """See :meth:`AuditLines.exists`."""
        return self._look()[1] is not None

    def check(self, recognise: Callable[[bytes], object | None]) -> None:
        """See :meth:`AuditLines.check`; that the place can be locked tells that it can be written."""
        self._last(self._look()[0], recognise)
        self._locked().release()

    def append(
        self, recognise: Callable[[bytes], Found | None], line: Callable[[Found | None], bytes]
    ) -> tuple[bytes, bool]:
        """See :meth:`AuditLines.append`; what was read for the check need not be read again if it is still there."""
        with self._locked():
            try:
                return self._extend(self._seen or self._look(), recognise, line)
            except StateConflict:
                return self._extend(self._look(), recognise, line)

    def lines(self) -> Iterator[bytes]:
        """See :meth:`AuditLines.lines`."""
        text, version = self._seen or self._look()
        if version is None:
            raise absent(self.url)
        return iter(io.BytesIO(text))

    def _locked(self) -> Lease:
        return self._backend.lock(
            LockInfo.mine("append to the audit file"), timeout=self._patience, on_wait=self._on_wait
        )

    def _look(self) -> tuple[bytes, str | None]:
        """The lines that are there, and their version, None if nothing was written yet. Raises StateError."""
        stored = self._backend.read()
        if stored is None:
            self._seen = b"", None
        else:
            self._seen = self._lines_in(stored.data), stored.version
        return self._seen

    def _extend(
        self,
        seen: tuple[bytes, str | None],
        recognise: Callable[[bytes], Found | None],
        line: Callable[[Found | None], bytes],
    ) -> tuple[bytes, bool]:
        text, version = seen
        last, is_torn = self._last(text, recognise)
        written = line(last)
        text += b"\n" * is_torn + written
        self._seen = text, self._backend.write(_document(text) if self._is_document else text, expected=version)
        return written, is_torn

    def _last(self, text: bytes, recognise: Callable[[bytes], Found | None]) -> tuple[Found | None, bool]:
        return last_of(reversed(text.split(b"\n")), recognise, self.url, is_empty=not text)

    def _lines_in(self, data: bytes) -> bytes:
        if not (self._is_document and data):
            return data
        tail = _TAIL.search(data)
        if not data.startswith(_HEAD) or tail is None:
            raise foreign(self.url)
        return data[len(_HEAD) : tail.start()].replace(b",\n", b"\n") + b"\n"


def _document(text: bytes) -> bytes:
    """The lines as one JSON document: a server such as GitLab's takes no other, and wants a serial that grows."""
    lines = text.removesuffix(b"\n")
    return b'%b%b\n],"serial":%d}\n' % (_HEAD, lines.replace(b"\n", b",\n"), lines.count(b"\n") + 1)
