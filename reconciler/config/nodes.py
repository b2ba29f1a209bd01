"""A YAML document as a graph of nodes that know where they stand.

Positions travel with the data, mappings and lists included, so that every later message can say ``file:line:column``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.diagnostics import Source

Trail = tuple[tuple[str, Source], ...]
"""The further places that explain a value, each with what it is, as in a diagnostic."""


class Traced(Source):
    """The place of what counts elsewhere too, such as in the groups that extend a template, with why it counts there.

    It equals the plain place, because what is wrong at one place is one problem, however many use it.
    """

    trail: Trail = ()


def traced(source: Source, trail: Trail) -> Source:
    """The place with a trail; the place itself if there is none."""
    if not trail:
        return source
    made = Traced(*source)
    made.trail = trail
    return made


@dataclass(slots=True)
class Scalar:
    """One value: None for an unquoted null, otherwise the text as written, because ids must never be reinterpreted.

    Only under ``mixins`` is the value typed (true, 1.5). ``broken`` marks a value that was already complained about.
    """

    value: Any
    source: Source
    broken: bool = False


@dataclass(slots=True)
class Seq:
    """A list."""

    items: "list[Node]"
    source: Source


class Entry(NamedTuple):
    """A mapping's key, with its own place, and its value: an unknown key is shown where the key stands."""

    key: Source
    node: "Node"


@dataclass(slots=True)
class Map:
    """A mapping; of duplicate keys it keeps the first."""

    entries: dict[str, Entry]
    source: Source

    def get(self, key: str) -> "Node | None":
        """The value of a key, or None if the key is not there."""
        entry = self.entries.get(key)
        return entry.node if entry else None


@dataclass(slots=True)
class Members:
    """A member list, read straight into what the diff needs, because it may have a million entries.

    ``sources`` has every entry once: user ids and e-mails as written, and what ``apart`` has besides. ``odd`` are the
    entries that the fast path could not vouch for: only those are validated against the schema. ``apart`` are those
    keys of ``sources`` that are no plain ids: their entries say more, and stand in ``odd``. ``explicit`` are ids that
    a mapping without a reason has, because there they can't be meant as names. ``phrases`` has each reason
    once, because many members share one.
    """

    source: Source
    sources: dict[str, Source] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    odd: "list[Node]" = field(default_factory=list)
    apart: set[str] = field(default_factory=set)
    explicit: set[str] = field(default_factory=set)
    phrases: dict[str, str] = field(default_factory=dict)


Node = Scalar | Seq | Map | Members


def plain(node: Node) -> Any:
    """The node as plain data for the schema; of a member list only the odd entries."""
    match node:
        case Scalar():
            return node.value
        case Seq():
            return [plain(item) for item in node.items]
        case Map():
            return {key: plain(entry.node) for key, entry in node.entries.items()}
        case _:
            return [plain(item) for item in node.odd]


def locate(root: Node, location: Sequence[str | int]) -> tuple[Node, Source]:
    """The node at a location of :func:`plain` data and its place; for what has no node of its own, the key or parent.

    Parts that lead nowhere (the schema's names of alternatives, a missing key) are passed over.
    """
    node, source = root, root.source
    for part in location:
        if isinstance(node, Map) and isinstance(part, str) and part in node.entries:
            node = node.entries[part].node
            source = node.source
        elif isinstance(node, Seq | Members) and isinstance(part, int):
            node = (node.items if isinstance(node, Seq) else node.odd)[part]
            source = node.source
    return node, source


def maps(node: Node | None, key: str) -> Iterator[Map]:
    """The mappings in the list under a key; whatever is not of that form is left to the schema's messages."""
    listed = node.get(key) if isinstance(node, Map) else None
    for item in listed.items if isinstance(listed, Seq) else ():
        if isinstance(item, Map):
            yield item


def scalars(node: Node | None) -> "list[Scalar]":
    """The scalars of a list, or the one that stands alone in its place."""
    return [each for each in (node.items if isinstance(node, Seq) else [node]) if isinstance(each, Scalar)]


def text(node: Node | None) -> str | None:
    """The text of a scalar, None for anything else."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def described(data: Any) -> str:
    """What plain data is, in the words of a message."""
    return {type(None): "nothing", list: "a list", dict: "a mapping"}.get(type(data), "text")
