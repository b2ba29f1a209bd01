"""The end of all waiting: what Ctrl-C brings to the calls that are under way.

A call that waits before it tries again would hold up whoever wants to leave for minutes, and a wait that nobody can end
is only ever noticed then. So every wait of this room is one of an :class:`Interruption`.
"""

import time
from collections.abc import Callable
from threading import Condition

WAKE = 0.2
"""Seconds after which a wait looks up by itself: a signal that comes just before a thread falls asleep wakes nobody."""


class Interrupting(Exception):
    """Raised instead of waiting on, or of sending one more request."""


class Interruption:
    """Whether the run was interrupted, once and for good, and the waits that end with it.

    May happen on any thread, also within a signal's handling while the same thread waits: the condition's lock is one
    that a thread can take twice. ``sleep`` comes from outside, so that tests need not wait.
    """

    def __init__(self, sleep: Callable[[float], object] | None = None) -> None:
        self._sleep = sleep or self._doze
        self._changed = Condition()
        self.happened = False

    def happen(self) -> None:
        """Ends every wait."""
        with self._changed:
            self.happened = True
            self._changed.notify_all()

    def check(self) -> None:
        """Raises if it has happened."""
        if self.happened:
            raise Interrupting

    def wait(self, seconds: float) -> None:
        """Waits, and raises as soon as it happens."""
        self.check()
        self._sleep(seconds)
        self.check()

    def _doze(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            while not self.happened and (left := until - time.monotonic()) > 0:
                self._changed.wait(min(left, WAKE))
