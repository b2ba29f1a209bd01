"""``diff``: what two saved plans do not share, without credentials or network."""

from pathlib import Path

import click

from reconciler.cli.output import show, width
from reconciler.cli.plan import full_option
from reconciler.cli.planfile import read
from reconciler.cli.session import Session, file_options
from reconciler.core.plan import Plan
from reconciler.diagnostics import ExitCode

PLAN_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="\b\nExample:\n  reconciler diff reviewed.plan fresh.plan")
@click.argument("first", metavar="PLAN_A", type=PLAN_FILE)
@click.argument("second", metavar="PLAN_B", type=PLAN_FILE)
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people, or the comparison document for machines.",
)  # fmt: skip
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if the plans differ, 0 if they do the same.")
@full_option
@file_options
def diff(session: Session, first: Path, second: Path, format_: str, detailed_exitcode: bool, full: bool) -> int:
    """Compare two saved plans; needs neither credentials nor network.

    They do the same if their fingerprints are equal. Order, clock, paths and source lines make no difference.
    """
    plans = read(first), read(second)
    if format_ == "json":
        from reconciler.core.compare import compare, encode_comparison

        show([encode_comparison(compare(*plans)).decode().removesuffix("\n")])
    else:
        show_difference(session, plans, _names(first, second), full)
    is_same = plans[0].fingerprint == plans[1].fingerprint
    return ExitCode.CHANGES if detailed_exitcode and not is_same else ExitCode.DONE


def _names(first: Path, second: Path) -> tuple[str, str]:
    """The files' names, with their folders only where nothing else tells them apart."""
    return (first.name, second.name) if first.name != second.name else (str(first), str(second))


def show_difference(session: Session, plans: tuple[Plan, Plan], names: tuple[str, str], full: bool) -> None:
    """Write what two plans do not share to stdout; ``names`` is what their reader calls them."""
    from reconciler.core.compare import compare
    from reconciler.render.comparison import comparison

    show(comparison(compare(*plans), names=names, color=session.color, width=width(), full=full))
