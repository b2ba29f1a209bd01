"""Where a server of Terraform's HTTP protocol is and how it is spoken to, from the URL and Terraform's variables.

The variables are Terraform's, because pipelines have them already. For the same reason they may be about another state:
what they say holds for the address in ``TF_HTTP_ADDRESS``, and only if that is unset for whatever we are given.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.diagnostics import StateError
from reconciler.state.places import refuse_credentials

ADDRESS: Final = "TF_HTTP_ADDRESS"

_GITLAB: Final = re.compile(r"/api/v4/projects/[^/]+/terraform/state/[^/]+$")
_METHOD: Final = re.compile(r"[A-Z]+")
_PORTS: Final = {"http": 80, "https": 443}
_RETRIES: Final = {"TF_HTTP_RETRY_MAX": 2, "TF_HTTP_RETRY_WAIT_MIN": 1, "TF_HTTP_RETRY_WAIT_MAX": 30}
_TRUTH: Final = {"": False, "0": False, "f": False, "false": False, "1": True, "t": True, "true": True}


@dataclass(frozen=True, slots=True)
class Request:
    """A method and the address that it goes to."""

    method: str
    address: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom we believe to be the server, and the certificate that says who we are; all of it PEM text."""

    verify: bool = True
    authority: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one lockfile is reached; its ``repr`` hides what is secret, because logs are shared.

    ``url`` is what messages call it. ``withheld`` says that there are credentials, for another server. ``waits`` are
    the seconds before a second try, at least and at most.
    """

    url: str
    read: Request
    write: Request
    lock: Request
    unlock: Request
    username: str
    password: str = field(repr=False)
    withheld: bool
    trust: Trust
    tries: int
    waits: tuple[int, int]

    @property
    def gitlab(self) -> bool:
        """Whether the address is one of GitLab's, which has a dialect of its own."""
        return _is_gitlab(self.read.address)


def settings(url: str, environ: Mapping[str, str]) -> Settings:
    """How ``url`` is reached; ``http:`` or ``https:`` alone is the address in ``TF_HTTP_ADDRESS``.

    Raises StateError for what is no address, no number or no method, naming the variable and never a secret.
    """
    variables = {name: value.strip() for name, value in environ.items() if name.startswith("TF_HTTP_")}
    named = variables.get(ADDRESS, "")
    whole = named if url.lower() in {"http:", "https:"} else url
    if not whole:
        raise StateError(
            f"{url} alone means the address in {ADDRESS}, which is not set",
            remedy=f"set {ADDRESS}, or write the whole address, such as https://host/path",
        )
    parts = _address(whole, ADDRESS if whole is named else f"the {url.partition(':')[0]}: URL")
    known = not named or _origin(named) == _origin(whole)
    private = variables if known else {}  # what one server may know and how it is trusted is nothing for another
    tries, least, most = (_number(variables, name, default) for name, default in _RETRIES.items())
    return Settings(
        url=whole,
        **_requests(parts, variables if not named or _place(named) == _place(whole) else {}),
        username=private.get("TF_HTTP_USERNAME", "") or unquote(parts.username or ""),
        password=private.get("TF_HTTP_PASSWORD", ""),
        withheld=not known and bool(variables.get("TF_HTTP_USERNAME")),
        trust=_trust(private),
        tries=tries + 1,
        waits=(least, max(least, most)),
    )


def beside(environ: Mapping[str, str], lockfile: str, other: str) -> Mapping[str, str]:
    """The variables for ``other``, a place at the lockfile's server; they themselves are about the lockfile.

    Its lock is to the other address as the lockfile's is to the lockfile's own, or as it is by default.
    """
    about = environ.get(ADDRESS, "").strip() or lockfile
    if _origin(about) is None or urlsplit(about).scheme not in _PORTS:
        return environ  # nothing is said of the lockfile, so they are about whatever is given
    if _origin(about) != _origin(other):
        return {**environ, ADDRESS: about}
    found = {**environ, ADDRESS: other}
    for name in ("TF_HTTP_LOCK_ADDRESS", "TF_HTTP_UNLOCK_ADDRESS"):
        said = found.pop(name, "").strip()
        rest = said.removeprefix(about)
        if rest != said and rest[:1] in {"", "/", "?"}:
            found[name] = other + rest
    return found


def _requests(parts: SplitResult, variables: Mapping[str, str]) -> dict[str, Request]:
    """The requests of one dialect or the other: verbs of their own, or usual methods at an address of its own."""
    address = _anonymous(parts)
    gitlab = _is_gitlab(address)
    lock = _other(variables, "TF_HTTP_LOCK_ADDRESS")
    if not lock:
        lock = _anonymous(parts._replace(path=f"{parts.path}/lock")) if gitlab else address
    verbs = ("POST", "DELETE") if gitlab else ("LOCK", "UNLOCK")
    return {
        "read": Request("GET", address),
        "write": Request(_method(variables, "TF_HTTP_UPDATE_METHOD", "POST"), address),
        "lock": Request(_method(variables, "TF_HTTP_LOCK_METHOD", verbs[0]), lock),
        "unlock": Request(
            _method(variables, "TF_HTTP_UNLOCK_METHOD", verbs[1]),
            _other(variables, "TF_HTTP_UNLOCK_ADDRESS") or lock,
        ),
    }


def _is_gitlab(address: str) -> bool:
    return bool(_GITLAB.search(urlsplit(address).path))


def _trust(variables: Mapping[str, str]) -> Trust:
    name = "TF_HTTP_SKIP_CERT_VERIFICATION"
    skip = _TRUTH.get(variables.get(name, "").lower())
    if skip is None:
        raise StateError(f"{name} is neither true nor false", remedy="set it to true or false, or not at all")
    certificate = variables.get("TF_HTTP_CLIENT_CERTIFICATE_PEM", "")
    key = variables.get("TF_HTTP_CLIENT_PRIVATE_KEY_PEM", "")
    if bool(certificate) != bool(key):
        raise StateError(
            "of TF_HTTP_CLIENT_CERTIFICATE_PEM and TF_HTTP_CLIENT_PRIVATE_KEY_PEM only one is set",
            remedy="set both, or neither",
        )
    return Trust(not skip, variables.get("TF_HTTP_CLIENT_CA_CERTIFICATE_PEM", ""), certificate, key)


def _address(text: str, what: str) -> SplitResult:
    """The parts of an address with a server in it; ``what`` is what messages call it, for the text may be a secret."""
    refuse_credentials(what, text)
    parts = urlsplit(text)
    try:
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise StateError(f"{what} names no server", remedy="write it like https://host/path")
    return parts


def _other(variables: Mapping[str, str], name: str) -> str:
    text = variables.get(name, "")
    return _anonymous(_address(text, name)) if text else ""


def _anonymous(parts: SplitResult) -> str:
    """The address without the user's name, which is sent as a credential, and without what is never sent."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def _place(text: str) -> tuple[object, ...] | None:
    """What two spellings of the same address have in common."""
    origin = _origin(text)
    return (*origin, urlsplit(text).path, urlsplit(text).query) if origin else None


def _origin(text: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(text)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None


def _method(variables: Mapping[str, str], name: str, default: str) -> str:
    method = variables.get(name, "").upper() or default
    if not _METHOD.fullmatch(method):
        raise StateError(f"{name} is no method of HTTP", remedy=f"set it to one, such as {default}, or not at all")
    return method


def _number(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise StateError(f"{name} is no whole number from 0 on", remedy=f"set it to one, such as {default}")
    return int(text)
