"""One HTTP/1.1 connection: sends a request, reads the answer, and knows whether it may be used again.

The parser is llhttp in C (httptools); what is left to us is the socket. Every failure is an httpx exception that tells
the same as httpx's own transport would, so that the client need not know which one carries it.
"""

import select
import socket
import ssl
from typing import Any

import httptools
import httpx

CHUNK = 65536


class Connection:
    """An open connection to one origin, for one thread at a time."""

    def __init__(self, request: httpx.Request, context: ssl.SSLContext | None) -> None:
        """Connects to the request's origin, by TLS if there is a context for it."""
        seconds = _seconds(request, "connect")
        host, port = request.url.raw_host.decode("ascii"), request.url.port or (443 if context else 80)
        try:
            self._socket = socket.create_connection((host, port), timeout=seconds)
            # A request goes out whole, so waiting for more of it (Nagle) would only delay it.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                self._socket = _secured(self._socket, context, host)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection in {seconds:g} s", request=request) from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error), request=request) from error
        self.reusable = True
        self._timeout = seconds

    @property
    def alive(self) -> bool:
        """Whether it may carry another request: what can be read now is its end, or an answer nobody asked for."""
        watch = select.poll()
        watch.register(self._socket, select.POLLIN)
        return self.reusable and not watch.poll(0)

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """Sends the request and reads the whole answer."""
        self.reusable = False
        message = _message(request)
        try:
            self._wait_at_most(_seconds(request, "write"))
            self._socket.sendall(message)
        except TimeoutError as error:
            raise httpx.WriteTimeout("could not send in time", request=request) from error
        except OSError as error:
            raise httpx.WriteError(str(error), request=request) from error
        return self._read(request)

    def _read(self, request: httpx.Request) -> httpx.Response:
        seconds = _seconds(request, "read")
        answer = _Answer()
        try:
            self._wait_at_most(seconds)
            while not answer.complete:
                answer.feed(self._socket.recv(CHUNK))
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer in {seconds:g} s", request=request) from error
        except OSError as error:
            raise httpx.ReadError(str(error), request=request) from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, EOFError) as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        self.reusable = answer.leaves_open
        return httpx.Response(answer.status, headers=answer.headers, content=b"".join(answer.body), request=request)

    def _wait_at_most(self, seconds: float | None) -> None:
        """Sets the time-out if it changes: each setting is a system call at which another thread takes over."""
        if seconds != self._timeout:
            self._socket.settimeout(seconds)
            self._timeout = seconds

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()


class _Answer:
    """What the parser has understood so far; the names of its methods are the parser's."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.status = 0
        self.complete = False
        self.leaves_open = False
        self._headed = False
        self._overrun = False

    def feed(self, data: bytes) -> None:
        """Takes what came; nothing means that the other side closed the connection."""
        if data:
            self._parser.feed_data(data)
        elif self._headed and self._ends_with_connection:
            self.complete = True
        else:
            raise EOFError("the connection was closed before the answer was complete")

    @property
    def _ends_with_connection(self) -> bool:
        return not {name.lower() for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}

    def on_message_begin(self) -> None:
        """Another message: after a provisional one (1xx) it is the answer, after the answer nobody asked for it."""
        if self.complete:
            self._overrun, self.leaves_open = True, False
        else:
            self.headers, self.body = [], []

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if not self._overrun:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The status is known."""
        if not self._overrun:
            self.status = self._parser.get_status_code()
            self._headed = self.status >= 200

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if not self._overrun:
            self.body.append(data)

    def on_message_complete(self) -> None:
        """The end of a message; a provisional one is not the answer. Only here does the parser know of keep-alive."""
        if self.status >= 200 and not self.complete:
            self.complete, self.leaves_open = True, bool(self._parser.should_keep_alive())


def _secured(plain: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _message(request: httpx.Request) -> bytes:
    """The request as bytes; a line break in a header would let its value write headers of its own."""
    lines = [request.method.encode("ascii") + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    if any(b"\r" in line or b"\n" in line for line in lines):
        raise httpx.LocalProtocolError("a header holds a line break", request=request)
    return b"\r\n".join([*lines, b"", request.read()])


def _seconds(request: httpx.Request, what: str) -> float | None:
    timeout: dict[str, Any] = request.extensions.get("timeout", {})
    return timeout.get(what)
