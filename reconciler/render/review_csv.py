"""An access review for spreadsheets: a row for each user, group and scope, and no cell that could be a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from reconciler.core.access import Origin
from reconciler.core.past import Turn
from reconciler.core.review import Held, Review
from reconciler.render.access import teams, through, title, utc
from reconciler.render.past import attached
from reconciler.render.review import Report, said
from reconciler.render.text import place, safe

COLUMNS: Final = (
    "tenant", "standing", "change", "user", "handle", "name", "email", "userType", "account", "group", "groupName",
    "scope", "sensitive", "conflict", "through", "memberSince", "removedAt", "bound", "until", "reason", "team",
    "configuration", "line", "by", "actor", "commit", "job", "record", "attachedSince", "detachedSince", "asOf",
    "service", "comparedWith",
)  # fmt: skip
UNREAD: Final = "unread"
"""The standing in the one row of a tenant that could not be read: a file that lacks it must not look complete."""

Row = Mapping[str, str]
"""Cells by their columns; what is not there is empty."""

_FORMULA: Final = re.compile('(^|[,;|\t])([\\s"]*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """The text as one that a spreadsheet shows and does not compute (OWASP, "CSV Injection").

    What begins a formula gets an apostrophe before it, wide forms included, and also behind what another locale takes
    for the end of a cell: where decimals have commas, a semicolon in the middle of ours begins another. Tabs, line ends
    and the like are written out, so that none of them can begin anything. Remembered, since most cells say what others
    say.
    """
    return _FORMULA.sub(r"\1'\2", safe(text))


def rows(report: Report) -> Iterator[str]:
    """The file line by line, the header first; each row says of what it is true, wherever it is copied to."""
    yield _line({column: column for column in COLUMNS})
    when = {"asOf": utc(report.at), "service": report.service, "comparedWith": report.past.name if report.past else ""}
    for tenant, reason in sorted(report.failures.items()):
        yield _line({"tenant": tenant, "standing": UNREAD, "configuration": reason, **when})
    for tenant, review in report.tenants.items():
        for held in review.held:
            told = {"tenant": tenant, **_membership(held), **_past(held, review), **when}
            for scope, origins in held.scopes.items() or [("", ())]:
                yield _line({**told, **_scope(scope, origins, held, review)})


def _membership(held: Held) -> Row:
    who, seat = held.person, held.seat
    return {
        "standing": held.standing.value, "user": seat.user, "handle": who.handle, "name": who.name,
        "email": who.email or "", "userType": held.user_type.value,
        "account": f"the account {held.problem}" if held.problem else "", "group": seat.group.id,
        "groupName": title(seat.group), "until": utc(seat.until) if seat.until else "", "reason": seat.reason,
        "team": teams(seat), "configuration": said(held) or "listed", "line": place(seat.source),
    }  # fmt: skip


def _past(held: Held, review: Review) -> Row:
    """Since when, of the membership and never of one scope; that is why what its group grants since stands apart."""
    is_gone, event = held.turn is Turn.REMOVED, held.event
    told = {"change": held.turn.value}
    if event:
        told |= {"removedAt" if is_gone else "memberSince": utc(event.at), "bound": "before" if event.is_bound else ""}
        told |= {
            "by": event.who,
            "actor": event.actor,
            "commit": event.commit,
            "job": event.job,
            "record": str(event.record),
        }
    if not is_gone and (found := review.regranted.get(held.seat.group.id)):
        told |= {"attachedSince": ", ".join(attached(found.added)), "detachedSince": ", ".join(attached(found.taken))}
    return told


def _scope(scope: str, origins: Iterable[Origin], held: Held, review: Review) -> Row:
    return {
        "scope": scope, "sensitive": "yes" if scope in review.sensitive else "",
        "conflict": ", ".join(held.against(scope)), "through": ", ".join(map(through, origins)),
    }  # fmt: skip


def _line(row: Row) -> str:
    line = io.StringIO()
    cells = (plain(row.get(column, "")) for column in COLUMNS)
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return line.getvalue()
