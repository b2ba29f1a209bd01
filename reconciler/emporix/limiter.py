"""How many requests may be under way at once: as many as the service bears, learnt from what it answers.

Additive increase and multiplicative decrease, the rule that keeps networks from collapsing: it finds the service's
limit without being told, and shares it with others who follow it too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

LEAST = 1


class Limiter:
    """Slots for requests: at most ``most`` at once, fewer after the service pushed back, more again after successes.

    Safe from any thread. ``clock`` and ``sleep`` come from outside, so that tests need not wait.
    """

    def __init__(self, most: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._most = most
        self._clock = clock
        self._sleep = sleep
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
    def slot(self) -> Iterator[float]:
        """Waits for a free slot and for the end of any pause, and tells when the request began."""
        while True:
            with self._free:
                self._free.wait_for(lambda: self._busy < self.allowed)
                pause = self._resume - self._clock()
                if pause <= 0:
                    self._busy += 1
                    break
                self._free.notify()
            self._sleep(pause)
        try:
            yield self._clock()
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify()

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
