"""``plan``, ``show`` and ``drift``: read the world and show what differs; nothing is changed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.comment import Comment, command_of, comment_options, key_of
from reconciler.cli.events import events_option
from reconciler.cli.foresight import access_options
from reconciler.cli.formats import View, format_option, show_plan
from reconciler.cli.instant import at_option, identity_option
from reconciler.cli.output import show, show_error, width
from reconciler.cli.planfile import read, relative, save
from reconciler.cli.policy import judged, policy_option
from reconciler.cli.session import Session, file_options, shared_options
from reconciler.core.plan import Plan
from reconciler.diagnostics import ExitCode, PlanError, ReconcilerError

if TYPE_CHECKING:
    from reconciler.engine import Outlook
    from reconciler.planning import Scope
    from reconciler.state import Store

DEFAULT_PARALLELISM = 16

full_option = click.option("--full", is_flag=True, help="Show long lists and long texts of the text form whole.")
detailed_option = click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 if changes are pending, 0 if there are none."
)
parallelism_option = click.option(
    "--parallelism", type=click.IntRange(1, 256), default=DEFAULT_PARALLELISM, show_default=True, metavar="N",
    help="At most this many requests at once to each tenant.",
)  # fmt: skip
take_over_option = click.option(
    "--take-over", is_flag=True, help="Also remove members that were never ours from groups managed for the first time."
)
target_option = click.option(
    "--target", "targets", multiple=True, metavar="ADDRESS",
    help="Only tenant, tenant/group or tenant/group/user; may be repeated.",
)  # fmt: skip


@click.command(
    epilog="\b\nExamples:\n  reconciler plan\n  reconciler plan --target acmeprod/catalog-managers -o x.plan"
)
@format_option
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save the plan.")
@detailed_option
@target_option
@take_over_option
@at_option
@parallelism_option
@click.option(
    "--offline", is_flag=True, help="Plan against the lockfile instead of the service: no credentials needed."
)
@policy_option
@full_option
@comment_options
@shared_options
@identity_option
@access_options
@events_option
def plan(
    session: Session,
    format_: str,
    out: Path | None,
    detailed_exitcode: bool,
    targets: tuple[str, ...],
    take_over: bool,
    at: datetime | None,
    parallelism: int,
    offline: bool,
    policies: tuple[Path, ...],
    full: bool,
    comment: Comment,
) -> int:
    """Show what apply would do; only reads.

    Exits with 3 if a guard refuses the plan, and with 1 if a tenant could not be planned; the others are shown. An
    --offline plan says what it can't know, and can be looked at but not applied.
    """
    scope = session.scope(targets, take_over, at)
    outlook = look_offline(session, scope, policies) if offline else look(session, scope, parallelism, policies)
    session.events.planned(outlook.plan)
    if out is not None:
        save(outlook.plan, out)
    same = options_of(session, targets, take_over, policies)
    comment = replace(comment, key=key_of(session), command=command_of(session, "plan", *same, "--full"))
    view = View(session.color, full, told=True, comment=comment, apply=command_of(session, "apply", *same))
    show_plan(outlook.plan, format_, view)
    show_errors(outlook.errors)
    return exit_code(outlook.plan, outlook.errors, detailed_exitcode)


@click.command("show", epilog="\b\nExample:\n  reconciler show change.plan")
@click.argument("planfile", type=click.Path(dir_okay=False, path_type=Path))
@format_option
@policy_option
@full_option
@comment_options
@click.option("--fingerprint", is_flag=True, help="Only the fingerprint, for `apply --expect`.")
@file_options
def show_(
    session: Session,
    planfile: Path,
    format_: str,
    policies: tuple[Path, ...],
    full: bool,
    fingerprint: bool,
    comment: Comment,
) -> int:
    """Show a saved plan; needs neither credentials nor network.

    With --policy it is judged as well, and the exit code is 3 if anything refuses it.
    """
    plan = judged(read(planfile), policies)
    if fingerprint and plan.failures:
        raise PlanError(
            f"{planfile} is only a part of a plan: {', '.join(sorted(plan.failures))} could not be planned",
            remedy="plan anew; or plan with --tenant what can be planned, and review that",
        )
    if fingerprint:
        show([plan.fingerprint])
    else:
        whole = command_of(session, "show", str(planfile), "--full")
        again = command_of(session, "apply", str(planfile), *options_of(session, policies=policies))
        comment = replace(comment, key=key_of(session, plan), command=whole)
        show_plan(plan, format_, View(session.color, full, comment=comment, apply=again))
    return exit_code(plan, {}, detailed=False) if policies else ExitCode.DONE


@click.command(epilog="\b\nExample:\n  reconciler drift --detailed-exitcode   # in a nightly pipeline")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people, or the drift document for machines.",
)  # fmt: skip
@detailed_option
@parallelism_option
@full_option
@shared_options
def drift(session: Session, format_: str, detailed_exitcode: bool, parallelism: int, full: bool) -> int:
    """Show what was changed outside since the last apply, whatever the configuration says."""
    from reconciler.core.drift import encode_drift
    from reconciler.engine import find_drift
    from reconciler.render import terminal

    loaded = session.load()
    lockfile, _ = session.store(loaded.desired.state).load()
    with session.service(loaded, parallelism) as connect:
        outlook = find_drift(loaded.desired, lockfile, connect, session.tenants)
    if format_ == "json":
        show([encode_drift(outlook.plan).decode().rstrip("\n")])
    else:
        show(terminal.drift(outlook.plan, color=session.color, width=width(), full=full))
    show_errors(outlook.errors)
    if outlook.errors:
        return ExitCode.ERROR
    return ExitCode.CHANGES if detailed_exitcode and outlook.plan.changes else ExitCode.DONE


def options_of(
    session: Session, targets: Iterable[str] = (), take_over: bool = False, policies: Iterable[Path] = ()
) -> tuple[str, ...]:
    """The options behind the command that another one needs as well to make, judge and apply the same plan."""
    named = (("--target", targets), ("--policy", policies), ("--accept-identity", session.identities))
    options = [part for option, values in named for value in values for part in (option, str(value))]
    return (*options, *["--take-over"] * take_over)


def look(session: Session, scope: "Scope", parallelism: int, policies: tuple[Path, ...] = ()) -> "Outlook":
    """Read configuration, lockfile and service, make the plan, and have the policy judge it."""
    from reconciler.engine import make_plan

    loaded = session.load()
    store = session.store(loaded.desired.state)
    lockfile, _ = store.load()
    with session.service(loaded, parallelism) as connect:
        outlook = make_plan(loaded.desired, lockfile, connect, scope)
    return replace(outlook, plan=judged(placed(outlook.plan, session, store), (*loaded.policy, *policies)))


def look_offline(session: Session, scope: "Scope", policies: tuple[Path, ...] = ()) -> "Outlook":
    """Read configuration and lockfile only, and make the plan, which names no service because none was asked."""
    from reconciler.offline import plan_offline

    if session.sandbox:
        raise PlanError(
            "--offline plans without the service, and --sandbox brings one along", remedy="leave one of them out"
        )
    loaded = session.load()
    store = session.store(loaded.desired.state)
    lockfile, _ = store.load()
    outlook = plan_offline(loaded.desired, lockfile, store.url, scope)
    plan = replace(placed(outlook.plan, session, store), service="")
    return replace(outlook, plan=judged(plan, (*loaded.policy, *policies)))


def placed(plan: Plan, session: Session, store: "Store") -> Plan:
    """The plan with the service and the lockfile that it is for, so that a saved one is applied nowhere else."""
    return replace(plan, service=session.service_name, state=relative(store.url, Path()))


def show_errors(errors: Mapping[str, ReconcilerError]) -> None:
    """Write what stood in the way of each tenant to stderr."""
    for error in errors.values():
        show_error(error)


def exit_code(plan: Plan, errors: Mapping[str, ReconcilerError], detailed: bool) -> ExitCode:
    """What a plan's process answers: an unplanned tenant is an error, then refusals, then pending changes."""
    from reconciler.core.guards import refusals

    if errors:
        return ExitCode.ERROR
    if refusals(plan):
        return ExitCode.REFUSED
    return ExitCode.CHANGES if detailed and plan.changes else ExitCode.DONE
