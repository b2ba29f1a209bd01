"""A stand-in for the network between the command and the service: it lets a rule decide about each request.

A rule gets the request and a function that forwards it. It returns the answer for the client, or None, which closes the
connection without one. So a request can be lost before or after it was carried out, held back, or answered otherwise.
"""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

UNFORWARDED = {"connection", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True)
class Request:
    """A request that arrived, the ``number``-th of all, counted from 1."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether it changes the world."""
        return self.method in {"PUT", "DELETE"}


@dataclass(frozen=True)
class Answer:
    """What goes back to the client."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


Rule = Callable[[Request, Callable[[], Answer]], Answer | None]


def honest(_: Request, forward: Callable[[], Answer]) -> Answer | None:
    """The rule of a network that works."""
    return forward()


class Proxy:
    """Listens on a port of its own and forwards to ``target`` as the rule says; the rule may change at any time."""

    def __init__(self, target: str, rule: Rule = honest) -> None:
        self.rule = rule
        self.target = urlsplit(target).netloc
        self.seen: list[Request] = []
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def note(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Request:
        with self.lock:
            request = Request(len(self.seen) + 1, method, path, headers, body)
            self.seen.append(request)
            return request

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves a broken connection: that is what this is for."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def answer(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = proxy.note(self.command, self.path, dict(self.headers.items()), body)
        found = proxy.rule(request, lambda: self.forward(request))
        if found is None:
            self.close_connection = True
            return
        self.send_response_only(found.status)
        for name, value in found.headers:
            self.send_header(name, value)
        if found.status != 204:
            self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body)
        self.wfile.flush()

    def forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self.server.proxy.target, timeout=30)
        try:
            connection.request(request.method, request.path, body=request.body or None, headers=request.headers)
            response = connection.getresponse()
            kept = [(k, v) for k, v in response.getheaders() if k.lower() not in {*UNFORWARDED, "content-length"}]
            return Answer(response.status, kept, response.read())
        finally:
            connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_: Any) -> None:
        pass
