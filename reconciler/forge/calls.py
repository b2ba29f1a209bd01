"""Requests to a forge: sent once each, their failures in words, and a whole attempt tried again where that can help."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from reconciler.diagnostics import ForgeError

if TYPE_CHECKING:
    import httpx

CONNECT: Final = 10.0
"""Seconds to wait for a connection."""

ANSWER: Final = 30.0
"""Seconds to wait for each piece of an answer."""

LONGEST_PAUSE: Final = 90.0
"""Seconds of a pause asked for that are believed: a runner costs money while it waits."""

LONGEST: Final = 200
"""Characters of the forge's own words that are shown."""

Result = TypeVar("Result")
Schema = TypeVar("Schema")


class Unanswered(ForgeError):
    """No answer, a failure of the forge's own, or a wish to slow down: trying again may help.

    What was asked may have been done or not. ``pause`` is how many seconds the forge asked to wait.
    """

    def __init__(self, message: str, *, remedy: str = "", pause: float | None = None) -> None:
        super().__init__(message, remedy=remedy or "run the job again when it is well")
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an attempt is made and how many seconds lie between two of them, at first and at most."""

    attempts: int = 5
    first: float = 1.0
    longest: float = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a forge answered; ``said`` are its words as far as they can be shown."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    said: str

    def read(self, schema: type[Schema], what: str) -> Schema:
        """The body as documented. Raises ForgeError for anything else."""
        import msgspec

        try:
            return msgspec.json.decode(self.body, type=schema)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ForgeError(f"can't {what}: the answer is not as documented ({error})") from error


class Calls:
    """Sends requests with a token, which goes to no other server and into no message."""

    def __init__(self, url: str, headers: Mapping[str, str], token: str) -> None:
        self.url = url
        self._headers = headers
        self._token = token
        self._open: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()

    def ask(
        self, action: str, method: str, path: str = "", *, query: Mapping[str, str] | None = None, content: Any = None
    ) -> Reply:
        """The reply to one request; ``action`` says in messages what it was for.

        Raises Unanswered where trying again may help. Redirects are not followed: they would take the token along.
        """
        import httpx

        try:
            found = self._client.request(method, self.url + path, params=query, json=content)
        except httpx.TransportError as error:
            said = self._line(str(error)) or type(error).__name__
            raise Unanswered(f"can't {action}: no answer from {self.url} ({said})") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
            raise ForgeError(f"can't {action} at {self.url}: {self._line(str(error))}") from None
        reply = Reply(found.status_code, found.content, found.headers, self._line(found.text))
        if _wants_patience(reply):
            raise Unanswered(
                f"can't {action}: the server answered {reply.status}: {reply.said}", pause=_pause(reply.headers)
            )
        return reply

    @property
    def _client(self) -> "httpx.Client":
        import httpx

        if self._open is None:
            self._open = httpx.Client(headers=dict(self._headers), timeout=httpx.Timeout(ANSWER, connect=CONNECT))
        return self._open

    def _line(self, text: str) -> str:
        text = text[: LONGEST * 20].replace(self._token, "***")
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def retried(attempt: Callable[[], Result], patience: Patience) -> Result:
    """What ``attempt`` returns, made anew while it raises Unanswered: it must look before it writes."""
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks(())  # by default each try is logged to standard error
    caller = stamina.RetryingCaller(
        attempts=patience.attempts, timeout=None, wait_initial=patience.first, wait_max=patience.longest,
        wait_jitter=patience.first,
    )  # fmt: skip
    return caller.on(_again)(attempt)


def _again(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds if the forge said so."""
    if not isinstance(error, Unanswered):
        return False
    if error.pause is None:
        return True
    return error.pause if error.pause <= LONGEST_PAUSE else False


def _wants_patience(reply: Reply) -> bool:
    limited = reply.status == 403 and (
        "retry-after" in reply.headers or reply.headers.get("x-ratelimit-remaining") == "0"
    )
    return limited or reply.status in {408, 429} or reply.status >= 500


def _pause(headers: Mapping[str, str]) -> float | None:
    """The seconds asked for: outright, or until the moment at which GitHub counts from zero again."""
    asked, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset) - time.time() + 1)
    return None
