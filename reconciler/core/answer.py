"""What somebody asked of access is told: one user's scopes with all ways to them, and what guards say of these."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.core.access import Granted, Seat, Way, fits, ways
from reconciler.core.limits import AccessGuards
from reconciler.core.model import Account, Person
from reconciler.core.separation import Conflict, conflicts, held_through
from reconciler.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Access:
    """One user's access in one tenant.

    ``ways`` are all ways to the scopes asked for, ``idle`` the memberships that bring none of them. ``account`` is None
    where nobody knows the user but by groups. ``said`` are the scopes that the service names, None if it was not asked.
    ``resolved``: whether it is known what is attached to the groups and what that grants. ``conflicts`` is what the
    user has together and ``guards.separation`` keeps apart, as far as all that the user has was looked at.
    """

    person: Person
    account: Account | None
    ways: tuple[Way, ...]
    idle: tuple[Seat, ...] = ()
    said: frozenset[str] | None = None
    resolved: bool = True
    conflicts: tuple[Conflict, ...] = ()

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that the user has by our computation."""
        return frozenset(way.scope for way in self.ways if way.scope)

    @property
    def ours_only(self) -> list[str]:
        """Scopes that we find and the service does not."""
        return [] if self.said is None else sorted(self.scopes - self.said)

    @property
    def theirs_only(self) -> list[str]:
        """Scopes that the service finds and we do not."""
        return [] if self.said is None else sorted(self.said - self.scopes)

    def judged(self, guards: AccessGuards) -> "Access":
        """The same with what the user has together and should not, which only all that the user has can tell."""
        held = held_through((way.seat.group, (way.scope,)) for way in self.ways)
        return replace(self, conflicts=tuple(conflicts(held, guards)))

    def narrowed(self, pattern: str) -> "Access":
        """The same, of the scopes that a pattern means only."""
        said = None if self.said is None else frozenset(scope for scope in self.said if fits(pattern, scope))
        narrow = tuple(way for way in self.ways if fits(pattern, way.scope))
        meant = tuple(one for one in self.conflicts if any(fits(pattern, right.scope) for right in one.ways))
        return replace(self, ways=narrow, idle=(), said=said, conflicts=meant)


def access(person: Person, account: Account | None, seats: Iterable[Seat], found: Granted, *, resolved: bool) -> Access:
    """What all memberships of a user amount to."""
    sitting = list(seats)
    through = tuple(ways(sitting, found))
    busy = {way.seat.group.id for way in through}
    idle = tuple(seat for seat in sitting if seat.group.id not in busy)
    return Access(person, account, through, idle, resolved=resolved)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in one tenant, and what the reader has to know besides.

    ``group`` is the group that was asked for, if it was one. ``choices`` are the groups and scopes that there are where
    the one asked for was not; None where it was. ``sensitive`` are the scopes that the configuration calls so.
    """

    users: tuple[Access, ...]
    warnings: tuple[Diagnostic, ...] = ()
    group: str = ""
    choices: tuple[str, ...] | None = None
    sensitive: frozenset[str] = frozenset()
