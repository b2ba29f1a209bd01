"""One HTTP/1.1 connection: sends a request, reads the answer, and knows whether it may be used again.

The protocol is the standard library's: a parser of our own on a bare socket was faster (:mod:`.transport` says by how
much), but nobody should have to trust one with secrets. Every failure is an httpx exception that tells the same as
httpx's own transport would, so that the client need not know which one carries it.
"""

import select
import ssl
from http.client import HTTPException
from typing import Any, cast

import httpx

from reconciler.emporix.bounds import Gauge
from reconciler.emporix.http1 import Answer, Plain, Secured


class Connection:
    """An open connection to one origin, for one thread at a time."""

    def __init__(self, request: httpx.Request, context: ssl.SSLContext | None) -> None:
        """Connects to the request's origin, by TLS if there is a context for it."""
        host, port, seconds = request.url.raw_host.decode("ascii"), request.url.port, _seconds(request, "connect")
        self._http = (
            Plain(host, port or 80, timeout=seconds)
            if context is None
            else Secured(host, port or 443, timeout=seconds, context=context)
        )
        try:
            self._http.connect()
        except TimeoutError as error:
            self.close()
            raise httpx.ConnectTimeout(f"no connection in {seconds:g} s", request=request) from error
        except (OSError, UnicodeError) as error:
            self.close()
            raise httpx.ConnectError(str(error), request=request) from error
        self.reusable = True

    @property
    def alive(self) -> bool:
        """Whether it may carry another request: what can be read now is its end, or an answer nobody asked for."""
        watch = select.poll()
        watch.register(self._http.sock, select.POLLIN)
        decrypted = isinstance(self._http.sock, ssl.SSLSocket) and self._http.sock.pending()
        return self.reusable and not decrypted and not watch.poll(0)

    def exchange(self, request: httpx.Request, gauge: Gauge) -> httpx.Response:
        """Sends the request and reads the whole answer."""
        self.reusable = False
        self._http.gauge = gauge
        try:
            self._wait_at_most(_seconds(request, "write"))
            self._send(request)
        except TimeoutError as error:
            raise httpx.WriteTimeout("could not send in time", request=request) from error
        except OSError as error:
            raise httpx.WriteError(str(error), request=request) from error
        except (HTTPException, ValueError):
            # The cause is left out because it quotes what is wrong, which may be a secret.
            raise httpx.LocalProtocolError("method, path or a header can't be sent", request=request) from None
        return self._read(request, gauge)

    def _send(self, request: httpx.Request) -> None:
        """Sends what httpx made of the request and nothing else; http.client refuses control characters in it."""
        if any(b"\r" in value or b"\n" in value for _, value in request.headers.raw):
            raise ValueError("a line break, which http.client lets pass where a blank follows")
        self._http.body = request.read()
        path = request.url.raw_path.decode("ascii")
        self._http.putrequest(request.method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw:
            self._http.putheader(name, value)
        self._http.endheaders()

    def _read(self, request: httpx.Request, gauge: Gauge) -> httpx.Response:
        seconds = _seconds(request, "read")
        try:
            self._wait_at_most(seconds)
            with cast(Answer, self._http.getresponse()) as answer:
                body = answer.body()
        except TimeoutError as error:
            if gauge.left <= 0:
                raise gauge.late() from error
            raise httpx.ReadTimeout(f"no answer in {seconds:g} s", request=request) from error
        except OSError as error:
            raise httpx.ReadError(str(error), request=request) from error
        except (HTTPException, ValueError) as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        self.reusable = not answer.will_close and not answer.stream.surplus
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()]
        return gauge.response(answer.status, headers, body)

    def _wait_at_most(self, seconds: float | None) -> None:
        """Sets the time-out if it changes: each setting is a system call at which another thread takes over."""
        if seconds != self._http.sock.gettimeout():
            self._http.sock.settimeout(seconds)

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()


def _seconds(request: httpx.Request, what: str) -> float | None:
    timeout: dict[str, Any] = request.extensions.get("timeout", {})
    return timeout.get(what)
