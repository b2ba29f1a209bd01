"""A file's text as pieces that know exactly where they begin and end, so that an edit touches nothing else.

:mod:`reconciler.config.nodes` says what a file means; this says how it is written: block or flow, anchors and
aliases as they stand, and offsets into the text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.config.document import NULLS

SCALAR: Final = "scalar"
LIST: Final = "list"
MAPPING: Final = "mapping"
ALIAS: Final = "alias"


@dataclass(slots=True)
class Piece:
    """One part of the text, ``text[start:end]``; a block ends where the last thing in it ends, without its comments.

    ``value`` is a scalar's text, None for an unquoted null, and the name of an alias. ``items`` are a list's, ``pairs``
    a mapping's keys and values in the order of the file. ``line`` and ``column`` count from 1, as in messages.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int
    flow: bool = False
    anchored: bool = False
    value: str | None = None
    items: "list[Piece]" = field(default_factory=list)
    pairs: "list[tuple[Piece, Piece]]" = field(default_factory=list)

    def get(self, key: str) -> "Piece | None":
        """The value of a mapping's key as it stands there; None if it does not, or comes by a merge only."""
        return next((value for name, value in self.pairs if name.value == key), None)

    def key(self, key: str) -> "Piece":
        """A key of a mapping that has it."""
        return next(name for name, _ in self.pairs if name.value == key)


def pieces(text: str) -> Piece | None:
    """The only document of a text that :func:`reconciler.config.load` finds good; None if the text is empty."""
    events = iter(yaml.CSafeLoader(text.encode()).get_event, None)
    next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    return _piece(next(events), events, text)


def _piece(event: Any, events: Iterator[Any], text: str) -> Piece:
    begin, end = event.start_mark, event.end_mark
    piece = Piece(SCALAR, begin.index, end.index, begin.line + 1, begin.column + 1)
    if isinstance(event, yaml.AliasEvent):
        piece.kind, piece.value = ALIAS, event.anchor
        return piece
    piece.anchored = event.anchor is not None
    if isinstance(event, yaml.ScalarEvent):
        piece.value = None if event.implicit[0] and event.value in NULLS else event.value
        piece.end = begin.index + len(text[begin.index : end.index].rstrip())
        return piece
    piece.flow = bool(event.flow_style)
    if isinstance(event, yaml.SequenceStartEvent):
        piece.kind = LIST
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            piece.items.append(_piece(event, events, text))
        last = piece.items[-1] if piece.items else piece
    else:
        piece.kind = MAPPING
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            piece.pairs.append((_piece(event, events, text), _piece(next(events), events, text)))
        last = piece.pairs[-1][1] if piece.pairs else piece
    piece.end = event.end_mark.index if piece.flow else last.end
    return piece
