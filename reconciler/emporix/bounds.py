"""How much one answer may take, in seconds and in bytes, because a server that never ends must not keep us forever.

A time-out of the socket begins anew with every byte, and a body without end ends in a MemoryError. The bounds travel
with the request (``extensions["bounds"]``), as httpx's own time-outs do.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from socket import socket

import httpx

PIECE = 16384
"""Bytes that are unpacked at a time: what gzip makes a thousand times as large is still little."""

Headers = list[tuple[bytes, bytes]]


class TooLarge(httpx.RequestError):
    """The answer is larger than any that is documented; asking again would bring the same."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``seconds`` from the first byte sent to the last one received, and ``size`` in bytes, packed or not."""

    seconds: float = inf
    size: int = 64 * 2**20


class Gauge:
    """What one exchange has used of its bounds; it begins when it is made."""

    def __init__(self, request: httpx.Request) -> None:
        self.bounds: Bounds = request.extensions.get("bounds") or Bounds()
        self._request = request
        self._until = time.monotonic() + self.bounds.seconds
        self._received = 0

    @property
    def left(self) -> float:
        """Seconds until the end; not above 0 once it is over."""
        return self._until - time.monotonic()

    def take(self, size: int) -> None:
        """Counts what came; raises once it is too much."""
        self._received += size
        self.check(self._received)

    def check(self, size: int) -> None:
        """Raises if something of this size is too large."""
        if size > self.bounds.size:
            raise TooLarge(f"larger than {self.bounds.size} bytes", request=self._request)

    def reading(self, sock: socket, readinto: Callable[[memoryview], int]) -> Callable[[memoryview], int]:
        """Reads from the socket within the bounds: no longer than is left, whatever its own time-out."""

        def read(buffer: memoryview) -> int:
            left, own = self.left, sock.gettimeout()
            if left <= 0:
                raise TimeoutError
            if left < (inf if own is None else own):  # each setting is a system call
                sock.settimeout(left)
            count = readinto(buffer)
            self.take(count)
            return count

        return read

    def late(self) -> httpx.ReadTimeout:
        """Why a whole answer did not come in time."""
        return httpx.ReadTimeout(f"no whole answer in {self.bounds.seconds:g} s", request=self._request)

    def collect(self, stream: Iterable[bytes]) -> bytes:
        """All of a stream that somebody else reads."""
        pieces = []
        for piece in stream:
            if self.left <= 0:
                raise self.late()
            self.take(len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    def response(self, status: int, headers: Headers, body: bytes) -> httpx.Response:
        """The answer with its body unpacked, as far as that stays within the bounds."""
        codings = [value.strip().lower() for name, value in headers if name.lower() == b"content-encoding"]
        if not codings:
            return httpx.Response(status, headers=headers, content=body, request=self._request)
        if len(codings) > 1 or codings[0] not in {b"gzip", b"deflate", b"identity"}:
            raise httpx.DecodingError("the answer is packed in a way that nobody asked for", request=self._request)
        packed = httpx.Response(status, headers=headers, stream=_Pieces(body), request=self._request)
        pieces, size = [], 0
        for piece in packed.iter_bytes():
            size += len(piece)
            self.check(size)
            pieces.append(piece)
        rest = [(name, value) for name, value in headers if name.lower() not in _OF_THE_PACKED]
        return httpx.Response(status, headers=rest, content=b"".join(pieces), request=self._request)


_OF_THE_PACKED = {b"content-encoding", b"content-length", b"transfer-encoding"}


class _Pieces(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), PIECE):
            yield self._body[start : start + PIECE]
