"""``import`` and ``adopt``: write down what is live, so that the first plan changes nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.output import show, show_error, talk
from reconciler.cli.plan import parallelism_option
from reconciler.cli.session import DEFAULT_FILE, Session, file_options, shared_options
from reconciler.cli.whole import write_whole
from reconciler.diagnostics import ConfigurationError, ExitCode, PlanError, ReconcilerError

if TYPE_CHECKING:
    from reconciler.config.importing import Sheet
    from reconciler.config.placing import Place
    from reconciler.core.model import LiveGroup
    from reconciler.inventory import Inventory

LONG_LIST = 100

people_option = click.option(
    "--with-people", is_flag=True, help="Give the members names made from their e-mails, under `people`."
)
csv_option = click.option(
    "--csv-from", type=click.IntRange(0), default=LONG_LIST, show_default=True, metavar="N",
    help="Write the members of a group with more than this many into a CSV file of their own.",
)  # fmt: skip

Choice = Callable[[Mapping[str, "LiveGroup"]], Collection[str]]


@click.command(
    "import",
    epilog="\b\nExamples:\n  reconciler import --tenant acmeprod -o reconciler.yaml\n"
    "  reconciler import --tenant acmeprod --group 'catalog-*' --with-people -o access/",
)
@click.option(
    "--group", "patterns", multiple=True, metavar="PATTERN",
    help="Only groups whose id, code or name is like this, such as 'catalog-*'; may be repeated.",
)  # fmt: skip
@people_option
@csv_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE|DIR",
    help="Where to write: one file, or a folder with a file for each tenant. What is there already stays as it is, and "
    "only groups that it has no entry for are added.  [default: show]",
)  # fmt: skip
@parallelism_option
@shared_options
def import_(
    session: Session, patterns: tuple[str, ...], with_people: bool, csv_from: int, out: Path | None, parallelism: int
) -> int:
    """Write a configuration from what is live, whose first plan adopts it and changes nothing.

    Only reads the service. Groups of the platform are found by their code and stay the platform's; others become
    yours whole. Everybody who is in a group now is listed as its member.
    """
    from reconciler.config.placing import Place

    place = Place.of([out] if out else [], session.given)

    def choice(tenant: str) -> Choice:
        return lambda groups: _fitting(tenant, patterns, groups) - _covered(place, tenant, groups)

    stock, errors = _take_stock(session, _tenants(session, place), choice, with_people, parallelism)
    asked = [*(f"--tenant {each.tenant}" for each in stock), *(f"--group {_shown(pattern)}" for pattern in patterns)]
    command = " ".join(["reconciler import", *asked, *["--with-people"] * with_people])
    if stock:
        _write(session, place, stock, command, None if place.is_shown else csv_from)
    for error in errors:
        show_error(error)
    return ExitCode.ERROR if errors else ExitCode.DONE


@click.command(epilog="\b\nExample:\n  reconciler adopt acmeprod/catalog-managers --with-people")
@click.argument("address", metavar="TENANT/GROUP")
@people_option
@csv_option
@parallelism_option
@file_options
def adopt(session: Session, address: str, with_people: bool, csv_from: int, parallelism: int) -> int:
    """Add one live group to the configuration as it is now, so that the next plan adopts it and changes nothing of it.

    The group is named by its id, or by its code or name if no other has the same.
    """
    from reconciler.config.placing import Place

    tenant, slash, wanted = address.partition("/")
    if not (tenant and slash and wanted):
        raise PlanError(f"{address} names no group", remedy="write TENANT/GROUP, such as acmeprod/catalog-managers")
    place = Place.of(session.paths, session.given)

    def choice(_: str) -> Choice:
        return lambda groups: {_named(tenant, wanted, groups)} - _covered(place, tenant, groups)

    stock, errors = _take_stock(session, [tenant], choice, with_people, parallelism)
    if errors:
        raise errors[0]
    if not stock[0].portraits:
        talk([f"The configuration has an entry for {address} already; nothing was written."])
        return ExitCode.DONE
    _write(session, place, stock, f"reconciler adopt {_shown(address)}", csv_from)
    return ExitCode.DONE


def _tenants(session: Session, place: "Place") -> list[str]:
    """Those that are asked for, or else all that a configuration names: the one that grows, or the one at hand."""
    if session.tenants:
        return list(dict.fromkeys(session.tenants))
    there = place.loaded.desired.tenants or (session.load().desired.tenants if session.paths[0].exists() else ())
    if not there:
        raise ConfigurationError("it is not said of which tenant", remedy="name it with --tenant, or several")
    return [tenant.name for tenant in there]


def _take_stock(
    session: Session, tenants: list[str], choice: Callable[[str], Choice], with_people: bool, parallelism: int
) -> tuple[list["Inventory"], list[ReconcilerError]]:
    """Read each tenant; one that can't be read hides none of the others."""
    from reconciler.inventory import take_stock

    stock: list[Inventory] = []
    errors: list[ReconcilerError] = []
    rehearsed = session.load() if session.sandbox and session.paths[0].exists() else None
    with session.service(rehearsed, parallelism) as connect:
        for tenant in tenants:
            try:
                stock.append(take_stock(tenant, connect(tenant), choice(tenant), with_people=with_people))
            except ReconcilerError as error:
                errors.append(error)
    return stock, errors


def _covered(place: "Place", tenant: str, groups: Mapping[str, "LiveGroup"]) -> frozenset[str]:
    from reconciler.inventory import covered

    return covered(place.tenant(tenant), groups)


def _fitting(tenant: str, patterns: tuple[str, ...], groups: Mapping[str, "LiveGroup"]) -> set[str]:
    """The groups that any of the patterns fits; all of them without patterns."""
    chosen: set[str] = set() if patterns else set(groups)
    for pattern in patterns:
        found = {group.id for group in groups.values() if any(fnmatchcase(name, pattern) for name in _names(group))}
        if not found:
            raise PlanError(f"{tenant}: no group is like {pattern}", remedy=_remedy(pattern, groups))
        chosen |= found
    return chosen


def _named(tenant: str, wanted: str, groups: Mapping[str, "LiveGroup"]) -> str:
    from reconciler.core.match import describe

    if wanted in groups:
        return wanted
    found = [group for group in groups.values() if wanted in _names(group)]
    if len(found) == 1:
        return found[0].id
    if found:
        named = "; ".join(describe(group) for group in found)
        raise PlanError(f"{tenant}: {len(found)} groups are called {wanted}", remedy=f"give the id of one: {named}")
    raise PlanError(f"{tenant}: there is no group {wanted}", remedy=_remedy(wanted, groups))


def _names(group: "LiveGroup") -> set[str]:
    return {group.id, *([group.code] if group.code else ()), *group.fields.get("name", {}).values()}


def _remedy(wanted: str, groups: Mapping[str, "LiveGroup"]) -> str:
    from difflib import get_close_matches

    names = {name.casefold(): name for group in groups.values() for name in sorted(_names(group))}
    near = get_close_matches(wanted.casefold(), names, 3, 0.5)
    return f"did you mean {' or '.join(names[name] for name in near)}?" if near else "`import` shows all groups"


def _write(session: Session, place: "Place", stock: list["Inventory"], command: str, csv_from: int | None) -> None:
    """Compose the files, make sure that their first plan is empty, and only then write or show them."""
    from reconciler.config.importing import Taken, compose

    taken = [Taken(each.tenant, each.portraits, each.people) for each in stock]
    sheet = compose(taken, place.handles(), csv_from)
    drafts = place.drafts(sheet, _header(session, command))
    talk(sheet.remarks())
    if not drafts:
        talk(["Every group has an entry already; nothing was written."])
        return
    with _in_place(place.lists(sheet)) as lists:
        memberships = _rehearse(place, drafts, stock, sheet)
        if place.is_shown:
            show([content.decode().rstrip("\n") for content in drafts.values()])
        else:
            _save(drafts)
    if not place.is_shown:
        talk([f"Wrote {', '.join(map(str, (*drafts, *lists)))}."])
    adopted = f"{_count(sheet.written, 'group')} and {_count(memberships, 'membership')}"
    talk([f"What was written is live already: the plan adopts {adopted}, and changes nothing of it."])
    if place.loaded.desired.tenants:
        talk(["Whatever else the configuration says is planned as well."])
    if not place.is_shown:
        talk([f"Next: `{_command(place, session)} plan`."])


def _command(place: "Place", session: Session) -> str:
    """How a command reads what was written: by the names with which the configuration was asked for, if it was."""
    out = place.folder or place.file
    paths = session.paths if out in session.paths else (out,)
    options = [f"-f {_shown(str(path))}" for path in paths if paths != (DEFAULT_FILE,)]
    return " ".join(["reconciler", *options, *["--sandbox"] * session.sandbox])


@contextmanager
def _in_place(lists: Mapping[Path, bytes]) -> Iterator[Collection[Path]]:
    """Lists are written first, because loading reads them, and are taken away again if nothing comes of it."""
    try:
        _save(lists)
        yield lists
    except BaseException:
        for path in lists:
            path.unlink(missing_ok=True)
        raise


def _save(files: Mapping[Path, bytes]) -> None:
    try:
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(files)
    except OSError as error:
        raise ConfigurationError(f"{', '.join(map(str, files))} can't be written: {error.strerror}") from error


def _header(session: Session, command: str) -> list[str]:
    place = "in the sandbox" if session.sandbox else f"at {session.service_name}"
    return [
        f"What was live {place}, written by `{command}`.",
        "It is a snapshot: a group that lists members is to have exactly these, so whoever is added to it elsewhere",
        "from now on is removed by the next apply, unless the group says `membership: additive`.",
    ]


def _rehearse(place: "Place", drafts: Mapping[Path, bytes], stock: list["Inventory"], sheet: "Sheet") -> int:
    """How many memberships the first plan adopts. Raises if it would do anything else, or not read what was written."""
    from reconciler.config import load
    from reconciler.core.guards import refusals
    from reconciler.core.plan import Action, Plan
    from reconciler.inventory import first_plan

    try:
        loaded = load(place.loaded.files, place.loaded.given, drafts)
    except ConfigurationError as error:
        raise ConfigurationError(
            "what is live can't be added here so that it is a good configuration; nothing was written",
            remedy="let `import -o` write it to a new file, and see what keeps the two apart",
            diagnostics=error.diagnostics,
        ) from error
    now = datetime.now(UTC)
    found = [first_plan(loaded.desired, each, now).found for each in stock]
    changes = [change for each in found for change in each.changes]
    other = [f"{each.address} {each.action}: {each.reason}" for each in changes if each.action is not Action.ADOPT]
    adopted = {(change.tenant, change.group) for change in changes if change.user is None}
    wanted = {(tenant, e.portrait.group.id) for tenant, entries in sheet.groups.items() for e in entries if e.data}
    other += [f"{tenant}/{group} would not be adopted" for tenant, group in sorted(wanted - adopted)]
    if other:
        more = f", and {len(other) - 5} more" if len(other) > 5 else ""
        raise PlanError(f"the first plan would not be empty ({'; '.join(other[:5])}{more}); nothing was written")
    plan = Plan(tuple(changes), touched={key: touched for each in found for key, touched in each.touched.items()})
    talk(f"A guard that is there will refuse the first plan: {refusal.message}" for refusal in refusals(plan))
    return sum(1 for change in changes if change.user is not None)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shown(text: str) -> str:
    import shlex

    return shlex.quote(text)
