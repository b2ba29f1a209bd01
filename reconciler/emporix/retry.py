"""When to try again, how long to wait before, and when to give up.

Exponential backoff with full jitter, so that many clients that failed together do not come back together. It is our own
because the waits have to be told to the limiter and end with an interruption, and because a test must not wait (a
library that sleeps by itself can only be patched).
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.emporix.call import Failure
from reconciler.emporix.interruption import Interruption

LONGEST_PAUSE = 60.0
"""Seconds of ``Retry-After`` that are believed; a service that says more would hang a pipeline until its own limit."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and for how many seconds in all one call is tried; clock and chance come from outside."""

    attempts: int = 6
    budget: float = 300.0
    first: float = 0.25
    longest: float = 15.0
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Tries:
    """The tries of one call so far: what the ``last`` one came to, and the ``interruption`` that allows no further one.

    ``doubtful`` once one of them may have been carried out without our knowing. ``wait`` is how many seconds to wait
    before the next one, None when there is to be none.
    """

    patience: Patience
    interruption: Interruption
    made: int = 0
    doubtful: bool = False
    last: Failure | None = None
    wait: float | None = None
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.patience.clock()

    @property
    def seconds(self) -> float:
        """How long it has been tried."""
        return self.patience.clock() - self.began

    def failed(self, failure: Failure) -> None:
        """Counts a try and decides about the next one."""
        self.made += 1
        self.last = failure
        self.doubtful |= not failure.certain
        ceiling = min(self.patience.longest, self.patience.first * 2 ** (self.made - 1))
        wait = self.patience.chance() * ceiling + (pause(failure) or 0.0)
        over = self.made >= self.patience.attempts or self.seconds + wait > self.patience.budget
        self.wait = None if over else wait


def pause(failure: Failure) -> float | None:
    """The pause that the service asked for, as far as it is believed."""
    return None if failure.retry_after is None else min(failure.retry_after, LONGEST_PAUSE)
