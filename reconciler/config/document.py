"""YAML text to nodes, over the parser's events: ids stay as written, and positions are known.

YAML's own typing never happens: it would turn ``00123``, ``no`` and ``12:30`` into other values (PERFORMANCE, "Ids are
strings"). Anchors, aliases and merge keys work as in YAML 1.1. A part used by alias stands where the alias stands; what
is inside it stands where it was written. Explicit tags, complex keys and several documents are refused.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.config.events import MAX_DEPTH, Events
from reconciler.config.nodes import Entry, Map, Node, Scalar, Seq, described, plain
from reconciler.diagnostics import Source

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""What an unquoted scalar has to be to mean nothing (YAML 1.2.2, 10.3.2)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the reader has to know of a place in the file; everything else it reads alike.

    ``values`` is the shape behind keys of the author's own; ``sequence`` reads a list in a way of its own; below
    ``typed`` scalars have types as in JSON.
    """

    keys: "Mapping[str, Shape]" = field(default_factory=dict)
    values: "Shape | None" = None
    items: "Shape | None" = None
    sequence: "Callable[[Reader, Source], Node] | None" = None
    typed: bool = False

    def at(self, key: str) -> "Shape":
        """The shape of a key's value."""
        return self if self.typed else self.keys.get(key) or self.values or ORDINARY

    @property
    def item(self) -> "Shape":
        """The shape of a list's items."""
        return self if self.typed else self.items or ORDINARY


ORDINARY: Final = Shape()


@dataclass(slots=True)
class Reader:
    """Builds one file's nodes from its events."""

    events: Events
    _depth: int = field(default=0, init=False)

    def document(self, shape: Shape) -> Node | None:
        """The file's only document, or None if the file is empty."""
        events = self.events
        events.take()
        if isinstance(events.take(), yaml.StreamEndEvent):
            return None
        root = self.node(events.take(), shape)
        events.take()
        if not isinstance(after := events.take(), yaml.StreamEndEvent):
            events.complain(
                "a second document starts here",
                events.source(after),
                "keep one document a file: remove the `---`, or move what follows to a file of its own",
            )
        return root

    def node(self, event: Any, shape: Shape, at: Source | None = None) -> Node:
        """The node that starts with an event; ``at`` is where it stands if that is not where it was written."""
        events = self.events
        if isinstance(event, yaml.AliasEvent):
            source, first = events.source(event), events.follow(event)
            return Scalar(None, source, broken=True) if first is None else self.node(first, shape, source)
        if event.anchor is not None:
            events.remember(event)
        if event.tag is not None:
            events.complain(
                f"the tag `{event.tag}` is not allowed",
                events.source(event),
                "remove it: text and ids are taken as they are written",
            )
        source = at or events.source(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, shape, source)
        if self._depth == MAX_DEPTH:
            events.too_deep(source)
        self._depth += 1
        container = self._container(event, shape, source)
        self._depth -= 1
        return container

    def _scalar(self, event: Any, shape: Shape, source: Source) -> Scalar:
        unquoted = event.implicit[0]
        if unquoted and event.value in NULLS:
            return Scalar(None, source)
        if not (unquoted and shape.typed):
            return Scalar(event.value, source)
        try:
            return Scalar(typed(event.value), source)
        except ValueError as error:
            self.events.complain(str(error), source, "put it in quotes to make it text")
            return Scalar(None, source, broken=True)

    def _container(self, event: Any, shape: Shape, source: Source) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(shape, source)
        if shape.sequence is not None:
            return shape.sequence(self, source)
        items: list[Node] = []
        while not isinstance(event := self.events.take(), yaml.SequenceEndEvent):
            items.append(self.node(event, shape.item))
        return Seq(items, source)

    def _mapping(self, shape: Shape, source: Source) -> Map:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        take = self.events.take
        while not isinstance(event := take(), yaml.MappingEndEvent):
            key = self._key(event)
            if key is None:
                self.node(take(), ORDINARY)
            elif key.value == "<<" and getattr(event, "style", "") == "":
                merged.append(self.node(take(), Shape(shape.keys, shape.values, items=shape, typed=shape.typed)))
            else:
                self._add(entries, key, self.node(take(), shape.at(key.value)))
        for node in merged:
            self._merge(entries, node)
        return Map(entries, source)

    def _key(self, event: Any) -> Scalar | None:
        key = self.node(event, ORDINARY)
        if isinstance(key, Scalar) and key.value is not None:
            return key
        if not (isinstance(key, Scalar) and key.broken):
            self.events.complain(f"a key must be text, not {described(plain(key))}", key.source, "write `key: value`")
        return None

    def _add(self, entries: dict[str, Entry], key: Scalar, node: Node) -> None:
        entry = entries.setdefault(key.value, Entry(key.source, node))
        if entry.node is not node:
            self.events.complain(
                f"the key `{key.value}` stands here twice", key.source, "keep one of them", ("first here", entry.key)
            )

    def _merge(self, entries: dict[str, Entry], node: Node) -> None:
        """Explicit keys win over merged ones, and the first of several merged mappings wins (YAML 1.1 merge type)."""
        for each in node.items if isinstance(node, Seq) else [node]:
            if isinstance(each, Map):
                for key, entry in each.entries.items():
                    entries.setdefault(key, entry)
            elif not (isinstance(each, Scalar) and each.broken):
                self.events.complain(
                    f"`<<` merges mappings, not {described(plain(each))}",
                    each.source,
                    "write an alias of a mapping: `<<: *name`",
                )


_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LITERALS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def typed(text: str) -> Any:
    """An unquoted scalar as the YAML 1.2 core schema reads it (10.3.2); ValueError for a number that JSON can't hold.

    1.2 and not 1.1, because it is what editors check files with, and there ``no`` and ``12:30`` are text.
    """
    if text in _LITERALS:
        return _LITERALS[text]
    if len(text) > 300 and (_INTEGER.fullmatch(text) or _BASED.fullmatch(text) or _FLOAT.fullmatch(text)):
        raise ValueError("a number of more than 300 characters can't be sent")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _ENDLESS.fullmatch(text) or (_FLOAT.fullmatch(text) and math.isinf(float(text))):
        raise ValueError(f"`{text}` is a number that JSON can't hold")
    return float(text) if _FLOAT.fullmatch(text) else text
