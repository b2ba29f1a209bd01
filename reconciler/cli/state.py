"""``state``: the lockfile, what is in it, where it is, and who may write it."""

import click

from reconciler.cli.sealing import decrypt, encrypt
from reconciler.cli.state_entries import forget, list_, move, show_
from reconciler.cli.state_lock import lock, unlock
from reconciler.cli.state_place import history, migrate, pull, push, restore


@click.group(
    commands=[list_, show_, forget, move, pull, push, history, restore, migrate, lock, unlock, encrypt, decrypt]
)
def state() -> None:
    """Look into the lockfile, its lock and its history; bring it elsewhere or back, or let go of what is in it."""
