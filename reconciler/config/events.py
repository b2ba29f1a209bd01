"""The parser's events, with anchored parts kept so that an alias can give them once more.

Replaying events, rather than sharing built nodes, lets a list that is written in one place and used in another be read
in the way of the place where it is used.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import yaml

from reconciler.diagnostics import Diagnostic, Source

MAX_DEPTH: Final = 100
"""Deeper nesting is refused: no configuration needs it, and the reader calls itself once a level."""

MAX_EXPANSION: Final = 1_000_000
"""How many parts aliases may bring in before a file is refused: a million members, but no billion laughs."""


class Unreadable(Exception):
    """The rest of the file can't be read; ``diagnostic`` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Anchor:
    """An anchored part: ``events[start:end]``, and how many parts that is once its own aliases are followed."""

    name: str | None
    source: Source
    events: list[Any]
    start: int
    end: int = 0
    size: int = 1
    until: Source | None = None


@dataclass(slots=True)
class Events:
    """One file's events in order; problems that don't stop the reading are collected in ``problems``."""

    path: str
    data: bytes
    problems: list[Diagnostic] = field(default_factory=list)
    parse: Callable[[], Any] = field(init=False)
    _queue: deque[Any] = field(default_factory=deque)
    _anchors: dict[str, Anchor] = field(default_factory=dict)
    _expanded: int = 0

    def __post_init__(self) -> None:
        self.parse = yaml.CSafeLoader(self.data).get_event

    def take(self) -> Any:
        """The next event."""
        return self._queue.popleft() if self._queue else self.parse()

    def faucet(self) -> Callable[[], Any]:
        """What gives the events of the list that just started; the parser itself if possible, because it is faster."""
        return self.take if self._queue else self.parse

    def put_back(self, events: list[Any]) -> None:
        """Events to be given once more, before all others."""
        self._queue.extendleft(reversed(events))

    def source(self, event: Any) -> Source:
        """Where an event starts."""
        return _place(self.path, event.start_mark)

    def complain(self, message: str, source: Source, remedy: str = "", *related: tuple[str, Source]) -> None:
        """Note a problem and go on."""
        self.problems.append(Diagnostic(message, source, remedy, related))

    def stop(self, message: str, source: Source, remedy: str = "") -> NoReturn:
        """Note a problem and give up on this file."""
        raise Unreadable(Diagnostic(message, source, remedy))

    def follow(self, alias: Any) -> Any | None:
        """The first event of what an alias stands for, the others to be taken next; None if there is no such anchor."""
        source = self.source(alias)
        anchor = self._target(alias)
        if anchor is None:
            self._complain_astray(alias.anchor, source)
            return None
        self._expanded += anchor.size
        if self._expanded > MAX_EXPANSION:
            self.stop(
                f"aliases bring in more than {MAX_EXPANSION:,} parts",
                source,
                "write out what is needed, or split the configuration into several files",
            )
        self.put_back(anchor.events[anchor.start + 1 : anchor.end])
        return anchor.events[anchor.start]

    def _complain_astray(self, name: str, source: Source) -> None:
        around = self._anchors.get(name)
        if around and around.source <= source:
            self.complain(f"`*{name}` stands inside of what it stands for", source, "", ("that is here", around.source))
        else:
            remedy = f"write `&{name}` in front of what it stands for, earlier in this file, or put a text in quotes"
            self.complain(f"`*{name}` stands for nothing", source, remedy)

    def remember(self, first: Any) -> None:
        """Keep the events of an anchored part, and of the anchors within, and give them once more."""
        known = self._anchors.get(first.anchor)
        if known is not None and known.events[known.start] is first:
            return
        events: list[Any] = []
        open_: list[Anchor] = []
        event = first
        while True:
            events.append(event)
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append(Anchor(event.anchor, self.source(event), events, len(events) - 1))
                if len(open_) > MAX_DEPTH:
                    self.too_deep(self.source(event))
            else:
                self._close(event, events, open_)
            if not open_:
                break
            event = self.take()
        self.put_back(events[1:])

    def too_deep(self, source: Source) -> NoReturn:
        """Give up on a file whose nesting has no end."""
        self.stop(f"this is nested more than {MAX_DEPTH} levels deep", source, "a configuration needs six levels")

    def _close(self, event: Any, events: list[Any], open_: list[Anchor]) -> None:
        """What an event that opens nothing completes: the innermost open part, or itself."""
        if isinstance(event, yaml.CollectionEndEvent):
            done = open_.pop()
        elif isinstance(event, yaml.AliasEvent):
            target = self._target(event)
            done = Anchor(None, self.source(event), events, len(events) - 1, size=target.size if target else 1)
        else:
            done = Anchor(event.anchor, self.source(event), events, len(events) - 1)
        done.end, done.until = len(events), _place(self.path, event.end_mark)
        if open_:
            open_[-1].size += done.size
        if done.name is not None:
            self._register(done.name, done)

    def _register(self, name: str, anchor: Anchor) -> None:
        first = self._anchors.setdefault(name, anchor)
        if first is not anchor and first.source != anchor.source:
            self.complain(
                f"the anchor `&{name}` stands here twice",
                anchor.source,
                "rename one of them",
                ("first here", first.source),
            )

    def _target(self, alias: Any) -> Anchor | None:
        """The anchor of an alias; it has to be complete before the alias, so that nothing can contain itself."""
        anchor = self._anchors.get(alias.anchor)
        return anchor if anchor and anchor.until and anchor.until <= self.source(alias) else None


def _place(path: str, mark: Any) -> Source:
    return Source(path, mark.line + 1, mark.column + 1)
