"""Changes the world: write down the intent, run the steps, verify, record. Nothing else in this tool can.

What is about to be done is in the lockfile as ``pending`` before the first request and what was done is in it after the
last, so that a run that dies in between, whenever that is, is finished by the next one (DESIGN section 6).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Self

from reconciler.core.known import advance, has_happened
from reconciler.core.model import Known, Snapshot
from reconciler.core.plan import Action, Change, Plan
from reconciler.core.schedule import Call, schedule
from reconciler.core.stale import WITHOUT_REQUEST
from reconciler.diagnostics import ExitCode, ReconcilerError, ServiceError, StateError
from reconciler.emporix.iam import Connect, Iam
from reconciler.emporix.workers import WAKE, Workers
from reconciler.run import Outcome, Progress, Run
from reconciler.state import Lease, Lockfile, StateConflict, Store, signed

MOST_LATE_WRITES = 3
"""How many writes of a late holder are waited out: it stops at its first request, so a fourth is something else."""

LAST_LOOK = 3.0
"""Seconds in which an interrupted run reads again what it did: a service that asks to wait, or hangs, ends that too."""


@dataclass(slots=True)
class Book:
    """The lockfile during one apply: every write names the one before and is refused once the lease is lost.

    ``rescue`` is the folder for what can't be written where it belongs.
    """

    store: Store
    lease: Lease
    lockfile: Lockfile
    version: str | None
    rescue: Path = Path()

    @classmethod
    def open(cls, store: Store, lease: Lease, rescue: Path = Path()) -> Self:
        """The lockfile as it is under the lease, which nobody who held one before can write any more."""
        book = cls(store, lease, *store.load(), rescue)
        if lease.took_over:
            book._fence()
        return book

    def write(self, known: Known, pending: Iterable[Change] = ()) -> None:
        """Write the next serial, unless it would say what the lockfile says already."""
        after = replace(self.lockfile, known=known, pending=tuple(pending))
        if (after.known, after.pending) != (self.lockfile.known, self.lockfile.pending):
            self.put(after)

    def put(self, lockfile: Lockfile) -> None:
        """Write ``lockfile`` as the next serial, whatever it says."""
        self.lease.check()
        after = self._signed(lockfile)
        self.version = self.store.save(after, self.version)
        self.lockfile = after

    def keep(self, known: Known, pending: Iterable[Change]) -> Path:
        """Keep in the rescue folder what could not be written; raises StateError if that fails too."""
        return self.store.rescue(self._signed(replace(self.lockfile, known=known, pending=tuple(pending))), self.rescue)

    def _signed(self, lockfile: Lockfile) -> Lockfile:
        return signed(lockfile, self.lockfile.serial + 1, self.lease)

    def _fence(self) -> None:
        """Write the lockfile unchanged but for its signature, because a holder who is late knows the version before.

        The serial stays: what that holder could not write has the next one, and may still be brought here.
        What such a holder wrote in the very last moment is read and kept. Raises StateConflict if it goes on writing.
        """
        for _ in range(MOST_LATE_WRITES):
            with suppress(StateConflict):
                return self._sign()
            self.lockfile, self.version = self.store.load()
        return self._sign()

    def _sign(self) -> None:
        self.lease.check()
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")  # to the microsecond, to differ from the last write
        after = replace(self.lockfile, written_by=self.lease.info.who, written_at=now)
        self.version = self.store.save(after, self.version)
        self.lockfile = after


@dataclass(frozen=True, slots=True)
class Report:
    """What an apply did: every change of the plan is in exactly one of the four.

    ``failed``, ``unsure`` and ``skipped`` pair a change with why. ``verified`` counts the changes that the service
    confirmed when read again, and those that should have been; None if nothing was sent. ``doubt`` says why reading
    failed. ``unrecorded`` says why the lockfile could not be written at the end, and ``kept`` is the file that has the
    outcome then. ``unaudited`` says why the audit file has no record of it.
    """

    done: tuple[Change, ...] = ()
    failed: tuple[tuple[Change, str], ...] = ()
    unsure: tuple[tuple[Change, str], ...] = ()
    skipped: tuple[tuple[Change, str], ...] = ()
    verified: tuple[int, int] | None = None
    doubt: str = ""
    interrupted: bool = False
    unrecorded: str = ""
    kept: Path | None = None
    unaudited: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """0 only if everything was done; 4 if only a part was; 1 if nothing was."""
        unkept = self.unrecorded or self.unaudited
        if not (self.failed or self.unsure or self.skipped or self.doubt or self.interrupted or unkept):
            return ExitCode.DONE
        return ExitCode.PARTIAL if self.done or self.unsure else ExitCode.ERROR


def apply(
    plan: Plan,
    live: Mapping[str, Snapshot],
    known: Known,
    book: Book,
    connect: Connect,
    *,
    satisfied: Sequence[Change] = (),
    parallelism: int = 16,
    progress: Progress | None = None,
) -> Report:
    """Do what the plan says and record it.

    ``live`` is what the plan was computed from or checked against; ``satisfied`` are changes of a saved plan that are
    so already. Errors of the service become part of the report. A lost lease or an unwritable lockfile is raised before
    the first request and becomes part of the report after the last: the next run settles what is pending. What an
    earlier run left pending in tenants that are not in ``live`` stays so, because nobody has looked yet what became
    of it.
    """
    known = advance(known, satisfied, live)
    unsettled = [change for change in book.lockfile.pending if change.tenant not in live]
    steps = schedule(plan, live)
    progress = progress or Progress()
    run = Run(steps, plan, connect, book.lease, progress)
    if steps:
        book.write(known, [*unsettled, *plan.changes])
        progress.starting(len(steps))
        run.perform(parallelism)
        progress.verifying()
    report = _sort(plan, run)
    fresh: Mapping[str, Snapshot] = live
    if steps:
        try:
            report, fresh = _verify(report, plan, live, connect)
        except KeyboardInterrupt:
            doubt = "interrupted while the touched groups were read again"
            report = replace(report, doubt=doubt, interrupted=True, verified=(0, len(report.done)))
    outcome = advance(known, report.done, fresh), [*unsettled, *(change for change, _ in report.unsure)]
    try:
        book.write(*outcome)
    except StateError as error:
        if not steps:
            raise
        return _unrecorded(report, error, book, outcome)
    except KeyboardInterrupt:
        return _unrecorded(report, StateError("interrupted while it was written"), book, outcome)
    except Exception as error:  # noqa: BLE001 - a bug of a place must not take along what was done
        bug = StateError(f"unexpected {type(error).__name__} while it was written: {error}")
        return _unrecorded(report, bug, book, outcome)
    return report


def _unrecorded(report: Report, error: StateError, book: Book, outcome: tuple[Known, list[Change]]) -> Report:
    """What was done is still pending in the lockfile: the reader learns that, and the reason.

    The outcome is kept in a file of this machine. Without it nothing is lost either, for the next run finds out what
    became of the pending changes; but it can't tell what we did from what somebody else did meanwhile.
    """
    kept, trouble = None, ""
    try:
        kept = book.keep(*outcome)
    except StateError as second:
        trouble = f"; nor can it be kept here: {second.message}"
    return replace(report, unrecorded=f"{error.message}{trouble}", kept=kept)


def _sort(plan: Plan, run: Run) -> Report:
    """Each change by the worst of its steps; one without steps only moves the lockfile and so is done.

    A change that is recorded together with others of its group, such as an adoption, is not held up by their failure. A
    group that was deleted to be replaced stays pending until the new one is there: its definition is nowhere else.
    """
    worst: dict[int, tuple[Outcome, str]] = {}
    deleted: set[int] = set()
    for index, step in enumerate(run.steps):
        outcome, why = run.outcomes[index]
        for change in step.changes:
            if step.call is Call.DELETE_GROUP and outcome is Outcome.DONE:
                deleted.add(change)
            if _GRAVITY[outcome] > _GRAVITY[worst.get(change, (Outcome.DONE, ""))[0]]:
                worst[change] = (outcome, why)
    sorted_: dict[Outcome, list[tuple[Change, str]]] = {outcome: [] for outcome in Outcome}
    for number, planned in enumerate(plan.changes):
        outcome, why = worst.get(number, (Outcome.DONE, ""))
        if outcome is not Outcome.DONE and planned.action is Action.REPLACE and number in deleted:
            outcome, why = Outcome.UNSURE, f"the old group is deleted and the new one is not there: {why}"
        sorted_[outcome].append((planned, why))
    return Report(
        done=tuple(change for change, _ in sorted_[Outcome.DONE]),
        failed=tuple(sorted_[Outcome.FAILED]),
        unsure=tuple(sorted_[Outcome.UNSURE]),
        skipped=tuple(sorted_[Outcome.SKIPPED]),
        interrupted=run.interrupted,
    )


_GRAVITY = {Outcome.DONE: 0, Outcome.SKIPPED: 1, Outcome.FAILED: 2, Outcome.UNSURE: 3}


def _verify(
    report: Report, plan: Plan, live: Mapping[str, Snapshot], connect: Connect
) -> tuple[Report, Mapping[str, Snapshot]]:
    """Read the touched groups again: what was done must be so, and what is unsure may have been done after all.

    A tenant that can't be read again is a doubt and hides none of the others.
    """
    fresh, doubts = _read_tenants(plan, live, connect, LAST_LOOK if report.interrupted else inf)
    seen = [change for change in report.done if change.tenant in fresh]
    denied = [change for change in seen if not has_happened(change, fresh)]
    unsure = [(change, why) for change, why in report.unsure if not _is_so(change, fresh)]
    unsure += [(change, "the request was answered well, but reading again does not show it") for change in denied]
    found = [change for change, _ in report.unsure if _is_so(change, fresh)]
    done = [change for change in report.done if change.tenant not in fresh or has_happened(change, fresh)] + found
    verified = replace(
        report,
        done=tuple(done),
        unsure=tuple(unsure),
        verified=(len(seen) - len(denied) + len(found), len(report.done) + len(found)),
        doubt="; ".join(f"{tenant} could not be read again: {why}" for tenant, why in doubts.items()),
    )
    return verified, {**live, **fresh}


def _is_so(change: Change, fresh: Mapping[str, Snapshot]) -> bool:
    return change.tenant in fresh and has_happened(change, fresh)


def _read_tenants(
    plan: Plan, live: Mapping[str, Snapshot], connect: Connect, seconds: float
) -> tuple[dict[str, Snapshot], dict[str, str]]:
    """The touched groups of every tenant as they are now, all tenants at once, and why some could not be read."""
    until = time.monotonic() + seconds
    tenants = sorted({change.tenant for change in plan.changes})
    fresh, doubts = dict[str, Snapshot](), dict[str, str]()
    workers = Workers(len(tenants))  # not an executor's, for which Ctrl-C would have to wait
    try:
        reads = {tenant: workers.submit(_read, plan, live[tenant], connect(tenant)) for tenant in tenants}
        for tenant, read in reads.items():
            try:
                fresh[tenant] = _result(read, until)
            except ReconcilerError as error:
                doubts[tenant] = error.message
    finally:
        workers.close()
    return fresh, doubts


def _result(read: Future[Snapshot], until: float) -> Snapshot:
    """What was read; Ctrl-C reaches the main thread meanwhile, because it wakes often."""
    while not read.done():
        if time.monotonic() > until:
            raise ServiceError(f"the run was interrupted, and no answer came within {LAST_LOOK:.0f} s")
        wait((read,), WAKE)
    return read.result()


def _read(plan: Plan, before: Snapshot, iam: Iam) -> Snapshot:
    """The touched groups of one tenant; definitions only if one was written, because they cost a listing more."""
    changes = [change for change in plan.changes if change.tenant == before.tenant]
    is_written = any(change.user is None and change.action not in WITHOUT_REQUEST for change in changes)
    groups = iam.groups() if is_written else before.groups
    touched = sorted({change.group for change in changes} & groups.keys())
    return replace(before, groups={**groups, **iam.members([groups[name] for name in touched])})
