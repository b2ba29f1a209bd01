"""What goes over the wire, byte by byte, and what becomes of it when the other side misbehaves."""

import gzip
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from reconciler.diagnostics import ServiceError
from reconciler.emporix.iam import Iam
from reconciler.emporix.transport import PooledTransport
from tests.emporix import world
from tests.emporix.standin import heard, wire

Talk = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def saying(*answers: bytes, ending: bool = False) -> Talk:
    """Answers requests one after the other, and then either ends or waits for more."""

    def talk(connection: socket.socket) -> None:
        for answer in answers:
            if not heard(connection):
                return
            connection.sendall(answer)
        if not ending:
            heard(connection)

    return talk


def fetch(url: str, transport: PooledTransport | None = None, **headers: str) -> httpx.Response:
    own = transport or PooledTransport()
    request = httpx.Request("GET", url + "/x", headers=headers, extensions={"timeout": httpx.Timeout(0.3).as_dict()})
    try:
        return own.handle_request(request)
    finally:
        if transport is None:
            own.close()


def test_a_connection_is_used_again() -> None:
    """Requests that follow each other share a connection."""
    with wire(saying(OK, OK, OK)) as (url, met):
        transport = PooledTransport()
        assert [fetch(url, transport).json() for _ in range(3)] == [{}, {}, {}]
        transport.close()
    assert len(met) == 1


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", False),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
        (OK + b"HTTP/1.1 500 Oh no\r\nX: y\r\nContent-Length: 2\r\n\r\nno", False),
    ],
    ids=["close", "http 1.0", "ends with the connection", "a second answer"],
)
def test_a_connection_that_is_over(answer: bytes, ending: bool) -> None:
    """What ends with its connection is read whole, and the next request takes a new connection."""
    with wire(saying(answer, ending=ending), saying(OK)) as (url, met):
        transport = PooledTransport()
        assert (fetch(url, transport).status_code, fetch(url, transport).content) == (200, b"{}")
        transport.close()
    assert len(met) == 2


def test_an_idle_connection_that_was_closed() -> None:
    """A connection that the other side closed while it was idle is not used for the next request."""
    closed = threading.Event()

    def leave(connection: socket.socket) -> None:
        saying(OK, ending=True)(connection)
        connection.close()
        closed.set()

    with wire(leave, saying(OK)) as (url, met):
        transport = PooledTransport()
        fetch(url, transport)
        assert closed.wait(5)
        assert fetch(url, transport).content == b"{}"
        transport.close()
    assert len(met) == 2


def test_a_request_that_cannot_be_sent() -> None:
    """A connection that breaks while we write is told apart from one that breaks while we read."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with wire(refuse) as (url, _), pytest.raises(httpx.WriteError):
        timeout = {"timeout": httpx.Timeout(5).as_dict()}
        PooledTransport().handle_request(httpx.Request("PUT", url, content=b"x" * 50_000_000, extensions=timeout))


def test_time_outs_of_their_own() -> None:
    """Each request brings its own time-outs, whatever the one before on the connection had."""
    with wire(saying(OK, b"")) as (url, met):
        transport = PooledTransport()
        for seconds in (5.0, 0.1):
            timeout = {"timeout": httpx.Timeout(seconds).as_dict()}
            try:
                transport.handle_request(httpx.Request("GET", url, extensions=timeout))
            except httpx.ReadTimeout:
                assert seconds == 0.1
            else:
                assert seconds == 5.0
        transport.close()
    assert len(met) == 1


def test_closing_while_a_request_is_under_way() -> None:
    """A request that ends after the transport was closed does not leave its connection open."""
    asked, answer, left = threading.Event(), threading.Event(), threading.Event()

    def late(connection: socket.socket) -> None:
        heard(connection)
        asked.set()
        answer.wait(5)
        connection.sendall(OK)
        if not heard(connection):
            left.set()

    with wire(late) as (url, _):
        transport = PooledTransport()
        timeout = {"timeout": httpx.Timeout(5).as_dict()}
        request = httpx.Request("GET", url, extensions=timeout)
        thread = threading.Thread(target=transport.handle_request, args=(request,), daemon=True)
        thread.start()
        assert asked.wait(5)
        transport.close()
        answer.set()
        assert left.wait(5)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n", b"[]"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2 \r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["chunked", "continue", "hints", "several", "blank", "no content"],
)
def test_forms_of_an_answer(answer: bytes, body: bytes) -> None:
    """Chunks are joined, provisional answers are not the answer, and 204 has no body."""
    with wire(saying(answer)) as (url, _):
        response = fetch(url)
    assert response.content == body
    assert "X" not in response.headers


def test_headers_in_another_encoding() -> None:
    """A header that is not ASCII does no harm."""
    with wire(saying(b"HTTP/1.1 200 OK\r\nX: \xe4\r\nContent-Length: 2\r\n\r\n{}")) as (url, _):
        assert fetch(url).headers["X"] == "ä"


def test_a_long_answer() -> None:
    """A body of many pieces is whole, and its connection is used again."""
    body = b"[" + b"1," * 500_000 + b"1]"
    with wire(saying(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), OK)) as (url, met):
        transport = PooledTransport()
        assert fetch(url, transport).content == body
        assert fetch(url, transport).content == b"{}"
        transport.close()
    assert len(met) == 1


def test_a_compressed_answer() -> None:
    """Compression is undone."""
    body = gzip.compress(b'{"id": 1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with wire(saying(head + body)) as (url, _):
        assert fetch(url).json() == {"id": 1}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", httpx.RemoteProtocolError),
        (b"HTTP/1.1 204 No Content\r\nDate: today\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n[]\r\n0\r\n\r\n", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 OK\r\n\r\n{}", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\n{}", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\n{}", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nX: y\rZ: a\r\nContent-Length: 2\r\n\r\n{}", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", httpx.RemoteProtocolError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            httpx.RemoteProtocolError,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", httpx.DecodingError),
    ],
)
def test_answers_that_are_none(answer: bytes, error: type[Exception]) -> None:
    """What breaks off or is no HTTP is an error, never half an answer."""
    with wire(saying(answer, ending=True)) as (url, _), pytest.raises(error):
        fetch(url)


@pytest.mark.parametrize("header", [b"X: " + b"y" * 100_000 + b"\r\n", b"X: y\r\n" * 1000], ids=["long", "many"])
def test_headers_without_end(header: bytes) -> None:
    """Headers are read up to a limit only."""

    def talk(connection: socket.socket) -> None:
        with suppress(OSError):  # whoever has read enough goes
            saying(b"HTTP/1.1 200 OK\r\n" + header + b"Content-Length: 2\r\n\r\n{}")(connection)

    with wire(talk) as (url, _), pytest.raises(httpx.RemoteProtocolError, match="more than"):
        fetch(url)


def test_no_answer() -> None:
    """Silence ends with the time-out."""
    with wire(saying(b"HTTP/1.1 200 OK\r\n")) as (url, _), pytest.raises(httpx.ReadTimeout, match=r"0\.3 s"):
        fetch(url)


def test_nobody_reads() -> None:
    """A request that the other side does not take ends with the time-out too."""
    over = threading.Event()
    with wire(lambda _: over.wait(10) and None) as (url, _):
        timeout = {"timeout": httpx.Timeout(0.3).as_dict()}
        request = httpx.Request("PUT", url, content=b"x" * 50_000_000, extensions=timeout)
        with pytest.raises(httpx.WriteTimeout):
            PooledTransport().handle_request(request)
        over.set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_no_connection(url: str) -> None:
    """A host that does not listen, or that there is none of, is a failed connection."""
    with pytest.raises(httpx.ConnectError):
        fetch(url)


def test_what_is_sent() -> None:
    """Head and body come in one piece, the path as it was quoted, and no headers but those of httpx."""
    received: list[bytes] = []

    def take(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(OK)

    with wire(take) as (url, _), httpx.Client(transport=PooledTransport()) as client:
        headers = {"Accept-Encoding": "gzip, deflate", "User-Agent": "we", "Accept": "a/b"}
        client.send(httpx.Request("PUT", f"{url}/a%2Fb/%2E%2E/c%20d?e=f%26", headers=headers, content=b"body"))
    assert received == [
        b"PUT /a%2Fb/%2E%2E/c%20d?e=f%26 HTTP/1.1\r\nHost: " + url.removeprefix("http://").encode() + b"\r\n"
        b"Accept-Encoding: gzip, deflate\r\nUser-Agent: we\r\nAccept: a/b\r\nContent-Length: 4\r\n\r\nbody"
    ]


def test_a_body_is_sent_once() -> None:
    """A body does not go out again with the next request on the connection."""
    received: list[bytes] = []

    def take(connection: socket.socket) -> None:
        for _ in range(2):
            received.append(connection.recv(65536))
            connection.sendall(OK)

    with wire(take) as (url, _), httpx.Client(transport=PooledTransport()) as client:
        client.put(url, content=b"body")
        client.get(url)
    assert received[0].endswith(b"\r\n\r\nbody")
    assert received[1].endswith(b"\r\n\r\n")


def test_the_name_of_a_host_that_is_a_number() -> None:
    """An IPv6 address stands in brackets where a port follows, and only there."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(heard(connection))
            connection.sendall(OK)

    with listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        assert fetch(f"http://[::1]:{port}").json() == {}
        thread.join(5)
    assert f"\r\nHost: [::1]:{port}\r\n".encode() in received[0]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\r\n X: y", "a\rX: y"])
def test_no_header_within_a_header(value: str) -> None:
    """A value with a line break does not become a header of its own, and is not quoted."""
    with wire(saying(OK)) as (url, _), pytest.raises(httpx.LocalProtocolError) as caught:
        fetch(url, Authorization=value)
    assert "X: y" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    key, found = folder / "key.pem", folder / "cert.pem"
    wanted = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    named = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(found)]
    subprocess.run(["openssl", *wanted.split(), *named], check=True, capture_output=True)
    found.write_text(found.read_text() + key.read_text())
    return found


@pytest.fixture
def secured(certificate: Path) -> Iterator[str]:
    """A service on https://localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as inner:
                saying(OK, OK)(inner)
        except OSError:
            return

    with wire(talk) as (url, _):
        yield url.replace("http://127.0.0.1", "https://localhost")


def test_trusted_by_the_environment(secured: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE names the certificates to trust, each for the hosts that it names and no others."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport = PooledTransport()
    assert fetch(secured, transport).json() == {}
    with pytest.raises(httpx.ConnectError, match="127"):
        fetch(secured.replace("localhost", "127.0.0.1"), transport)
    transport.close()


def test_a_handshake_that_does_not_come() -> None:
    """A host that accepts the connection and says nothing is given up like one that does not accept."""
    over = threading.Event()
    with wire(lambda _: over.wait(10) and None) as (url, _):
        with pytest.raises(httpx.ConnectTimeout, match=r"0\.3 s"):
            fetch(url.replace("http:", "https:"))
        over.set()


def test_not_trusted(secured: str) -> None:
    """A certificate that nobody trusts is an error at once, with what to check, and not tried again."""
    with world.client(secured, credentials=world.READY) as client:
        with pytest.raises(ServiceError, match="certificate") as caught:
            Iam(client).groups()
        assert client.sent == {"list groups": 1}
    assert "SSL_CERT_FILE" in caught.value.remedy


def tunnel(asked: list[bytes], target: str) -> Talk:
    """A proxy that connects to the target whatever it is asked for, and writes down what that was."""

    def talk(connection: socket.socket) -> None:
        asked.append(heard(connection))
        port = int(target.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as beyond:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            beyond.settimeout(0.05)
            connection.settimeout(0.05)
            for _ in range(60):
                for source, sink in ((connection, beyond), (beyond, connection)):
                    try:
                        data = source.recv(65536)
                    except TimeoutError:
                        continue
                    if not data:
                        return
                    sink.sendall(data)

    return talk


def test_through_a_proxy(secured: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is gone through, with its password, and NO_PROXY goes around it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    asked: list[bytes] = []
    with wire(tunnel(asked, secured)) as (proxy, _):
        monkeypatch.setenv("HTTPS_PROXY", proxy.replace("http://", "me:pa55@"))
        transport = PooledTransport()
        request = httpx.Request("GET", secured, extensions={"timeout": httpx.Timeout(5).as_dict()})
        with httpx.Client(transport=transport) as client:
            assert client.send(request).json() == {}
            assert client.send(request).json() == {}
        assert asked[0].startswith(b"CONNECT localhost:")
        assert b"Proxy-Authorization: Basic" in asked[0]
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert fetch(secured).json() == {}
        assert len(asked) == 1


def test_a_proxy_that_wants_a_password(secured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """407 does not change by trying again."""
    monkeypatch.setenv("no_proxy", "")
    with wire(saying(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")) as (proxy, _):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with world.client(secured, credentials=world.READY) as client:
            with pytest.raises(ServiceError, match="407") as caught:
                Iam(client).groups()
            assert client.sent == {"list groups": 1}
    assert "HTTPS_PROXY" in caught.value.remedy


def test_a_proxy_of_no_known_kind(secured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that can't be used is an error that does not show its password."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:pa55@localhost")
    with world.client(secured, credentials=world.READY) as client, pytest.raises(ServiceError, match="proxy") as caught:
        Iam(client).groups()
    assert "pa55" not in caught.value.message
