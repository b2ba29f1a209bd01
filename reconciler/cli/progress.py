"""Progress while apply runs, on stderr: a bar on a terminal, plain lines in a log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.cli.output import talk
from reconciler.core.schedule import Step
from reconciler.run import Outcome, Progress, describe

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

FEW = 100
"""Up to so many steps each has its own line in a log; above, one line for each tenth of the way."""


@contextmanager
def progress(*others: Progress) -> Iterator[Progress]:
    """The progress that fits stderr; the others are told the same."""
    with _on_stderr() as shown:
        yield Several(shown, *others) if others else shown


@contextmanager
def _on_stderr() -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield OnTerminal(bar)


class Lines(Progress):
    """Plain lines: each step of a small apply, each tenth of a large one, and every failure."""

    def __init__(self) -> None:
        self.steps = self.done = 0

    def starting(self, steps: int) -> None:
        """Say how many requests there will be."""
        self.steps = steps
        talk([f"Applying: {_requests(steps)}"])

    def finished(self, step: Step, outcome: Outcome, why: str) -> None:
        """Say what a log needs: everything of a small apply, failures and milestones of a large one."""
        if outcome is Outcome.SKIPPED:
            return
        self.done += 1
        milestone = self.done * 10 // self.steps > (self.done - 1) * 10 // self.steps
        if self.steps <= FEW or outcome in {Outcome.FAILED, Outcome.UNSURE}:
            talk([f"  [{self.done}/{self.steps}] {describe(step)}: {outcome}"])
        elif milestone:
            talk([f"  [{self.done}/{self.steps}]"])

    def interrupted(self, running: int) -> None:
        """Say that the request to stop was heard."""
        talk([f"Interrupted: waiting for {_requests(running)} to finish; what is done will be recorded."])

    def verifying(self) -> None:
        """Say that the result is being checked."""
        talk(["Verifying: reading the touched groups again"])


class OnTerminal(Progress):
    """A bar that counts the requests."""

    def __init__(self, bar: "Bar") -> None:
        self.bar = bar
        self.task: TaskID | None = None

    def starting(self, steps: int) -> None:
        """Show the bar."""
        self.task = self.bar.add_task("Applying", total=steps)

    def finished(self, step: Step, outcome: Outcome, why: str) -> None:
        """Move the bar on."""
        if self.task is not None and outcome is not Outcome.SKIPPED:
            self.bar.advance(self.task)

    def interrupted(self, running: int) -> None:
        """Say that the request to stop was heard."""
        self.bar.console.print(
            f"Interrupted: waiting for {_requests(running)} to finish; what is done will be recorded."
        )

    def verifying(self) -> None:
        """Show that the result is being checked."""
        if self.task is not None:
            self.bar.update(self.task, description="Verifying")


class Several(Progress):
    """Tells several listeners, one after the other."""

    def __init__(self, *listeners: Progress) -> None:
        self.listeners = listeners

    def starting(self, steps: int) -> None:
        """The first request goes out."""
        for listener in self.listeners:
            listener.starting(steps)

    def finished(self, step: Step, outcome: Outcome, why: str) -> None:
        """A step came to its end."""
        for listener in self.listeners:
            listener.finished(step, outcome, why)

    def interrupted(self, running: int) -> None:
        """Somebody asked to stop."""
        for listener in self.listeners:
            listener.interrupted(running)

    def verifying(self) -> None:
        """The touched groups are read again."""
        for listener in self.listeners:
            listener.verifying()


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"
