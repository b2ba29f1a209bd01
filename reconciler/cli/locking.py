"""The lockfile under its lock, for commands that write it, and how long to wait for somebody else's."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.durations import Duration
from reconciler.cli.output import talk
from reconciler.cli.session import Session

if TYPE_CHECKING:
    from reconciler.apply import Book
    from reconciler.state import Lease, LockInfo, Store

JOB_ADDRESSES = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "TRAVIS_JOB_WEB_URL")
"""Where GitLab, Jenkins, CircleCI, Buildkite and Travis say the address of a job."""


def _remember(context: click.Context, _: click.Parameter, found: float) -> None:
    """Note it in the session."""
    context.obj.lock_timeout = found


lock_timeout_option = click.option(
    "--lock-timeout", type=Duration(), default="0s", callback=_remember, expose_value=False, show_default=True,
    metavar="DURATION", help="Wait so long for somebody else's lock: 30s, 5m, 1h.",
)  # fmt: skip


@contextmanager
def locked(session: Session, store: "Store", operation: str) -> "Iterator[Book]":
    """The lockfile, locked for this command and read under the lock.

    Raises LockHeld (exit 5) when somebody else still has it after the time that ``--lock-timeout`` gives.
    """
    from reconciler.apply import Book

    with lease(session, store, operation) as held:
        yield Book.open(store, held, session.folder)


def lease(session: Session, store: "Store", operation: str, reason: str = "") -> "Lease":
    """The lock of the lockfile, for this command; others are told the ``reason``, or where the CI job can be seen."""
    from reconciler import __version__
    from reconciler.state import LockInfo

    info = LockInfo.mine(operation, info=reason or ci_job(os.environ), version=__version__)
    return store.backend.lock(info, timeout=session.lock_timeout, on_wait=tell)


def ci_job(environ: Mapping[str, str]) -> str:
    """The address of the CI job that this process runs in, or nothing; each CI has variables of its own for it."""
    if run := environ.get("GITHUB_RUN_ID"):
        return f"{environ.get('GITHUB_SERVER_URL', '')}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    if build := environ.get("BUILD_BUILDID"):
        server, project = environ.get("SYSTEM_COLLECTIONURI", ""), environ.get("SYSTEM_TEAMPROJECT", "")
        return f"{server}{project}/_build/results?buildId={build}"
    return next(filter(None, map(environ.get, JOB_ADDRESSES)), "")


def tell(holder: "LockInfo") -> None:
    """Say for whom this run waits: one that says nothing looks like one that hangs."""
    from reconciler.render.text import safe

    talk([f"Waiting for the lock of {safe(str(holder))}"])
