"""What carries requests under httpx: kept-alive connections that threads take and give back.

httpx's own pool looks at all of its connections for every request, so its cost grows with the square of the
concurrency. Measured with tests/benchmarks/transport.py in November 2026 on two cores shared with the server and with
others, best of three, two runs, at 10, 50 and 200 connections: without latency this one answers 1.2, 1.4 and 1.4 times
as many requests a second as one httpx connection per thread, 1.2, 1.4 and 1.4 times as many as urllib3's pool, with
about 0.8 of their CPU, and 1.4, 3 and 6 times as many as httpx's own pool. With 50 ms of latency all reach about what
the latency allows up to 50; at 200 it is 1.2 times the first, 1.2 times the second, and 7 times httpx's own pool.

The price of the standard library: llhttp on a bare socket, which stood here before, answered 1.3, 1.2 and 1.6 times as
many, and 1.5 times at 200 with latency, with 0.7 of the CPU. An apply of 1,000 additions (50 ms, 50 at once) takes as
long with either (median of nine in turn: 1.84 s now, 1.87 s before), with 0.79 instead of 0.67 s of CPU.

Through a proxy httpx's own transport is used, one connection per thread: it knows all kinds of proxies, and whoever has
one waits for it rather than for us. There the bounds of an answer (:mod:`.bounds`) hold for its body only: the time
that its headers may take is httpx's, a time-out for each piece of at most 100 KB of them.
"""

import ssl
from collections import deque
from contextlib import closing, suppress
from threading import Lock, local
from typing import cast
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.emporix.bounds import Gauge
from reconciler.emporix.connection import Connection

Origin = tuple[str, str, int | None]


class PooledTransport(httpx.BaseTransport):
    """Direct connections, or one through a proxy per thread if the environment asks for it.

    The environment means what it means to httpx: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``,
    ``SSL_CERT_FILE``, ``SSL_CERT_DIR``. Certificates are always verified.
    """

    def __init__(self) -> None:
        self._idle: dict[Origin, deque[Connection]] = {}
        self._lock = Lock()
        self._context: ssl.SSLContext | None = None
        self._proxies = getproxies()
        self._proxied: list[httpx.HTTPTransport] = []
        self._own = local()
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request, on a connection that is idle or on a new one."""
        url, gauge = request.url, Gauge(request)
        origin = url.scheme, url.host, url.port
        idle = self._idle.get(origin)
        if idle is None:
            proxy = self._proxy(url)
            if proxy:
                answer = self._through(proxy).handle_request(request)
                with closing(answer):
                    return gauge.response(
                        answer.status_code, answer.headers.raw, gauge.collect(cast(httpx.SyncByteStream, answer.stream))
                    )
            idle = self._idle.setdefault(origin, deque())
        connection = _live(idle) or Connection(request, self._tls() if url.scheme == "https" else None)
        try:
            return connection.exchange(request, gauge)
        finally:
            if connection.reusable and not self._closed:
                idle.append(connection)
            else:
                connection.close()

    def _proxy(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        return None if not proxy or proxy_bypass(url.netloc.decode("ascii")) else proxy

    def _through(self, proxy: str) -> httpx.HTTPTransport:
        found: httpx.HTTPTransport | None = getattr(self._own, "transport", None)
        if found is None:
            address = proxy if "://" in proxy else f"http://{proxy}"
            try:
                found = httpx.HTTPTransport(verify=self._tls(), proxy=address, limits=httpx.Limits(max_connections=1))
            except (ImportError, ValueError) as error:
                # The message of neither names the proxy, whose URL may hold a password.
                raise httpx.UnsupportedProtocol(
                    f"the proxy of the environment can't be used ({type(error).__name__})"
                ) from None
            self._own.transport = found
            self._proxied.append(found)
        return found

    def _tls(self) -> ssl.SSLContext:
        """Made when first needed, as reading the certificates takes longer than a request."""
        with self._lock:
            if self._context is None:
                self._context = httpx.create_ssl_context()
                self._context.set_alpn_protocols(["http/1.1"])
            return self._context

    def close(self) -> None:
        """Closes what is idle; what is under way is closed when it ends."""
        self._closed = True
        for idle in self._idle.values():
            with suppress(IndexError):
                while True:
                    idle.pop().close()
        for transport in self._proxied:
            transport.close()


def _live(idle: deque[Connection]) -> Connection | None:
    """The connection used last, as it is the least likely to have been closed meanwhile."""
    with suppress(IndexError):  # nothing idle: another thread may have taken the last one since anybody looked
        while not (connection := idle.pop()).alive:
            connection.close()
        return connection
    return None
