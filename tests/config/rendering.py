"""Diagnostics as text that a reviewer can read: what the golden files hold."""

from collections.abc import Iterable

from reconciler.diagnostics import Diagnostic, Severity


def render(diagnostics: Iterable[Diagnostic]) -> str:
    return "".join(f"{line}\n" for diagnostic in diagnostics for line in _lines(diagnostic))


def _lines(diagnostic: Diagnostic) -> Iterable[str]:
    where = f"{diagnostic.source}: " if diagnostic.source else ""
    warning = "warning: " if diagnostic.severity is Severity.WARNING else ""
    yield f"{where}{warning}{diagnostic.message}"
    if diagnostic.remedy:
        yield f"    {diagnostic.remedy}"
    for note, source in diagnostic.related:
        yield f"    {note}: {source}"
