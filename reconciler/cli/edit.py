"""``add``, ``remove`` and ``offboard``: edit the configuration's files in place; nothing is sent anywhere."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.instant import Moment
from reconciler.cli.output import show, talk
from reconciler.cli.session import Session, shared_options
from reconciler.diagnostics import ConfigurationError

if TYPE_CHECKING:
    from reconciler.config.edit import Edit, Edited, Who


def _editing(command: Callable[..., Any]) -> Callable[..., Any]:
    """What the editing commands have in common: --dry-run, the options of all commands, and --tenant."""
    option = click.option("--dry-run", is_flag=True, help="Only show what would change in the files.")
    return shared_options(option(command))


@click.command(epilog="\b\nExample:\n  reconciler add ana catalog-managers testers --until 2026-12-31 --reason OPS-42")
@click.argument("user")
@click.argument("groups", nargs=-1, required=True, metavar="GROUP...")
@click.option("--from", "from_", type=Moment(), metavar="WHEN", help="The first day, or instant, of the membership.")
@click.option("--until", type=Moment(), metavar="WHEN", help="The last day, or instant, of the membership.")
@click.option("--reason", help="Why; shown in the plan.")
@_editing
def add(
    session: Session,
    user: str,
    groups: tuple[str, ...],
    from_: str | None,
    until: str | None,
    reason: str | None,
    dry_run: bool,
) -> None:
    """List USER in groups: an id, an e-mail, or a name under people.

    A group is its id, tenant/id, or what it is matched by, such as code:BO_MANAGER. All files are edited or none, and
    nothing in them changes but the entries.
    """
    from reconciler.config.edit import add as add_to
    from reconciler.config.edit import targets

    edit, whom = _begin(session, user)
    given = {"from": from_, "until": until, "reason": reason}
    details = {key: value for key, value in given.items() if value}
    add_to(edit, whom, targets(edit.desired, groups, session.tenants), details)
    _finish(edit.done(), dry_run)


@click.command(epilog="\b\nExample:\n  reconciler remove ana acmeprod/catalog-managers")
@click.argument("user")
@click.argument("groups", nargs=-1, required=True, metavar="GROUP...")
@_editing
def remove(session: Session, user: str, groups: tuple[str, ...], dry_run: bool) -> None:
    """Take USER out of the lists of groups; exits with 1 if a team would keep USER in."""
    from reconciler.config.edit import remove_from, targets

    edit, whom = _begin(session, user)
    remove_from(edit, whom, targets(edit.desired, groups, session.tenants))
    _finish(edit.done(), dry_run)


@click.command(epilog="\b\nExample:\n  reconciler offboard jon --left 2026-11-30 --reason HR-412")
@click.argument("user")
@click.option("--left", type=Moment(), metavar="WHEN", help="The first day in no group.  [default: today]")
@click.option("--reason", help="Why; shown in the plan.")
@click.option("--clean", is_flag=True, help="Also take out what entries there are by the name under people.")
@_editing
def offboard(session: Session, user: str, left: str | None, reason: str | None, clean: bool, dry_run: bool) -> None:
    """Let USER leave: in no group of any tenant from a day on.

    Somebody with a name under people gets the date there. Anybody else, or if --tenant limits it, is listed as
    offboarded in each tenant, and the entries in member lists go.
    """
    from reconciler.config.edit import Leave, tenants_of
    from reconciler.config.edit import offboard as leave

    edit, whom = _begin(session, user)
    tenants = tenants_of(edit.desired, session.tenants)
    leave(edit, whom, Leave(left, reason or ""), tenants, all_=not session.tenants, clean=clean)
    edited = edit.done()
    is_new = not clean and (edit.effect is None or edit.effect <= edit.at)
    elsewhere = f"whatever else {user} holds in {', '.join(tenant.name for tenant in tenants)}"
    _finish(edited, dry_run, elsewhere if edited.left or is_new else "")


def _begin(session: Session, user: str) -> tuple["Edit", "Who"]:
    from reconciler.config.edit import Edit, misspelt, refuse_name, who

    edit = Edit(session.paths, session.load(), datetime.now(UTC))
    whom = who(edit.desired, user)
    refuse_name(edit.desired, edit.teams(), whom)
    if close := misspelt(edit.desired, whom):
        talk([f"warning: `{user}` is taken as a user id; did you mean `{close}`?"])
    return edit, whom


def _finish(edited: "Edited", dry_run: bool, elsewhere: str = "") -> None:
    for path, (before, after) in edited.files.items():
        show(difference(path, before, after))
    show(edited.told)
    if not edited.files:
        show(["Nothing to do: no file changes."])
        return
    if dry_run:
        show(["Nothing was written (--dry-run)."])
    else:
        write(edited.files)
        show([f"Changed {', '.join(map(str, edited.files))}."])
    show([_outlook(edited, elsewhere)])


def _outlook(edited: "Edited", elsewhere: str) -> str:
    """What the plan will show, as far as it can be told without the service."""
    parts = [
        f"{sign}{number:,} member{'' if number == 1 else 's'} in {tenant}/{group}"
        for sign, groups in (("+", edited.joined), ("-", edited.left))
        for (tenant, group), number in sorted(groups.items())
    ]
    if not parts and not elsewhere:
        return "`reconciler plan` will show no other members than before; `reconciler due` lists what is to come."
    told = " and ".join(filter(None, [", ".join(parts), elsewhere]))
    return f"If the service has what the configuration said before, `reconciler plan` will show: {told}."


def difference(path: Path, before: bytes, after: bytes) -> Iterator[str]:
    """A unified diff of a file, as ``patch -p0`` reads it."""
    from difflib import unified_diff

    old, new = (data.decode("utf-8-sig").splitlines(keepends=True) for data in (before, after))
    for line in unified_diff(old, new, str(path), str(path)):
        yield line.rstrip("\r\n")
        if not line.endswith(("\n", "\r")):
            yield "\\ No newline at end of file"


def write(files: dict[Path, tuple[bytes, bytes]]) -> None:
    """Write all files, or none if one of them was changed meanwhile or can't be written."""
    from reconciler.cli.whole import write_whole

    for path, (before, _) in files.items():
        if path.read_bytes() != before:
            raise ConfigurationError(f"{path} was changed by somebody else just now", remedy="run the command again")
    try:
        write_whole({path: after for path, (_, after) in files.items()})
    except OSError as error:
        raise ConfigurationError(f"{error.filename or 'a file'} can't be written: {error.strerror}") from error
