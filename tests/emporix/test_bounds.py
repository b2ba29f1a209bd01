"""One answer takes so much time and so many bytes and no more, however its server goes about it."""

import gc
import gzip
import select
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat

import httpx
import pytest

from reconciler.core.model import UserType
from reconciler.diagnostics import ServiceError
from reconciler.emporix.bounds import Bounds, TooLarge
from reconciler.emporix.errors import OutcomeUnknown
from reconciler.emporix.iam import Iam
from reconciler.emporix.transport import PooledTransport
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, heard, standin, wire

MOST = 100_000
START = b"HTTP/1.1 200 OK\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b"[" * 50_000_000)


@contextmanager
def sending(*pieces: bytes, forever: bytes = b"", pause: float = 0.0) -> Iterator[str]:
    """A server that sends the pieces, and then one piece for ever with a pause before each, until it is left."""
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        heard(connection)
        with suppress(OSError):
            for piece in chain(pieces, repeat(forever) if forever else ()):
                if pause and over.wait(pause):
                    return
                connection.sendall(piece)
            heard(connection)

    with wire(talk) as (url, _):
        try:
            yield url
        finally:
            over.set()


def fetch(url: str, seconds: float = 20.0, transport: PooledTransport | None = None) -> httpx.Response:
    extensions = {"timeout": httpx.Timeout(5).as_dict(), "bounds": Bounds(seconds, MOST)}
    own = transport or PooledTransport()
    try:
        return own.handle_request(httpx.Request("GET", f"{url}/x", extensions=extensions))
    finally:
        if transport is None:
            own.close()


DRIBBLES: dict[str, tuple[bytes, bytes]] = {
    "body": (START + b"Content-Length: 9999\r\n\r\n", b"["),
    "until the end": (START + b"\r\n", b"["),
    "chunks": (CHUNKED, b"1\r\n[\r\n"),
    "the length of a chunk": (CHUNKED, b"0"),
    "trailers": (CHUNKED + b"0\r\n", b"X"),
    "status": (b"HTTP/1.1", b" "),
    "header": (START + b"X: ", b"y"),
    "continue": (b"HTTP/1.1 ", b"100 Continue\r\n\r\nHTTP/1.1 "),
    "hints": (b"HTTP/1.1 ", b"103 Early Hints\r\n\r\nHTTP/1.1 "),
}


@pytest.mark.parametrize(("first", "then"), DRIBBLES.values(), ids=DRIBBLES)
def test_a_byte_at_a_time(first: bytes, then: bytes) -> None:
    """However often something comes, the whole answer has its time."""
    with (
        sending(first, forever=then, pause=0.02) as url,
        pytest.raises(httpx.ReadTimeout, match=r"no whole answer in 0\.3 s"),
    ):
        fetch(url, 0.3)


def test_the_time_begins_anew() -> None:
    """A request has its own time, whatever was left of that of the one before on the connection."""
    waited = threading.Event()

    def talk(connection: socket.socket) -> None:
        for pause in (0.0, 0.5):
            heard(connection)
            waited.wait(pause)
            connection.sendall(START + b"Content-Length: 2\r\n\r\n{}")

    with wire(talk) as (url, met):
        transport = PooledTransport()
        assert [fetch(url, seconds, transport).json() for seconds in (0.2, 5.0)] == [{}, {}]
        transport.close()
    assert len(met) == 1


LARGE: dict[str, tuple[bytes, bytes]] = {
    "told": (START + b"Content-Length: %d\r\n\r\n" % (3 * 10**9), b""),
    "until the end": (START + b"\r\n", b"[" * 5000),
    "chunks": (CHUNKED, b"1000\r\n" + b"[" * 4096 + b"\r\n"),
    "one chunk": (CHUNKED + b"7fffffffffffffff\r\n", b"[" * 5000),
    "one chunk without end": (CHUNKED + b"-1\r\n", b"[" * 5000),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "packed": (START + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(BOMB), BOMB), b""),
}


@pytest.mark.parametrize(("first", "then"), LARGE.values(), ids=LARGE)
def test_more_than_anybody_needs(first: bytes, then: bytes) -> None:
    """Too many bytes are refused before they are in memory, whether or not the server tells how many there are."""
    with sending(first, forever=then) as url, pytest.raises(TooLarge, match="larger than 100000 bytes"):
        fetch(url)


@pytest.mark.parametrize(("first", "then"), [*LARGE.values(), DRIBBLES["body"]])
def test_the_connection_is_closed(first: bytes, then: bytes) -> None:
    """A server whose answer was too much learns at once that nobody reads on."""
    left = threading.Event()

    def talk(connection: socket.socket) -> None:
        heard(connection)
        with suppress(OSError):
            connection.sendall(first)
            while then:
                connection.sendall(then)
                if connection in select.select([connection], [], [], 0.01)[0] and not connection.recv(1):
                    break
            heard(connection)
        left.set()

    gc.disable()
    try:
        with wire(talk) as (url, _):
            with pytest.raises(httpx.RequestError):
                fetch(url, 0.3)
            assert left.wait(5)
    finally:
        gc.enable()


def test_as_much_as_is_allowed() -> None:
    """Sizes up to the bound are read whole, packed or not."""
    body = b"[" * (MOST - 1000)
    for packed, coding in ((body, b"identity"), (gzip.compress(body), b"gzip"), (zlib.compress(body), b"deflate")):
        head = START + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(packed))
        with sending(head + packed) as url:
            assert fetch(url).content == body


@pytest.mark.parametrize("coding", [b"gzip, gzip", b"gzip\r\nContent-Encoding: gzip", b"zstd", b"\xff"])
def test_packed_as_nobody_asked_for(coding: bytes) -> None:
    """What is packed twice could be a million times as large as it came."""
    head = START + b"Content-Encoding: " + coding + b"\r\nContent-Length: 2\r\n\r\n{}"
    with sending(head) as url, pytest.raises(httpx.DecodingError):
        fetch(url)


@pytest.mark.parametrize("length", ["9" * 19, "9" * 7200])
def test_a_length_of_very_many_digits(length: str) -> None:
    """A length is refused that is too large, or that no number is made of."""
    with (
        sending(START + b"Content-Length: " + length.encode() + b"\r\n\r\n{}") as url,
        pytest.raises((TooLarge, httpx.RemoteProtocolError)),
    ):
        fetch(url)


@pytest.mark.parametrize(
    ("pieces", "pause", "error"),
    [(b"[", 0.02, httpx.ReadTimeout), (b"[" * 5000, 0.0, TooLarge)],
    ids=["a byte at a time", "too large"],
)
def test_through_a_proxy(pieces: bytes, pause: float, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds for the bodies that come through a proxy."""
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with sending(START + b"\r\n", forever=pieces, pause=pause) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(error):
            fetch("http://emporix.example", 0.3)


def test_a_large_answer_is_not_asked_for_again() -> None:
    """An answer that is too large is an error at once that names the call; a write stays in doubt."""
    with (
        standin(lambda asked: Reply(200 if asked.method == "GET" else 201, b"[" * 5000)) as service,
        world.client(service.url, credentials=world.READY, largest=4000) as client,
    ):
        with pytest.raises(ServiceError, match=r"list the groups of acme: .* larger than 4000 bytes"):
            Iam(client).groups()
        with pytest.raises(OutcomeUnknown, match="larger than 4000 bytes"):
            Iam(client).add_member("g", UserType.EMPLOYEE, "u")
        assert client.sent == {"list groups": 1, "add member": 1}


def test_a_slow_answer_is_asked_for_again() -> None:
    """An answer that does not end in time is tried again like one that does not come; a write stays in doubt."""
    with (
        sending(START + b"\r\n", forever=b"[", pause=0.02) as url,
        world.client(url, credentials=world.READY, deadline=0.1, attempts=2) as client,
    ):
        with pytest.raises(ServiceError, match=r"tried 2 times .* no whole answer in 0\.1 s"):
            Iam(client).groups()
        with pytest.raises(OutcomeUnknown):
            Iam(client).add_member("g", UserType.EMPLOYEE, "u")


def test_four_times_the_time_out() -> None:
    """Unless told otherwise a whole answer has four times as long as one piece of it."""
    with (
        sending(START + b"\r\n", forever=b"[", pause=0.02) as url,
        world.client(url, credentials=world.READY, timeout=0.1, attempts=1) as client,
        pytest.raises(ServiceError, match=r"no whole answer in 0\.4 s"),
    ):
        Iam(client).groups()


def test_a_full_page_is_far_below() -> None:
    """A page of a thousand rows with long ids and texts is read by a client of the usual settings."""
    texts = dict.fromkeys(("en", "de", "fr"), "x" * 1000)
    rows = [{"id": f"{n:0200}", "name": texts, "description": texts} for n in range(1000)]

    def answers(asked: Asked) -> Reply:
        return Reply(200, rows, {"X-Total-Count": "1000"})

    with standin(answers) as service, world.client(service.url, credentials=world.READY) as client:
        assert len(Iam(client).groups()) == 1000
