"""``--events FILE``: what happens during a run, one JSON object a line, while people read the terminal.

:mod:`reconciler.cli.event_forms` has the events. What writes them is imported only where the option is given.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.core.plan import Change, Plan
from reconciler.diagnostics import ConfigurationError, ExitCode, ReconcilerError

if TYPE_CHECKING:
    from reconciler.apply import Report
    from reconciler.cli.event_stream import Stream
    from reconciler.cli.session import Session
    from reconciler.run import Progress

STDOUT: Final = "-"
NAME_ANOTHER: Final = "name another file, such as --events run.jsonl"
BEGINNING: Final = b'{"type":"version",'
"""What every file of events begins with."""


class Events:
    """Is told what happens; this one, for runs without ``--events``, tells nobody else."""

    def planned(self, plan: Plan) -> None:
        """The plan is made, or read from its file."""

    def satisfied(self, changes: Iterable[Change]) -> None:
        """Changes of a saved plan are so already."""

    def following(self, plan: Plan) -> "tuple[Progress, ...]":
        """What listens while the steps of ``plan`` run."""
        return ()

    def applied(self, report: "Report") -> None:
        """The steps have ended, and what became of them is verified."""


def events_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--events``: the command tells ``session.events``, and is followed to its end, whatever that is."""

    def watched(session: "Session", /, *args: Any, events: Path | None, **options: Any) -> Any:
        if events is None:
            return command(session, *args, **options)
        with _stream(events, command.__name__) as stream:
            session.events = stream
            code = command(session, *args, **options)
            stream.ended(int(code or ExitCode.DONE))
            return code

    return click.option(
        "--events", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
        help="Also write what happens to FILE, one JSON object a line.",
    )(update_wrapper(watched, command))  # fmt: skip


@contextmanager
def _stream(path: Path, command: str) -> Iterator["Stream"]:
    """The file, made anew and readable by its owner only, because it lists people; an error ends it with its code."""
    from reconciler.cli.event_stream import Stream

    with os.fdopen(_open(path), "wb", buffering=0) as file:
        stream = Stream(file, path, command)
        try:
            yield stream
        except ReconcilerError as error:
            stream.failed(error)
            stream.ended(error.exit_code)
            raise
        except BaseException:  # Ctrl-C, a closed output, a bug: the process answers 1
            stream.ended(ExitCode.ERROR)
            raise


def _open(path: Path) -> int:
    """The file, empty; what is there must be events, because a plan or a configuration would be lost."""
    from reconciler.cli.event_stream import unwritable

    if str(path) == STDOUT:
        raise ConfigurationError("events can't be written to stdout, which is for results", remedy=NAME_ANOTHER)
    try:
        if path.is_file() and not _is_ours(path):
            raise ConfigurationError(f"{path} has something else than events in it", remedy=NAME_ANOTHER)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(path, error) from error


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(BEGINNING)) in {b"", BEGINNING}
