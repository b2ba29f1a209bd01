"""Text to the streams: results to stdout, talk to stderr, and source lines read from their files."""

import os
import re
import shutil
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TextIO

from reconciler.diagnostics import Diagnostic, ReconcilerError, Source


def width() -> int:
    """How many columns there are to write in; 100 where nobody says, such as in a pipeline's log."""
    return shutil.get_terminal_size((100, 24)).columns


def shows_color(stream: TextIO) -> bool:
    """Whether a stream shows colours: a terminal does, and a pipeline's log if FORCE_COLOR says so."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def talks_in_color() -> bool:
    """Whether stderr shows colours."""
    return shows_color(sys.stderr) and "--no-color" not in sys.argv


def show(lines: Iterable[str]) -> None:
    """Write a result to stdout line by line, so that the first is seen before the last is made."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def talk(lines: Iterable[str]) -> None:
    """Write talk to stderr, where it can't spoil a result that a machine reads.

    When whoever listened has gone, or the log's disk is full, there is nobody to tell, and an apply must still come to
    its end and be recorded.
    """
    try:
        sys.stderr.writelines(f"{line}\n" for line in lines)
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def show_diagnostics(items: Iterable[Diagnostic]) -> None:
    """Write diagnostics to stderr, each with its line."""
    items = tuple(items)
    if items:
        from reconciler.render.messages import diagnostics

        talk(diagnostics(items, line_of=line_of, color=talks_in_color()))


def show_error(error: ReconcilerError) -> None:
    """Write an error with all its diagnostics to stderr."""
    from reconciler.render.messages import error as render

    talk(render(error, line_of=line_of, color=talks_in_color()))


def quote_nothing() -> None:
    """Never show a source line again: a plan file from elsewhere may name any file of this machine as a source."""
    global _quotes  # noqa: PLW0603 - one process is one command, and what it has read can't be unread
    _quotes = False


_quotes = True


def line_of(source: Source) -> str | None:
    """The line that a source names, or None where its file can't be read."""
    lines = _lines(source.path) if _quotes else []
    return lines[source.line - 1] if 0 < source.line <= len(lines) else None


@lru_cache(maxsize=4)
def _lines(path: str) -> list[str]:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig", errors="replace")
        return re.split(r"\r\n|\r|\n", text)  # what ends a line in YAML, and nothing else that str.splitlines knows
    except OSError:
        return []
