"""What every place for an audit file does: it keeps lines, and adds one behind the last."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from reconciler.diagnostics import StateError

Found = TypeVar("Found")


class AuditLines(Protocol):
    """A place for lines that are never changed; ``url`` and ``name`` are what messages call it and lines of it."""

    url: str
    name: str

    @abstractmethod
    def exists(self) -> bool:
        """Whether anything was written there. Raises StateError if that can't be told."""

    @abstractmethod
    def check(self, recognise: Callable[[bytes], object | None]) -> None:
        """Raise StateError if nothing could be appended, or if there is something else in it than what we write.

        ``recognise`` says of a line whether it is one of ours. Asked before anything is changed, so that an apply whose
        record can't be written does not begin.
        """

    @abstractmethod
    def append(
        self, recognise: Callable[[bytes], Found | None], line: Callable[[Found | None], bytes]
    ) -> tuple[bytes, bool]:
        """Append the ``line`` that follows the last one of ours; what was written, and whether that one was torn.

        Raises StateError.
        """

    @abstractmethod
    def lines(self) -> Iterator[bytes]:
        """All lines, one after the other, each with its end. Raises StateError."""


def last_of(
    backwards: Iterator[bytes], recognise: Callable[[bytes], Found | None], url: str, *, is_empty: bool
) -> tuple[Found | None, bool]:
    """The last line that is one of ours, and whether there is something behind the last line end.

    That comes first of the lines ``backwards``. Raises StateError if there is something, and nothing of it is ours.
    """
    rest = next(backwards, b"")
    found = recognise(rest) or next(filter(None, map(recognise, backwards)), None)
    if found is None and not is_empty:
        raise foreign(url)
    return found, bool(rest)


def foreign(url: str) -> StateError:
    """The refusal of what has no line of ours: a chain can't begin there."""
    return StateError(
        f"{url} has no record of an apply in it: it is something else, or damaged",
        remedy="name another place under `audit`, or move this one away",
    )


def absent(url: str) -> StateError:
    """What a reader is told where nothing was written yet."""
    return StateError(f"there is no audit file at {url}", remedy="the first apply that has something to do writes it")
