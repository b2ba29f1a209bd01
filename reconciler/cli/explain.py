"""``explain`` and ``who``: what somebody may do and why, and who may do something; only reads."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.output import show, show_diagnostics
from reconciler.cli.plan import parallelism_option, show_errors
from reconciler.cli.session import Session, shared_options
from reconciler.diagnostics import ExitCode, PlanError

if TYPE_CHECKING:
    from reconciler.asking import Answers, World
    from reconciler.config import Loaded

format_option = click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people or for machines.",
)  # fmt: skip


@click.command(
    epilog="\b\nExamples:\n  reconciler explain marta@acme.example\n"
    "  reconciler explain marta --scope 'order.*'\n  reconciler explain 00u4ukqvzlEP31sCk417 --compare"
)
@click.argument("user")
@click.option("--scope", metavar="PATTERN", default="", help="Only these scopes, such as 'order.*'.")
@click.option("--offline", is_flag=True, help="Ask the lockfile instead of the service: no credentials needed.")
@click.option("--compare", is_flag=True, help="Also ask the service for the scopes; exit with 1 if it differs.")
@format_option
@parallelism_option
@shared_options
def explain(
    session: Session, user: str, scope: str, offline: bool, compare: bool, format_: str, parallelism: int
) -> int:
    """Show every scope that USER has and the whole way to it, down to the line of the configuration.

    USER is a handle from `people`, an e-mail or an id. Groups outside the configuration count as well, and are named
    as such. The lockfile knows our groups and members but no scopes: --offline shows what is attached to the groups.
    """
    from reconciler.asking import explain as ask
    from reconciler.asking import recall

    if offline and (scope or compare or session.sandbox):
        option = "--scope" if scope else "--compare" if compare else "--sandbox"
        raise PlanError(
            f"--offline asks the lockfile only, and {option} needs the service", remedy="leave one of them out"
        )
    loaded, world = world_of(session)
    if offline:
        answers = recall(world, user)
    else:
        with session.service(loaded, parallelism) as connect:
            answers = ask(world, connect, user, scope, compare=compare)
    differs = any(one.ours_only or one.theirs_only for answer in answers.tenants.values() for one in answer.users)
    return ExitCode.ERROR if _shown(answers, "explain", user, scope, format_) or differs else ExitCode.DONE


@click.command(
    epilog="\b\nExamples:\n  reconciler who order.order_manage\n  reconciler who 'iam.*'\n"
    "  reconciler who catalog-managers"
)
@click.argument("asked", metavar="SCOPE|GROUP")
@format_option
@parallelism_option
@shared_options
def who(session: Session, asked: str, format_: str, parallelism: int) -> int:
    """List who has a scope, and through what, or who is in a group.

    SCOPE may be a pattern such as 'order.*'; one without a restriction means the scope under every restriction. GROUP
    is an id or an address tenant/group.
    """
    from reconciler.asking import who as ask

    loaded, world = world_of(session)
    with session.service(loaded, parallelism) as connect:
        answers = ask(world, connect, asked)
    return ExitCode.ERROR if _shown(answers, "who", asked, asked, format_) else ExitCode.DONE


def world_of(session: Session, at: datetime | None = None) -> "tuple[Loaded, World]":
    """Configuration and lockfile, and what is asked of them; ``at`` is for when, now unless it is given."""
    from reconciler.asking import World

    loaded = session.load()
    lockfile, _ = session.store(loaded.desired.state).load()
    return loaded, World(loaded.desired, lockfile, session.scope(at=at))


def _shown(answers: "Answers", kind: str, asked: str, scope: str, format_: str) -> bool:
    """Show what was found, and then what was not; whether anything was not."""
    from reconciler.render import access

    if format_ == "json":
        failures = {tenant: error.reason for tenant, error in answers.errors.items()}
        show([access.document(kind, asked, answers.tenants, answers.warnings, failures)])
    else:
        if answers.tenants:  # whoever sees nothing looks for the error
            show(access.missing(answers.errors))
        show((access.explained if kind == "explain" else access.holders)(answers.tenants, scope))
    show_diagnostics(answers.warnings)
    for answer in answers.tenants.values():
        show_diagnostics(answer.warnings)
    show_errors(answers.errors)
    return bool(answers.errors)
