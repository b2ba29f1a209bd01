"""What is wrong with a lockfile that can't be read, where, and what to do: so that nobody has to read a traceback.

Only this slow path looks at the text itself; a lockfile that is as we wrote it never comes here.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from reconciler.diagnostics import Source, StateError

RESTORE: Final = "restore the last good content from git or as `reconciler state history` shows it, then plan again"
"""What to do about a lockfile that lost its meaning: guessing at it could make somebody else's members ours."""

MERGE: Final = (
    "resolve the conflict: keep the members that the service has now, take the larger serial, then plan again; "
    "or take one side whole"
)

_MARKER: Final = re.compile(rb"^(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)(?= |\r?$)", re.MULTILINE)
_OFFSET: Final = re.compile(r" \(byte (\d+)\)$")


def explain(data: bytes, name: str, error: Exception) -> StateError:
    """The decoder's complaint in the user's words, at its line and column where it names a place."""
    if not data.strip():
        return StateError(f"{name} is empty", remedy=RESTORE)
    if marker := _MARKER.search(data):
        at = position(data, name, marker.start())
        return StateError(f"{name} has an unresolved merge conflict", remedy=MERGE, source=at)
    complaint, offset = _complaint(data, error)
    source = None if offset is None else position(data, name, offset)
    return StateError(f"{name} is no lockfile: {complaint}", remedy=RESTORE, source=source)


def _complaint(data: bytes, error: Exception) -> tuple[str, int | None]:
    if isinstance(error, RecursionError):
        return "it is nested too deep", None
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text", _undecodable(data)
    complaint = str(error)
    if complaint == "Input data was truncated":
        return "it is cut off, the end is missing", len(data)
    if offset := _OFFSET.search(complaint):
        return complaint[: offset.start()], int(offset[1])
    return complaint, None


def refuse_repeated_keys(data: bytes, name: str) -> None:
    """Raise StateError if an object has a key twice: a decoder keeps the last in silence and members would be lost."""
    import json  # only what people edited or merged comes here, so a normal start doesn't pay for it

    def unrepeated(pairs: list[tuple[str, Any]]) -> None:
        found = _repeated(key for key, _ in pairs)
        if found is not None:
            raise StateError(f"{name} has {found!r} twice in one object{_lines(data, found)}", remedy=RESTORE)

    json.loads(data, object_pairs_hook=unrepeated)


def repeated_member(data: bytes, name: str, place: str, ids: Iterable[str]) -> StateError:
    """That a group has a member twice: a merge took both sides, and nobody can tell which line was meant to go."""
    found = _repeated(ids) or ""
    return StateError(f"{name} has {place}/{found} twice{_lines(data, found)}", remedy=RESTORE)


def position(data: bytes, name: str, offset: int) -> Source:
    """The line and column, counted from 1, of a byte."""
    before = data[:offset]
    return Source(name, before.count(b"\n") + 1, offset - (before.rfind(b"\n") + 1) + 1)


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _lines(data: bytes, text: str) -> str:
    quoted = msgspec.json.encode(text)
    numbers = [str(number) for number, line in enumerate(data.split(b"\n"), 1) if quoted in line]
    return f" (see lines {', '.join(numbers)})" if numbers else ""


def _undecodable(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0
