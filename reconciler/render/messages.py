"""Diagnostics and errors as lines: place, what is wrong, the line itself, what would be right.

The form is that of compilers, because editors and CI problem matchers know it already.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from reconciler.diagnostics import Diagnostic, ReconcilerError, RequestRefused, Severity, Source
from reconciler.render.style import Look, Paint, painter
from reconciler.render.text import columns, head, safe, safe_address, tail

LineOf = Callable[[Source], str | None]
"""Reads the text of a source's line; None when it is not there any more, as with a saved plan elsewhere."""

WIDTH: Final = 120
GUTTER: Final = 5
LEAST: Final = 20
TAB: Final = "    "


def no_line(_: Source) -> str | None:
    """No line's text is known: diagnostics then say only where."""
    return None


def diagnostics(items: Iterable[Diagnostic], *, line_of: LineOf, color: bool, width: int = WIDTH) -> Iterator[str]:
    """Each diagnostic with its source line and a caret, its remedy and related places."""
    paint = painter(color)
    for item in items:
        yield from diagnostic(item, line_of, paint, width)


def error(problem: ReconcilerError, *, line_of: LineOf, color: bool, width: int = WIDTH) -> Iterator[str]:
    """An error with all it carries: its diagnostics first and its own message last, where a terminal's reader looks.

    Of a refused request the service's own words are shown, because they are what its support asks for.
    """
    yield from diagnostics(problem.diagnostics, line_of=line_of, color=color, width=width)
    yield from diagnostic(Diagnostic(problem.message, problem.source), line_of, painter(color), width)
    if isinstance(problem, RequestRefused):
        yield from _refusal(problem)
    if problem.remedy:
        yield f"  {safe(problem.remedy)}"


def _refusal(problem: RequestRefused) -> Iterator[str]:
    yield f"  the service answered with status {problem.status}"
    yield from (f"  {safe(detail)}" for detail in problem.details)
    if problem.scopes:
        yield f"  missing scopes: {', '.join(map(safe, problem.scopes))}"


def diagnostic(item: Diagnostic, line_of: LineOf, paint: Paint, width: int) -> Iterator[str]:
    """One diagnostic for a caller that paints already; ``width`` bounds the source line, never the message."""
    place = paint(f"{safe(str(item.source))}:", Look.STRONG) + " " if item.source else ""
    look = Look.CHANGE if item.severity is Severity.WARNING else Look.REMOVE
    rule = paint(f"  [{safe(item.rule)}]", Look.DIM) if item.rule else ""
    yield f"{place}{paint(f'{item.severity}:', look)} {sentence(item)}{rule}"
    if item.source:
        yield from excerpt(item.source, line_of(item.source), paint, width)
    if item.remedy:
        yield f"  {safe(item.remedy)}"
    for message, source in item.related:
        yield f"  {safe(str(source))}: {safe(message)}"


def sentence(item: Diagnostic) -> str:
    """What is wrong, as safe text, with what it is about where the message and its place do not tell."""
    return f"{safe_address(item.address)}: {safe(item.message)}" if _is_lost(item) else safe(item.message)


def _is_lost(item: Diagnostic) -> bool:
    """Whether a reader could not tell what the message is about."""
    return bool(item.address) and not item.source and item.address not in item.message


def excerpt(source: Source, line: str | None, paint: Paint, width: int) -> Iterator[str]:
    """The source's line and a caret under its column, cut around the caret if the line is longer than the width."""
    if line is None:
        return
    line = line.rstrip("\r\n")
    at = min(max(source.column - 1, 0), len(line))
    room = max(width - GUTTER - 3, LEAST)
    before, after = _visible(line[max(0, at - room - 1) : at]), _visible(line[at : at + room + 1])
    before = tail(before, max(room // 2, room - max(columns(after), 1)))
    after = head(after, room - columns(before))
    yield f"{source.line:>{GUTTER}} | {safe(before + after)}".rstrip()
    yield f"{'':>{GUTTER}} | {' ' * columns(before)}{paint('^', Look.ADD)}"


def _visible(text: str) -> str:
    """Part of a source line, tabs as four spaces: a tab's width would depend on the columns before it."""
    return TAB.join(safe(piece) for piece in text.split("\t"))
