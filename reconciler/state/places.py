"""How a place for the lockfile is opened by its URL.

Opening touches nothing and imports nothing: what is wrong with a place shows at the first read or write, and a package
that only some places need is asked for when it is needed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from reconciler.diagnostics import StateError
from reconciler.state.backend import LEASE, Backend


@dataclass(frozen=True, slots=True)
class Address:
    """What a place is opened from: ``rest`` is what stands behind the scheme's colon.

    Relative paths start at ``folder``; ``lease`` is how many seconds a lock outlives a dead holder where the place
    can't notice its death. ``lockfile`` is the URL that Terraform's variables are about, if that is another one.
    """

    url: str
    rest: str
    folder: Path
    lease: float
    lockfile: str | None = None


def _open_file(address: Address) -> Backend:
    from reconciler.state.local import LocalBackend

    return LocalBackend(address.url, address.folder / _file_path(address.rest, address.url))


def _open_bucket(address: Address) -> Backend:
    from reconciler.state.buckets import KINDS, connect
    from reconciler.state.objectstore import ObjectStoreBackend

    scheme = address.url.partition(":")[0].lower()
    found = _BUCKET.fullmatch(address.rest)
    if found is None:
        raise StateError(  # repeats nothing: what is written wrongly may have a secret in it
            f"the {scheme}: URL names no object", remedy=f"write {scheme}://BUCKET/reconciler.lock"
        )
    bucket, key = found.groups()
    return ObjectStoreBackend(address.url, key, lambda: connect(scheme, bucket), address.lease, KINDS[scheme].condition)


def _open_http(address: Address) -> Backend:
    import os

    from reconciler.state.http import HttpBackend
    from reconciler.state.http_settings import beside as variables_beside

    about = address.lockfile
    return HttpBackend(address.url, variables_beside(os.environ, about, address.url) if about else os.environ)


def _open_postgres(address: Address) -> Backend:
    from reconciler.state.postgres import PostgresBackend

    return PostgresBackend(address.url, address.rest, address.lease)


PLACES: Final[Mapping[str, Callable[[Address], Backend]]] = {
    "file": _open_file,
    "s3": _open_bucket,
    "az": _open_bucket,
    "gs": _open_bucket,
    "http": _open_http,
    "https": _open_http,
    "postgres": _open_postgres,
    "postgresql": _open_postgres,
}
"""How the places of each scheme are opened."""

_BUCKET: Final = re.compile(r"//([^/?#@\s]+)/((?:(?!\.{1,2}(?:/|$))[^/?#\s]+/)*(?!\.{1,2}$)[^/?#\s]+)")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_SECRET: Final = re.compile(r"(?!(?:passfile|sslkey)$).*(?:pass|secret|token|sig|key|credential)", re.IGNORECASE)
"""Parameters that hold a secret, by their names; those of PostgreSQL that only say where one is are none of them."""


def open_backend(url: str, *, folder: Path | None = None, lease: float = LEASE, lockfile: str | None = None) -> Backend:
    """The place that ``url`` names, for example ``file:path``, ``file:///absolute/path`` or a plain path.

    Relative paths start at ``folder``, by default the working directory; for the rest see :class:`Address`. Raises
    StateError for an unknown scheme, and for a URL with credentials in it: it stands in configurations, plans and
    messages, where no secret may stand.
    """
    named = _SCHEME.fullmatch(url)
    scheme, rest = (named[1].lower(), named[2]) if named else ("file", url)
    if scheme not in PLACES:
        known = ", ".join(f"{name}:" for name in PLACES)
        raise StateError(f"no place is called {scheme}:", remedy=f"use one of: {known} or a plain path")
    if scheme == "file" and "://" in rest.removeprefix("//"):
        raise StateError("the URL can't be read", remedy="check how it is written, above all its start")
    if scheme != "file":
        refuse_credentials(f"the {scheme}: URL", url)
    return PLACES[scheme](Address(url, rest, folder or Path(), lease, lockfile))


def scheme_of(url: str) -> str:
    """What kind of place it names; a plain path is a ``file``."""
    named = _SCHEME.fullmatch(url)
    return named[1].lower() if named else "file"


def is_file(url: str) -> bool:
    """Whether it names a file of this machine, which needs no credentials."""
    return scheme_of(url) == "file"


def is_same(one: str, other: str) -> bool:
    """Whether two URLs name one place, as far as they tell; files are looked up, for links and folders."""
    paths = [path_of(url) for url in (one, other)]
    return one == other or (None not in paths and len({Path(path or "").resolve() for path in paths}) == 1)


def beside(url: str) -> str:
    """The URL of the audit file beside the lockfile at ``url``, of the same kind and by the same credentials.

    ``reconciler.lock`` has ``reconciler.audit.jsonl`` beside it. In a database it has another name,
    ``#reconciler.audit``, and so it has at a server of Terraform's protocol, ``…/state/access-audit``: GitLab allows
    few characters there.
    """
    scheme = scheme_of(url)
    if scheme in {"http", "https"}:
        parts = urlsplit(url)
        return parts._replace(path=f"{parts.path}-audit").geturl()
    if scheme in {"postgres", "postgresql"}:
        database, _, name = url.partition("#")
        return f"{database}#{name or 'reconciler'}.audit"
    return f"{url.removesuffix('.lock')}.audit.jsonl"


def path_of(url: str) -> str | None:
    """The path that a URL, or a path, names on this machine; None for a URL of anything else. Raises StateError."""
    return _file_path((_SCHEME.fullmatch(url) or ["", "", url])[2], url) if is_file(url) else None


def refuse_credentials(what: str, url: str) -> None:
    """Raise StateError, repeating nothing of the URL, for a password or a parameter that looks like one.

    ``what`` is what the message calls it. A user's name alone is no secret.
    """
    try:
        parts = urlsplit(url)
        has_password, parameters = parts.password is not None, parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:  # its text may quote the password
        raise StateError(f"{what} can't be read", remedy="check how it is written, above all its host") from None
    is_torn = "@" in f"{parts.path}{parts.query}{parts.fragment}"  # a password with a / ? or # in it
    is_secret = has_password or is_torn
    secret = next((name for name, _ in parameters if _SECRET.match(name) and not is_torn), None)
    secret = "a password" if is_secret else secret
    if secret is not None:
        raise StateError(
            f"{what} has {secret} in it, which would stand in configurations and messages",
            remedy="take it out and give it as this kind of place takes credentials, such as by environment variables",
        )


def _file_path(rest: str, url: str) -> str:
    path = rest
    if rest.startswith("//"):
        host, slash, absolute = rest[2:].partition("/")
        if host not in {"", "localhost"}:
            raise StateError(  # repeats nothing: it may be a URL without its scheme, with a password in it
                "the file: URL names another machine", remedy="write file:path or file:///absolute/path"
            )
        path = unquote(slash + absolute)
    if not path or path.endswith("/") or "\0" in path:
        raise StateError(f"{url!r} names no file", remedy="write file:reconciler.lock or file:///absolute/path")
    return path
