"""Foreign text in a comment: it shows what it is, and neither formats, links, mentions nor ends anything.

GitHub and GitLab look for ``@name``, ``#12``, ``!5``, ``~label``, ``:emoji:``, commit hashes and addresses in what the
Markdown has become, so that backslashes and entities do not stop them. Only code does: they leave that alone.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from reconciler.diagnostics import Source
from reconciler.render.text import safe

LONGEST: Final = 120
"""Characters shown of a name outside of code blocks; in code points, because a combining mark takes no column."""

MOST_TICKS: Final = 8
"""Longer runs of backticks are written out: a parser gives up on fences of more than 80."""

_TICKS: Final = re.compile("`+")
_PIECE: Final = re.compile(r"(?<!\S)(\(?)(?:`([^`]+)`|(\{[^{}`]*\}))(?=[).,;:]*(?:\s|$))|\s+|\S+")
_TOKEN: Final = re.compile(r"(\(?)(.*?)([).,;:]*)")
_WORD: Final = re.compile(
    r"(?![A-Fa-f]{7})[A-Za-z]+(?:['-][A-Za-z]+)*|\d{1,6}(?:\.\d{1,6})?%?|\d{4}-\d\d-\d\d|\d\d:\d\d"
)
_LISTED: Final = re.compile(r"\d+[.)](?!\d)")


def code(text: str, most: int = LONGEST) -> str:
    """The text as a code span, whatever backticks and spaces are in it; cut to so many characters."""
    text = cut(safe(text), most) or '""'
    ticks = max(map(len, _TICKS.findall(text)), default=0)
    if ticks > MOST_TICKS:
        text, ticks = text.replace("`", "\\x60"), 0
    fence = "`" * (ticks + 1)
    pad = " " if "`" in (text[0], text[-1]) or (text[0] == text[-1] == " " and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def cell(text: str, most: int = LONGEST) -> str:
    """The same for a table, where parsers disagree on what a backslash before a pipe means."""
    return code(text.replace("|", "\\x7c"), most)


def prose(text: str, most: int = 1000) -> str:
    """A message of ours with foreign names in it: plain words and numbers stay, all else becomes code.

    What stays can't be anything but words: letters, dates and times, and numbers too short for a commit.
    """
    return "".join(_pieces(cut(safe(text).strip(), most))) or code(text)


def cut(text: str, most: int) -> str:
    """The beginning of a text, ended by ``…`` if something was cut off."""
    return text if len(text) <= most else text[: most - 1] + "…"


def at_line(source: Source | None) -> str:
    """``file:line``, or nothing where no line of a file asked for it."""
    return safe(f"{source.path}:{source.line}") if source and source.path else ""


def link(text: str, url: str) -> str:
    """A link with a text of ours; nothing in the address can end it or be read as an entity."""
    return f"[{text}](<{quote(url, safe=_IN_URLS).replace('&', '&amp;')}>)"


_IN_URLS: Final = ":/?#[]@!$&'()*+,;=%~"


def marker(key: str) -> str:
    """The hidden line by which the comment for this key is found again: one key, one comment.

    It is readable in part and exact by its hash; nothing in the key can end the comment.
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")[:40].strip("-")
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"<!-- reconciler:plan:{readable or 'plan'}:{digest} -->"


def _pieces(text: str) -> Iterator[str]:
    """What stands in backticks or braces stays together: a quoted piece of YAML, or the criteria of a match."""
    follows_code = False
    for found in _PIECE.finditer(text):
        whole = found[2] or found[3]
        if whole:
            yield f"{found[1]}{code(whole, len(text))}"
        elif found[0].isspace() or (follows_code and not found[0].strip(").,;:")):
            yield found[0]
        else:
            yield _token(found[0])
        follows_code = bool(whole)


def _token(token: str) -> str:
    """One word with its punctuation; a number that could begin a list is code too."""
    found = _TOKEN.fullmatch(token)
    assert found  # noqa: S101 - everything matches
    before, core, after = found.groups()
    if _WORD.fullmatch(core) and not _LISTED.match(token):
        return token
    return f"{before}{code(core, len(core))}{after}" if core else code(token, len(token))
