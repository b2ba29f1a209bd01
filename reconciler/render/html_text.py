"""Foreign text as HTML, and what one self-contained page carries along: its style, its script, and the policy on both.

The page is ASCII: whatever encoding a shell, a server or a mail program gives it, no character changes its meaning.
"""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final, NamedTuple

from reconciler.render.text import safe

EMPTY_ICON: Final = '<link rel="icon" href="data:,">'
"""Without it browsers would ask the server for one."""

_QUOTED: Final = re.compile(r"(?<![^\s(])`([^`]+)`(?=[).,;:]*(?:\s|$))")


class Inlined(NamedTuple):
    """A file of the package as it stands inside its element, and the hash by which the policy knows it."""

    content: str
    digest: str


def shown(text: str) -> str:
    """Safe text as a text node; what is not ASCII may run from right to left, and must not turn its neighbours."""
    escaped = escape(text)
    return escaped if escaped.isascii() else f"<bdi>{escaped.encode('ascii', 'xmlcharrefreplace').decode()}</bdi>"


def foreign(text: str) -> str:
    """Any text as a text node, what is not plainly visible written out."""
    return shown(safe(text))


def prose(text: str) -> str:
    """A message of ours as text nodes, what stands between backticks as code; any name in it stays what it is."""
    pieces = enumerate(_QUOTED.split(safe(text)))
    return "".join(f"<code>{shown(piece)}</code>" if at % 2 else shown(piece) for at, piece in pieces if piece)


def assets(*more: str) -> tuple[Inlined, Inlined]:
    """Style and script of a page: those of every page, and then its own from the files of this package named."""
    names = ("page.css", "page.js", *more)
    style, script = ([name for name in names if name.endswith(kind)] for kind in (".css", ".js"))
    return _inlined(style), _inlined(script)


def _inlined(names: list[str]) -> Inlined:
    folder = files("reconciler.render")
    content = "\n".join(folder.joinpath(name).read_text(encoding="ascii") for name in names)
    return Inlined(content, b64encode(sha256(content.encode()).digest()).decode())


def policy(style: Inlined, script: Inlined) -> str:
    """Nothing is fetched, sent or framed, and only these two run: what a browser obeys even if a text got through."""
    allowed = f"style-src 'sha256-{style.digest}'; script-src 'sha256-{script.digest}'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
