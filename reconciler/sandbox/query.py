"""Filters, sorting and paging: what a request asks for, turned into SQL over documents.

Field names go into the SQL text (so that an index on the e-mail address can serve `contactEmail:(a,b)`);
they are therefore limited to the characters of qlang.FIELD, and values are always bound.
"""

import datetime
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.sandbox.errors import bad_request
from reconciler.sandbox.qlang import FIELD, Condition, malformed
from reconciler.sandbox.store import Store

DEFAULT_SIZE = 60
# Beyond any sandbox, and low enough that page times size fits SQLite's integers.
HUGE = 2**31 - 1
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The plus keeps SQLite from reading all documents in this order instead of finding a few by an index.
NATURAL = "+seq"
COLUMNS = {"id": "id", "contactEmail": "email"}


@dataclass(frozen=True, slots=True)
class Page:
    """Which slice of a listing is wanted; `size` is already capped."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a WHERE clause with the values to bind."""

    sql: str
    values: tuple[str | float, ...] = ()


def read_page(query: Mapping[str, str], cap: int | None) -> Page:
    """Page of a request: from 1, 60 rows unless asked otherwise (spec: trait_paged_*)."""
    number = _positive("pageNumber", query.get("pageNumber", "1"))
    size = _positive("pageSize", query.get("pageSize", str(DEFAULT_SIZE)))
    return Page(number, size if cap is None else min(size, cap))


def _positive(name: str, text: str) -> int:
    if re.fullmatch(r"\+?[0-9]{1,400}", text) is None or int(text) < 1:
        raise bad_request("Query parameter validation failed", f"{name} must be a whole number from 1")
    return min(int(text), HUGE)


def order_by(sort: str | None) -> str:
    """ORDER BY terms for `field`, `field:asc` or `field:desc`, several separated by commas (spec: trait_sort)."""
    terms = [_term(part.strip()) for part in sort.split(",")] if sort else []
    return ", ".join([*terms, NATURAL])


def _term(text: str) -> str:
    field, _, direction = text.partition(":")
    if FIELD.fullmatch(field) is None or direction.lower() not in ("", "asc", "desc"):
        raise bad_request("Query parameter validation failed", f"'{text}' is not a sort order")
    return f"{_column(field)} {'DESC' if direction.lower() == 'desc' else 'ASC'}"


def _column(field: str) -> str:
    return COLUMNS.get(field) or f"json_extract(body, '{_path(field)}')"


def _path(field: str) -> str:
    return "$" + "".join(f'."{part}"' for part in field.split("."))


def clause(condition: Condition) -> Clause:
    """SQL of one condition of the q language."""
    column = _column(condition.field)
    match condition.operator:
        case "in":
            return _any_of(condition, column)
        case "regex":
            return Clause(f"{column} REGEXP ?", condition.values)
        case "null":
            # "non existing or empty" (spec: trait_q_query_param)
            return Clause(f"({column} IS NULL OR {column} IN ('', '[]', '{{}}'))")
        case "exists":
            return Clause(f"{column} IS NOT NULL")
        case "missing":
            return Clause(f"{column} IS NULL")
        case _:
            return Clause(f"{column} {condition.operator} ?", (_comparable(condition.values[0]),))


def _any_of(condition: Condition, column: str) -> Clause:
    values = [value for text in condition.values for value in _readings(text)]
    marks = ",".join("?" * len(values))
    if condition.field in COLUMNS:
        return Clause(f"{column} IN ({','.join('?' * len(condition.values))})", condition.values)
    path = _path(condition.field)
    inside = f"EXISTS (SELECT 1 FROM json_each(body, '{path}') WHERE json_each.value IN ({marks}))"  # noqa: S608
    array = f"(json_type(body, '{path}') = 'array' AND {inside})"
    return Clause(f"({column} IN ({marks}) OR {array})", (*values, *values))


def _readings(text: str) -> list[str | float]:
    """A word may stand for a string, a number or a boolean: the query does not say which."""
    if text in ("true", "false"):
        return [text, int(text == "true")]
    number = _number(text)
    return [text] if number is None else [text, number]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d{1,15}(\.\d+)?", text) else None


def _comparable(text: str) -> str | float:
    number = _number(text)
    if number is not None:
        return number
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise malformed(f"'{text}' is neither a number nor a date") from None
    return timestamp(moment)


def timestamp(moment: datetime.datetime) -> str:
    """A moment in the one form that documents carry, so that comparing texts compares moments."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    try:
        return aware.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        raise malformed("The date is out of range") from None


def modified_after(text: str) -> Clause:
    """The `metadataModifiedAt` filter: later than a day written yyyy-MM-dd (spec: trait_metadataModifiedAt)."""
    try:
        # fromisoformat alone would also take 20240131 and a time of day.
        day = datetime.datetime.fromisoformat(text if DAY.fullmatch(text) else "")
    except ValueError:
        detail = f"metadataModifiedAt must be yyyy-MM-dd, not '{text}'"
        raise bad_request("Query parameter validation failed", detail) from None
    return Clause("json_extract(body, '$.metadata.modifiedAt') > ?", (timestamp(day),))


def contains(field: str, text: str, languages: Sequence[str] | None) -> Clause:
    """The `name` and `description` filters: in any of the accepted languages, ignoring case.

    The spec only says "conformed against" them; the widest reading makes a client check what it gets.
    """
    keys = "" if languages is None else f" AND key IN ({','.join('?' * len(languages))})"
    sql = (
        f"EXISTS (SELECT 1 FROM json_each(body, '$.{field}')"  # noqa: S608
        f" WHERE instr(lower(value), lower(?)) > 0{keys})"
    )
    return Clause(sql, (text, *(languages or ())))


class Listing:
    """The documents of a tenant and kind that satisfy all clauses, in order; natural order without any.

    `column` is the SQL that makes a document's JSON, for answers that are more than what is stored.
    """

    def __init__(
        self,
        store: Store,
        tenant: str,
        kind: str,
        clauses: Sequence[Clause] = (),
        order: str = NATURAL,
        column: str = "body",
    ) -> None:
        self.store, self.tenant, self.kind = store, tenant, kind
        self.plain = not clauses and order == NATURAL
        self.order, self.column = order, column
        self.where = " AND ".join(["tenant = ? AND kind = ?", *(clause.sql for clause in clauses)])
        self.values = (tenant, kind, *(value for clause in clauses for value in clause.values))

    def total(self) -> int:
        """How many documents there are on all pages."""
        if self.plain:
            return len(self.store.roll("document", self.tenant, self.kind))
        total: int = self._run("count(*)", "").fetchone()[0]
        return total

    def page(self, page: Page) -> list[str]:
        """Documents of one page."""
        if self.plain:
            rows = self._from_roll(page)
        else:
            rest = f" ORDER BY {self.order} LIMIT ? OFFSET ?"
            rows = self._run(self.column, rest, page.size, page.offset)
        return [document for (document,) in rows]

    def _from_roll(self, page: Page) -> Iterable[tuple[str]]:
        seqs = self.store.roll("document", self.tenant, self.kind)[page.offset : page.offset + page.size]
        if not seqs:
            return ()
        return self._run(self.column, " AND seq BETWEEN ? AND ? ORDER BY seq", seqs[0], seqs[-1])

    def _run(self, column: str, rest: str, *values: int) -> sqlite3.Cursor:
        query = f"SELECT {column} FROM document WHERE {self.where}{rest}"  # noqa: S608
        return self.store.db.execute(query, (*self.values, *values))
