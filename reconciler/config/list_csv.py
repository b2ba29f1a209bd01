"""Rows of CSV as RFC 4180 has them, with the place of every cell: lists of members come out of spreadsheets.

The standard library's reader knows no columns, and takes whatever stands around quotes for text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from reconciler.config.events import Unreadable
from reconciler.config.listed import COLUMNS, Collector
from reconciler.config.wording import nearest, suggestion
from reconciler.diagnostics import Diagnostic, Source

_SEPARATORS: Final = ",;\t"
_QUOTED: Final = re.compile(r'"((?:[^"]++|"")*+)"')
_BARE: Final = {separator: re.compile(rf'[^"{separator}]*+') for separator in _SEPARATORS}

_WHO: Final = frozenset({"id", "email"})
_EXAMPLE: Final = "the first line names the columns, such as `id` or `email,until,reason`"
_DOUBLE: Final = "put the whole cell in quotes, and double the quotes within it"
_EXTRA: Final = "put a cell in quotes if it has the separator in it"


class _Row(NamedTuple):
    """The line that a row starts in, its cells, its text, and where in that they start: only if it has quotes."""

    line: int
    cells: list[str]
    text: str
    starts: list[int] | None

    def place(self, path: str, index: int) -> Source:
        """Where a cell stands."""
        if self.starts is None:
            return tuple.__new__(Source, (path, self.line, 1 + index + len("".join(self.cells[:index]))))
        before = self.text[: self.starts[index]]
        return Source(path, self.line + before.count("\n"), len(before) - before.rfind("\n"))


def read_csv(text: str, collector: Collector) -> None:
    """Take the members of a CSV file, whose first line says what its columns are."""
    separator = next((each for each in _SEPARATORS if each in text.partition("\n")[0]), _SEPARATORS[0])
    rows = _rows(text, separator, collector.path)
    header = next(rows, None)
    if header is None:
        raise Unreadable(Diagnostic("this list is empty", Source(collector.path, 1, 1), _EXAMPLE))
    columns = _columns(header, collector)
    if columns.keys() - {"name"} == {"id"}:
        _take_ids(_full(rows, header, collector), columns["id"], collector)
    elif columns:
        _take_rows(_full(rows, header, collector), columns, collector)


def _columns(header: _Row, collector: Collector) -> Mapping[str, int]:
    """At which place each column stands; nothing if the header is wrong, because then no row means anything."""
    unknown = {name: nearest(name.strip().casefold(), COLUMNS) for name in header.cells if name not in COLUMNS}
    if len(unknown) == len(set(header.cells)) and not any(unknown.values()):
        start = Source(collector.path, header.line, 1)
        collector.complain("the first line names none of the columns that a list can have", start, _EXAMPLE)
        return {}
    columns: dict[str, int] = {}
    for index, name in enumerate(header.cells):
        place = header.place(collector.path, index)
        if name in unknown:
            message = f"unknown column `{name}`" if name else "a column has no name"
            collector.complain(message, place, suggestion(name.strip().casefold(), COLUMNS))
        elif columns.setdefault(name, index) != index:
            first = header.place(collector.path, columns[name])
            collector.complain(f"the column `{name}` stands twice", place, "keep one of them", ("first here", first))
    if _WHO.isdisjoint({*columns, *unknown.values()}):
        start = Source(collector.path, header.line, 1)
        collector.complain("this list has neither a column `id` nor `email`", start, _EXAMPLE)
        return {}
    return columns if len(columns) == len(header.cells) else {}


def _full(rows: Iterable[_Row], header: _Row, collector: Collector) -> Iterator[_Row]:
    """The rows that have a cell for each column."""
    width = len(header.cells)
    for row in rows:
        if len(row.cells) == width:
            yield row
            continue
        more = len(row.cells) > width
        collector.complain(
            f"this row has {_counted(len(row.cells))}, and the header has {_counted(width)}",
            row.place(collector.path, width if more else 0),
            _EXTRA if more else "give every column a cell, even if it is empty",
        )


def _counted(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def _take_ids(rows: Iterable[_Row], at: int, collector: Collector) -> None:
    take, path = collector.plain, collector.path
    for row in rows:
        if user := row.cells[at]:
            take(user, row.place(path, at))
        else:
            collector.empty("`id`", row.place(path, at))


def _take_rows(rows: Iterable[_Row], columns: Mapping[str, int], collector: Collector) -> None:
    take, path = collector.row, collector.path
    for row in rows:
        take(dict(zip(columns, row.cells, strict=True)), partial(_place, row, columns, path))


def _place(row: _Row, columns: Mapping[str, int], path: str, column: str) -> Source:
    return row.place(path, columns[column])


def _rows(text: str, separator: str, path: str) -> Iterator[_Row]:
    """Row by row, without empty lines; a row with quotes may go on for several lines."""
    lines = enumerate(text.split("\n"), 1)
    for number, line in lines:
        if '"' in line:
            yield _quoted(number, _whole(line, lines), separator, path)
        elif line:
            yield tuple.__new__(_Row, (number, line.split(separator), line, None))


def _whole(line: str, lines: Iterator[tuple[int, str]]) -> str:
    """A row's text: further lines belong to it as long as a quote is open."""
    parts, is_open = [line], line.count('"') % 2
    while is_open and (following := next(lines, None)):
        parts.append(following[1])
        is_open ^= following[1].count('"') % 2
    return "\n".join(parts)


def _quoted(line: int, text: str, separator: str, path: str) -> _Row:
    """A row that has quotes. Raises Unreadable if they don't pair up, because nobody knows what follows."""
    cells: list[str] = []
    starts = [0]
    row = _Row(line, cells, text, starts)
    while True:
        has_quotes = text.startswith('"', starts[-1])
        found = (_QUOTED if has_quotes else _BARE[separator]).match(text, starts[-1])
        if found is None:
            raise Unreadable(Diagnostic("these quotes are never closed", row.place(path, -1), _DOUBLE))
        cells.append(found[1].replace('""', '"') if has_quotes else found[0])
        if found.end() == len(text):
            return row
        if text[found.end()] != separator:
            starts.append(found.end())
            message = "text stands behind the closing quote" if has_quotes else "a quote stands in the middle of a cell"
            raise Unreadable(Diagnostic(message, row.place(path, -1), _DOUBLE))
        starts.append(found.end() + 1)
