"""One canonical style for files: indentation, blanks and line width; comments, quotes and order stay the author's.

The parser's events go straight to an emitter that keeps comments, so that no value is ever made and written anew. What
comes out is compared event by event and comment by comment with what went in, and refused if anything is missing.
"""

import io
import re
from itertools import zip_longest
from typing import Any, Final

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tag import Tag

from reconciler.config.edit.splices import BOM

WIDTH: Final = 120
_ROUNDS: Final = 4
_COMMENT: Final = re.compile(r"#[^\r\n]*")
_TRAILING: Final = re.compile(r"[ \t]+$", re.MULTILINE)


class Unformattable(Exception):
    """The canonical form of a file would say something else, or lose a comment."""


def formatted(data: bytes) -> bytes:
    """A valid file in canonical style: UTF-8 without a mark, lines that end with a line feed, lists indented by two.

    Raises Unformattable where that can't be done without loss, or comes to no end.
    """
    text = data.decode().removeprefix(BOM).replace("\r\n", "\n").replace("\r", "\n")
    before, comments = _meaning(text), _comments(text)
    for _ in range(_ROUNDS):
        new = _once(text)
        if _meaning(new) != before:
            raise Unformattable("it would say something else then")
        if (kept := _comments(new)) != comments:
            lost = next(one or other for one, other in zip_longest(comments, kept) if one != other)
            raise Unformattable(f"the comment `{lost}` would be lost or moved")
        if new == text:
            return new.encode()
        text = new
    raise Unformattable("its form would change each time")


def _once(text: str) -> str:
    try:
        emitter = YAML()
        emitter.indent(mapping=2, sequence=4, offset=2)
        emitter.width = WIDTH
        out = io.StringIO()
        emitter.emit([_tagged(event) for event in YAML().parse(text)], out)
    except YAMLError as error:
        raise Unformattable("its form is too unusual") from error
    written = out.getvalue()
    stripped = _TRAILING.sub("", written).rstrip("\n") + "\n"
    return stripped if _meaning(stripped) == _meaning(written) else written


def _tagged(event: Any) -> Any:
    """The event as the emitter takes it: it asks an empty scalar for its tag even if that has none."""
    if getattr(event, "value", None) == "" and event.ctag is None:
        event.ctag = Tag(suffix=None)
    return event


def _meaning(text: str) -> list[tuple[Any, ...]]:
    """All events but how they are written: the reader of the configuration knows nothing else of a file."""
    try:
        return [
            (
                type(event).__name__,
                getattr(event, "value", None),
                getattr(event, "anchor", None),
                getattr(event, "tag", None),
                getattr(event, "implicit", None),
            )
            for event in iter(yaml.CSafeLoader(text.encode()).get_event, None)
        ]
    except yaml.YAMLError:
        return []


def _comments(text: str) -> list[str]:
    """All comments in order: what stands between tokens and starts with a ``#``."""
    found, at = [], 0
    for token in yaml.scan(text.encode(), Loader=yaml.CSafeLoader):
        found += _COMMENT.findall(text, at, max(at, token.start_mark.index))
        at = max(at, token.end_mark.index)
    return [comment.rstrip() for comment in [*found, *_COMMENT.findall(text, at)]]
