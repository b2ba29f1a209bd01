"""A group's definition taken apart into single values, so that a reader sees each field on a line of its own."""

import json
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple
from unicodedata import normalize

from reconciler.core.fields import Difference, differences, dotted
from reconciler.core.model import FIELD_NAMES, LOCALIZED, UNORDERED, Fields
from reconciler.render.layout import fold
from reconciler.render.text import columns, head, quoted, safe, tail

DEEPEST: Final = 8
"""Below this depth a value is shown as JSON: mixins nest as deep as somebody likes."""

GRANTS: Final = ("userType", *UNORDERED, "b2b", "vendorId")
"""The fields that decide who may do what; the others are texts and what other programs keep there."""

CONTEXT: Final = 12
"""Columns kept of what two long values have in common, so that a reader finds the place."""


class Absent(Enum):
    """The value of a field that is not there, which is not the same as null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Leaf(NamedTuple):
    """One value of a definition: its dotted path, before and after; ABSENT where it is not there."""

    path: str
    before: Any
    after: Any

    @property
    def grants(self) -> bool:
        """Whether it decides what members may do, so that it is never folded away behind texts."""
        return self.path.partition(".")[0] in GRANTS


def folded(leaves: Sequence[Leaf], full: bool) -> tuple[Sequence[Leaf], int]:
    """What is shown of a definition's values, and how many are not: all that grants is, whatever texts are there."""
    granting = [leaf for leaf in leaves if leaf.grants]
    shown, hidden = fold([leaf for leaf in leaves if not leaf.grants], full)
    return [*granting, *shown], hidden


def created(fields: Fields) -> Iterator[Leaf]:
    """Every value of a definition that is new: what it grants first, then in the API's order of fields."""
    for name in sorted(fields, key=lambda name: (name not in GRANTS, FIELD_NAMES.index(name))):
        for path, single in _single(name, fields[name]):
            yield Leaf(path, ABSENT, single)


def changed(before: Fields | None, after: Fields | None) -> Iterator[Leaf]:
    """Every value that differs, as core's ``differences`` finds it, what it grants first."""
    leaves = [leaf for difference in differences(before, after) for leaf in _leaves(difference)]
    yield from sorted(leaves, key=lambda leaf: not leaf.grants)


def sides(leaf: Leaf) -> tuple[str | None, str | None]:
    """The value before and after as they are written, in full; None where it is not there."""
    before = None if leaf.before is ABSENT else _written(leaf.path, leaf.before)
    after = None if leaf.after is ABSENT else _written(leaf.path, leaf.after)
    return (before, after) if before is None or after is None else _apart(before, after)


def told(leaf: Leaf, room: int) -> Iterator[tuple[str, str]]:
    """What happens to the value, each line with its sign: ``+ new``, ``- old``, or ``old -> new`` without a sign.

    Two values too long for one line stand below each other, cut so that the place where they begin to differ is seen.
    """
    before, after = sides(leaf)
    if before is None:
        yield "+", head(after or "", room)
    elif after is None:
        yield "-", head(before, room)
    elif columns(before) + columns(after) + len(" -> ") <= room:
        yield "", f"{before} -> {after}"
    else:
        start = _common(before, after) if max(columns(before), columns(after)) > room else 0
        yield "-", head(tail(before[:start], CONTEXT) + before[start:], room)
        yield "+", head(tail(after[:start], CONTEXT) + after[start:], room)


def _leaves(difference: Difference) -> Iterator[Leaf]:
    path, before, after = difference.path, difference.before, difference.after
    root = path.partition(".")[0]
    if before is None:
        yield from (Leaf(single, ABSENT, value) for single, value in _single(path, after))
    elif after is None:
        yield from (Leaf(single, value, ABSENT) for single, value in _single(path, before))
    elif root in UNORDERED:
        # An id of a set never turns into another one: one goes and one comes.
        yield Leaf(root, before, ABSENT)
        yield Leaf(root, ABSENT, after)
    else:
        yield Leaf(path, before, after)


def _single(path: str, value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value and depth < DEEPEST:
        for key in value:
            yield from _single(f"{path}.{dotted(key)}", value[key], depth + 1)
    elif isinstance(value, list | tuple) and value and depth < DEEPEST:
        for item in value:
            yield from _single(path, item, DEEPEST)
    else:
        yield path, value


def _written(path: str, value: Any) -> str:
    if not isinstance(value, str):
        return safe(json.dumps(value, ensure_ascii=False))
    is_text = path.partition(".")[0] in (*LOCALIZED, "mixins")
    return quoted(value) if is_text or not value or " " in value else safe(value)


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two texts that look alike (an umlaut typed as one character, or as two) with those characters written out."""
    if normalize("NFKC", before) != normalize("NFKC", after):
        return before, after
    return before.encode("ascii", "backslashreplace").decode(), after.encode("ascii", "backslashreplace").decode()


def _common(before: str, after: str) -> int:
    """How many characters two texts begin with alike."""
    return next((at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), 0)
