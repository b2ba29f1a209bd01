"""The service's ``q`` language, as far as it can be spoken safely (FACTS, "Calls to read with").

No quoting is documented for the values of a list, so a value that could be misread is not sent in one. A pattern can
say any value: its letters and digits as they are, and a dot, which matches any one character, for each character that
could mean something else. It may therefore find more than was asked for, so whoever uses one compares.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_PLAIN = re.compile(r"(?!(?:null|exists|missing)$)[\w.@-]+", re.ASCII)


def is_plain(value: str) -> bool:
    """Whether a value means itself within a list; the language has other uses for all other characters."""
    return _PLAIN.fullmatch(value) is not None


def any_of(field: str, values: Iterable[str]) -> str:
    """Finds whatever has one of these plain values in the field; upper and lower case may differ to the service."""
    return f"{field}:({','.join(values)})"


def in_any_case(field: str, values: Iterable[str]) -> str:
    """Finds at least whatever has one of these values in the field, in upper or lower case."""
    return f"{field}:~{'|'.join(map(_pattern, values))}"


def _pattern(value: str) -> str:
    return f"^{''.join(map(_character, value))}$"


def _character(character: str) -> str:
    if not character.isascii() or not (character.isalnum() or character in "@_-"):
        return "."
    return f"[{character.lower()}{character.upper()}]" if character.isalpha() else character


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in pieces that one query can hold."""
    return (values[start : start + size] for start in range(0, len(values), size))
