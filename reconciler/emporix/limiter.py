"""How many requests may be under way at once: as many as the service bears, learnt from what it answers.

Additive increase and multiplicative decrease, the rule that keeps networks from collapsing: it finds the service's
limit without being told, and shares it with others who follow it too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from reconciler.emporix.interruption import WAKE, Interruption

LEAST = 1


class Limiter:
    """Slots for requests: at most ``most`` at once, fewer after the service pushed back, more again after successes.

    Safe from any thread. ``clock`` comes from outside, so that tests need not wait.
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._free = Condition()
        self._allowed = float(most)
        self._busy = 0
        self._resume = float("-inf")
        self._lowered = float("-inf")

    @property
    def allowed(self) -> int:
        """How many requests may be under way now."""
        return int(self._allowed)

    @contextmanager
    def slot(self, interruption: Interruption) -> Iterator[float]:
        """Waits for a free slot and for the end of any pause, and tells when the request began.

        Raises :class:`~.interruption.Interrupting` instead of giving a slot after the interruption.
        """
        while (pause := self._taken_or_paused(interruption)) > 0:
            interruption.wait(pause)
        try:
            yield self._clock()
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify()

    def _taken_or_paused(self, interruption: Interruption) -> float:
        """Takes a slot as soon as one is free, or tells for how many seconds nobody may send."""
        with self._free:
            while self._busy >= self.allowed and not interruption.happened:
                self._free.wait(WAKE)
            interruption.check()
            pause = self._resume - self._clock()
            if pause > 0:
                self._free.notify()
            else:
                self._busy += 1
            return pause

    def wake(self) -> None:
        """Has everybody who waits for a slot look whether there was an interruption."""
        with self._free:
            self._free.notify_all()

    def succeeded(self) -> None:
        """One more slot after as many successes as there are slots: recovery takes one round of requests a slot."""
        with self._free:
            if self._allowed < self._most:
                self._allowed = min(self._most, self._allowed + 1 / self._allowed)
                self._free.notify()

    def pushed_back(self, began: float, pause: float | None) -> None:
        """Half as many slots, once for all requests that were under way together, and nobody sends during a pause.

        ``began`` is when the refused request began: requests from before the last halving met the old crowd, so they
        say nothing about the new one.
        """
        with self._free:
            if began >= self._lowered:
                self._allowed = max(LEAST, self._allowed / 2)
                self._lowered = self._clock()
            if pause is not None:
                self._resume = max(self._resume, self._clock() + pause)
