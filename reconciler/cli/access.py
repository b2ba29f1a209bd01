"""``access``: the report for a periodic review of who may do what; only reads."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.audit import trail
from reconciler.cli.explain import world_of
from reconciler.cli.instant import at_option
from reconciler.cli.output import line_of, show, show_diagnostics, talk
from reconciler.cli.plan import parallelism_option, show_errors
from reconciler.cli.session import Session, shared_options
from reconciler.cli.since import past
from reconciler.diagnostics import ExitCode

if TYPE_CHECKING:
    from reconciler.render.review import Report


def _text(report: "Report") -> Iterable[str]:
    from reconciler.render import review

    return review.text(report)


def _csv(report: "Report") -> Iterable[str]:
    from reconciler.render import review_csv

    return review_csv.rows(report)


def _json(report: "Report") -> Iterable[str]:
    from reconciler.render import review_json

    return [review_json.document(report)]


def _markdown(report: "Report") -> Iterable[str]:
    from reconciler.render import review_markdown

    return review_markdown.markdown(report)


def _html(report: "Report") -> Iterable[str]:
    from reconciler.render import review_html

    return review_html.page(report, line_of)


FORMATS: Final[Mapping[str, Callable[["Report"], Iterable[str]]]] = {
    "text": _text, "csv": _csv, "json": _json, "markdown": _markdown, "html": _html, "table": _text,
}  # fmt: skip
"""What writes each form, line by line; ``table`` is what ``text`` was called before all commands called it alike."""

MARKED: Final = "utf-8-sig"
"""What spreadsheets have to be told of a file: without a mark they take it for the machine's own old encoding."""


@click.command(
    epilog="\b\nExamples:\n  reconciler access\n  reconciler access --format html -o review.html\n"
    "  reconciler access --tenant acmeprod --format csv -o review.csv\n"
    "  reconciler access --since last-review.lock\n  reconciler access --since v2026.10 --format html -o review.html"
)
@click.option(
    "--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True,
    help="csv opens in a spreadsheet and has a row for each user, group and scope; html is one page of its own.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write it to a file, which only its owner can read if it is new.",
)  # fmt: skip
@click.option(
    "--since", "since", metavar="LOCKFILE|REV",
    help="Also tell what has come and gone since an earlier lockfile: a file, or a revision of git; a file of "
    "that name comes first.",
)  # fmt: skip
@at_option
@parallelism_option
@shared_options
def access(
    session: Session, format_: str, out: Path | None, since: str | None, at: datetime | None, parallelism: int
) -> int:
    """Report every membership with its scopes, why it is there and until when, for a review of access.

    Dormant memberships (accounts that are locked, inactive or gone, entries whose time is over) and unmanaged ones
    (groups outside the configuration, members that it does not list) stand apart and first, after whoever has together
    what guards.separation keeps apart. Scopes that guards.sensitive names are marked.

    --since compares with what was ours by an earlier lockfile: added, removed, or adopted, which was there before. What
    was never ours is no lockfile's business, so that such a membership is perhaps added. Groups that have something
    else attached than then are named.
    """
    from reconciler.asking import review
    from reconciler.render.review import Report

    now = (at or datetime.now(UTC)).replace(microsecond=0)
    loaded, world = world_of(session, now)
    store = session.store(loaded.desired.state)
    before = past(session, store, world, since) if since is not None else None
    records = trail(session, loaded.audit, store.url)
    with session.service(loaded, parallelism) as connect:
        found = review(world, connect, records, before)
    failures = {tenant: error.reason for tenant, error in found.errors.items()}
    report = Report(found.tenants, failures, now, session.service_name, records, before)
    lines = FORMATS[format_](report)
    if out:
        _write(out, lines, MARKED if format_ == "csv" else "utf-8")
    else:
        show(lines)
    if format_ == "csv":  # whose rows have no place for them
        talk(report.notes)
    for each in found.tenants.values():
        show_diagnostics(each.warnings)
    show_errors(found.errors)
    return ExitCode.ERROR if found.errors else ExitCode.DONE


def _write(path: Path, lines: Iterable[str], encoding: str) -> None:
    from reconciler.cli.whole import write_whole

    text = "".join(f"{line}\n" for line in lines)
    write_whole({path: text.encode(encoding, "backslashreplace")})
    talk([f"Wrote {path}."])
