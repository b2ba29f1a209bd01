"""The hidden lines at the top of a comment: whose it is, and facts that a later run reads back."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

KEYS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]{0,99}")
"""What tells the comments on one request apart: nothing in it can end an HTML comment."""

FACTS: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")

_MARKER: Final = re.compile(rf"<!-- reconciler:plan:({KEYS.pattern}) -->")
_FACT: Final = re.compile(rf"<!-- reconciler:([a-z]+)=({FACTS.pattern}) -->")
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def marked(body: str, key: str | None, facts: Mapping[str, str]) -> str:
    """The body below its marker and facts; a marker that it has already stays unless a ``key`` is given.

    Facts come right after the marker and nowhere else, so that no text of a plan can pass for one.
    """
    first, _, rest = body.partition("\n")
    has_marker = _MARKER.fullmatch(first.strip())
    marker = first.strip() if has_marker and key is None else f"<!-- reconciler:plan:{key or 'default'} -->"
    text = (rest if has_marker else body).lstrip("\n")
    lines = (marker, *(f"<!-- reconciler:{name}={value} -->" for name, value in facts.items()))
    return "\n".join((*lines, "", text.rstrip("\n"), ""))


def key_of(body: str) -> str | None:
    """The key of a comment that one of our runs wrote, by its first line; None for every other one."""
    found = _MARKER.fullmatch(body.partition("\n")[0].strip())
    return found[1] if found else None


def fact(body: str, name: str) -> str | None:
    """A fact that a comment carries in the hidden lines right after its marker."""
    return dict(_facts(body)).get(name)


def _facts(body: str) -> Iterator[tuple[str, str]]:
    for line in body.splitlines()[1:]:
        found = _FACT.fullmatch(line.strip())
        if found is None:
            return
        yield found[1], found[2]


def in_javascript(text: str) -> int:
    """The characters of a text as JavaScript counts them, and with it the forges."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def in_bytes(text: str) -> int:
    """The bytes of a text."""
    return len(text.encode("utf-8", "surrogatepass"))


def fitting(body: str, most: int, length: Callable[[str], int] = in_javascript) -> str:
    """The body within so many characters, or whatever ``length`` counts, cut after a line and told so at its end."""
    if length(body) <= most:
        return body
    room = most - 200
    kept: list[str] = []
    for line in body.splitlines():
        room -= length(line) + 1
        if room < 0:
            break
        kept.append(line)
    missing = len(body.splitlines()) - len(kept)
    closing = [fence] if (fence := _open_fence(kept)) else []
    note = f"**Cut off here: {missing} more lines are too much for one comment.** The job's log has all of them."
    return "\n".join((*kept, *closing, "", note, ""))


def _open_fence(lines: list[str]) -> str:
    """The fence of a code block that is not closed, or nothing."""
    fence = ""
    for line in lines:
        if found := _FENCE.match(line):
            if not fence:
                fence = found[1]
            elif found[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
    return fence
