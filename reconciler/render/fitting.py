"""As much as there is room for: long lists give way before short ones, and each says how much of it is missing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

LONGEST: Final = 65_536
"""Characters of a comment: GitHub's limit. GitLab's is a million."""

SHORTEST: Final = 8_192
"""Characters of a comment: what always stays takes less, whatever the plan."""

LEAST: Final = 24
"""With less room than this nothing is tried any more: no entry is shorter."""


class Part(NamedTuple):
    """A list with its heading, both made only if there is room; ``more`` says how many entries are missing.

    ``counts`` says of how many entries an item tells.
    """

    items: Sequence[Any]
    write: Callable[[Any], str]
    heading: Callable[[], str]
    more: Callable[[int], str]
    counts: Callable[[Any], int] = lambda _: 1


class Fitted(NamedTuple):
    """What there was room for, how many entries that are, the room that is left, and the items that tell of them."""

    text: str
    shown: int
    room: int
    items: int


def size(text: str) -> int:
    """Characters as those who limit comments may count them: what is beyond the first plane counts twice."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def fit(parts: Iterable[Part], room: int) -> Fitted:
    """The first entry of as many lists as possible, then the second of each, and so on.

    So it is the longest list that is cut first and most. Nothing is written that is far beyond the room.
    """
    opened = []
    for part in parts:
        if room < LEAST:
            break
        started = _Open(part)
        if (cost := started.cost()) <= room:
            room -= cost
            opened.append(started)
            started.take()
    growing = [each for each in opened if each.left]
    while growing and room >= LEAST:
        going = []
        for each in growing:
            if (cost := each.cost()) <= room:
                room -= cost
                each.take()
                going.append(each)
        growing = [each for each in going if each.left]
    text = "".join(text for each in opened for text in each.lines())
    return Fitted(text, sum(each.shown for each in opened), room, sum(len(each.texts) for each in opened))


@dataclass(slots=True)
class _Open:
    """A list of which something is shown: until it is whole, the room for saying so is set aside."""

    part: Part
    texts: list[str] = field(default_factory=list)
    next: str = ""
    shown: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.total = sum(map(self.part.counts, self.part.items))

    @property
    def left(self) -> int:
        return len(self.part.items) - len(self.texts)

    def cost(self) -> int:
        """What the next entry takes."""
        self.next = self.part.write(self.part.items[len(self.texts)])
        if self.texts:
            return size(self.next) - (0 if self.left > 1 else self.note)
        self.next = self.part.heading() + self.next
        return size(self.next) + (self.note if self.left > 1 else 0)

    @property
    def note(self) -> int:
        return size(self.part.more(self.total))

    def take(self) -> None:
        self.shown += self.part.counts(self.part.items[len(self.texts)])
        self.texts.append(self.next)

    def lines(self) -> Iterable[str]:
        return [*self.texts, self.part.more(self.total - self.shown)] if self.left else self.texts
