"""Scopes that nobody may have together: which rights of somebody are on both sides of a pair, at one place."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.access import company_of, fits, wider
from reconciler.core.effects import Right
from reconciler.core.limits import AccessGuards
from reconciler.core.model import LiveGroup

Ways = Mapping[Right, tuple[str, ...]]
"""The rights of somebody, each with the ids of the groups that grant it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """What one user has of both sides of a ``pair`` of patterns: every two rights that are to be kept apart.

    ``ways`` has each of these rights, with the groups that grant it.
    """

    pair: tuple[str, str]
    clashes: tuple[tuple[Right, Right], ...]
    ways: Ways

    @property
    def sides(self) -> tuple[list[Right], list[Right]]:
        """The rights of either side."""
        one, other = ({both[side] for both in self.clashes} for side in (0, 1))
        return sorted(one), sorted(other)

    def against(self, right: Right) -> set[Right]:
        """The rights that may not be had beside this one."""
        return {other for both in self.clashes if right in both for other in both if other != right}


def clashes(held: Collection[Right], pair: tuple[str, str]) -> Iterator[tuple[Right, Right]]:
    """Every two rights that a pair keeps apart."""
    one_side, other_side = (sorted(right for right in held if fits(pattern, right.scope)) for pattern in pair)
    yield from ((one, other) for one in one_side for other in other_side if _clash(one, other))


def _clash(one: Right, other: Right) -> bool:
    """Whether two rights are two, and count for the same place: what is granted at a company means nothing at another.

    The same scope under two restrictions is one scope.
    """
    same_place = one.company == other.company or not (one.company and other.company)
    bases = [{scope, *list(wider(scope))[-1:]} for scope in (one.scope, other.scope)]
    return same_place and bases[0].isdisjoint(bases[1])


def conflicts(held: Ways, guards: AccessGuards) -> Iterator[Conflict]:
    """All that somebody has together and should not."""
    for pair in guards.separation:
        if found := tuple(clashes(held, pair)):
            yield Conflict(pair, found, {right: held[right] for both in found for right in both})


def held_through(granted: Iterable[tuple[LiveGroup, Iterable[str]]]) -> Ways:
    """The rights that the scopes of these groups come to."""
    found: defaultdict[Right, list[str]] = defaultdict(list)
    for group, scopes in granted:
        for scope in scopes:
            found[Right(scope, company_of(group.fields))].append(group.id)
    return {right: tuple(dict.fromkeys(groups)) for right, groups in found.items()}
