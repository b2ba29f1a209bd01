"""What a plan comes to for the users of a tenant: the scopes that each of them gains, loses, keeps and had already."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from reconciler.core.access import Granted, fits
from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.fields import title
from reconciler.core.holdings import Holdings
from reconciler.core.limits import AccessGuards
from reconciler.core.model import Person, Snapshot
from reconciler.core.separation import Ways
from reconciler.core.stakes import NO_GROUPS, NOTHING, Shift, Stakes

NOBODY: Final = Person()

Difference = tuple[tuple[Grant, ...], tuple[Grant, ...], tuple[Grant, ...], tuple[Grant, ...]]


@dataclass(frozen=True)
class Cohort:
    """Users who are in the same groups, as far as these grant anything, before and after; with what they may do."""

    users: tuple[str, ...]
    before: Ways
    after: Ways

    @cached_property
    def gained(self) -> tuple[Grant, ...]:
        """What there is only afterwards."""
        return tuple(Grant(right, self.after[right]) for right in sorted(self.after.keys() - self.before.keys()))

    @cached_property
    def lost(self) -> tuple[Grant, ...]:
        """What there was only before."""
        return tuple(Grant(right, self.before[right]) for right in sorted(self.before.keys() - self.after.keys()))

    @cached_property
    def kept(self) -> tuple[Grant, ...]:
        """What a group does not give any more while another still does."""
        return tuple(Grant(right, self.after[right]) for right in self._both if self._goes(right))

    @cached_property
    def had(self) -> tuple[Grant, ...]:
        """What a group gives from now on while others gave it already, and go on to."""
        comes = (right for right in self._both if len(self.after[right]) > len(self.before[right]))
        return tuple(Grant(right, self.before[right]) for right in comes if not self._goes(right))

    @cached_property
    def _both(self) -> list[Right]:
        return sorted(self.before.keys() & self.after.keys())

    def _goes(self, right: Right) -> bool:
        """Whether a way to it goes."""
        return not {*self.before[right]} <= {*self.after[right]}


def cohorts(at_stake: Stakes, live: Snapshot, counted: Iterable[str]) -> list[Cohort]:
    """All who are concerned, found in one pass over the groups however many users there are."""
    users = sorted(counted)
    holdings, moves = Holdings(users, live), at_stake.shift
    granting = frozenset(
        group for side in (at_stake.before, at_stake.after) for group, granted in side.items() if granted
    )
    together: defaultdict[tuple[frozenset[str], frozenset[str]], list[str]] = defaultdict(list)
    for user in users:
        before = holdings.known_of(user) | holdings.seen_of(user)
        after = (before - moves.leaves.get(user, NO_GROUPS)) | moves.joins.get(user, NO_GROUPS)
        together[before & granting, after & granting].append(user)
    return [
        Cohort(tuple(users), _ways(before, at_stake.before), _ways(after, at_stake.after))
        for (before, after), users in together.items()
    ]


def _ways(groups: Iterable[str], granted: Mapping[str, frozenset[Right]]) -> Ways:
    found: defaultdict[Right, list[str]] = defaultdict(list)
    for group in sorted(groups):
        for right in granted.get(group, NOTHING):
            found[right].append(group)
    return {right: tuple(through) for right, through in found.items()}


def effects(at_stake: Stakes, found: Iterable[Cohort], people: Mapping[str, Person], uncounted: int = 0) -> Effects:
    """What the changes come to, users with the same difference together; ``people`` are known besides by user id."""
    together: defaultdict[Difference, list[str]] = defaultdict(list)
    for cohort in found:
        together[cohort.gained, cohort.lost, cohort.kept, cohort.had] += cohort.users
    known = {**people, **at_stake.shift.people}
    told = [
        Effect(tuple(replace(known.get(user, NOBODY), id=user) for user in sorted(users)), *difference)
        for difference, users in together.items()
        if any(difference)
    ]
    gained = {grant.right for effect in told for grant in effect.gained}
    sensitive = frozenset(right for right in gained if is_sensitive(right, at_stake.guards))
    told.sort(key=lambda effect: (sensitive.isdisjoint(grant.right for grant in effect.gained), *_weight(effect)))
    return Effects(tuple(told), sensitive, uncounted, dict(_names(told, at_stake.shift)))


def is_sensitive(right: Right, guards: AccessGuards) -> bool:
    """Whether the configuration calls the scope sensitive."""
    return any(fits(pattern, right.scope) for pattern in guards.sensitive)


def sensitive_among(granted: Granted, guards: AccessGuards) -> frozenset[str]:
    """The scopes that groups grant and the configuration calls sensitive; what has no name is none."""
    scopes = {scope for found in granted.values() for scope in found if scope}
    return frozenset(scope for scope in scopes if is_sensitive(Right(scope), guards))


def _weight(effect: Effect) -> tuple[bool, bool, bool, str]:
    return not effect.lost, not effect.gained, not effect.kept, effect.users[0].id or ""


def _names(found: Iterable[Effect], shift: Shift) -> Iterator[tuple[str, str]]:
    mentioned = {
        group
        for effect in found
        for grants in (effect.gained, effect.lost, effect.kept, effect.had)
        for grant in grants
        for group in grant.groups
    }
    for group in sorted(mentioned):
        if name := title(shift.after.get(group) or shift.before.get(group) or {}):
            yield group, name
