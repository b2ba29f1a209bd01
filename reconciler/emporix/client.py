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
from threading import Lock
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import httpx
import msgspec

from reconciler.emporix import answers, errors
from reconciler.emporix.call import Answer, Call, Failure
from reconciler.emporix.credentials import DEFAULT_URL, Credentials
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
    request counts as lost; ``attempts`` how often and ``budget`` for how many seconds in all one call is tried;
    ``page_size`` how many rows to ask for (FACTS, "Paging": no maximum is published).
    """

    url: str = DEFAULT_URL
    parallelism: int = 16
    timeout: float = 30.0
    attempts: int = 6
    budget: float = 120.0
    page_size: int = 1000
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, for logs and counters: never a secret, never a body.

    ``status`` is None when no answer came. ``note`` says why the answer was of no use, if so. ``attempt`` counts from 1
    and ``wait`` is the pause in seconds that the service asked for.
    """

    kind: str
    method: str
    path: str
    status: int | None
    seconds: float
    attempt: int
    note: str = ""
    wait: float | None = None


class Client:
    """Sends calls for one tenant, from any thread; a context manager.

    ``sent`` counts requests by kind, retries included. ``on_request`` is told of each one, on the thread that sent it.
    ``clock``, ``sleep`` and ``chance`` come from outside for tests.
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
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.tenant = tenant
        self.settings = settings
        self.sent: Counter[str] = Counter()
        self.date: tuple[str, float] | None = None
        self._on_request = on_request
        self._clock = clock
        self._sleep = sleep
        self._patience = Patience(settings.attempts, settings.budget, clock=clock, sleep=sleep, chance=chance)
        self._limiter = Limiter(settings.parallelism, clock, sleep)
        self._workers = Workers(settings.parallelism)
        self._veil = Veil(credentials.secrets)
        self.tokens = Tokens(tenant, credentials, lambda call: self._persist(call, ""), self._veil, clock)
        self._counting = Lock()
        self._http = httpx.Client(transport=transport or PooledTransport())
        self._timeout = httpx.Timeout(settings.timeout).as_dict()
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
        """Drops what has not been sent; does not wait for what is under way."""
        self._workers.close()
        self._http.close()

    @property
    def allowed(self) -> int:
        """How many requests may be under way now, after what the service bore so far."""
        return self._limiter.allowed

    def begin(self, call: Call[T]) -> Future[Answer[T]]:
        """Sends a call on another thread."""
        return self._workers.submit(self.send, call)

    def submit(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs a task that sends calls on another thread."""
        return self._workers.submit(task, *args, **kwargs)

    def send(self, call: Call[T]) -> Answer[T]:
        """The answer to a call, after as many tries as it takes; raises a refusal that the caller does not judge.

        A 401 is met with one new token, since tokens can end before their time (FACTS, "Who is who").
        """
        token = self.tokens.current()
        answer = self._persist(call, token)
        if answer.status == 401:
            answer = self._persist(call, self.tokens.renew(token))
            if answer.status == 401:
                raise self.tokens.rejected()
        if answer.refusal is not None and answer.status not in call.judged:
            raise errors.refused(call, answer.refusal)
        return answer

    def _persist(self, call: Call[T], token: str) -> Answer[T]:
        """Tries until there is an answer, or until patience ends."""
        tries = Tries(self._patience)
        while isinstance(outcome := self._attempt(call, token, tries.made + 1), Failure):
            wait = tries.failed(outcome)
            if wait is None:
                raise errors.gave_up(call, outcome, tries.made, tries.seconds, doubtful=tries.doubtful)
            self._sleep(wait)
        return replace(outcome, doubtful=True) if tries.doubtful else outcome

    def _attempt(self, call: Call[T], token: str, number: int) -> Answer[T] | Failure:
        """One request within the limit, and what the limit learns from it."""
        request = self._request(call, token)
        with self._limiter.slot() as began:
            response, outcome = self._exchange(call, request)
        failure = outcome if isinstance(outcome, Failure) else None
        if failure is None:
            self._limiter.succeeded()
        elif failure.crowded:
            self._limiter.pushed_back(began, pause(failure))
        self._report(call, response, self._clock() - began, number, failure)
        return outcome

    def _request(self, call: Call[T], token: str) -> httpx.Request:
        headers = {**self._headers, **call.headers}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = self.settings.url + call.target
        return httpx.Request(
            call.method, url, headers=headers, content=call.body, extensions={"timeout": self._timeout}
        )

    def _exchange(self, call: Call[T], request: httpx.Request) -> tuple[httpx.Response | None, Answer[T] | Failure]:
        try:
            response = self._http.send(request)
        except httpx.RequestError as error:
            if answers.is_hopeless(error):
                raise errors.unreachable(call, self._veil(str(error))) from None
            return None, answers.lost(error, self._veil)
        try:
            return response, answers.judge(call, response, self._veil)
        except msgspec.ValidationError as error:
            raise errors.misshapen(call, self._veil(str(error))) from None

    def _report(
        self, call: Call[T], response: httpx.Response | None, seconds: float, number: int, failure: Failure | None
    ) -> None:
        with self._counting:
            self.sent[call.kind] += 1
        status = response.status_code if response is not None else None
        if response is not None and "Date" in response.headers:
            self.date = (response.headers["Date"], time.time())
        if self._on_request is not None:
            note, wait = (failure.reason, pause(failure)) if failure else ("", None)
            self._on_request(Exchange(call.kind, call.method, call.target, status, seconds, number, note, wait))


def _user_agent() -> str:
    from importlib.metadata import version

    return f"emporix-reconciler/{version('emporix-reconciler')}"
