"""A server of Terraform's HTTP protocol, written from its description and not from our client.

https://developer.hashicorp.com/terraform/language/backend/http: the state is fetched by GET, stored by POST with
the lock's id as the parameter ``ID`` and forgotten by DELETE; a lock is asked for with its information as JSON, and
"already taken" is 423 or 409 with the holder's.
"""

import base64
import json
import ssl
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

PATH = "/state/acme"


@dataclass(frozen=True)
class Dialect:
    """How such servers differ: where and how the lock is taken, and what the refused and the first reader are told.

    ``refusal`` is json, string, id or nothing, or gitlab: what was asked with the holder's id, user and time; ``empty``
    the status for no content yet; ``lax`` that any id may write and unlock while nobody holds the lock.
    """

    path: str = PATH
    lock: str = "LOCK"
    unlock: str = "UNLOCK"
    lock_path: str = PATH
    held: int = 423
    refusal: str = "json"
    empty: int = 404
    lax: bool = False


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: ``status`` 0 drops the connection; the work is done before if ``done``.

    ``meanwhile`` is what somebody else writes after it.
    """

    method: str
    status: int = 0
    done: bool = False
    body: bytes = b"<html>gateway</html>"
    headers: tuple[tuple[str, str], ...] = ()
    meanwhile: bytes | None = None


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    ids: tuple[str, ...]
    headers: dict[str, str]
    body: bytes


@dataclass
class State:
    """What the server keeps, changed by one request at a time."""

    dialect: Dialect
    users: dict[str, str]
    content: bytes | None = None
    lock: bytes | None = None
    faults: deque[Fault] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    guard: RLock = field(default_factory=RLock)

    @property
    def lock_id(self) -> str | None:
        return None if self.lock is None else json.loads(self.lock)["ID"]

    def fault(self, method: str) -> Fault | None:
        """The next fault, if it is for this method."""
        if self.faults and self.faults[0].method == method:
            return self.faults.popleft()
        return None

    def answer(self, seen: Seen) -> tuple[int, bytes]:
        """The answer of a healthy server to one who may ask."""
        dialect = self.dialect
        if (seen.method, seen.path) == (dialect.lock, dialect.lock_path):
            return self.taken(seen.body)
        if (seen.method, seen.path) == (dialect.unlock, dialect.lock_path):
            return self.freed(seen)
        if seen.path != dialect.path or seen.method not in {"GET", "POST", "DELETE"}:
            return 404, b"no such page"
        if seen.method == "GET":
            return (200, self.content) if self.content is not None else (dialect.empty, b"")
        return self.changed(seen)

    def taken(self, info: bytes) -> tuple[int, bytes]:
        if self.lock is not None:
            return self.refused(info)
        self.lock = info
        return 200, b""

    def freed(self, seen: Seen) -> tuple[int, bytes]:
        wanted = json.loads(seen.body)["ID"] if seen.body else "".join(seen.ids)
        if self.lock is None:
            return (200, b"") if self.dialect.lax else (409, b'"not locked"')
        if wanted != self.lock_id:
            return self.refused()
        self.lock = None
        return 200, b""

    def changed(self, seen: Seen) -> tuple[int, bytes]:
        mine = "".join(seen.ids) or None
        if mine != self.lock_id and not (self.dialect.lax and self.lock is None):
            return self.refused()
        self.content = seen.body if seen.method == "POST" else None
        return 200, b""

    def refused(self, asked: bytes = b"{}") -> tuple[int, bytes]:
        holder = json.loads(self.lock or b"{}")
        mixed = json.loads(asked) | {name: holder.get(name) for name in ("ID", "Who", "Created")}
        told = {
            "json": self.lock or b"",
            "gitlab": json.dumps(mixed).encode(),
            "string": b"locked by somebody\n\x1b[31m else" + b"!" * 1000,
            "id": json.dumps(self.lock_id).encode(),
            "nothing": b"",
        }
        return self.dialect.held, told[self.dialect.refusal]


class StateServer:
    """The server on a port of its own, in threads; ``admin`` may do everything, ``reader`` only read."""

    def __init__(self, dialect: Dialect = Dialect(), tls: ssl.SSLContext | None = None) -> None:
        self.state = State(dialect, {"admin": "s3cret-of-admin", "reader": "s3cret-of-reader"})
        self._server = Listener(("127.0.0.1", 0), Connection)
        self._server.state = self.state
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme, self.host = "https" if tls else "http", f"127.0.0.1:{self._server.server_port}"
        self.origin = f"{scheme}://{self.host}"
        self.url = self.origin + dialect.path
        self.lock_url = self.origin + dialect.lock_path
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def methods(self) -> list[str]:
        """What was asked, in order."""
        return [seen.method for seen in self.state.seen]

    def fail(self, *faults: Fault) -> None:
        """Let these requests fail, each as soon as it comes after the one before."""
        self.state.faults.extend(faults)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Listener(ThreadingHTTPServer):
    """Many at once, and none of them waited for at the end."""

    daemon_threads = True
    request_queue_size = 64
    state: State

    def handle_error(self, *_: Any) -> None:
        """Who goes away in the middle, as killed clients do, is nothing to tell."""


class Connection(BaseHTTPRequestHandler):
    """One client."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        ids = tuple(parse_qs(parts.query).get("ID", ()))
        seen = Seen(self.command, parts.path, ids, dict(self.headers.items()), body)
        state = self.server.state
        with state.guard:
            state.seen.append(seen)
            fault = state.fault(seen.method)
            status, told = 0, b""
            if fault is None or fault.done:
                status, told = self.denied(seen) or state.answer(seen)
            if fault is not None and fault.meanwhile is not None:
                state.content = fault.meanwhile
        headers: tuple[tuple[str, str], ...] = ()
        if fault is not None:
            status, told, headers = fault.status, fault.body, fault.headers
        if status:
            self.say(status, told, headers)
        else:
            self.close_connection = True

    def denied(self, seen: Seen) -> tuple[int, bytes] | None:
        sent = seen.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(sent).decode().partition(":")
        if self.server.state.users.get(user) != password:
            return 401, f"who are you, {sent}?".encode()
        return (403, b"readers only read") if user == "reader" and seen.method != "GET" else None

    def say(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status == 204:
            body = b""
        else:
            self.send_header("Content-Length", str(len(body)))
        if "Transfer-Encoding" in self.headers:  # the body of such a request was not read
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests look at what was seen instead."""

    do_GET = do_POST = do_PUT = do_DELETE = do_LOCK = do_UNLOCK = answer
