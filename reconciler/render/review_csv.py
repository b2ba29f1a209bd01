"""An access review for spreadsheets: a row for each user, group and scope, and no cell that could be a formula."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final

from reconciler.core.review import Held
from reconciler.render.access import teams, through, title, utc
from reconciler.render.past import exactly
from reconciler.render.review import Report, said
from reconciler.render.text import place, safe

COLUMNS: Final = (
    "tenant", "standing", "change", "user", "handle", "name", "email", "userType", "account", "group", "groupName",
    "scope", "sensitive", "conflict", "through", "since", "until", "reason", "team", "configuration", "line", "by",
    "commit", "job",
)  # fmt: skip
UNREAD: Final = "unread"
"""The standing in the one row of a tenant that could not be read: a file that lacks it must not look complete."""

_FORMULA: Final = re.compile('(^|[,;|\t"])(\\s*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])')


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """The text as one that a spreadsheet shows and does not compute (OWASP, "CSV Injection").

    What begins a formula gets an apostrophe before it, wide forms included, and also behind what another locale takes
    for the end of a cell. Tabs, line ends and the like are written out, so that none of them can begin anything.
    Remembered, since most cells say what others say.
    """
    return _FORMULA.sub(r"\1'\2", safe(text))


def rows(report: Report) -> Iterator[str]:
    """The file line by line, the header first."""
    yield _line(COLUMNS)
    for tenant, reason in sorted(report.failures.items()):
        told = {"tenant": tenant, "standing": UNREAD, "configuration": reason}
        yield _line(told.get(column, "") for column in COLUMNS)
    for tenant, review in report.tenants.items():
        for held in review.held:
            yield from (_line((tenant, *cells)) for cells in _rows(held, review.sensitive))


def _rows(held: Held, sensitive: Collection[str]) -> Iterator[tuple[str, ...]]:
    who, seat = held.person, held.seat
    account = f"the account {held.problem}" if held.problem else ""
    before = (
        held.standing.value, held.turn.value, seat.user, who.handle, who.name, who.email or "", held.user_type.value,
        account, seat.group.id, title(seat.group),
    )  # fmt: skip
    until = utc(seat.until) if seat.until else ""
    event = held.event
    cause = (event.who, event.commit, event.job) if event else ("", "", "")
    after = (exactly(event), until, seat.reason, teams(seat), said(held) or "listed", place(seat.source), *cause)
    for scope, origins in held.scopes.items() or [("", ())]:
        marks = ("yes" if scope in sensitive else "", ", ".join(held.against(scope)))
        yield (*before, scope, *marks, ", ".join(map(through, origins)), *after)


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(map(plain, cells))
    return line.getvalue()
