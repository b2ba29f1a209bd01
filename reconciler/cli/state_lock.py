"""``state lock`` and ``state unlock``: keeping every run out for a while, and freeing what a dead one holds."""

import shlex
from datetime import UTC, datetime, timedelta

import click

from reconciler.cli.durations import Duration
from reconciler.cli.locking import lease, lock_timeout_option
from reconciler.cli.output import show, talk
from reconciler.cli.session import Session, file_options


@click.command(epilog="\b\nExample:\n  reconciler state lock --for 2h --reason 'audit, ask Ana'")
@click.option(
    "--for", "lasting", type=Duration(), default="1h", show_default=True, metavar="DURATION",
    help="How long, where the place can end a lock by itself; else it lasts until it is unlocked.",
)  # fmt: skip
@click.option("--reason", default="", metavar="TEXT", help="What those are told who find it locked.")
@lock_timeout_option
@file_options
def lock(session: Session, lasting: float, reason: str) -> None:
    """Lock the lockfile, so that no run applies anything; prints the id that `state unlock` asks for."""
    store = session.configured_store()
    left = lease(session, store, "state lock", reason).leave(datetime.now(UTC) + timedelta(seconds=lasting))
    until = f"until {left.ends}" if left.ends else "for good, because this place can't end a lock by itself"
    unlock_ = shlex.join(("reconciler", "--state", store.url, "state", "unlock", left.id))
    talk([f"Locked {store.url} {until}. Free it with `{unlock_}`."])  # first, in case that the id can't be shown
    show([left.id])


@click.command(epilog="\b\nExample:\n  reconciler state unlock 5f1c0a52-7d0e-4a54-9a3b-0d6f8a6f9f5e")
@click.argument("lock_id", metavar="ID")
@file_options
def unlock(session: Session, lock_id: str) -> None:
    """Free the lock that has this id, whoever holds it: for a dead run. One that lives notices, and can't write.

    Whoever finds the lockfile locked is told the id.
    """
    store = session.configured_store()
    store.backend.unlock(lock_id)
    talk([f"Unlocked {store.url}."])
