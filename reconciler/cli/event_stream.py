"""The events of a run as lines of a file.

Each line is written whole as soon as it happens, so that a run which is killed leaves nothing but whole lines. A file
that can't be written is an error as long as nothing was changed, and from then on a warning: no watcher stops an apply.
"""

import errno
import os
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from io import RawIOBase
from pathlib import Path
from select import select
from typing import Any

import msgspec

from reconciler import __version__
from reconciler.apply import Report
from reconciler.cli import event_forms as forms
from reconciler.cli.events import Events
from reconciler.cli.output import talk
from reconciler.core.guards import refusals
from reconciler.core.plan import Action, Change, Plan
from reconciler.core.schedule import Step
from reconciler.diagnostics import ConfigurationError, Diagnostic, ReconcilerError, Source
from reconciler.run import Outcome, Progress, describe

PATIENCE = 5.0
"""Seconds that a pipe may be full before its reader is given up."""


class Stream(Events):
    """The events as lines of a file."""

    def __init__(self, file: RawIOBase, path: Path, command: str) -> None:
        self.file, self.path = file, path
        if path.is_fifo():
            os.set_blocking(file.fileno(), False)
        self.is_applying = self.is_lost = False
        self.counted: dict[str, Any] = {}
        self.write(forms.Version(_now(), forms.FORMAT, __version__, command))

    def write(self, event: forms.Event) -> None:
        """Write one line at once. Raises ConfigurationError if it can't be written and nothing was changed yet."""
        if self.is_lost:
            return
        try:
            _write_whole(self.file, msgspec.json.encode(event) + b"\n")
        except OSError as error:
            self.is_lost = True
            if not self.is_applying:
                raise unwritable(self.path, error) from error
            talk([f"warning: no more events: {self.path} can't be written: {error.strerror}"])

    def planned(self, plan: Plan) -> None:
        """All changes, and the plan as a whole."""
        for change in plan.changes:
            self.write(self._planned(change))
        refused = [forms.Refusal(item.rule, item.address, item.message, item.remedy) for item in refusals(plan)]
        counts = {action.value: plan.counts[action] for action in Action}
        failures, dates = dict(plan.failures), (plan.at, plan.next_date)
        self.write(forms.PlanSummary(_now(), plan.fingerprint, counts, plan.unchanged, refused, failures, *dates))

    def _planned(self, change: Change) -> forms.Event:
        return forms.PlannedChange(
            _now(),
            change.address,
            change.action,
            change.reason,
            change.tenant,
            change.group,
            change.user_type,
            change.user,
            _place(change.source),
            change.note,
            forms.Person(person.handle, person.email or "", person.name) if (person := change.person) else None,
            list(change.teams),
            change.until,
        )

    def failed(self, error: ReconcilerError) -> None:
        """Each of its problems, and the error itself."""
        whole = Diagnostic(error.message, error.source, error.remedy)
        for item in (*error.diagnostics, whole):
            place = _place(item.source)
            self.write(forms.Problem(_now(), item.severity, item.message, item.remedy, item.address, item.rule, place))

    def satisfied(self, changes: Iterable[Change]) -> None:
        """Each of them as complete."""
        for change in changes:
            self._complete(change, "satisfied", "")

    def following(self, plan: Plan) -> tuple[Progress, ...]:
        """What writes a line for each step; from here on something may be changed."""
        self.is_applying = True
        return (_Steps(self, plan),)

    def applied(self, report: Report) -> None:
        """What became of each change; the counts are kept for the last line."""
        ends = {
            Outcome.DONE: [(change, "") for change in report.done],
            Outcome.FAILED: report.failed,
            Outcome.UNSURE: report.unsure,
            Outcome.SKIPPED: report.skipped,
        }
        for outcome, changes in ends.items():
            for change, why in changes:
                self._complete(change, outcome, why)
        verified, verifiable = report.verified or (None, None)
        self.counted = {
            "outcomes": {outcome.value: len(changes) for outcome, changes in ends.items()},
            "done": _by_action(report.done),
            "verified": verified,
            "verifiable": verifiable,
            "interrupted": report.interrupted,
        }

    def _complete(self, change: Change, outcome: str, why: str) -> None:
        self.write(forms.ApplyComplete(_now(), change.address, change.action, str(outcome), why))

    def ended(self, code: int) -> None:
        """The last line."""
        self.write(forms.Summary(_now(), code, **self.counted))


class _Steps(Progress):
    """Writes each event of a run that applies ``plan``."""

    def __init__(self, stream: Stream, plan: Plan) -> None:
        self.stream, self.plan = stream, plan

    def starting(self, steps: int) -> None:
        """The first request goes out."""
        self.stream.write(forms.ApplyStart(_now(), steps))

    def finished(self, step: Step, outcome: Outcome, why: str) -> None:
        """One request came to its end."""
        addresses = [self.plan.changes[index].address for index in step.changes]
        self.stream.write(forms.StepEnded(_now(), describe(step), outcome, addresses, why))

    def interrupted(self, running: int) -> None:
        """Somebody asked to stop."""
        self.stream.write(forms.Interrupted(_now(), running))

    def verifying(self) -> None:
        """The result is being checked."""
        self.stream.write(forms.Verifying(_now()))


def unwritable(path: Path, error: OSError) -> ConfigurationError:
    """The error for a file that takes no events."""
    return ConfigurationError(
        f"events can't be written to {path}: {error.strerror}", remedy="nothing was changed; name another file"
    )


def _place(source: Source | None) -> forms.Place | None:
    return forms.Place(*source) if source else None


def _write_whole(file: RawIOBase, line: bytes) -> None:
    """Write all of a line: one call may write a part of it where a disk is nearly full.

    A pipe that nobody empties is given up after a while, for an apply must not stand still because of a watcher.
    """
    rest = memoryview(line)
    while rest:
        written = file.write(rest)
        if written is None and not select([], [file], [], PATIENCE)[1]:
            raise OSError(errno.EAGAIN, "nobody reads it")
        rest = rest[written or 0 :]


def _by_action(changes: Iterable[Change]) -> dict[str, int]:
    counts = Counter(change.action for change in changes)
    return {action.value: counts[action] for action in Action}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
