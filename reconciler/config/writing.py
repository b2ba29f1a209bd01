"""Plain data to YAML text that every reader takes for the same: ours, editors, YAML 1.1 and 1.2 alike."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from reconciler.config.document import NULLS, typed

WIDTH: Final = 110
"""Columns within which a mapping or list stands on one line."""

_PLAIN: Final = re.compile(r"\w([\w./@+&()' -]*[\w./@+&()'-])?")
_BOOLEANS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_RESOLVER: Final[Any] = yaml.resolver.Resolver()
_STRING: Final = "tag:yaml.org,2002:str"


def scalar(value: Any) -> str:
    """A value on one line; text is quoted unless no version of YAML could take it for anything else."""
    if isinstance(value, str):
        return value if _is_plain(value) else quoted(value)
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    """Whether text means itself without quotes: ``00123``, ``no``, ``1e5`` and ``12:30`` do not everywhere."""
    if not _PLAIN.fullmatch(text) or text in NULLS or text.casefold() in _BOOLEANS:
        return False
    return not text[0].isdigit() or (_resolved(text) == _STRING and _is_text(text))


def _resolved(text: str) -> Any:
    return _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))


def _is_text(text: str) -> bool:
    try:
        return isinstance(typed(text), str)
    except ValueError:
        return False


def quoted(text: str) -> str:
    """Text in double quotes, in which whatever can't be seen is escaped."""
    return visible(json.dumps(text, ensure_ascii=False))


def visible(text: str) -> str:
    """Text with whatever can't be seen escaped: in a comment nothing may break the line, or hide."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def flow(value: Any) -> str:
    """Any data on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def mapping(data: Mapping[str, Any], indent: int) -> Iterator[str]:
    """A mapping's lines, one a key; what is short stands on one line."""
    for key, value in data.items():
        yield from pair(key, value, indent)


def pair(key: str, value: Any, indent: int) -> Iterator[str]:
    """The lines of one key and its value."""
    start = f"{' ' * indent}{scalar(key)}:"
    if isinstance(value, Mapping) and value:
        line = f"{start} {flow(value)}"
        if len(line) <= WIDTH:
            yield line
        else:
            yield start
            yield from mapping(value, indent + 2)
    elif isinstance(value, list | tuple) and value:
        yield start
        yield from items(value, indent + 2)
    else:
        yield f"{start} {flow(value)}"


def items(data: Sequence[Any], indent: int) -> Iterator[str]:
    """A list's lines, one an item, so that a later change of one is a change of one line."""
    for item in data:
        yield f"{' ' * indent}- {flow(item)[1:-1] if isinstance(item, Mapping) and len(item) == 1 else flow(item)}"
