"""One tenant's service: sends calls with a token, within the limit, and again until answered.

The face is httpx: an ``httpx.BaseTransport`` given to the client is the seam for tests and for
:mod:`reconciler.emporix.transport`.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar
from threading import Lock
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import httpx

from reconciler.diagnostics import ReconcilerError, RequestRefused, ServiceError
from reconciler.emporix import answers, errors
from reconciler.emporix.bounds import Bounds
from reconciler.emporix.call import Answer, Call, Failure
from reconciler.emporix.credentials import DEFAULT_URL, Credentials
from reconciler.emporix.interruption import Interrupting, Interruption
from reconciler.emporix.limiter import Limiter
from reconciler.emporix.retry import Patience, Tries, pause
from reconciler.emporix.tokens import Tokens
from reconciler.emporix.transport import PooledTransport
from reconciler.emporix.veil import Veil
from reconciler.emporix.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to talk to the service.

    ``parallelism`` is how many requests are under way at most; ``timeout`` the seconds without a byte after which a
    request counts as lost; ``deadline`` the seconds that one request may take in all, four times ``timeout`` if it is
    None; ``largest`` the bytes that an answer may have, packed or not; ``attempts`` how often and ``budget`` for how
    many seconds in all one call is tried; ``page_size`` how many rows to ask for (FACTS, "Paging": no maximum is
    published), far from ``largest``. ``user_agent`` is this tool's name and version unless told otherwise.
    """

    url: str = DEFAULT_URL
    parallelism: int = 16
    timeout: float = 30.0
    deadline: float | None = None
    largest: int = 64 * 2**20
    attempts: int = 6
    budget: float = 300.0
    page_size: int = 1000
    user_agent: str = ""

    def __post_init__(self) -> None:
        if min(self.parallelism, self.attempts, self.page_size) < 1:
            raise ValueError("parallelism, attempts and page_size must be at least 1")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, for logs and counters: never a secret, never a body.

    ``status`` is None when no answer came. ``note`` says why the answer was of no use, if so. ``attempt`` counts from
    1. ``wait`` is in how many seconds the call is tried again, None if it is not: it has its answer, or is given up.
    ``asked`` is the part of them that the service asked for, as far as it is believed; with a 429 or 503 all other
    calls of this client wait as long, even if this one is given up.
    """

    kind: str
    method: str
    path: str
    status: int | None
    seconds: float
    attempt: int
    note: str = ""
    wait: float | None = None
    asked: float | None = None


class Client:
    """Sends calls for one tenant, from any thread; used in a ``with`` block, at whose end it is closed.

    ``sent`` counts requests by kind, retries included. ``on_request`` is told of each one, on the thread that sent it.
    ``clock``, ``sleep`` and ``chance`` come from outside for tests; without ``sleep`` a wait ends at once by
    :meth:`stop`, and with it when it returns.
    """

    def __init__(
        self,
        tenant: str,
        credentials: Credentials,
        settings: Settings,
        *,
        on_request: Callable[[Exchange], None] | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.tenant = tenant
        self.settings = settings
        self.sent: Counter[str] = Counter()
        self._on_request = on_request
        self._clock = clock
        self._patience = Patience(settings.attempts, settings.budget, clock=clock, chance=chance)
        self._sleep = sleep
        self._interruption = Interruption(sleep)
        self._limiter = Limiter(settings.parallelism, clock)
        self._workers = Workers(settings.parallelism)
        self._veil = Veil(credentials.secrets)
        self.tokens = Tokens(tenant, credentials, self._ask_for_token, self._veil, clock)
        self._counting = Lock()
        self._dated: tuple[str, float] | None = None
        self._http = httpx.Client(transport=transport or PooledTransport(), cookies=_NoCookies())
        whole = 4 * settings.timeout if settings.deadline is None else settings.deadline
        self._limits = {
            "timeout": httpx.Timeout(settings.timeout).as_dict(),
            "bounds": Bounds(whole, settings.largest),
        }
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "Emporix-Tenant": tenant,
            "User-Agent": settings.user_agent or _user_agent(),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drops what has not been sent and does not wait for what is under way; whoever waits for it is let go."""
        self._workers.close()
        self.stop()
        self._http.close()

    def stop(self) -> None:
        """Ends every wait and sends nothing more, so that whoever presses Ctrl-C need not wait for our patience.

        Safe from any thread and within a signal's handling. Requests under way are left to finish, and what they bring
        counts. Any other call ends at once: a write of which an earlier try may have been carried out with
        :class:`~.errors.OutcomeUnknown`, the rest with :class:`~.errors.Interrupted`, which means surely not done.
        """
        self._interruption.happen()
        self._limiter.wake()

    def resume(self) -> None:
        """Lets new calls through again, because an interrupted apply still reads what it has touched.

        Calls from before :meth:`stop` stay interrupted.
        """
        if self._interruption.happened:
            self._interruption = Interruption(self._sleep)

    @property
    def allowed(self) -> int:
        """How many requests may be under way now, after what the service bore so far."""
        return self._limiter.allowed

    @property
    def skew(self) -> float | None:
        """By how many seconds the service's clock was ahead of ours at its last answer; None if it never said."""
        if self._dated is None:
            return None
        date, received = self._dated
        said = answers.moment(date)
        return None if said is None else said.timestamp() - received

    def begin(self, call: Call[T]) -> Future[Answer[T]]:
        """Sends a call on another thread."""
        return self._workers.submit(self._send, call, self._interruption)

    def submit(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs a task that sends calls on another thread."""
        return self._workers.submit(task, *args, **kwargs)

    def send(self, call: Call[T]) -> Answer[T]:
        """The answer to a call, after as many tries as it takes; raises a refusal that the caller does not judge."""
        return self._send(call, self._interruption)

    def _send(self, call: Call[T], interruption: Interruption) -> Answer[T]:
        tries = Tries(self._patience, interruption)
        try:
            answer = self._authorised(call, tries)
        except RequestRefused:
            raise
        except ReconcilerError as error:
            if isinstance(error, errors.Interrupted):  # perhaps while it asked for a token
                error = errors.interrupted(call, tries.last, tries.made)
            if tries.doubtful and call.writes:
                raise errors.unknown(error) from None
            raise error from None
        if answer.refusal is not None and answer.status not in call.judged:
            refusal = errors.refused(call, answer.refusal)
            # A missing scope says nothing of the world, so what an earlier try did is as unknown as before.
            raise errors.unknown(refusal) if answer.status == 403 and tries.doubtful and call.writes else refusal
        return replace(answer, doubtful=True) if tries.doubtful else answer

    def _authorised(self, call: Call[T], tries: Tries) -> Answer[T]:
        """A 401 is met with one new token, since a token can end before its time (FACTS, "Who is who")."""
        token = self.tokens.current()
        answer = self._persist(call, token, tries)
        if answer.status == 401:
            answer = self._persist(call, self.tokens.renew(token), tries)
            if answer.status == 401:
                raise self.tokens.rejected()
        return answer

    def _ask_for_token(self, call: Call[T]) -> Answer[T]:
        answer = self._persist(call, "", Tries(self._patience, self._interruption))
        if answer.refusal is not None and answer.status not in call.judged:
            raise errors.refused(call, answer.refusal)
        return answer

    def _persist(self, call: Call[T], token: str, tries: Tries) -> Answer[T]:
        """Tries until there is an answer, or until patience ends."""
        try:
            while isinstance(outcome := self._attempt(call, token, tries), Failure):
                if tries.wait is None:
                    raise errors.gave_up(call, outcome, tries.made, tries.seconds)
                tries.interruption.wait(tries.wait)
        except Interrupting:
            raise errors.interrupted(call, tries.last, tries.made) from None
        return outcome

    def _attempt(self, call: Call[T], token: str, tries: Tries) -> Answer[T] | Failure:
        """One request within the limit, and what the limit learns from it."""
        request = self._request(call, token)
        with self._limiter.slot(tries.interruption) as began:
            received = self._exchange(request)
        outcome = answers.judge(call, received, self._veil)
        if isinstance(outcome, Answer):
            self._limiter.succeeded()
        elif isinstance(outcome, Failure):
            tries.failed(outcome)
            if outcome.crowded:
                self._limiter.pushed_back(began, pause(outcome))
        self._report(call, received, outcome, tries, self._clock() - began)
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    def _request(self, call: Call[T], token: str) -> httpx.Request:
        headers = {**self._headers, **call.headers}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = self.settings.url + call.target
        return httpx.Request(call.method, url, headers=headers, content=call.body, extensions=dict(self._limits))

    def _exchange(self, request: httpx.Request) -> httpx.Response | httpx.RequestError:
        try:
            return self._http.send(request)
        except httpx.RequestError as error:
            return error

    def _report(
        self,
        call: Call[T],
        received: httpx.Response | httpx.RequestError,
        outcome: Answer[T] | Failure | ServiceError,
        tries: Tries,
        seconds: float,
    ) -> None:
        with self._counting:
            self.sent[call.kind] += 1
        status = None
        if isinstance(received, httpx.Response):
            status = received.status_code
            if date := received.headers.get("Date"):
                self._dated = (date, time.time())
        if self._on_request is None:
            return
        exchange = Exchange(call.kind, call.method, call.target, status, seconds, tries.made + 1)
        if isinstance(outcome, Failure):  # which is counted as a try already
            asked = pause(outcome)
            exchange = replace(exchange, attempt=tries.made, note=str(outcome), wait=tries.wait, asked=asked)
        elif isinstance(outcome, ServiceError):
            exchange = replace(exchange, note=str(outcome))
        self._on_request(exchange)


class _NoCookies(CookieJar):
    """Takes none: nothing here is a session, and reading a damaged one prints a traceback."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leaves them."""


def _user_agent() -> str:
    from importlib.metadata import version

    return f"emporix-reconciler/{version('emporix-reconciler')}"
