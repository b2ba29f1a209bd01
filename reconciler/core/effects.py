"""What a plan changes in what people may do: the scopes that users gain and lose, and those that stay while ways to
them come or go.

Users with the same difference share one effect, so that a right taken from a group of thousands is told once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.core.model import Person


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A scope, within a ``company`` where a company's group grants it: at another company it is another right."""

    scope: str
    company: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A right, and the ids of the groups through which it comes, or came."""

    right: Right
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What the plan changes for these users, the same for each of them.

    ``gained`` is what they have only afterwards and through what, ``lost`` what they had only before and through what.
    ``kept`` is what a group does not give them any more while others still do, with these others. ``had`` is what a
    group gives them from now on while others gave it already, with these others. All are sorted; those in ``users``
    have an id.
    """

    users: tuple[Person, ...]
    gained: tuple[Grant, ...] = ()
    lost: tuple[Grant, ...] = ()
    kept: tuple[Grant, ...] = ()
    had: tuple[Grant, ...] = ()


@dataclass(frozen=True)
class Effects:
    """All that a plan changes for the users of one tenant.

    ``effects`` are in the order to be read: who gains something sensitive, who loses something, who gains, and those
    for whom all stays. ``sensitive`` are the rights gained anywhere that the configuration calls so. ``uncounted`` are
    users of whom it is not known, because there were more than were to be asked about. ``names`` are the names of the
    groups that grants mention, by id, as far as they have some.
    """

    effects: tuple[Effect, ...] = ()
    sensitive: frozenset[Right] = frozenset()
    uncounted: int = 0
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def gained(self) -> Mapping[Right, int]:
        """How many users gain each right."""
        return _count((effect, effect.gained) for effect in self.effects)

    @cached_property
    def lost(self) -> Mapping[Right, int]:
        """How many users lose each right."""
        return _count((effect, effect.lost) for effect in self.effects)

    @property
    def rights(self) -> list[Right]:
        """All rights that somebody gains or loses: the sensitive ones that are gained, then all that are lost."""
        changed = {**self.gained, **self.lost}
        return sorted(changed, key=lambda right: (right not in self.sensitive, right not in self.lost, right))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is concerned, as far as it is known of all."""
        return not (self.effects or self.uncounted)


def _count(sides: Iterable[tuple[Effect, tuple[Grant, ...]]]) -> Counter[Right]:
    found: Counter[Right] = Counter()
    for effect, grants in sides:
        for grant in grants:
            found[grant.right] += len(effect.users)
    return found
