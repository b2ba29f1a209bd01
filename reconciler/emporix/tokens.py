"""The access token of one tenant: asked for once, however many threads start at once, and renewed before it expires."""

from collections.abc import Callable
from threading import Lock
from urllib.parse import urlencode

from reconciler.diagnostics import CredentialsError, ReconcilerError
from reconciler.emporix import wire
from reconciler.emporix.call import Answer, Call, target
from reconciler.emporix.credentials import Credentials
from reconciler.emporix.errors import Interrupted
from reconciler.emporix.veil import Veil

MARGIN = 60.0
"""Seconds before its end at which a token is renewed, so that none expires on its way; less for short-lived ones."""

Ask = Callable[[Call[wire.Token]], Answer[wire.Token]]


class Tokens:
    """Gives the current token; ``ask`` sends the token call with the client's retries.

    No scope is asked for, so that the token has all scopes of the API key (FACTS, "Authentication").
    """

    def __init__(self, tenant: str, credentials: Credentials, ask: Ask, veil: Veil, clock: Callable[[], float]) -> None:
        self._tenant = tenant
        self._credentials = credentials
        self._ask = ask
        self._veil = veil
        self._clock = clock
        self._lock = Lock()
        self._token = credentials.access_token
        self._until = float("inf")
        self._asked = 0
        self._error: ReconcilerError | None = None
        self.scopes: frozenset[str] | None = None

    def current(self) -> str:
        """A token that is valid as far as we know."""
        if self._token and self._clock() < self._until:
            return self._token
        return self._once(lambda: not self._token or self._clock() >= self._until)

    def renew(self, refused: str) -> str:
        """Another token than the refused one, which another thread may have asked for already."""
        if self._credentials.access_token:
            raise CredentialsError(
                f"Emporix refused the access token for tenant {self._tenant} (401): it is invalid, expired, or another"
                " tenant's",
                remedy="Issue a new EMPORIX_ACCESS_TOKEN, or set EMPORIX_CLIENT_ID and EMPORIX_CLIENT_SECRET instead.",
            )
        return self._once(lambda: self._token == refused)

    def rejected(self) -> CredentialsError:
        """Even the renewed token was refused."""
        return CredentialsError(
            f"Emporix refused a token that it has just issued for tenant {self._tenant} (401)",
            remedy="Check that the API key belongs to this tenant and that EMPORIX_API_URL is the right host.",
        )

    def _once(self, wanting: Callable[[], bool]) -> str:
        """Asks for a token unless another thread did meanwhile; those that waited share its failure too."""
        before = self._asked
        with self._lock:
            if self._asked != before and self._error is not None:
                raise self._error
            if wanting():
                self._error = None
                try:
                    self._issue()
                except Interrupted:
                    raise  # it is the end of that thread's call, and says nothing of the credentials
                except ReconcilerError as error:
                    self._error = error
                    raise
                finally:
                    self._asked += 1
            return self._token

    def _issue(self) -> None:
        began = self._clock()
        answer = self._ask(self._call())
        issued = answer.value
        if issued is None:
            said = answer.refusal.message if answer.refusal else ""
            raise CredentialsError(
                f"Emporix refused the credentials of tenant {self._tenant}"
                f" ({answer.status}{': ' if said else ''}{said})",
                remedy="Check EMPORIX_CLIENT_ID and EMPORIX_CLIENT_SECRET against the API keys of this tenant.",
            )
        self._veil.add(issued.access_token)
        words = frozenset(issued.scope.split())
        self._check_tenant(words)
        self.scopes = frozenset(word for word in words if "=" not in word)
        self._token = issued.access_token
        self._until = _end(began, issued.expires_in)

    def _check_tenant(self, words: frozenset[str]) -> None:
        named = {word.removeprefix("tenant=") for word in words if word.startswith("tenant=")}
        if named and self._tenant not in named:
            raise CredentialsError(
                f"The credentials for tenant {self._tenant} belong to tenant {', '.join(sorted(named))}",
                remedy=f"Set EMPORIX_CLIENT_ID_{self._tenant.upper()} and EMPORIX_CLIENT_SECRET_{self._tenant.upper()}"
                " to an API key of this tenant.",
            )

    def _call(self) -> Call[wire.Token]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        return Call(
            kind="token",
            purpose=f"get a token for tenant {self._tenant}",
            method="POST",
            target=target("oauth", "token"),
            decode=wire.token,
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            judged=frozenset({400, 401, 403}),
        )


def _end(began: float, lifetime: float | None) -> float:
    return float("inf") if lifetime is None else began + lifetime - min(MARGIN, lifetime / 10)
