"""``--since``: the earlier lockfile that a review is compared with, from a file or from git."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.session import Session
from reconciler.cli.state_place import content
from reconciler.diagnostics import StateError

if TYPE_CHECKING:
    from reconciler.asking import World
    from reconciler.core.past import Past
    from reconciler.state import Lockfile, Store


OTHERWISE: Final = "name an earlier content of this lockfile, such as what `reconciler state pull` printed then"


def past(session: Session, store: "Store", world: "World", since: str) -> "Past":
    """What was ours by the lockfile that ``since`` names: a file (or its URL), or a revision of git.

    Raises StateError for what is no lockfile, or not an earlier one of this lockfile.
    """
    from reconciler.core.past import Past
    from reconciler.state.seal import PLAIN

    name, data = _earlier(store, since)
    found = _decoded(replace(store, seal=store.seal.or_plain()), data, name)  # pulled ones are plain
    now = world.lockfile
    if now.serial and found.lineage != now.lineage:
        raise StateError(
            f"{name} has lineage {found.lineage}, and {store.url} has {now.lineage}: they are not the same lockfile",
            remedy=OTHERWISE,
        )
    absent = () if session.tenants else tuple(sorted(found.known.keys() - world.tenants.keys()))
    unsealed = store.seal.writes is not None and PLAIN.has_form_of(data)
    return Past(name, found.serial, found.known, _instant(found.written_at), len(found.pending), unsealed, absent)


def _decoded(store: "Store", data: bytes, name: str) -> "Lockfile":
    from reconciler.state.damage import MERGE, RESTORE

    try:
        return store.decode(data, name)
    except StateError as error:
        if error.remedy not in {MERGE, RESTORE}:  # which are for the lockfile in use
            raise
        raise StateError(error.message, remedy=OTHERWISE, source=error.source) from None


def _earlier(store: "Store", since: str) -> tuple[str, bytes]:
    from reconciler.state.places import path_of
    from reconciler.state.revision import at_revision

    if since.lower().startswith("file:"):
        return since, content(Path(path_of(since) or ""))
    if _is_file(Path(since)):
        return since, content(Path(since))
    lockfile = path_of(store.url)
    if lockfile is None:
        raise StateError(
            f"{since} is no file, and git has no revision of a lockfile at {store.url}",
            remedy="name a file: `reconciler state pull > FILE` keeps one at each review",
        )
    commit, data = at_revision(Path(lockfile), since)
    return f"{Path(lockfile).name} at {since}, commit {commit[:8]}", data


def _is_file(path: Path) -> bool:
    """Whether there is something to read, a pipe included; a revision may be no possible path at all."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


def _instant(written_at: str) -> datetime | None:
    """When a lockfile was written, if it says so in a form that we write."""
    with suppress(ValueError):
        found = datetime.fromisoformat(written_at)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None
