"""Requests to a server of Terraform's HTTP protocol: sent, tried again where that can help, their failures in words.

A connection lives as long as its request: a run makes few of them, minutes apart, and nothing has to be closed.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from reconciler.diagnostics import StateError
from reconciler.state.http_settings import Request, Settings, Trust

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT: Final = 10.0
"""Seconds to wait for a connection."""

ANSWER: Final = 30.0
"""Seconds to wait for each piece of an answer: servers that keep lockfiles in a repository are slow."""

LONGEST: Final = 200
"""Characters of the server's own words that are shown: one line, for some answer with a page."""

SHORTEST: Final = 4
"""Characters of a password that is covered in them: covering a shorter one would tell it."""

Result = TypeVar("Result")


class Unanswered(StateError):
    """No answer, or a failure of the server's own: what was asked may have been done or not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered; ``said`` are the words of a refusal as far as they can be shown."""

    status: int
    body: bytes
    said: str


class Calls:
    """Sends the requests about one lockfile."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def load(self) -> None:
        """Load what the first request would load, so that who waits for a limited time waits for the server only."""
        import stamina  # noqa: F401

        _ = self._context

    def ask(self, action: str, request: Request, body: bytes | None = None) -> Answer:
        """The answer to one try. Raises Unanswered, and StateError if the answer is that we may not do that.

        ``action`` is the verb for messages. Only what reads is sent where the server says that the lockfile has moved
        to, for everything else would be sent twice, and credentials never are sent to another server.
        """
        import httpx

        try:
            with self._client() as client:
                response = client.request(
                    request.method, request.address, content=body, headers=_headers(body),
                    follow_redirects=request.method == "GET",
                )  # fmt: skip
        except httpx.TransportError as error:
            raise self._silence(action, str(error) or type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise StateError(
                f"can't {action} {self._settings.url}: {self.line(str(error))}", remedy="check the address"
            ) from error
        said = "" if response.is_success else self.line(response.content.decode("utf-8", "replace"))
        answer = Answer(response.status_code, response.content, said)
        self._refuse(action, answer)
        return answer

    def retried(self, attempt: Callable[[], Result]) -> Result:
        """What ``attempt`` returns, tried again while it raises Unanswered and as often as is set."""
        import stamina
        from stamina.instrumentation import set_on_retry_hooks

        set_on_retry_hooks(())  # by default each try is logged to standard error, or output, where results are read
        least, most = self._settings.waits
        caller = stamina.RetryingCaller(
            attempts=self._settings.tries, timeout=None, wait_initial=least, wait_max=most, wait_jitter=least
        )
        return caller.on(Unanswered)(attempt)

    def unexpected(self, action: str, answer: Answer) -> StateError:
        """The refusal for an answer that the protocol does not know."""
        moved = 300 <= answer.status < 400
        return StateError(
            f"can't {action} {self._settings.url}: {_told(answer)}",
            remedy="name the address that it leads to" if moved else "check that the address is one of such a server",
        )

    def line(self, text: str) -> str:
        """The server's text as one short line, without what would act on a terminal and without our credentials."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."

    @property
    def _secrets(self) -> list[str]:
        """The password as it is, as it is sent and as a server may repeat it, the longest first."""
        password = self._settings.password
        sent = base64.b64encode(f"{self._settings.username}:{password}".encode()).decode("ascii")
        forms = {sent, password, quote(password, safe=""), escape(password), json.dumps(password)[1:-1]}
        return sorted(forms, key=len, reverse=True) if len(password) >= SHORTEST else []

    def _silence(self, action: str, reason: str) -> StateError:
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return StateError(
                f"can't {action} {self._settings.url}: {self.line(reason)}",
                remedy="give the certificate of its authority in TF_HTTP_CLIENT_CA_CERTIFICATE_PEM",
            )
        return Unanswered(
            f"can't {action} {self._settings.url}: no answer ({self.line(reason)})",
            remedy="check that it can be reached from here, then try again: what was asked may have been done or not",
        )

    def _refuse(self, action: str, answer: Answer) -> None:
        if answer.status in {401, 403}:
            sent = ""
            if self._settings.withheld:
                sent = " (they were not sent, for TF_HTTP_ADDRESS names another server: set it to this address)"
            raise StateError(
                f"can't {action} {self._settings.url}: access is denied, {_told(answer)}",
                remedy=f"check TF_HTTP_USERNAME and TF_HTTP_PASSWORD{sent}, and that user's rights to {action} it",
            )
        if answer.status >= 500 and answer.status != 501:
            raise Unanswered(
                f"can't {action} {self._settings.url}: {_told(answer)}",
                remedy="try again when the server is well: what was asked may have been done or not",
            )

    def _client(self) -> "httpx.Client":
        import httpx

        auth = (self._settings.username, self._settings.password) if self._settings.username else None
        try:
            return httpx.Client(auth=auth, verify=self._context, timeout=httpx.Timeout(ANSWER, connect=CONNECT))
        except (ImportError, ValueError) as error:
            # The message of neither is shown, for the URL of a proxy may hold a password.
            raise StateError(
                f"the proxy of the environment can't be used ({type(error).__name__})",
                remedy="check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
            ) from None

    @cached_property
    def _context(self) -> "ssl.SSLContext":
        """Made when first needed, as reading the certificates takes longer than a request."""
        try:
            return _context(self._settings.trust)
        except (OSError, ValueError) as error:
            raise StateError(
                f"the certificates for {self._settings.url} can't be used ({type(error).__name__})",
                remedy="check that TF_HTTP_CLIENT_CA_CERTIFICATE_PEM, TF_HTTP_CLIENT_CERTIFICATE_PEM and "
                "TF_HTTP_CLIENT_PRIVATE_KEY_PEM hold PEM text, the key without a password and of that certificate",
            ) from None


def _told(answer: Answer) -> str:
    return f"the server answered {answer.status}" + (f": {answer.said}" if answer.said else "")


def _headers(body: bytes | None) -> dict[str, str]:
    if body is None:
        return {}
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return {"Content-Type": "application/json", "Content-MD5": base64.b64encode(digest).decode("ascii")}


def _context(trust: Trust) -> "ssl.SSLContext":
    import ssl

    import httpx

    context = ssl.create_default_context(cadata=trust.authority) if trust.authority else httpx.create_ssl_context()
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if trust.certificate:
        with _file(f"{trust.certificate}\n{trust.key}\n") as path:
            context.load_cert_chain(path, password="")  # or a key with a password would ask for it on the terminal
    return context


@contextmanager
def _file(text: str) -> Iterator[str]:
    """A file for our eyes only that holds ``text`` for a moment: that is all that the standard library reads."""
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="reconciler-", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name
