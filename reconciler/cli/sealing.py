"""``state encrypt`` and ``state decrypt``: the one way from a plain lockfile to a sealed one, and the way back."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.locking import lease, lock_timeout_option
from reconciler.cli.output import talk
from reconciler.cli.session import Session, file_options
from reconciler.diagnostics import ConfigurationError, StateError

if TYPE_CHECKING:
    from reconciler.state import Store


@click.command(
    epilog="\b\nExample:\n  openssl rand -base64 32 > ~/state.words  # keep it: without it nobody reads the lockfile\n"
    "  RECONCILER_STATE_PASSPHRASE_FILE=~/state.words reconciler state encrypt"
)
@lock_timeout_option
@file_options
def encrypt(session: Session) -> None:
    """Seal the lockfile with your key.

    The key is in RECONCILER_STATE_KEY (32 bytes in base64), or is made from the passphrase in the file that
    RECONCILER_STATE_PASSPHRASE_FILE names. The lockfile is plain so far, or sealed with the key that
    RECONCILER_STATE_OLD_KEY or RECONCILER_STATE_OLD_PASSPHRASE_FILE gives. Make sure that a plain one is yours: no
    other command reads it while a key is set.
    """
    from reconciler.state.seal import PLAIN

    store = _store(session)
    before = _rewrite(session, replace(store, seal=store.seal.or_plain()), "state encrypt")
    if before is None:
        talk([f"{store.url} is sealed with this key already: nothing to do."])
        return
    talk([f"Sealed {store.url}. From now on every run needs the key; without it nobody can read it, nor can you."])
    if PLAIN.has_form_of(before):
        talk(["What was there before is still plain wherever it is kept: a backup, older versions, git."])


@click.command(epilog="\b\nExample:\n  reconciler state decrypt && unset RECONCILER_STATE_KEY")
@lock_timeout_option
@file_options
def decrypt(session: Session) -> None:
    """Write the lockfile without its seal.

    The key that it is sealed with must be set for this once more, and for no run after it.
    """
    store = _store(session)
    before = _rewrite(session, replace(store, seal=store.seal.broken()), "state decrypt")
    variables = " and ".join(key.variable for key in store.seal.reads)
    if before is None:
        talk([f"{store.url} is not sealed: nothing to do."])
    else:
        talk([f"Unsealed {store.url}: whoever may read the file can read what is in it."])
    talk([f"Unset {variables}: while a key is set, every run refuses a lockfile that is not sealed."])


def _store(session: Session) -> "Store":
    """The place of the lockfile; raises if there is no key, or if it is a rehearsal's."""
    from reconciler.state.keys import KEY, PASSPHRASE_FILE

    if session.sandbox:
        raise ConfigurationError("a rehearsal's own lockfile is never sealed", remedy="leave --sandbox out")
    store = session.configured_store()
    if store.seal.writes is None:
        raise StateError("there is no key", remedy=f"set {KEY} (`openssl rand -base64 32`) or {PASSPHRASE_FILE}")
    return store


def _rewrite(session: Session, store: "Store", operation: str) -> bytes | None:
    """Write the lockfile in the form that ``store`` gives it; returns what was there, None if that has this form."""
    from reconciler.apply import Book

    with lease(session, store, operation) as held:
        before = store.backend.read()  # looked at first, because a lease that was taken over begins with a write
        if before is None:
            raise StateError(
                f"there is no lockfile at {store.url} yet", remedy="the first apply writes it, sealed if a key is set"
            )
        book = Book.open(store, held, session.folder)
        if store.seal.has_form_of(before.data):
            return None
        book.put(book.lockfile)
    return before.data
