"""Reading lists that are longer than a page, with a proof that nothing was skipped.

Pages are cut by position, so whatever others add or remove while we read shifts rows across a border: a row may be
skipped or come twice (FACTS, "Paging"). A list counts as read only if its distinct rows are as many as the service says
and every page said the same number. A list that is missing a member would have the plan add it again; a list of
groups that is missing one would have the plan create it. What counting can't see is a removal and an addition between
the same two pages; the writes bear that (adding who is there is a no-op), and the next plan sees it.
"""

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from reconciler.diagnostics import ServiceError
from reconciler.emporix.call import Answer, Call

K = TypeVar("K", bound=Hashable)
Row = TypeVar("Row")
Value = TypeVar("Value")
T = TypeVar("T")

READINGS = 5
"""How often a list that moves is read before giving up; each takes a moment, so that most changes fit in between."""


MOST_PAGES = 20_000
"""Of one list: at a thousand rows each that is more than any tenant has, and a list without end has to end."""

MOST_ROWS = 10_000_000
"""Of one list: about as many as there is memory for."""


class Sends(Protocol):
    """What paging needs of a client: many calls under way at once."""

    def begin(self, call: Call[T]) -> "Future[Answer[T]]":
        """Sends the call on another thread."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row, Value]):
    """A list to read: how to ask for a page of it, and what of its rows to keep under which key.

    ``page`` makes the call for a page number (from 1) and a page size.
    """

    page: Callable[[int, int], Call[list[Row]]]
    key: Callable[[Row], str]
    value: Callable[[Row], Value]


class Reading(Generic[Row, Value]):
    """One reading of a list: takes its pages in any order and says which ones to ask for next."""

    def __init__(self, listing: Listing[Row, Value], size: int) -> None:
        self.listing = listing
        self.rows: dict[str, Value] = {}
        self.waiting = 1
        self._size = size
        self._total: int | None = None
        self._received = 0
        self._totals: set[int | None] = set()

    def call(self, number: int) -> Call[list[Row]]:
        """The call for one page."""
        return self.listing.page(number, self._size)

    def take(self, number: int, answer: Answer[list[Row]]) -> range:
        """Keeps a page's rows and returns the numbers of the pages to ask for next."""
        rows, known = answer.value or [], len(self.rows)
        self.rows.update(zip(map(self.listing.key, rows), map(self.listing.value, rows), strict=True))
        self._received += len(rows)
        self._totals.add(answer.total)
        if number == 1:
            following = self._after_first(rows, answer.total)
        elif self._total is None and len(rows) >= self._size and len(self.rows) > known:
            following = range(number + 1, number + 2)
        else:
            following = range(0)
        if following.stop - 1 > MOST_PAGES or len(self.rows) > MOST_ROWS:
            raise self._endless(answer.total)
        self.waiting += len(following) - 1
        return following

    def _endless(self, total: int | None) -> ServiceError:
        counted = "without saying how many rows there are" if total is None else f"and the service counted {total} rows"
        return ServiceError(
            f"Could not {self.call(1).purpose}: it would take more than {MOST_PAGES} pages or {MOST_ROWS} rows;"
            f" {len(self.rows)} came, {counted}",
            remedy="The service may send pages without end, or very small ones: report this to its operator.",
        )

    def _after_first(self, rows: list[Row], total: int | None) -> range:
        """The pages that the total asks for; without one, the next page, since only an empty one proves the end.

        Fewer rows than asked for, though there are more, mean that the service caps the size of a page.
        """
        self._total = total
        self._size = len(rows)
        if not rows or len(rows) >= (total if total is not None else len(rows) + 1):
            return range(0)
        return range(2, 3 if total is None else -(-total // self._size) + 1)

    @property
    def proven(self) -> bool:
        """Whether as many different rows came as there are, and the list did not grow or shrink meanwhile."""
        expected = self._received if self._total is None else self._total
        return len(self.rows) == expected and len(self._totals) == 1

    @property
    def evidence(self) -> str:
        """What came and what should have come, for the message when a list can't be proven."""
        totals = ", ".join(str(total) for total in sorted(t for t in self._totals if t is not None)) or "unknown"
        return f"{len(self.rows)} distinct rows of {self._received} received, while the service counted {totals}"


def read_all(client: Sends, listings: Mapping[K, Listing[Row, Value]], size: int) -> dict[K, dict[str, Value]]:
    """All lists, read at the same time, and the pages of each at the same time too."""
    under_way: _Concurrent[K, Row, Value] = _Concurrent(client, size)
    for name, listing in listings.items():
        under_way.start(name, listing)
    return under_way.finish()


def read(client: Sends, listing: Listing[Row, Value], size: int) -> dict[str, Value]:
    """One list."""
    return read_all(client, {"": listing}, size)[""]


def read_on(client: Sends, reading: Reading[Row, Value], following: range, size: int) -> dict[str, Value]:
    """One list of which the caller has taken the first page, whose ``following`` pages are still to be asked for."""
    under_way: _Concurrent[str, Row, Value] = _Concurrent(client, size)
    under_way.resume("", reading, following)
    return under_way.finish()[""]


class _Concurrent(Generic[K, Row, Value]):
    """Several readings under way; the thread that calls takes the pages, so that nothing here needs a lock."""

    def __init__(self, client: Sends, size: int) -> None:
        self._client = client
        self._size = size
        self._arrived: SimpleQueue[tuple[K, Reading[Row, Value], int, Future[Answer[list[Row]]]]] = SimpleQueue()
        self._sent: set[Future[Any]] = set()
        self._done: dict[K, dict[str, Value]] = {}
        self._tries: dict[K, int] = {}

    def start(self, name: K, listing: Listing[Row, Value]) -> None:
        """Reads a list, perhaps once more, from its first page."""
        self.resume(name, Reading(listing, self._size), range(1, 2))

    def resume(self, name: K, reading: Reading[Row, Value], following: range) -> None:
        """Goes on with these pages of a reading; with none, it has been read already."""
        self._tries[name] = self._tries.get(name, 0) + 1
        for number in following:
            self._ask(name, reading, number)
        if not following:
            self._conclude(name, reading)

    def _ask(self, name: K, reading: Reading[Row, Value], number: int) -> None:
        future = self._client.begin(reading.call(number))
        self._sent.add(future)
        future.add_done_callback(lambda done: self._arrived.put((name, reading, number, done)))

    def finish(self) -> dict[K, dict[str, Value]]:
        """Takes pages until every list is proven; raises the first error, and drops then what was not sent yet."""
        try:
            return self._take_all()
        finally:
            for future in self._sent:
                future.cancel()

    def _take_all(self) -> dict[K, dict[str, Value]]:
        while self._sent:
            name, reading, number, future = self._arrived.get()
            self._sent.discard(future)
            for following in reading.take(number, future.result()):
                self._ask(name, reading, following)
            if not reading.waiting:
                self._conclude(name, reading)
        return self._done

    def _conclude(self, name: K, reading: Reading[Row, Value]) -> None:
        if reading.proven:
            self._done[name] = reading.rows
        elif self._tries[name] < READINGS:
            self.start(name, reading.listing)
        else:
            raise ServiceError(
                f"Could not {reading.call(1).purpose}: it kept changing in {READINGS} readings: {reading.evidence}",
                remedy="Run again when less is changed at the same time.",
            )
