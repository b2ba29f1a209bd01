"""The running server: uvicorn on loopback, in a thread of this process.

Also in the foreground the server has its own thread, so that signals reach a main thread that does nothing
but wait for them and the server never has to be interrupted.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reconciler.sandbox.app import build
from reconciler.sandbox.options import Options
from reconciler.sandbox.rehearsal import TRANSPORT
from reconciler.sandbox.seed import plant, read
from reconciler.sandbox.store import Store

HOST = "127.0.0.1"


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also hands the application its transport: faults act on the connection."""

    def on_message_begin(self) -> None:
        """Start a request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]


class Server(uvicorn.Server):
    """uvicorn's server without its waiting: it says when it is ready and stops at once when told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop
        self.stop: asyncio.Event

    async def main_loop(self) -> None:
        """Serve until told to stop; the tick refreshes the Date header."""
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        self.ready.set()
        while not self.stop.is_set():
            try:
                await asyncio.wait_for(self.stop.wait(), 1)
            except TimeoutError:
                await self.on_tick(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door and every connection, and let requests in flight come to their end."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=10)
        for server in self.servers:
            await server.wait_closed()


class Sandbox:
    """A running server; `url` is where it listens."""

    def __init__(self, store: Store, port: int, options: Options) -> None:
        self._store = store
        app = build(store, options)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            listener.close()
            raise
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app, http=Protocol, ws="none", lifespan="off", log_config=None, log_level="warning", access_log=False
        )
        self._server = Server(config)
        self._thread = threading.Thread(target=self._run, args=(listener,), name="sandbox", daemon=True)
        self._thread.start()
        self._server.ready.wait()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._server.serve(sockets=[listener]))

    def close(self) -> None:
        """Stop the server and close the database; closing twice is fine."""
        if self._thread.is_alive():
            self._server.loop.call_soon_threadsafe(self._server.stop.set)
            self._thread.join()
        self._store.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(
    db: Path | None,
    *,
    port: int = 0,
    seed: Path | Mapping[str, Any] | None = None,
    options: Options,
) -> Sandbox:
    """What reconciler.sandbox.start promises."""
    store = Store(db)
    try:
        if seed is not None and not store.tenants():
            plant(store, read(seed))
        return Sandbox(store, port, options)
    except BaseException:
        store.close()
        raise


def serve(db: Path | None, *, port: int, seed: Path | None, options: Options, announce: Callable[[str], None]) -> None:
    """What reconciler.sandbox.serve promises."""
    stop = threading.Event()
    previous = {code: signal.signal(code, lambda *_: stop.set()) for code in (signal.SIGINT, signal.SIGTERM)}
    try:
        with start(db, port=port, seed=seed, options=options) as sandbox:
            announce(f"Sandbox listening on {sandbox.url}")
            stop.wait()
    finally:
        for code, before in previous.items():
            signal.signal(code, before)
