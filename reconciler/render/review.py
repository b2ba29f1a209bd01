"""An access review as a table, as markdown and as JSON: every membership, what it grants, why and until when."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.core.access import Listing
from reconciler.core.past import Past, Trail, Turn
from reconciler.core.review import Held, Review, Standing
from reconciler.render.access import group_called, membership, origin, person, teams, through, title, utc
from reconciler.render.dates import stamp
from reconciler.render.markup import cell, code, prose
from reconciler.render.naming import called
from reconciler.render.past import difference, earlier, record, silence, since
from reconciler.render.text import columns, place, plural, safe

FORMAT: Final = 1
HEADINGS: Final = ("User", "Group", "Scope", "Through", "Since", "Until", "Why", "Line")
NO_SCOPE: Final = "no scope"
MEANINGS: Final = {
    Standing.REMOVED: "ours at that time, and no membership any more; the scopes are those that the group grants now",
    Standing.OFFBOARDED: "to be in no group at all, and still in one",
    Standing.DORMANT: "accounts that are locked, inactive or gone, and entries whose time is over",
    Standing.UNMANAGED: "groups outside the configuration, and members that it does not list, or not yet",
    Standing.LISTED: "asked for by a line of the configuration",
}
"""What a reader has to know of each part of a review."""


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
        changed = difference(self.past, self.held) if self.past else ()
        return (*changed, *silence(self.trail, (held for held in self.held if held.turn is not Turn.REMOVED)))

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
        if not total:
            return f"{missing}Nobody is in any group"
        if not odd:
            return f"{missing}{plural(total, 'membership')}, all listed in the configuration and in use"
        return f"{missing}{odd:,} of {plural(total, 'membership')} {'needs' if odd == 1 else 'need'} a look"


def tally(review: Review) -> str:
    """How much there is in a tenant."""
    scopes = {scope for held in review.live for scope in held.scopes}
    counts = ((review.users, "user"), (len(review.live), "membership"), (len(scopes), "scope"))
    return ", ".join(plural(count, word) for count, word in counts)


def parts(review: Review) -> Iterator[tuple[Standing, Sequence[Held]]]:
    """The parts of a review that have anything in them, the pressing ones first."""
    for standing in Standing:
        if held := review.of(standing):
            yield standing, held


def scopes(held: Held) -> list[tuple[str, str]]:
    """Each scope of a membership and through what it is granted, as readers see it."""
    return [(safe(scope), ", ".join(map(through, origins))) for scope, origins in held.scopes.items()]


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
        return STILL.get(listing, listing.value)
    return "" if listing is Listing.LISTED else listing.value


def table(report: Report) -> Iterator[str]:
    """A line for each scope of each membership; what is the same as in the line above is not said again."""
    yield f"{report.verdict}."
    yield from report.notes
    for tenant, reason in sorted(report.failures.items()):
        yield f"{safe(tenant)}: could not be read: {safe(reason)}"
    for tenant, review in report.tenants.items():
        yield f"{safe(tenant)}: {tally(review)}"
        for standing, held in parts(review):
            yield ""
            yield f"{standing.capitalize()} ({len(held):,}): {MEANINGS[standing]}"
            yield from _aligned([HEADINGS, *(line for each in held for line in _lines(each))])
        yield ""


def _lines(held: Held) -> Iterator[tuple[str, ...]]:
    granted = scopes(held) or [(NO_SCOPE, "")]
    seat = held.seat
    who, rest = (
        (called(held.person), group_called(seat.group)),
        (since(held), until(held), why(held), place(seat.source)),
    )
    for scope, origins in granted:
        yield (*who, scope, origins, *rest)
        who, rest = ("", ""), ("", "", "", "")


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(columns, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (text + " " * (width - columns(text)) for text, width in zip(line, widths, strict=True))
        yield f"  {'  '.join(padded)}".rstrip()


def markdown(report: Report) -> Iterator[str]:
    """The same for a wiki or an issue: a row for each membership."""
    yield "## Access review"
    yield ""
    yield f"**{report.verdict}.** As of {stamp(report.at)}, {code(report.service)}."
    for note in report.notes:
        yield ""
        yield prose(note)
    for tenant, reason in sorted(report.failures.items()):
        yield ""
        yield f"Tenant {code(tenant)} could not be read: {prose(reason)}"
    for tenant, review in report.tenants.items():
        yield ""
        yield f"### {code(tenant)}: {tally(review)}"
        for standing, held in parts(review):
            yield ""
            yield f"#### {standing.capitalize()} ({len(held):,}): {MEANINGS[standing]}"
            yield ""
            yield f"| {' | '.join(HEADINGS)} |"
            yield f"|{'---|' * len(HEADINGS)}"
            yield from map(_row, held)


def _row(held: Held) -> str:
    granted = scopes(held)
    seat = held.seat
    cells = (
        _cells([called(held.person)]), _cells([group_called(seat.group)]),
        _cells([scope for scope, _ in granted]) or NO_SCOPE, _cells([origins for _, origins in granted]),
        since(held), until(held), _cells([why(held)]), _cells([place(seat.source)]),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _cells(texts: Iterable[str]) -> str:
    return "<br>".join(cell(text, len(text) * 4) for text in texts if text)


def document(report: Report) -> str:
    """The same for machines; times are RFC 3339 in UTC."""
    found = {
        "format": FORMAT,
        "kind": "access",
        "at": utc(report.at),
        "service": report.service,
        "tenants": [_tenant(*each) for each in report.tenants.items()],
        "failures": dict(report.failures),
        "notes": list(report.notes),
        **({"since": earlier(report.past, report.held)} if report.past else {}),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _tenant(name: str, review: Review) -> dict[str, Any]:
    warnings = [warning.message for warning in review.warnings]
    removed = [_membership(held) for held in review.of(Standing.REMOVED)]
    return {
        "tenant": name,
        "memberships": list(map(_membership, review.live)),
        **({"removed": removed} if removed else {}),
        "warnings": warnings,
    }


def _membership(held: Held) -> dict[str, Any]:
    name = title(held.seat.group)
    return {
        "standing": held.standing.value,
        "user": person(held.person),
        "userType": held.user_type.value,
        **({"problem": held.problem} if held.problem else {}),
        **({"groupName": name} if name else {}),
        "scopes": [{"scope": scope, "through": list(map(origin, found))} for scope, found in held.scopes.items()],
        **membership(held.seat),
        **({"why": why_not} if (why_not := said(held)) else {}),
        **({"change": held.turn.value} if held.turn else {}),
        **({"since": record(held.event)} if held.event else {}),
    }
