"""Messages as a reader sees them, kept in text files: one case under each heading."""

from collections.abc import Iterable
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Severity

FOLDER = Path(__file__).parent / "golden"


def cases(name: str) -> dict[str, str]:
    """The cases of a golden file: heading to what stands under it."""
    parts = (FOLDER / name).read_text("utf-8").split("## ")[1:]
    return {heading: body.strip() for heading, _, body in (part.partition("\n") for part in parts)}


def shown(diagnostics: Iterable[Diagnostic]) -> str:
    """Each diagnostic with its rule, address, place, remedy and further places."""
    blocks = []
    for told in diagnostics:
        warning = "warning, " if told.severity is Severity.WARNING else ""
        lines = [f"{warning}[{told.rule}] {told.address} at {told.source or 'no place'}", f"  {told.message}"]
        lines += [f"  -> {told.remedy}"]
        lines += [f"  see {label} at {place}" for label, place in told.related]
        blocks.append("\n".join(lines))
    return "\n".join(blocks) or "nothing"
