"""The lockfile under its lock, for commands that write it, and how long to wait for somebody else's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.output import talk
from reconciler.cli.session import Session

if TYPE_CHECKING:
    from reconciler.apply import Book
    from reconciler.state import Backend, LockInfo

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _remember(context: click.Context, _: click.Parameter, text: str) -> None:
    """Note the seconds of ``90``, ``90s``, ``5m`` or ``1h`` in the session."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration; write it like 30s, 5m or 1h")
    context.obj.lock_timeout = float(found[1]) * SECONDS[found[2]]


lock_timeout_option = click.option(
    "--lock-timeout", default="0s", callback=_remember, expose_value=False, show_default=True, metavar="DURATION",
    help="Wait so long for somebody else's lock: 30s, 5m, 1h.",
)  # fmt: skip


@contextmanager
def locked(session: Session, backend: "Backend", operation: str) -> "Iterator[Book]":
    """The lockfile, locked for this command and read under the lock.

    Raises LockHeld (exit 5) when somebody else still has it after the time that ``--lock-timeout`` gives.
    """
    from reconciler import __version__
    from reconciler.apply import Book
    from reconciler.state import LockInfo, load

    info = LockInfo.mine(operation, version=__version__)
    with backend.lock(info, timeout=session.lock_timeout, on_wait=_tell) as lease:
        lockfile, version = load(backend)
        yield Book(backend, lease, lockfile, version)


def _tell(holder: "LockInfo") -> None:
    talk([f"Waiting for the lock of {holder}"])
