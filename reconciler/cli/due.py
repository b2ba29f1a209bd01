"""``due``: what begins and ends when, for whoever has to be reminded or has to start the next run."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import click

from reconciler.cli.durations import Duration
from reconciler.cli.instant import at_option
from reconciler.cli.output import show
from reconciler.cli.session import Session, shared_options


@click.command(epilog="\b\nExamples:\n  reconciler due --within 14d\n  reconciler due --format ics > access.ics")
@click.option(
    "--within",
    type=Duration("14d, 12h or 2w", with_unit=True),
    metavar="DURATION",
    help="Only what is due in that time, such as 14d.",
)
@click.option(
    "--format", "format_", type=click.Choice(["text", "json", "ics"]), default="text", show_default=True,
    help="For people, for machines, or for a calendar.",
)  # fmt: skip
@at_option
@shared_options
def due(session: Session, within: float | None, format_: str, at: datetime | None) -> None:
    """List when members join and leave by their dates; needs neither credentials nor network."""
    from reconciler.core.due import due as find
    from reconciler.render import due as shown

    now = (at or datetime.now(UTC)).replace(microsecond=0)
    desired = session.load().desired
    chosen = [tenant for tenant in desired.tenants if not session.tenants or tenant.name in session.tenants]
    items = find(
        replace(desired, tenants=tuple(chosen)), now, now + timedelta(seconds=within) if within is not None else None
    )
    if format_ == "ics":
        sys.stdout.write(shown.calendar(items, now))
    else:
        show([shown.document(items, now)] if format_ == "json" else shown.text(items, now))
