"""``state pull``, ``push``, ``history``, ``restore`` and ``migrate``: the lockfile as a whole, at its place."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.locking import lease, lock_timeout_option
from reconciler.cli.output import show, talk
from reconciler.cli.session import Session, file_options
from reconciler.diagnostics import ConfigurationError, StateError
from reconciler.render.text import safe

if TYPE_CHECKING:
    from reconciler.state import Lockfile, Look
    from reconciler.state.lockfile import Header


@click.command(epilog="\b\nExample:\n  reconciler state pull > reconciler.lock.copy")
@file_options
def pull(session: Session) -> None:
    """Print the lockfile as it is at its place, decrypted."""
    from reconciler.state import encode

    store = session.configured_store()
    lockfile, version = store.load()
    if version is None:
        raise StateError(f"there is no lockfile at {store.url} yet", remedy="the first apply writes it")
    sys.stdout.write(encode(lockfile).decode())


FORCE = "Also over another lineage, over a newer serial, or over what can't be read."


@click.command(epilog="\b\nExample:\n  reconciler state push unsaved-0b6a1c2d-8.lock")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--force", is_flag=True, help=FORCE)
@lock_timeout_option
@file_options
def push(session: Session, file: Path, force: bool) -> None:
    """Write FILE, or - for standard input, as the lockfile: what a run could not write, or what was pulled.

    It must have the same lineage and a newer serial than what is there.
    """
    store = session.configured_store()
    name = "standard input" if str(file) == "-" else str(file)
    lockfile = replace(store, seal=store.seal.or_plain()).decode(content(file), name)  # pulled ones are plain
    with lease(session, store, "state push"):
        there = store.look()
        refusal = _refusal(lockfile, there)
        if refusal is None and there.lockfile == lockfile:
            talk([f"{store.url} is so already (serial {lockfile.serial})."])
            return
        if refusal and not force:
            raise refusal
        serial = max(lockfile.serial, store.next_serial(there)) if refusal else lockfile.serial
        store.save(replace(lockfile, serial=serial), there.version)
    talk([f"Wrote {name} to {store.url} (serial {serial})." + ("" if file.name == "-" else " It can be removed now.")])


@click.command(epilog="\b\nExample:\n  reconciler state history")
@file_options
def history(session: Session) -> None:
    """List the lockfile's earlier contents that its place keeps, the newest first."""
    from reconciler.state import peek

    store = session.configured_store()
    there = store.look()
    if there.version is None:
        raise StateError(f"there is no lockfile at {store.url} yet", remedy="the first apply writes it")
    show([f"{'SERIAL':>6}  {'WRITTEN':<20}  BY", _row(there.header, "(current)")])
    show(_row(peek(data), "") for data in store.history())


@click.command(epilog="\b\nExample:\n  reconciler state restore 7")
@click.argument("serial", type=click.IntRange(0))
@click.option("--plain", is_flag=True, help="Also one that is not encrypted although a key is set; it will be.")
@lock_timeout_option
@file_options
def restore(session: Session, serial: int, plain: bool) -> None:
    """Write an earlier content again, as `state history` lists it; it becomes the newest serial.

    What an unfinished run left pending stays so, and what was pending at that time is not brought back, because later
    runs have settled it. The next plan shows what the service has meanwhile.
    """
    from reconciler.state import signed

    store = session.configured_store()
    with lease(session, store, "state restore") as held:
        there = store.look()
        if there.trouble is not None and there.header is not None and there.header.is_for_others:
            raise there.trouble
        earlier, is_newest = replace(store, seal=store.seal.or_plain() if plain else store.seal).earlier(serial)
        unsettled = earlier.pending if there.lockfile is None and is_newest else ()
        pending = there.lockfile.pending if there.lockfile else unsettled
        restored = signed(replace(earlier, pending=pending), store.next_serial(there), held)
        store.save(restored, there.version)
    talk([f"Restored serial {serial} of {store.url} as serial {restored.serial}."])


@click.command(epilog="\b\nExample:\n  reconciler state migrate file:reconciler.lock s3://acme-access/reconciler.lock")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--force", is_flag=True, help=FORCE)
@lock_timeout_option
@file_options
def migrate(session: Session, source: str, target: str, force: bool) -> None:
    """Copy the lockfile from one place to another, with its lineage and serial; both are locked meanwhile."""
    before, after = session.store_at(source), session.store_at(target)
    if before.url == after.url:
        raise ConfigurationError(f"{source} and {target} are the same place", remedy="name two places")
    with lease(session, before, "state migrate"), lease(session, after, "state migrate"):
        lockfile, version = before.load()
        serial = lockfile.serial
        if version is None:
            raise StateError(f"there is no lockfile at {before.url}", remedy="check the first URL")
        there = after.look()
        if (refusal := _refusal(lockfile, there)) and not force:
            raise refusal
        if there.lockfile != lockfile:
            serial = max(lockfile.serial, after.next_serial(there)) if refusal else lockfile.serial
            after.save(replace(lockfile, serial=serial), there.version)
    talk(
        [
            f"Serial {lockfile.serial} of {before.url} is at {after.url} now"
            + ("." if serial == lockfile.serial else f", as serial {serial}."),
            f"Now write `state: {{url: '{after.url}'}}` into the configuration, or set RECONCILER_STATE. "
            f"{before.url} is left as it is: remove it once no run uses it.",
        ]
    )


def content(file: Path) -> bytes:
    """What is in a file, or comes by standard input if it is ``-``. Raises StateError."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise StateError(f"{file} can't be read: {error.strerror}", remedy="check the path") from error


def _row(header: "Header | None", note: str) -> str:
    if header is None:
        return f"{'?':>6}  can't be read {note}".rstrip()
    return f"{header.serial:>6}  {safe(header.written_at):<20}  {safe(header.written_by)} {note}".rstrip()


def _refusal(lockfile: "Lockfile", there: "Look") -> StateError | None:
    """Why ``lockfile`` may not be written over what is there, or None."""
    if there.version is None or there.lockfile == lockfile:
        return None
    if there.lockfile is None:
        return there.trouble
    if there.lockfile.lineage != lockfile.lineage:
        return StateError(
            f"another lockfile is there: it has lineage {there.lockfile.lineage}, and this one {lockfile.lineage}",
            remedy="check that it is the right place; --force writes over it",
        )
    if there.lockfile.serial >= lockfile.serial:
        return StateError(
            f"serial {there.lockfile.serial} is there, and this one is serial {lockfile.serial}: a later run has "
            "settled what this one knew",
            remedy="there is most likely nothing to do: look with `reconciler plan`; --force writes over it",
        )
    return None
