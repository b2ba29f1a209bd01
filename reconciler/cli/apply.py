"""``apply``: make it so, after a look, a guard's nod and a yes."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.audit import audit_file, record
from reconciler.cli.comment import command_of
from reconciler.cli.consent import (
    Approval,
    Consent,
    check_again,
    check_consent,
    check_lockfile,
    check_online,
    check_service,
    check_tenants,
    check_time,
    reviewed,
)
from reconciler.cli.events import events_option
from reconciler.cli.foresight import access_options
from reconciler.cli.formats import View, show_plan
from reconciler.cli.instant import identity_option
from reconciler.cli.locking import lock_timeout_option, locked
from reconciler.cli.output import show, talk
from reconciler.cli.plan import (
    full_option,
    options_of,
    parallelism_option,
    placed,
    show_errors,
    take_over_option,
    target_option,
)
from reconciler.cli.planfile import read
from reconciler.cli.policy import configured_rules, judged, policy_option
from reconciler.cli.session import Session, shared_options
from reconciler.core.plan import Action, Change, Plan
from reconciler.diagnostics import ExitCode, PlanError, ReconcilerError

if TYPE_CHECKING:
    from reconciler.apply import Book, Report
    from reconciler.emporix.iam import Connect
    from reconciler.engine import Outlook
    from reconciler.state import Store
    from reconciler.state.audit import Audit


EPILOG = """\b
Examples:
  reconciler apply                              # plans, shows, asks
  reconciler apply --auto-approve --expect 5f1c… # only the reviewed plan
  reconciler apply --auto-approve --expect x.plan # the same; says what differs
  reconciler apply change.plan                  # exactly the saved plan
"""


@click.command(epilog=EPILOG)
@click.argument("planfile", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option(
    "--expect", metavar="FINGERPRINT|FILE",
    help="Go on only if the plan is the reviewed one; of a saved plan what differs is shown.",
)  # fmt: skip
@click.option("--accept", metavar="FINGERPRINT", help="Let the plan with this fingerprint pass guards that refuse it.")
@target_option
@take_over_option
@parallelism_option
@policy_option
@full_option
@lock_timeout_option
@shared_options
@identity_option
@access_options
@events_option
def apply(
    session: Session,
    planfile: Path | None,
    auto_approve: bool,
    expect: str | None,
    accept: str | None,
    targets: tuple[str, ...],
    take_over: bool,
    parallelism: int,
    policies: tuple[Path, ...],
    full: bool,
) -> int:
    """Make the service match the configuration, or carry out a saved plan.

    Without PLANFILE it plans, shows the plan and asks for yes. A saved plan is its own approval. Ctrl-C lets running
    requests finish and records them.
    """
    consent = Consent(auto_approve or planfile is not None, reviewed(expect), accept, full)
    if planfile is not None:
        if targets or take_over:
            raise PlanError("--target and --take-over belong to planning; a saved plan is applied as it is")
        plan = read(planfile)
        check_online(plan, str(planfile))
        check_tenants(plan, session.tenants)
        configured = configured_rules(session)
        rules = (*configured.policy, *policies)
        return _apply_saved(session, plan, rules, replace(consent, saved=plan), parallelism, full, configured.audit)
    if not auto_approve and not sys.stdin.isatty():
        raise PlanError(
            "there is no terminal to ask for approval",
            remedy="pass --auto-approve, or save a plan with `plan -o FILE` and apply that",
        )
    return _apply_fresh(session, (targets, take_over), policies, consent, parallelism, full)


def _apply_fresh(
    session: Session,
    scope: tuple[tuple[str, ...], bool],
    policies: tuple[Path, ...],
    consent: Consent,
    parallelism: int,
    full: bool,
) -> int:
    from reconciler.engine import make_plan

    was_reviewed = consent.expected.plan if consent.expected else None
    if was_reviewed:
        check_service(session, was_reviewed, "the reviewed plan")
    loaded = session.load()
    store = session.store(loaded.desired.state)
    log = audit_file(session, loaded.audit, store.url)
    with locked(session, store, "apply") as book, session.service(loaded, parallelism) as connect:
        if was_reviewed:
            check_lockfile(book, was_reviewed, "the reviewed plan")
        outlook = make_plan(loaded.desired, book.lockfile, connect, session.scope(*scope))
        rules = (*loaded.policy, *policies)
        plan = judged(placed(outlook.plan, session, store), rules)
        session.events.planned(plan)
        rest_of = _whole(plan, was_reviewed, book, connect)
        again = command_of(session, "apply", *options_of(session, *scope, policies))
        view = View(session.color, full, accepted=consent.accepts(plan, rest_of), told=True, apply=again)
        show_plan(plan, "text", view)
        show_errors(outlook.errors)
        approval = check_consent(session, plan, consent, is_shown=True, rest_of=rest_of)
        if plan.changes and not consent.approved:
            if not _says_yes():
                talk(["", "Apply cancelled."])
                return ExitCode.ERROR
            return _look_again(session, plan, rules, book, connect, parallelism, full, outlook.errors, log, approval)
        before = book.lockfile
        report = _carry_out(session, plan, outlook, book, connect, parallelism)
        report = record(log, plan, approval, report, outlook, before, book)
        show_report(session, report, book, full, outlook.errors)
        return _worst(report, outlook.errors)


def _whole(plan: Plan, was_reviewed: Plan | None, book: "Book", connect: "Connect") -> Plan | None:
    """The reviewed plan if this one is only what is left of it: all else in it is live and recorded.

    So a run that was killed, or did only a part, can be run again as it was.
    """
    from reconciler.core.compare import missing
    from reconciler.core.stale import are_done
    from reconciler.engine import read_again

    done = missing(plan, was_reviewed) if was_reviewed else None
    if not was_reviewed or not done:
        return None
    seen = read_again(replace(was_reviewed, changes=done), book.lockfile, connect)
    if not are_done(done, seen.live, seen.known):
        return None
    left = "this plan is the rest" if plan.changes else "nothing is left to do"
    talk([f"{len(done)} of the reviewed plan's {len(was_reviewed.changes)} changes are done and recorded: {left}."])
    return was_reviewed


def _apply_saved(
    session: Session,
    saved: Plan,
    rules: tuple[Path, ...],
    consent: Consent,
    parallelism: int,
    full: bool,
    audit: str | None,
) -> int:
    plan = judged(saved, rules)
    session.events.planned(plan)
    approval = check_consent(session, plan, consent, is_shown=False)
    check_service(session, plan)
    unplanned = {tenant: PlanError(f"{tenant} was not planned: {why}") for tenant, why in plan.failures.items()}
    show_errors(unplanned)
    store = _store_of(session, plan)
    log = audit_file(session, audit, store.url)
    with locked(session, store, "apply") as book, session.service(None, parallelism) as connect:
        check_lockfile(book, plan)
        if book.lockfile.serial != plan.serial:
            talk(
                [
                    f"The plan was made with serial {plan.serial} of the lockfile, and it is at {book.lockfile.serial}"
                    " now: each change is held against what is live."
                ]
            )
        return _look_again(session, plan, rules, book, connect, parallelism, full, unplanned, log, approval)


def _store_of(session: Session, plan: Plan) -> "Store":
    """The lockfile that a saved plan is for.

    A plan file from elsewhere could name any server, which would then be sent our credentials; so one that is not a
    file must also be named by --state, RECONCILER_STATE or the configuration. Raises PlanError.
    """
    from reconciler.state.places import is_file

    if session.state or session.sandbox or not plan.state or is_file(plan.state):
        return session.store(plan.state or None)
    store = session.configured_store()
    if store.url != plan.state:
        raise PlanError(
            f"the plan is for the lockfile {plan.state}, and this run's is {store.url}",
            remedy=f"if that is right, name it: --state {shlex.quote(plan.state)}",
        )
    return store


def _look_again(
    session: Session,
    plan: Plan,
    rules: tuple[Path, ...],
    book: "Book",
    connect: "Connect",
    parallelism: int,
    full: bool,
    errors: Mapping[str, ReconcilerError],
    log: "Audit | None",
    approval: Approval,
) -> int:
    """Carry out what still fits of a plan that somebody took time to read: meanwhile the world may have moved.

    ``errors`` are those of tenants that were not planned at all.
    """
    from reconciler.core.stale import as_of, check
    from reconciler.engine import judge_again, read_again

    check_time(plan)
    outlook = read_again(plan, book.lockfile, connect)
    readable = replace(plan, changes=tuple(c for c in plan.changes if c.tenant not in outlook.errors))
    checked = check(readable, outlook.live)
    show_errors(outlook.errors)
    rest = judge_again(checked.plan, outlook.live, connect, session.access_limit)
    now = as_of(rest, outlook.live, outlook.known)
    has_moved = (now.changes, now.touched) != (plan.changes, plan.touched)
    check_again(plan, judged(now, rules) if has_moved else now)
    before = book.lockfile
    report = _carry_out(session, checked.plan, outlook, book, connect, parallelism, satisfied=checked.satisfied)
    session.events.satisfied(checked.satisfied)
    unread = tuple((c, outlook.errors[c.tenant].message) for c in plan.changes if c.tenant in outlook.errors)
    report = replace(report, skipped=(*report.skipped, *checked.moved, *unread))
    report = record(log, plan, approval, report, outlook, before, book, checked.satisfied)
    if checked.satisfied:
        talk([f"{len(checked.satisfied)} of {len(plan.changes)} changes were so already."])
    show_report(session, report, book, full, errors)
    return _worst(report, {**errors, **outlook.errors})


def _says_yes() -> bool:
    talk(["", "Do you want to perform these actions?", "  Only 'yes' will be accepted to approve.", ""])
    sys.stderr.write("  Enter a value: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def _carry_out(
    session: Session,
    plan: Plan,
    outlook: "Outlook",
    book: "Book",
    connect: "Connect",
    parallelism: int,
    satisfied: tuple[Change, ...] = (),
) -> "Report":
    from reconciler.apply import apply as carry_out
    from reconciler.cli.progress import progress

    with progress(*session.events.following(plan)) as told:
        return carry_out(
            plan,
            outlook.live,
            outlook.known,
            book,
            connect,
            satisfied=satisfied,
            parallelism=parallelism,
            progress=told,
        )


def show_report(session: Session, report: "Report", book: "Book", full: bool, unplanned: Iterable[str] = ()) -> None:
    """Write what was done and what was not to stdout; ``unplanned`` are tenants that could not be planned at all."""
    from reconciler.render.outcome import outcome

    session.events.applied(report)
    if report.doubt:
        talk([f"Not verified: {report.doubt}."])
    if report.kept:
        talk(_told_of_kept(session, book, str(report.kept)))
    counts = Counter(change.action for change in report.done)
    replaced = counts[Action.REPLACE]
    show(
        outcome(
            added=counts[Action.CREATE] + replaced,
            changed=counts[Action.UPDATE],
            destroyed=counts[Action.DELETE] + replaced,
            adopted=counts[Action.ADOPT],
            forgotten=counts[Action.FORGET],
            verified=report.verified,
            done=report.done,
            failed=report.failed,
            unsure=report.unsure,
            skipped=report.skipped,
            interrupted=report.interrupted,
            color=session.color,
            full=full,
            unplanned=tuple(unplanned),
            unrecorded=report.unrecorded,
            unaudited=report.unaudited,
        )
    )


def _told_of_kept(session: Session, book: "Book", kept: str) -> tuple[str, str]:
    """Where the outcome is, and the command that brings it to where it belongs, however that was named."""
    place = ("--sandbox", "-f", str(session.paths[0])) if session.sandbox else ("--state", book.store.url)
    command = shlex.join(("reconciler", *place, "state", "push", kept))
    return (
        f"What this run did could not be written to the lockfile, and is kept in {kept}.",
        f"Once the lockfile can be written again, either bring it there: `{command}`, or let the next run find it out.",
    )


def _worst(report: "Report", errors: Mapping[str, ReconcilerError]) -> ExitCode:
    """A tenant that could not be planned makes a complete apply a partial one, and never a success."""
    if not errors or report.exit_code is not ExitCode.DONE:
        return report.exit_code
    return ExitCode.PARTIAL if report.done else ExitCode.ERROR
