"""Who we are to the service, from the environment: never from YAML, never shown (DESIGN section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from reconciler.diagnostics import CredentialsError

DEFAULT_URL = "https://api.emporix.io"
"""The vendor's public host (oauth.openapi.yml, servers)."""

TOKEN = "EMPORIX_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
CLIENT_ID = "EMPORIX_CLIENT_ID"
CLIENT_SECRET = "EMPORIX_CLIENT_SECRET"  # noqa: S105 - the name of a variable
URL = "EMPORIX_API_URL"


@dataclass(frozen=True)
class Credentials:
    """Either a client's id and secret or a ready access token; its ``repr`` hides them, because logs are shared."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, so that whoever writes a message can check."""
        return tuple(secret for secret in (self.client_secret, self.access_token) if secret)


def credentials_for(tenant: str, environ: Mapping[str, str]) -> Credentials:
    """The tenant's own credentials (``EMPORIX_CLIENT_ID_ACME``) or else those for all tenants.

    The names are those of the vendor's Terraform provider (FACTS, "Authentication"). A ready token wins over a client's
    id and secret of the same level. Of a tenant's own client one half may be that of all tenants, such as one secret
    for clients that differ by their ids.
    """
    own = f"_{tenant.upper()}"
    mine = {name: _read(environ, name + own) for name in (TOKEN, CLIENT_ID, CLIENT_SECRET)}
    everybodys = {name: _read(environ, name) for name in (TOKEN, CLIENT_ID, CLIENT_SECRET)}
    if mine[TOKEN]:
        return Credentials(access_token=mine[TOKEN])
    if everybodys[TOKEN] and not (mine[CLIENT_ID] or mine[CLIENT_SECRET]):
        return Credentials(access_token=everybodys[TOKEN])
    client = mine[CLIENT_ID] or everybodys[CLIENT_ID]
    secret = mine[CLIENT_SECRET] or everybodys[CLIENT_SECRET]
    if client and secret:
        return Credentials(client_id=client, client_secret=secret)
    if client or secret:
        present, missing = (CLIENT_ID, CLIENT_SECRET) if client else (CLIENT_SECRET, CLIENT_ID)
        suffix = own if mine[present] else ""
        raise CredentialsError(
            f"Tenant {tenant}: {present}{suffix} is set, but {missing}{suffix} is not",
            remedy=f"Set {missing}{suffix} too.",
        )
    raise CredentialsError(
        f"Tenant {tenant}: no credentials; {CLIENT_ID} and {CLIENT_SECRET} (or {TOKEN}) are not set",
        remedy=f"Set them, or {CLIENT_ID}{own} and {CLIENT_SECRET}{own} for this tenant alone.",
    )


def _read(environ: Mapping[str, str], name: str) -> str:
    """A variable without the newline that ``$(cat file)`` and CI secrets often bring along."""
    value = environ.get(name, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise CredentialsError(
            f"{name} has characters that can't stand in a request",
            remedy="Copy the value again, without line breaks or typographic characters.",
        )
    return value


def api_url(environ: Mapping[str, str]) -> str:
    """Where the service is: ``EMPORIX_API_URL`` without a slash at its end, or the public host.

    Plain http is refused except to this machine, because the client's secret and every token would travel in clear.
    """
    url = environ.get(URL, "").strip().rstrip("/")
    if not url:
        return DEFAULT_URL
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        raise CredentialsError(f"{URL} is not an http or https URL", remedy=f"Write it like {DEFAULT_URL}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise CredentialsError(
            f"{URL} must hold no user name, query or fragment", remedy=f"Write it like {DEFAULT_URL}."
        )
    if parts.scheme == "http" and not _is_this_machine(host):
        raise CredentialsError(
            f"{URL} is plain http to {host}: the client's secret and every token would travel in clear",
            remedy="Use https; plain http is for localhost only.",
        )
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
