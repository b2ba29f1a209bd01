"""Foreign text made harmless, and measured in columns.

Names, notes, ids and messages come from the service or from a file that anybody may propose. Whatever they hold, they
must not move the cursor, hide or reorder text, add a line, or say a sentence that a tool reads as ours.
"""

import json
import re
from itertools import accumulate, chain, dropwhile
from typing import Final

from reconciler.diagnostics import Source

IGNORABLE: Final = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
)
"""Unicode's property Default_Ignorable_Code_Point as far as Python takes it for printable."""

BLANK: Final = (0x1107F, 0x1D159, 0x2800, 0x2D7F, 0x16FE4)
"""Drawn as nothing without having that property: joiners of Brahmi and Tifinagh, the null notehead, Braille's blank and
the filler of Khitan."""

INVISIBLE: Final = frozenset(map(chr, chain(BLANK, *(range(first, last + 1) for first, last in IGNORABLE))))
"""Printable to Python, yet drawn as nothing: whole messages were hidden in such characters."""

# CI runners obey `::command::` at the start of a line and `##[command]` or `##name[command]` anywhere in it; tools that
# comment on pull requests search for the two summaries without looking where they stand.
_COMMAND: Final = re.compile(r"^\s*:(?=:)|#(?=#\w*\[)|(?<=Plan):(?= \d)|(?<=Resources):(?= \d)")
_SENTENCE: Final = re.compile(r" (?:will be|must be|has moved|was \w+ outside)\b")


def safe(text: str) -> str:
    r"""The text on one line, with everything that is not plainly visible written out (``\x1b``, ``\n``, ``\u202e``).

    The marks by which runners and comment tools know their own lines are written out too, so that a note such as
    ``# acme/admins/eve will be destroyed`` or ``::stop-commands::`` stays a note. Plain text comes back as it is.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(char if char.isprintable() and char not in INVISIBLE else _written(char) for char in text)
    text = _COMMAND.sub(lambda found: found[0][:-1] + _written(found[0][-1]), text)
    return text.replace("# ", "\\x23 ") if _SENTENCE.search(text) else text


def safe_address(address: str) -> str:
    r"""An address as it is, its spaces as ``\x20`` only where it would read as one of our sentences.

    Ids may hold anything printable; an id ``ana will be created`` must not make a removal look like an addition.
    """
    text = safe(address)
    return text.replace(" ", "\\x20") if "# " in text or _SENTENCE.search(text) else text


def place(source: Source | None) -> str:
    """``file:line:column``, or nothing: what the lockfile asked for (an empty path) has no line to point at."""
    return safe(str(source)) if source and source.path else ""


def quoted(text: str) -> str:
    """The text as a JSON string, so that a quote in it can't end it and look like what follows."""
    return safe(json.dumps(text, ensure_ascii=False))


def columns(text: str) -> int:
    """How many columns a terminal gives to safe text: two for wide characters, none for combining marks.

    rich knows the widths; it is imported only for the text that needs it.
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def head(text: str, room: int) -> str:
    """The beginning of safe text within so many columns, ended by ``…`` if something was cut off."""
    return text if columns(text) <= room else _fitting(text, room - 1) + "…"


def tail(text: str, room: int) -> str:
    """The end of safe text within so many columns, begun by ``…`` if something was cut off."""
    if columns(text) <= room:
        return text
    end = _fitting(text[::-1], room - 1)[::-1]
    return "…" + "".join(dropwhile(lambda char: not columns(char), end))


def number(count: int) -> str:
    """A count as readers see it; only the lines that tools know from Terraform have theirs without commas."""
    return f"{count:,}"


def plural(count: int, word: str) -> str:
    """``1 change`` or ``2 changes``: regular words only."""
    return f"{number(count)} {word}" if count == 1 else f"{number(count)} {word}s"


def _written(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if 0x20 < code < 0x7F else char.encode("unicode_escape").decode()


def _fitting(text: str, room: int) -> str:
    ends = accumulate(map(columns, text))
    return "".join(char for char, end in zip(text, ends, strict=True) if end <= room)
