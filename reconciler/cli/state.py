"""``state``: what the lockfile says is ours, and letting go of it."""

import sys
from collections.abc import Iterator
from difflib import get_close_matches

import click

from reconciler.cli.locking import lock_timeout_option, locked
from reconciler.cli.output import show, talk
from reconciler.cli.sealing import decrypt, encrypt
from reconciler.cli.session import Session, file_options
from reconciler.core.model import Known, KnownGroup, address
from reconciler.diagnostics import ConfigurationError, StateError


@click.group()
def state() -> None:
    """Look into the lockfile, or let go of what is in it."""


state.add_command(encrypt)
state.add_command(decrypt)


@state.command("list", epilog="\b\nExample:\n  reconciler state list acmeprod/catalog-managers")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@file_options
def list_(session: Session, addresses: tuple[str, ...]) -> None:
    """List the addresses that are ours, all or those under ADDRESS."""
    known = _read(session)
    for wanted in addresses:
        _check(wanted, known)
    show(found for found in _addresses(known) if not addresses or any(_is_under(found, w) for w in addresses))


@state.command("show", epilog="\b\nExample:\n  reconciler state show acmeprod/catalog-managers")
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


@state.command(epilog="\b\nExample:\n  reconciler state forget acmeprod/catalog-managers/00u4ukqvzlEP31sCk417")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@lock_timeout_option
@file_options
def forget(session: Session, addresses: tuple[str, ...]) -> None:
    """Let go of addresses: the service keeps them, and the lockfile no longer calls them ours.

    What the configuration still lists is adopted again by the next apply.
    """
    with locked(session, session.store(_configured(session)), "state forget") as book:
        known: Known = book.lockfile.known
        for wanted in addresses:
            _check(wanted, known)
            known = _without(known, wanted)
        pending = book.lockfile.pending
        book.write(known, [c for c in pending if not any(_is_under(c.address, wanted) for wanted in addresses)])
    talk([f"Forgot {wanted}." for wanted in addresses])


def _configured(session: Session) -> str | None:
    """The lockfile that the configuration names; a lockfile can be looked into without any configuration."""
    if session.state or session.sandbox or not session.paths[0].exists():
        return None
    configured: str | None = session.load().desired.state
    return configured


def _read(session: Session) -> Known:
    store = session.store(_configured(session))
    lockfile, version = store.load()
    if version is None:
        raise StateError(f"there is no lockfile at {store.url} yet", remedy="the first apply writes it")
    return lockfile.known


def _addresses(known: Known) -> Iterator[str]:
    for tenant, groups in sorted(known.items()):
        for group, of_group in sorted(groups.items()):
            yield address(tenant, group)
            for user in sorted(of_group.members):
                yield address(tenant, group, user)


def _is_under(found: str, wanted: str) -> bool:
    return found == wanted or found.startswith(f"{wanted}/")


def _check(wanted: str, known: Known) -> None:
    """Raises ConfigurationError for an address that the lockfile does not have, with the nearest that it has."""
    every = [*known, *_addresses(known)]
    if wanted not in every:
        near = get_close_matches(wanted, every, 1)
        remedy = f"did you mean {near[0]}?" if near else "`reconciler state list` lists all addresses"
        raise ConfigurationError(f"{wanted} is not in the lockfile", remedy=remedy)


def _without(known: Known, wanted: str) -> Known:
    tenant, *rest = wanted.split("/", 2)
    groups = dict(known[tenant])
    if len(rest) > 1:
        from dataclasses import replace

        groups[rest[0]] = replace(groups[rest[0]], members=groups[rest[0]].members - {rest[1]})
    elif rest:
        del groups[rest[0]]
    else:
        groups.clear()
    return {name: of for name, of in {**known, tenant: groups}.items() if of}


def _document(group: KnownGroup) -> dict[str, object]:
    return {
        "owned": group.owned,
        "userType": group.user_type,
        "fields": group.fields,
        "version": group.version,
        "members": sorted(group.members),
    }
