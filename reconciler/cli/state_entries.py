"""``state list``, ``show``, ``forget`` and ``move``: what the lockfile says is ours."""

import sys
from difflib import get_close_matches

import click

from reconciler.cli.locking import lock_timeout_option, locked
from reconciler.cli.output import show, talk
from reconciler.cli.session import Session, file_options
from reconciler.core.addresses import addresses, is_under, moved, without
from reconciler.core.model import Known, KnownGroup
from reconciler.diagnostics import ConfigurationError, StateError


@click.command("list", epilog="\b\nExample:\n  reconciler state list acmeprod/catalog-managers")
@click.argument("wanted", nargs=-1, metavar="[ADDRESS]...")
@file_options
def list_(session: Session, wanted: tuple[str, ...]) -> None:
    """List the addresses that are ours, all or those under ADDRESS."""
    known = _read(session)
    for one in wanted:
        _check(one, known)
    show(found for found in addresses(known) if not wanted or any(is_under(found, one) for one in wanted))


@click.command("show", epilog="\b\nExample:\n  reconciler state show acmeprod/catalog-managers")
@click.argument("wanted", metavar="ADDRESS")
@file_options
def show_(session: Session, wanted: str) -> None:
    """Show what the lockfile remembers of a tenant, a group or a member, as JSON."""
    import msgspec

    known = _read(session)
    _check(wanted, known)
    tenant, *rest = wanted.split("/", 2)
    groups = {name: _document(group) for name, group in known[tenant].items() if not rest or name == rest[0]}
    if len(rest) > 1:
        found: object = {"group": rest[0], "id": rest[1], "userType": known[tenant][rest[0]].user_type}
    else:
        found = groups[rest[0]] if rest else groups
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=2).decode() + "\n")


@click.command(epilog="\b\nExample:\n  reconciler state forget acmeprod/catalog-managers/00u4ukqvzlEP31sCk417")
@click.argument("unwanted", nargs=-1, required=True, metavar="ADDRESS...")
@lock_timeout_option
@file_options
def forget(session: Session, unwanted: tuple[str, ...]) -> None:
    """Let go of addresses: the service keeps them, and the lockfile no longer calls them ours.

    What the configuration still lists is adopted again by the next apply.
    """
    with locked(session, session.configured_store(), "state forget") as book:
        known: Known = book.lockfile.known
        for one in unwanted:
            _check(one, known)
            known = without(known, one)
        pending = book.lockfile.pending
        book.write(known, [c for c in pending if not any(is_under(c.address, one) for one in unwanted)])
    talk([f"Forgot {one}." for one in unwanted])


@click.command(epilog="\b\nExample:\n  reconciler state move acmeprod/old-id acmeprod/new-id")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@lock_timeout_option
@file_options
def move(session: Session, old: str, new: str) -> None:
    """Follow a rename: what was remembered of OLD is remembered of NEW. The service is not touched."""
    with locked(session, session.configured_store(), "state move") as book:
        _check(old, book.lockfile.known)
        if any(is_under(change.address, address_) for change in book.lockfile.pending for address_ in (old, new)):
            raise StateError(
                f"changes of an unfinished run are pending under {old} or {new}",
                remedy="run `reconciler apply` first, which settles them",
            )
        book.write(moved(book.lockfile.known, old, new), book.lockfile.pending)
    talk([f"Moved {old} to {new}."])


def _read(session: Session) -> Known:
    store = session.configured_store()
    lockfile, version = store.load()
    if version is None:
        raise StateError(f"there is no lockfile at {store.url} yet", remedy="the first apply writes it")
    return lockfile.known


def _check(wanted: str, known: Known) -> None:
    """Raises ConfigurationError for an address that the lockfile does not have, with the nearest that it has."""
    every = [*known, *addresses(known)]
    if wanted not in every:
        near = get_close_matches(wanted, every, 1)
        remedy = f"did you mean {near[0]}?" if near else "`reconciler state list` lists all addresses"
        raise ConfigurationError(f"{wanted} is not in the lockfile", remedy=remedy)


def _document(group: KnownGroup) -> dict[str, object]:
    return {
        "owned": group.owned,
        "userType": group.user_type,
        "fields": group.fields,
        "version": group.version,
        "members": sorted(group.members),
    }
