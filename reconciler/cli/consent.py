"""What the caller of ``apply`` agreed to beforehand, and whether the plan at hand is that and is for here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.diff import show_difference
from reconciler.cli.output import talk
from reconciler.cli.planfile import load
from reconciler.cli.session import Session
from reconciler.core.plan import Plan
from reconciler.diagnostics import Diagnostic, GuardRefusal, PlanError

if TYPE_CHECKING:
    from reconciler.apply import Book

FINGERPRINT: Final = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The plan that somebody looked at: its fingerprint, and all of it if a saved plan was named."""

    fingerprint: str
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """What the caller agreed to beforehand: everything, the reviewed plan, or a plan that guards refused.

    ``full`` says how long lists of differences are shown, should the plan be another one.
    """

    approved: bool
    expected: Reviewed | None
    accepted: str | None
    full: bool = False


def reviewed(given: str | None) -> Reviewed | None:
    """What ``--expect`` names: a fingerprint, or else the file of a saved plan, which is checked as every plan file is.

    A plan that was made offline will do, because the plan that is applied is made anew and must do exactly the same.
    """
    if given is None or FINGERPRINT.fullmatch(given):
        return Reviewed(given) if given else None
    if not given or not Path(given).exists():
        raise PlanError(
            f"--expect {given or '(nothing)'}: neither a fingerprint (20 hex digits) nor the file of a saved plan",
            remedy="`reconciler show --fingerprint FILE` prints the fingerprint of a saved plan",
        )
    plan = load(Path(given))
    return Reviewed(plan.fingerprint, plan)


def check_consent(session: Session, plan: Plan, consent: Consent, *, is_shown: bool) -> None:
    """Refuse a plan that is not the reviewed one, or that a guard refuses and nobody accepted.

    A plan that was shown has told its refusals already; they are not told twice. Raises PlanError for
    the first and GuardRefusal (exit 3) for the second.
    """
    from reconciler.core.guards import refusals

    if consent.expected is not None:
        _check_reviewed(session, plan, consent.expected, consent.full, is_shown)
    refused = refusals(plan)
    if consent.accepted == plan.fingerprint:
        refused = _unseen(refused, consent.expected)
    if not refused:
        return
    other = f" (--accept names {consent.accepted}, which is another plan)" if consent.accepted else ""
    if consent.accepted == plan.fingerprint:
        other = " (the reviewed plan did not have them, so nobody has accepted them)"
    raise GuardRefusal(
        f"{len(refused)} guard refusal{'s' if len(refused) > 1 else ''}: nothing was changed{other}",
        remedy=f"if this is really wanted, run the same command again with --accept {plan.fingerprint}",
        diagnostics=() if is_shown else refused,
    )


def _unseen(refused: Sequence[Diagnostic], expected: Reviewed | None) -> tuple[Diagnostic, ...]:
    """The refusals that the reviewed plan did not have yet, where it is at hand: a guard may have been added since."""
    from reconciler.core.guards import refusals

    if expected is None or expected.plan is None:
        return ()
    seen = {(item.rule, item.address, item.message) for item in refusals(expected.plan)}
    return tuple(item for item in refused if (item.rule, item.address, item.message) not in seen)


def _check_reviewed(session: Session, plan: Plan, expected: Reviewed, full: bool, is_shown: bool) -> None:
    """Refuse any other plan than the reviewed one, and show what differs where the reviewed one is at hand."""
    if expected.fingerprint == plan.fingerprint:
        if expected.plan and sorted(expected.plan.tenants) != sorted(plan.tenants):
            planned, now = (", ".join(sorted(tenants)) or "none" for tenants in (expected.plan.tenants, plan.tenants))
            talk([f"The reviewed plan was made for the tenants: {planned}; this one for: {now}. Both do the same."])
        return
    message = f"this is not the reviewed plan: expected fingerprint {expected.fingerprint}, found {plan.fingerprint}"
    if expected.plan is not None:
        show_difference(session, (expected.plan, plan), ("the reviewed plan", "this plan"), full)
        raise PlanError(
            message,
            remedy="review the difference shown above; to have this plan applied, pass its fingerprint to --expect",
        )
    shown = "review the plan shown above" if is_shown else "look at it with `reconciler show FILE`"
    raise PlanError(
        message,
        remedy=f"{shown}, then apply with --expect and its fingerprint;"
        " --expect FILE with the saved plan that was reviewed shows what differs",
    )


def check_service(session: Session, plan: Plan, name: str = "the plan") -> None:
    """Refuse a plan that was made for another service than this run is for."""
    if plan.service and plan.service != session.service_name:
        raise PlanError(
            f"{name} was made for {plan.service}, and this run is for {session.service_name}",
            remedy="set EMPORIX_API_URL, or --sandbox, as they were for the plan; or plan anew",
        )


def check_lockfile(book: "Book", plan: Plan, name: str = "the plan") -> None:
    """Refuse a plan that was made with another lockfile: what is ours there is not what is ours here."""
    if not plan.lineage or plan.lineage == book.lockfile.lineage:
        return
    if not book.lockfile.serial:
        raise PlanError(
            f"{name} was made with a lockfile (lineage {plan.lineage}), and there is none at {book.store.url}",
            remedy="name the right lockfile with --state, bring it back, or plan anew",
        )
    raise PlanError(
        f"{name} was made with another lockfile (lineage {plan.lineage}) than {book.store.url}"
        f" (lineage {book.lockfile.lineage})",
        remedy="name the right lockfile with --state, or plan anew",
    )


def check_tenants(plan: Plan, allowed: tuple[str, ...]) -> None:
    """Refuse a saved plan that changes a tenant which ``--tenant`` does not name: a part of a plan was not reviewed."""
    others = sorted({change.tenant for change in plan.changes} - set(allowed)) if allowed else []
    if others:
        raise PlanError(
            f"the plan changes {', '.join(others)}, and --tenant allows only {', '.join(allowed)}",
            remedy="a saved plan is applied whole: plan anew with --tenant, or leave the option out",
        )


def check_online(plan: Plan, name: str) -> None:
    """Refuse to carry out a plan that nobody held against the service."""
    if plan.offline:
        raise PlanError(
            f"{name} was planned offline, against the lockfile alone, and can't be applied",
            remedy="plan with the service; `reconciler apply --expect FILE` does so and goes on if it is the same plan",
        )
