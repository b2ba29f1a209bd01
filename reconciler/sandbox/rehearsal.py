"""What stands in front of the service: the log of requests, latency, the rate limit and the faults.

It is the outermost ASGI application, so that a fault hits a token request like any other. Paths below
/sandbox/ are for tests and go through untouched and unlogged.
"""

import asyncio
import math
import socket
import struct
import time
from collections import deque
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.sandbox.call import encoded
from reconciler.sandbox.errors import fault_body
from reconciler.sandbox.faults import Rule, parse
from reconciler.sandbox.options import Options

# Where the protocol leaves the connection's transport in the scope (see server.Protocol).
TRANSPORT = "sandbox.transport"
LOG_LENGTH = 200_000
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


class RateLimit:
    """A bucket of N tokens that refills at N a second: a burst of N passes, then N a second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.level = self.capacity = max(1.0, rate)
        self.since = time.monotonic()

    def wait(self) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        moment = time.monotonic()
        self.level = min(self.capacity, self.level + (moment - self.since) * self.rate)
        self.since = moment
        if self.level < 1:
            return (1 - self.level) / self.rate
        self.level -= 1
        return 0.0


class Rehearsal:
    """Logs each request, delays it, limits it, fails it or lets it through."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self.app = app
        self.latency = options.latency_ms / 1000
        self.limit = RateLimit(options.rate_limit) if options.rate_limit else None
        self.rules = [parse(text) for text in options.faults]
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # Routes are matched on the path as it was sent, so that an id may contain an encoded slash.
        scope["path"] = scope["raw_path"].decode("ascii")
        if scope["path"].startswith("/sandbox/"):
            await self.app(scope, receive, send)
            return
        entry = self._logged(scope)
        if self.latency:
            await asyncio.sleep(self.latency)

        async def record(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        await self._serve(scope, receive, record, entry)

    def _logged(self, scope: Scope) -> dict[str, Any]:
        query = scope["query_string"].decode("latin-1")
        entry = {"method": scope["method"], "path": scope["path"], "query": query, "status": None}
        self.log.append(entry)
        self.count += 1
        return entry

    async def _serve(self, scope: Scope, receive: Receive, send: Send, entry: dict[str, Any]) -> None:
        wait = self.limit.wait() if self.limit else 0.0
        if wait:
            await _answer(send, 429, fault("Rate limit exceeded", 429), _retry(str(math.ceil(wait))))
            return
        rule = next((rule for rule in self.rules if rule.fails(scope["method"], scope["path"])), None)
        if rule is None:
            await self.app(scope, receive, send)
            return
        entry["fault"] = rule.text
        await self._fail(rule, scope, receive, send)

    async def _fail(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        # A client that is still sending would see a broken pipe instead of what the rule says.
        body = await read_body(receive)
        if rule.outcome == "hang":
            await self._hang(rule, scope, body, receive, send)
        elif rule.outcome == "truncate":
            await _truncate(await self._performed(scope, body), scope, receive, send)
        else:
            if rule.done:
                await self._performed(scope, body)
            if rule.outcome == "reset":
                await _reset(scope, receive)
            else:
                await _answer(send, rule.status, *_substitute(rule))

    async def _performed(self, scope: Scope, body: bytes) -> list[Message]:
        """Carry the request out and keep its answer back."""
        messages: list[Message] = []

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, replay, keep)
        return messages

    async def _hang(self, rule: Rule, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        answer = await self._performed(scope, body) if rule.done else None
        try:
            await asyncio.wait_for(_gone(receive), rule.seconds)
        except TimeoutError:
            for message in answer or await self._performed(scope, body):
                await send(message)


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _gone(receive: Receive) -> None:
    """Return when the connection is closed: only then may a request end without a complete answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(scope: Scope, receive: Receive) -> None:
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    # With a linger time of zero the kernel sends RST instead of an orderly end.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _gone(receive)


async def _truncate(messages: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
    start, body = messages[0], messages[-1].get("body", b"")
    if not body:
        await _reset(scope, receive)
        return
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    scope["extensions"][TRANSPORT].close()
    await _gone(receive)


def _substitute(rule: Rule) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    """Body and headers that stand in for the real ones."""
    headers = _retry(rule.retry_after) if rule.retry_after else ()
    if rule.outcome == "html":
        return PAGE, (*headers, (b"content-type", b"text/html"))
    body = fault("Injected fault", rule.status) if rule.outcome == "status" and rule.status >= 400 else b""
    return body, (*headers, (b"content-type", b"application/json"))


def fault(message: str, status: int) -> bytes:
    """Body of an answer of the gateway in front of the service."""
    return encoded(fault_body(message, f"sandbox.fault.{status}"))


def _retry(value: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"retry-after", value.encode()),)


async def _answer(send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    length = () if status == 204 else ((b"content-length", str(len(body)).encode()),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
