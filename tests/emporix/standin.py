"""A service that answers what a test tells it to: for what the sandbox, being a faithful one, can't do."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as it came: ``target`` is exactly what was sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass
class Reply:
    """What to answer; a body that is no bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


Answers = Callable[[Asked], Reply]


@dataclass
class StandIn:
    url: str
    asked: list[Asked]


@contextmanager
def standin(answers: Answers) -> Iterator[StandIn]:
    """Serves until the test ends; a token is given to whoever asks unless ``answers`` knows better (status 0)."""
    here = StandIn("", [])

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            here.asked.append(asked)
            reply = answers(asked)
            if reply.status == 0 and asked.path == "/oauth/token":
                reply = Reply(body={"access_token": "t0k3n", "expires_in": 3600, "scope": "tenant=acme iam.group_read"})
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def wire(*conversations: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """A bare socket that holds one conversation per connection, the last one with all further ones; counts them."""
    listener = socket.create_server(("127.0.0.1", 0))
    met: list[int] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            met.append(1)
            talk = conversations[min(len(met), len(conversations)) - 1]
            threading.Thread(target=converse, args=(talk, connection), daemon=True).start()

    def converse(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
        with connection:
            talk(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", met
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def heard(connection: socket.socket) -> bytes:
    """One request without a body, as bytes; empty when the other side has gone."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return received
