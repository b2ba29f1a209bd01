"""An access review as a table, and in words that all its forms share: what each membership grants, why, until when."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from reconciler.core.access import Listing
from reconciler.core.past import Past, Trail, Turn
from reconciler.core.review import Held, Review, Standing
from reconciler.render.access import group_called, teams, through
from reconciler.render.conflicts import MARK, holds_both
from reconciler.render.dates import stamp
from reconciler.render.naming import called
from reconciler.render.past import difference, grants_otherwise, silence, since
from reconciler.render.text import columns, place, plural, safe

HEADINGS: Final = ("User", "Group", "Scope", "Through", "Since", "Until", "Why", "Line")
NO_SCOPE: Final = "no scope"
SOUND: Final = "all listed in the configuration and in use"
MEANINGS: Final = {
    Standing.REMOVED: "no memberships any more, with the scopes that their groups grant now",
    Standing.OFFBOARDED: "to be in no group at all, and still in one",
    Standing.DORMANT: "accounts that are locked, inactive or gone, and entries whose time is over",
    Standing.UNMANAGED: "groups outside the configuration, and members that it does not list, or not yet",
    Standing.LISTED: "asked for by a line of the configuration",
}
"""What a reader has to know of each part of a review."""
REGRANTED: Final = "groups that have something else attached than then"
CONFLICTS: Final = "scopes of a pair that guards.separation keeps apart, in one hand"
"""The same of what stands before all of them."""


@dataclass(frozen=True, slots=True)
class Report:
    """The reviews of all tenants, why some are missing (``failures``), and as of when and of which service it is.

    ``trail`` is what told since when memberships are there, ``past`` what they were compared with, if anything.
    """

    tenants: Mapping[str, Review]
    failures: Mapping[str, str]
    at: datetime
    service: str
    trail: Trail
    past: Past | None = None

    def count(self, *standings: Standing) -> int:
        """How many memberships have one of the standings; all that are there if none is named."""
        if not standings:
            return sum(len(review.live) for review in self.tenants.values())
        return sum(len(review.of(standing)) for review in self.tenants.values() for standing in standings)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of all of it, once."""
        changed = difference(self.past, self.trail, self.held, self.granting_otherwise) if self.past else ()
        return (*changed, *silence(self.trail, (held for held in self.held if held.turn is not Turn.REMOVED)))

    @property
    def granting_otherwise(self) -> int:
        """How many memberships are unchanged in groups that are not."""
        return sum(review.granting_otherwise for review in self.tenants.values())

    @property
    def held(self) -> list[Held]:
        """All memberships of all tenants, those that are gone included."""
        return [held for review in self.tenants.values() for held in review.held]

    @property
    def odd(self) -> int:
        """How many memberships somebody has to look at."""
        return self.count() - self.count(Standing.LISTED)

    @property
    def verdict(self) -> str:
        """The one sentence to take along."""
        total, odd = self.count(), self.odd
        missing = f"Incomplete: {plural(len(self.failures), 'tenant')} could not be read. " if self.failures else ""
        if self.failures and not self.tenants:
            return "No tenant could be read"
        if not total:
            return f"{missing}Nobody is in any group{' of the others' if self.failures else ''}"
        told = plural(total, "membership")
        told = f"{odd:,} of {told} {'needs' if odd == 1 else 'need'} a look" if odd else f"{told}, {SOUND}"
        apart = plural(self.conflicts, "conflict")
        return f"{missing}{told}{f'; {apart} with guards.separation' if self.conflicts else ''}"

    @property
    def conflicts(self) -> int:
        """How often somebody has together what guards keep apart."""
        return sum(len(review.conflicts) for review in self.tenants.values())


def tally(review: Review) -> str:
    """How much there is in a tenant."""
    scopes = {scope for held in review.live for scope in held.scopes}
    counts = ((review.users, "user"), (len(review.live), "membership"), (len(scopes), "scope"))
    trusted = [f"{plural(review.trusted, 'user')} with sensitive scopes"] if review.sensitive else []
    return ", ".join([*(plural(count, word) for count, word in counts), *trusted])


class Findings(NamedTuple):
    """A list that stands before the memberships: what each line is about, and what is said of it.

    ``look`` is how grave a page shows it.
    """

    title: str
    look: str
    meaning: str
    lines: Sequence[tuple[str, str]]


def findings(review: Review) -> Iterator[Findings]:
    """Who has together what guards keep apart, and which groups grant otherwise since."""
    if found := [(called(who), holds_both(conflict)) for who, conflict in review.conflicts]:
        yield Findings("Conflicts", "refusals", CONFLICTS, found)
    if others := [(group_called(each.group), grants_otherwise(each)) for each in review.regranted.values()]:
        yield Findings("Granting otherwise", "warnings", REGRANTED, others)


def parts(review: Review) -> Iterator[tuple[Standing, Sequence[Held]]]:
    """The parts of a review that have anything in them, the pressing ones first."""
    for standing in Standing:
        if held := review.of(standing):
            yield standing, held


class Scope(NamedTuple):
    """A scope of a membership as readers see it, and through what it is granted."""

    name: str
    through: str
    is_sensitive: bool


def scopes(held: Held, sensitive: Collection[str]) -> list[Scope]:
    """Each scope of a membership."""
    return [
        Scope(safe(scope), ", ".join(map(through, origins)), scope in sensitive)
        for scope, origins in held.scopes.items()
    ]


def until(held: Held) -> str:
    """When the membership ends; empty if nobody says."""
    return stamp(held.seat.until) if held.seat.until else ""


def why(held: Held) -> str:
    """What is wrong with the account or the entry, through which teams somebody came, and the file's own reason."""
    seat = held.seat
    told = (
        f"the account {safe(held.problem)}" if held.problem else "",
        said(held),
        f"team {teams(seat)}" if seat.teams else "",
        safe(seat.reason),
    )
    return "; ".join(filter(None, told))


STILL: Final = {Listing.LISTED: "still listed", Listing.OFFBOARDED: "offboarded"}
"""What the configuration says of who is no member any more, where other words would be wrong."""


def said(held: Held) -> str:
    """What the configuration says of a membership; empty for one that it asks for."""
    listing = held.seat.listing
    if held.turn is Turn.REMOVED:
        told = STILL.get(listing, listing.value)
        return told if held.was_ours else f"{told}; not ours then"
    return "" if listing is Listing.LISTED else listing.value


def text(report: Report) -> Iterator[str]:
    """A line for each scope of each membership; what is the same as in the line above is not said again."""
    yield f"{report.verdict}."
    yield from report.notes
    for tenant, reason in sorted(report.failures.items()):
        yield f"{safe(tenant)}: could not be read: {safe(reason)}"
    for tenant, review in report.tenants.items():
        yield f"{safe(tenant)}: {tally(review)}"
        for found in findings(review):
            yield ""
            yield f"{found.title} ({len(found.lines):,}): {found.meaning}"
            yield from (f"  {subject} {finding}" for subject, finding in found.lines)
        for standing, held in parts(review):
            yield ""
            yield f"{standing.capitalize()} ({len(held):,}): {MEANINGS[standing]}"
            yield from _aligned([HEADINGS, *(line for each in held for line in _lines(each, review.sensitive))])
        yield ""


def _lines(held: Held, sensitive: Collection[str]) -> Iterator[tuple[str, ...]]:
    granted = scopes(held, sensitive) or [Scope(NO_SCOPE, "", is_sensitive=False)]
    seat = held.seat
    who, rest = (
        (called(held.person), group_called(seat.group)),
        (since(held), until(held), why(held), place(seat.source)),
    )
    for scope in granted:
        yield (*who, f"{scope.name} ({MARK})" if scope.is_sensitive else scope.name, scope.through, *rest)
        who, rest = ("", ""), ("", "", "", "")


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(columns, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (text + " " * (width - columns(text)) for text, width in zip(line, widths, strict=True))
        yield f"  {'  '.join(padded)}".rstrip()
