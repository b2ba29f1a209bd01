"""Runs the steps of a schedule: what waits for what, what is left out when something fails, and how to stop.

A whole group or a whole user is removed only if that is still exactly the plan: it is read again right before, because
the service removes everybody who is in by then (DESIGN section 7).
"""

import signal
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from queue import Empty, SimpleQueue

from reconciler.core.model import LiveGroup
from reconciler.core.plan import Action, Plan
from reconciler.core.schedule import Call, Step
from reconciler.diagnostics import PlanError, ReconcilerError, RequestRefused
from reconciler.emporix.errors import OutcomeUnknown
from reconciler.emporix.iam import Connect, Iam
from reconciler.emporix.workers import WAKE, Workers
from reconciler.state import Lease

MOST_NAMED = 5


class Outcome(StrEnum):
    """What became of a step or of a change."""

    DONE = "done"
    FAILED = "failed"
    UNSURE = "unsure"
    SKIPPED = "skipped"


class Progress:
    """What happens while it happens, one method an event; this one is told and says nothing."""

    def starting(self, steps: int) -> None:
        """The intent is recorded and the first request goes out."""

    def finished(self, step: Step, outcome: Outcome, why: str) -> None:
        """A step came to its end."""

    def interrupted(self, running: int) -> None:
        """Somebody asked to stop: the running requests are finished and recorded, no new one is sent."""

    def verifying(self) -> None:
        """The touched groups are read again."""


Ending = tuple[int, Outcome, str]
Finished = SimpleQueue[Ending | None]
"""The steps that came to their end; None says that somebody asked to stop."""


class Run:
    """The steps of one apply on their way, and what became of each: ``outcomes`` by index, with the reason."""

    def __init__(self, steps: Sequence[Step], plan: Plan, connect: Connect, lease: Lease, progress: Progress) -> None:
        self.steps, self.connect, self.lease, self.progress = steps, connect, lease, progress
        self.planned = Removals(plan)
        self.sources = [change.source for change in plan.changes]
        self.outcomes: dict[int, tuple[Outcome, str]] = {}
        self.interrupted = False
        self.running: set[int] = set()
        self.waiting = {index: len(step.after) for index, step in enumerate(steps)}
        self.followers: dict[int, list[int]] = {}
        for index, step in enumerate(steps):
            for before in step.after:
                self.followers.setdefault(before, []).append(index)
        self.ready = deque(index for index, before in self.waiting.items() if not before)

    def perform(self, parallelism: int) -> None:
        """Do each step once all that it waits for is done, as many at once as allowed.

        Somebody who asks to stop waits for the requests under way, whose outcome must be known to be recorded; who asks
        twice does not, and then their outcome is not known.
        """
        finished: Finished = SimpleQueue()
        workers = Workers(parallelism)
        try:
            with _interruptions(finished):
                while self._hand_out(workers, finished, parallelism):
                    with suppress(Empty):  # a signal that came just before falling asleep is noticed on waking
                        self._go_on(finished.get(timeout=WAKE))
        finally:
            workers.close()
            for tenant in {step.tenant for step in self.steps} if self.interrupted else ():
                self.connect(tenant).resume()  # what was done is read again, to be sure
        for index in self.waiting.keys() - self.outcomes.keys():
            self._settle(index, Outcome.SKIPPED, "interrupted before it was tried")

    def _hand_out(self, workers: Workers, finished: Finished, parallelism: int) -> bool:
        """Start what is ready; whether anything is under way."""
        while self.ready and len(self.running) < parallelism and not self.interrupted:
            index = self.ready.popleft()
            self.running.add(index)
            workers.submit(self._report_back, finished, index)
        return bool(self.running)

    def _go_on(self, end: Ending | None) -> None:
        """Take note of a step that ended, or of somebody who asked to stop."""
        if end is None and self.interrupted:
            self._abandon()
        elif end is None:
            self._interrupt()
        elif end[0] in self.running:
            self._finish(*end)

    def _interrupt(self) -> None:
        self.interrupted = True
        self.progress.interrupted(len(self.running))
        for tenant in {self.steps[index].tenant for index in self.running}:
            self.connect(tenant).stop()

    def _abandon(self) -> None:
        for index in sorted(self.running):
            self._settle(index, Outcome.UNSURE, "abandoned while it was under way")
        self.running.clear()

    def _finish(self, index: int, outcome: Outcome, why: str) -> None:
        self.running.discard(index)
        self._settle(index, outcome, why)
        if outcome is not Outcome.DONE:
            self._skip_followers(index)
            return
        for follower in self.followers.get(index, ()):
            self.waiting[follower] -= 1
            if not self.waiting[follower] and follower not in self.outcomes:
                self.ready.append(follower)

    def _skip_followers(self, index: int) -> None:
        """Skip all that waits for a step that was not done, directly or through others."""
        why = f"waits for: {describe(self.steps[index])}"
        queue = list(self.followers.get(index, ()))
        while queue:
            follower = queue.pop()
            if follower not in self.outcomes:
                self._settle(follower, Outcome.SKIPPED, why)
                queue += self.followers.get(follower, ())

    def _settle(self, index: int, outcome: Outcome, why: str) -> None:
        self.outcomes[index] = (outcome, why)
        self.progress.finished(self.steps[index], outcome, why)

    def _report_back(self, finished: Finished, index: int) -> None:
        """Run one step in its thread; whatever happens there is told, because the main thread waits for it."""
        step = self.steps[index]
        try:
            outcome, why = Outcome.DONE, ""
            self.lease.check()
            perform(step, self.planned, self.connect(step.tenant))
        except OutcomeUnknown as error:
            outcome, why = Outcome.UNSURE, self._told(error, step)
        except ReconcilerError as error:
            outcome, why = Outcome.FAILED, self._told(error, step)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave the run waiting, and may have been sent
            outcome, why = Outcome.UNSURE, f"unexpected {type(error).__name__}: {error}"
        finished.put((index, outcome, why))

    def _told(self, error: ReconcilerError, step: Step) -> str:
        """The error with the line that asked for the request, so that the reader can go straight to it."""
        source = next(filter(None, (self.sources[index] for index in step.changes)), None)
        place = f" (asked for at {source})" if source else ""
        return f"{error.message}{place}" + (f". {error.remedy}" if error.remedy else "")


class Removals:
    """The memberships that a plan ends, by group and by user: what a whole removal may hit, and nothing else."""

    def __init__(self, plan: Plan) -> None:
        self.users: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.groups: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for change in plan.changes:
            if change.user is not None and change.action in {Action.DELETE, Action.REPLACE}:
                self.users[change.tenant, change.group].add(change.user)
                self.groups[change.tenant, change.user].add(change.group)


def perform(step: Step, planned: Removals, iam: Iam) -> None:
    """Send the step; a whole removal that would hit more than the plan says is done one by one, or not at all.

    Raises PlanError for a group whose deletion would remove somebody who joined meanwhile.
    """
    beyond = _beyond(step, planned, iam)
    if not beyond:
        iam.perform(step)
    elif step.call is Call.EMPTY_GROUP:
        for user in sorted(planned.users[step.tenant, step.group]):
            iam.remove_member(step.group, user)
    elif step.call is Call.REMOVE_USER:
        for group in sorted(planned.groups[step.tenant, step.user]):
            iam.remove_member(group, step.user)
    else:
        who = ", ".join(beyond[:MOST_NAMED]) + (", …" if len(beyond) > MOST_NAMED else "")
        raise PlanError(
            f"{step.tenant}/{step.group} was not deleted: {len(beyond)} joined since it was planned ({who})",
            remedy="Plan again and look at who would go",
        )


def _beyond(step: Step, planned: Removals, iam: Iam) -> list[str]:
    """Who, or which groups, a whole removal would hit besides the planned: asked right before it is sent."""
    if step.call is Call.REMOVE_USER:
        held = iam.memberships({step.user: step.user_type}).groups.get(step.user, frozenset())
        return sorted(held - planned.groups[step.tenant, step.user])
    if step.call is Call.EMPTY_GROUP or (step.call is Call.DELETE_GROUP and step.force):
        stub = LiveGroup(step.group, {}, step.user_type)
        try:
            members = iam.members([stub])[step.group].members or frozenset()
        except RequestRefused as error:
            if error.status == 404:  # it is gone, and so is everybody in it
                return []
            raise
        return sorted(members - planned.users[step.tenant, step.group])
    return []


@contextmanager
def _interruptions(finished: Finished) -> Iterator[None]:
    """While steps run, Ctrl-C and SIGTERM are an event among the others, so that no outcome is lost on the way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: finished.put(None))
    try:
        yield
    finally:
        for number, what in before.items():
            signal.signal(number, what)


def describe(step: Step) -> str:
    """A step in words, for progress and for what waits for it."""
    return f"{step.call} {'/'.join(filter(None, (step.tenant, step.group, step.user)))}"
