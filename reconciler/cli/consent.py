"""What the caller of ``apply`` agreed to beforehand, and whether the plan at hand is that and is for here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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

CLOCKS_DIFFER: Final = timedelta(minutes=5)
AGAIN: Final = "plan anew with `plan -o FILE` and look at that plan: it can be accepted"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The plan that somebody looked at: its fingerprint, and all of it if a saved plan was named."""

    fingerprint: str
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """What the caller agreed to beforehand: everything, the reviewed plan, or a plan that guards refused.

    ``saved`` is the plan file that is carried out, as it was written. ``full`` says how long lists of differences are
    shown, should the plan be another one.
    """

    approved: bool
    expected: Reviewed | None
    accepted: str | None
    full: bool = False
    saved: Plan | None = None

    @property
    def seen(self) -> Plan | None:
        """The plan that somebody had before their eyes, with the refusals that it had then; None if it is not here.

        A fingerprint alone says what is done and not who objects: whoever accepts it accepts that, whatever guards say.
        """
        return (self.expected.plan if self.expected else None) or self.saved

    def accepts(self, plan: Plan, rest_of: Plan | None = None) -> bool:
        """Whether ``--accept`` names this plan, or the one that it is the rest of."""
        return self.accepted in {plan.fingerprint, (rest_of or plan).fingerprint}


@dataclass(frozen=True, slots=True)
class Approval:
    """What let a plan go on, for its record: the fingerprint that it was expected by, and the refusals overruled."""

    expected: str = ""
    accepted: tuple[Diagnostic, ...] = ()


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


def check_consent(
    session: Session, plan: Plan, consent: Consent, *, is_shown: bool, rest_of: Plan | None = None
) -> Approval:
    """Refuse a plan that is not the reviewed one, or that a guard refuses and nobody accepted; else what lets it go on.

    ``rest_of`` is the reviewed plan if this one is what is left of it. A plan that was shown has told its refusals
    already; they are not told twice. Raises PlanError for the first and GuardRefusal (exit 3) for the second.
    """
    from reconciler.core.guards import new_refusals, refusals

    if consent.expected is not None and rest_of is None:
        _check_reviewed(session, plan, consent.expected, consent.full, is_shown)
    unseen, refused = new_refusals(plan, consent.seen) if consent.seen else (), refusals(plan)
    if consent.accepts(plan, rest_of):
        if unseen:
            raise _refusal(unseen, is_shown, "the reviewed plan did not have them, so nobody has accepted them", AGAIN)
    elif refused:
        other = f"--accept names {consent.accepted}, which is another plan" if consent.accepted else ""
        again = f"if this is really wanted, run the same command again with --accept {(rest_of or plan).fingerprint}"
        raise _refusal(refused, is_shown, other, AGAIN if unseen else again)
    return Approval(consent.expected.fingerprint if consent.expected else "", refused)


def _refusal(refused: Sequence[Diagnostic], is_shown: bool, why: str, remedy: str) -> GuardRefusal:
    return GuardRefusal(
        f"{len(refused)} guard refusal{'s' if len(refused) > 1 else ''}: nothing was changed{why and f' ({why})'}",
        remedy=remedy,
        diagnostics=() if is_shown else refused,
    )


def check_again(plan: Plan, now: Plan) -> None:
    """Refuse what is left of an approved plan if guards refuse it ``now`` for what they did not refuse then.

    Raises GuardRefusal: the world has moved since somebody looked at the plan, so nobody has seen that refusal.
    """
    from reconciler.core.guards import new_refusals

    if refused := new_refusals(now, plan):
        raise _refusal(refused, False, "the plan did not have them: what is live or ours has moved since", AGAIN)


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
    if not plan.changes:
        raise PlanError(
            message,
            remedy="there is nothing to do; whether that is because the reviewed plan was applied can't be told from a"
            " fingerprint, but from the saved plan: --expect FILE",
        )
    shown = "review the plan shown above" if is_shown else "look at it with `reconciler show FILE`"
    raise PlanError(
        message,
        remedy=f"{shown}, then apply with --expect and its fingerprint;"
        " --expect FILE with the saved plan that was reviewed shows what differs, and goes on where that was half done",
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


def check_time(plan: Plan) -> None:
    """Refuse a plan that was made for another time: who it takes for a member may be none now.

    The clocks of the machines where a plan is made and applied may differ a little.
    """
    from reconciler.render.dates import stamp

    now = datetime.now(UTC)
    if plan.at and plan.at > now + CLOCKS_DIFFER:
        raise PlanError(
            f"the plan is a rehearsal for {stamp(plan.at)}, which is still to come",
            remedy="it can be shown and compared; to apply one, plan again without --at",
        )
    if plan.next_date and plan.next_date <= now:
        raise PlanError(
            f"the plan is out of date: at {stamp(plan.next_date)} something began or ended by the configuration",
            remedy="plan again, and look at what follows from that",
        )
