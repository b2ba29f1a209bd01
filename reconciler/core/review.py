"""An access review: every membership that is there, what it grants, and which of them somebody has to look at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from reconciler.core.access import Granted, Listing, Origin, Seat, company_of
from reconciler.core.consequences import sensitive_among
from reconciler.core.effects import Right
from reconciler.core.limits import NO_ACCESS_GUARDS, AccessGuards
from reconciler.core.model import Account, Person, UserType
from reconciler.core.past import Event, History, Regrant, Turn
from reconciler.core.separation import Conflict, conflicts, held_through
from reconciler.diagnostics import Diagnostic

NO_ACCOUNT: Final = "does not exist"


class Standing(StrEnum):
    """What a reviewer has to make of a membership, the pressing ones first, after what is there no longer."""

    REMOVED = "removed"
    OFFBOARDED = "offboarded"
    DORMANT = "dormant"
    UNMANAGED = "unmanaged"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Held:
    """One membership of one person with all scopes that it grants, each with its origins.

    ``event`` tells since when it is there, None if nobody knows, and ``turn`` what became of it since an earlier time.
    ``was_ours``: whether it was ours then. ``conflicts`` is what the person has together in the tenant and should not.
    """

    person: Person
    account: Account | None
    seat: Seat
    scopes: Mapping[str, tuple[Origin, ...]]
    turn: Turn = Turn.SAME
    event: Event | None = None
    was_ours: bool = False
    conflicts: tuple[Conflict, ...] = ()

    @property
    def user_type(self) -> UserType:
        """Of the account, or of the assignment where there is no account."""
        group = self.seat.group
        return self.account.user_type if self.account else group.mistyped.get(self.seat.user, group.user_type)

    @property
    def problem(self) -> str:
        """Why nobody can use the account, such as ``is locked``; empty for one that can be used."""
        return self.account.problem if self.account else NO_ACCOUNT

    def against(self, scope: str) -> list[str]:
        """The scopes that the person has somewhere and should not have beside this one."""
        right = Right(scope, company_of(self.seat.group.fields))
        return sorted({other.scope for one in self.conflicts for other in one.against(right)})

    @property
    def standing(self) -> Standing:
        """Dormant counts before unmanaged: whoever can't use an access hardly needs it, whoever gave it.

        Who is offboarded comes first even with a locked account, because an account can be opened again.
        """
        if self.turn is Turn.REMOVED:
            return Standing.REMOVED
        if self.seat.listing is Listing.OFFBOARDED:
            return Standing.OFFBOARDED
        if self.problem or self.seat.listing is Listing.OVER:
            return Standing.DORMANT
        return Standing.LISTED if self.seat.listing is Listing.LISTED else Standing.UNMANAGED


@dataclass(frozen=True, slots=True)
class Review:
    """All memberships of one tenant, those of a standing and then of a person together, always in the same order.

    What was removed since an earlier time is among them. ``sensitive`` are the scopes that the configuration calls so.
    ``regranted`` are the groups that grant otherwise since then, by id.
    """

    held: tuple[Held, ...]
    warnings: tuple[Diagnostic, ...] = ()
    sensitive: frozenset[str] = frozenset()
    regranted: Mapping[str, Regrant] = field(default_factory=dict)

    def of(self, standing: Standing) -> tuple[Held, ...]:
        """The memberships of one standing."""
        return tuple(held for held in self.held if held.standing is standing)

    @property
    def live(self) -> tuple[Held, ...]:
        """The memberships that are there."""
        return tuple(held for held in self.held if held.turn is not Turn.REMOVED)

    @property
    def users(self) -> int:
        """How many users are in any group."""
        return len({held.seat.user for held in self.live})

    @property
    def granting_otherwise(self) -> int:
        """How many memberships are what they were, in groups that are not."""
        return sum(held.turn is Turn.SAME and held.seat.group.id in self.regranted for held in self.live)

    @property
    def trusted(self) -> int:
        """How many users have anything sensitive."""
        return len({held.seat.user for held in self.live if not self.sensitive.isdisjoint(held.scopes)})

    @property
    def conflicts(self) -> list[tuple[Person, Conflict]]:
        """Who has what together that guards keep apart, in the order of the memberships."""
        people = {held.seat.user: held for held in self.held if held.conflicts}
        return [(held.person, conflict) for held in people.values() for conflict in held.conflicts]


def review(
    people: Mapping[str, tuple[Person, Account | None]],
    seats: Iterable[Seat],
    granted: Granted,
    history: History,
    warnings: Iterable[Diagnostic] = (),
    guards: AccessGuards = NO_ACCESS_GUARDS,
) -> Review:
    """The review of a tenant; ``people`` has who is known of each user that sits somewhere."""
    found = [
        Held(
            *people[seat.user],
            seat,
            granted.get(seat.group.id, {}),
            *history.turn(seat.group, seat.user),
            history.was_ours(seat.group.id, seat.user),
        )
        for seat in seats
    ]
    held = _told_apart(found, guards) if guards.separation else found
    live = {each.seat.group.id: each.seat.group for each in found if each.turn is not Turn.REMOVED}
    regranted = history.regranted(live)
    return Review(tuple(sorted(held, key=_order)), tuple(warnings), sensitive_among(granted, guards), regranted)


def _told_apart(found: Sequence[Held], guards: AccessGuards) -> Iterator[Held]:
    """The same memberships with what their users have together; users of the same groups are looked at once."""
    live: defaultdict[str, dict[str, Held]] = defaultdict(dict)
    for held in sorted(found, key=lambda held: held.seat.group.id):
        if held.turn is not Turn.REMOVED:
            live[held.seat.user][held.seat.group.id] = held
    together: dict[tuple[str, ...], tuple[Conflict, ...]] = {(): ()}
    for held in found:
        theirs = {} if held.turn is Turn.REMOVED else live[held.seat.user]
        if (groups := tuple(theirs)) not in together:
            ways = held_through((each.seat.group, each.scopes) for each in theirs.values())
            together[groups] = tuple(conflicts(ways, guards))
        yield replace(held, conflicts=together[groups])


_RANK: Final = {standing: rank for rank, standing in enumerate(Standing)}
_NEWS: Final = {turn: rank for rank, turn in enumerate(Turn)}


def _order(held: Held) -> tuple[int, int, str, str, str]:
    person = held.person
    name = person.handle or person.email or person.name
    return _RANK[held.standing], _NEWS[held.turn], name.casefold(), held.seat.user, held.seat.group.id
