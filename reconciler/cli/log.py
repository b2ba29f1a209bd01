"""``log``: who gave whom access, when and under which plan, from the records that applies have left."""

from datetime import UTC, datetime, timedelta
from itertools import chain as chain_up
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.audit import followed, place, records
from reconciler.cli.instant import Instant
from reconciler.cli.output import show, talk
from reconciler.cli.session import Session, shared_options
from reconciler.diagnostics import ConfigurationError, ExitCode, ReconcilerError, StateError

if TYPE_CHECKING:
    from reconciler.core.chain import Chain
    from reconciler.core.model import Desired
    from reconciler.state.audit import Audit

_FORMS = "ask for a user by id, e-mail or handle, for a group by its id or address"
_BY_ID = "records of that user may have the id only: ask for that"


class Since(Instant):
    """A date, a timestamp, or how long ago: ``30d``."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant; a usage error for anything else."""
        from reconciler.cli.durations import MOST, seconds

        ago = seconds(str(value))
        if ago is None or ago > MOST:
            return super().convert(value, param, ctx)
        return datetime.now(UTC) - timedelta(seconds=ago)


@click.command(
    epilog="\b\nExamples:\n  reconciler log marta --since 2026-11-01\n  reconciler log acmeprod/catalog-managers\n"
    "  reconciler log --verify"
)
@click.argument("what", required=False, metavar="[USER|GROUP|ADDRESS]")
@click.option("--since", type=Since(), metavar="WHEN", help="Only since a date, a timestamp, or for so long: 30d.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people, or a record a line for machines.",
)  # fmt: skip
@click.option("--verify", is_flag=True, help="Only tell whether a record was changed, removed or moved.")
@click.option(
    "--head", metavar="HASH", help="With --verify: the hash of a record that must be there, as apply told it."
)
@shared_options
def log(
    session: Session, what: str | None, since: datetime | None, format_: str, verify: bool, head: str | None
) -> int:
    """List what applies have done, from the audit file that the configuration names; asks no service.

    USER is an id, an e-mail or a handle: found are changes of memberships, and records whose plan foresaw that the user
    gains or loses scopes. With any of them, or --tenant, only what fits is shown.
    """
    from reconciler.core.chain import SHORTEST, Chain
    from reconciler.core.history import encode
    from reconciler.core.inquiry import Question

    if head is not None and (not verify or len(head) < SHORTEST):
        raise click.UsageError(f"--head goes with --verify, and takes {SHORTEST} digits or more")
    if verify and (what is not None or since is not None or session.tenants):
        raise click.UsageError("--verify looks at all records: leave out what they are about, --since and --tenant")
    audit, chain = _audit_file(session), Chain(head or "")
    if verify:
        return _verify(session, audit, chain)
    flaws: list[str] = []
    desired = _desired(session, what)
    question = Question(_names(what, desired), frozenset(session.tenants), since)
    found = ((each, asked) for each in records(audit, chain, flaws) if (asked := question.answer(each)))
    first = next(found, None)
    if first is None and what is not None and desired is not None and not flaws:
        _check_known(session, audit, what, question.names, desired)
    told = chain_up([first] if first else [], found)
    if format_ == "json":
        show(encode(asked).decode() for _, asked in told)
    else:
        from reconciler.render.log import nothing, text

        show(text(told, session.color) if first else [nothing(what, session.tenants, since)])
    talk([f"warning: {flaw}" for flaw in flaws])
    return ExitCode.ERROR if flaws else ExitCode.DONE


def _audit_file(session: Session) -> "Audit":
    """The audit file that the configuration names. Raises StateError if it should be there and is not."""
    from reconciler.config import places_of
    from reconciler.core.chain import Chain

    places = places_of(session.paths)
    if places.audit is None:
        raise ConfigurationError(
            "the configuration names no audit file, so applies leave no record", remedy="add `audit: beside`"
        )
    audit = place(session, places.audit, session.store(places.state).url)
    if not audit.exists() and (hint := _hint(session, Chain())):
        raise StateError(
            f"there is no audit file at {audit.url}. {hint}",
            remedy="if there was one, restore it; otherwise the next apply that has something to do begins it",
        )
    return audit


def _desired(session: Session, what: str | None) -> "Desired | None":
    """What the configuration says of names, if any is asked for and it can be read."""
    if what is None:
        return None
    try:
        return session.load().desired
    except ReconcilerError as error:
        talk([f"warning: other names of {what} are not known: {error.reason}"])
        return None


def _names(what: str | None, desired: "Desired | None") -> frozenset[str]:
    """What is asked for, by all of its names."""
    from reconciler.core.inquiry import also_called

    return frozenset() if what is None else also_called(what, desired.people if desired else ())


def _check_known(session: Session, audit: "Audit", what: str, names: frozenset[str], desired: "Desired") -> None:
    """Raise ConfigurationError for a name that nothing knows: a typing error must not look like a clean record."""
    from difflib import get_close_matches

    from reconciler.config.edit import label
    from reconciler.core.chain import Chain
    from reconciler.core.inquiry import configured, owned, recorded
    from reconciler.core.model import address

    try:
        lockfile, _ = session.store(desired.state).load()
    except ReconcilerError:  # it may know the name
        return
    known = {*configured(desired), *owned(lockfile.known)}
    for record in records(audit, Chain(), []):
        known.update(recorded(record))
    if not names.isdisjoint(known):
        return
    labels = [(tenant.name, label(group)) for tenant in desired.tenants for group in tenant.groups]
    if any(what in {name, address(tenant, name)} for tenant, name in labels):
        raise ConfigurationError(
            f"records name groups by their ids only, and {what} is none",
            remedy="ask for the id, which `reconciler state list` shows",
        )
    near = get_close_matches(what, sorted(name for name in known if name.count("/") == what.count("/")), 1)
    raise ConfigurationError(
        f"no record mentions {what}, and neither the configuration nor the lockfile knows it",
        remedy=f"did you mean {near[0]}?" if near else _BY_ID if "@" in what else _FORMS,
    )


def _verify(session: Session, audit: "Audit", chain: "Chain") -> int:
    from reconciler.render.text import plural, safe

    bad = 0
    for line in audit.lines():
        flaws = followed(audit, chain, line)
        bad += len(flaws)
        show(map(safe, flaws))
    if chain.kept and not chain.met:
        bad += 1
        show([f"No record has the hash {safe(chain.kept)}: records were cut off at the end, or written anew."])
    last = f"; the last one has the hash {safe(chain.last.hash)}" if chain.last else ""
    show([f"{plural(chain.records, 'record')}, {plural(bad, 'flaw')}{last}"])
    show(filter(None, [_hint(session, chain)]))
    return ExitCode.ERROR if bad else ExitCode.DONE


def _hint(session: Session, chain: "Chain") -> str:
    """What the lockfile says of records that are no longer there."""
    from reconciler.core.chain import hint

    try:
        lockfile, _ = session.configured_store().load()
    except ReconcilerError as error:
        return f"Not compared with the lockfile: {error.message}"
    return hint(lockfile.serial, chain.serials.get(lockfile.lineage, 0))
