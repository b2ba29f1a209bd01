"""Lists longer than a page: proven complete, in as few requests as there can be."""

import copy
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import pytest

from reconciler.core.model import UserType
from reconciler.diagnostics import RequestRefused, ServiceError
from reconciler.emporix import calls, wire
from reconciler.emporix.call import Answer
from reconciler.emporix.client import Client
from reconciler.emporix.iam import Iam
from reconciler.emporix.paging import MOST_PAGES, Listing, Reading
from reconciler.sandbox import Options, start
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, StandIn, standin

_user = attrgetter("userId")
Rows = list[dict[str, str]]


def users(*numbers: int) -> Rows:
    return [{"id": f"a{n}", "userId": f"u{n}", "userType": "EMPLOYEE"} for n in numbers]


def serving(page: Callable[[int, int, int], tuple[Rows, int | None]]) -> Callable[[Asked], Reply]:
    """A members call: ``page`` gets the number of the request, the page number and the page size."""
    count = iter(range(1, 1000))

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        rows, total = page(next(count), int(asked.query["pageNumber"]), int(asked.query["pageSize"]))
        return Reply(200, rows, {} if total is None else {"X-Total-Count": str(total)})

    return answers


def read(service: StandIn, **settings: Any) -> tuple[frozenset[str], int]:
    """The members read, and the requests that it took."""
    with world.client(service.url, **({"page_size": 3, "parallelism": 1} | settings)) as client:
        found = Iam(client).members([world.group("g")])["g"].members
        assert found is not None
        return found, client.sent["list members"]


def names(*numbers: int) -> frozenset[str]:
    return frozenset(f"u{n}" for n in numbers)


def cut(everybody: Rows, number: int, size: int) -> Rows:
    return everybody[(number - 1) * size : number * size]


@pytest.fixture
def many() -> Iterator[Callable[..., Client]]:
    """Clients of a sandbox with a group of 25 members, which may cap its pages."""
    seed = copy.deepcopy(world.SEED)
    seed["tenants"][0]["employees"] += [{"id": f"e{n:02}", "groupIds": ["vendors"]} for n in range(25)]
    opened: list[Any] = []

    def serve(cap: int | None = None, **settings: Any) -> Client:
        sandbox = start(None, seed=seed, options=Options(page_cap=cap))
        client = world.client(sandbox.url, **settings)
        opened.extend([client, sandbox])
        return client

    yield serve
    for thing in opened:
        thing.close()


@pytest.mark.parametrize(("size", "requests"), [(1000, 1), (25, 1), (24, 2), (10, 3), (5, 5), (1, 25)])
def test_no_page_too_many(many: Callable[..., Client], size: int, requests: int) -> None:
    """As many pages are read as the rows fill, and not one more."""
    with many(page_size=size) as client:
        found = Iam(client).members([world.group("vendors")])["vendors"].members
        assert found == {f"e{n:02}" for n in range(25)}
        assert client.sent["list members"] == requests


@pytest.mark.parametrize(("cap", "requests"), [(10, 3), (25, 1), (7, 4)])
def test_capped_pages(many: Callable[..., Client], cap: int, requests: int) -> None:
    """A server that sends smaller pages than asked for is noticed, and read by its own size."""
    with many(cap, page_size=1000) as client:
        found = Iam(client).members([world.group("vendors")])["vendors"].members
        assert found is not None
        assert len(found) == 25
        assert client.sent["list members"] == requests


def test_groups_over_pages(many: Callable[..., Client]) -> None:
    """Lists of groups are read over pages too, and come in the same order however the pages arrive."""
    with many(2) as client:
        assert list(Iam(client).groups()) == ["buyers", "catalog", "orders", "vendors"]


def test_a_row_that_moves_to_an_earlier_page() -> None:
    """A removal between two pages hides a row: fewer distinct rows than counted, so the list is read again."""
    before, after = users(1, 2, 3, 4, 5, 6), users(2, 3, 4, 5, 6)

    def page(request: int, number: int, size: int) -> tuple[Rows, int]:
        everybody = before if request == 1 else after
        return cut(everybody, number, size), len(everybody)

    with standin(serving(page)) as service:
        assert read(service) == (names(2, 3, 4, 5, 6), 4)


def test_pages_that_count_differently() -> None:
    """Removals and additions that even out are seen by a page that counts otherwise, so the list is read again."""
    before, after = users(1, 2, 3, 4, 5, 6), users(2, 3, 4, 5, 6, 7, 8)

    def page(request: int, number: int, size: int) -> tuple[Rows, int]:
        everybody = before if request == 1 else after
        return cut(everybody, number, size), len(everybody)

    with standin(serving(page)) as service:
        assert read(service) == (names(2, 3, 4, 5, 6, 7, 8), 5)


def test_a_row_that_comes_twice() -> None:
    """An addition between two pages repeats a row; the repeated one is not counted as two."""
    before, after = users(1, 2, 3, 4), users(0, 1, 2, 3, 4)

    def page(request: int, number: int, size: int) -> tuple[Rows, int]:
        everybody = before if request == 1 else after
        return cut(everybody, number, size), len(everybody)

    with standin(serving(page)) as service:
        assert read(service) == (names(0, 1, 2, 3, 4), 4)


def test_a_repeated_row_is_counted_once() -> None:
    """Pages that overlap are no reason to read again if they bring as many different rows as there are."""
    pages = {1: users(1, 2, 3), 2: users(3, 4, 5)}
    with standin(serving(lambda _, number, __: (pages[number], 5))) as service:
        assert read(service) == (names(1, 2, 3, 4, 5), 2)


def test_a_list_that_never_stays() -> None:
    """After five readings that prove nothing the error says what was seen."""
    with standin(serving(lambda *_: (users(1), 2))) as service, pytest.raises(ServiceError) as caught:
        read(service, page_size=1)
    assert "list the members of acme/g: it kept changing in 5 readings" in caught.value.message
    assert "1 distinct rows of 2 received, while the service counted 2" in caught.value.message
    assert len(service.asked) == 1 + 5 * 2


def test_a_count_of_what_is_not_there() -> None:
    """A count without rows proves nothing either."""
    with standin(serving(lambda *_: ([], 2))) as service, pytest.raises(ServiceError, match="0 distinct rows of 0"):
        read(service)


@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 6, 7])
def test_without_a_count(total: int) -> None:
    """Without a count pages are read until one is shorter than the first, since nothing else proves the end."""
    everybody = users(*range(total))
    with standin(serving(lambda _, number, size: (cut(everybody, number, size), None))) as service:
        found, requests = read(service)
    assert found == names(*range(total))
    assert requests == (1 if total == 0 else 2 if total < 6 else 3)


def test_without_a_count_and_capped() -> None:
    """Without a count a first page that is shorter than asked for is no proof of the end: it may be capped."""
    everybody = users(1, 2, 3, 4)
    with standin(serving(lambda _, number, size: (cut(everybody, number, 2), None))) as service:
        assert read(service) == (names(1, 2, 3, 4), 3)


def test_without_a_count_and_without_pages() -> None:
    """A server that ignores page numbers does not keep us forever."""
    with (
        standin(serving(lambda *_: (users(1, 2, 3), None))) as service,
        pytest.raises(ServiceError, match="3 distinct"),
    ):
        read(service)


@pytest.mark.parametrize("count", ["many", "-1", "1e3", "", "\xb2", "1" * 7200, "9" * 16])
def test_a_count_that_is_no_number(count: str) -> None:
    """A count that can't be read is not as documented, so nothing is proven: the error names the call."""

    def answers(asked: Asked) -> Reply:
        return Reply(0) if asked.path == "/oauth/token" else Reply(200, users(1), {"X-Total-Count": count})

    with standin(answers) as service, pytest.raises(ServiceError) as caught:
        read(service)
    assert "list the members of acme/g: the answer to GET /iam/acme/groups/g/users?" in caught.value.message
    assert "X-Total-Count" in caught.value.message
    assert len(caught.value.message) < 300
    assert len(service.asked) == 2


def test_a_count_that_nobody_asked_for() -> None:
    """A header that the call has no use for is not looked at."""
    reply = Reply(201, b"", {"X-Total-Count": "many"})
    with standin(lambda _: reply) as service, world.client(service.url, credentials=world.READY) as client:
        assert Iam(client).add_member("g", UserType.EMPLOYEE, "u1") is True


def test_a_count_without_end() -> None:
    """A count that would take years to read is refused at the first page."""
    with standin(serving(lambda *_: (users(1), 10**12))) as service:
        with pytest.raises(ServiceError, match=r"acme/g: .* more than 20000 pages .* counted 1000000000000 rows"):
            read(service)
        assert len(service.asked) == 2


def test_pages_without_end() -> None:
    """Ever new rows without a count end with an error, after as many pages as no tenant has."""
    reading = Reading(Listing(lambda number, size: calls.list_members("acme", "g", number, size), _user, _user), 1)
    asked = 1
    with pytest.raises(ServiceError, match=r"list the members of acme/g: .* 20000 came, without saying how many"):
        while following := reading.take(asked, Answer(200, [wire.Assignment(f"u{asked}", UserType.EMPLOYEE)])):
            (asked,) = following
    assert asked == MOST_PAGES


def test_a_count_that_grows() -> None:
    """A list that is longer whenever it is read ends with an error, too."""

    def page(request: int, number: int, size: int) -> tuple[Rows, int]:
        return users(*range((number - 1) * size, number * size)), 2 + request * size

    with standin(serving(page)) as service, pytest.raises(ServiceError, match="kept changing in 5 readings"):
        read(service)
    assert len(service.asked) < 100


def test_mistyped_members() -> None:
    """Assignments of another userType than the group's are members, and marked."""
    rows = [{"userId": "u1", "userType": "EMPLOYEE"}, {"userId": "u2", "userType": "CUSTOMER"}]
    with standin(serving(lambda *_: (rows, 2))) as service, world.client(service.url) as client:
        found = Iam(client).members([world.group("g")])["g"]
    assert found.members == {"u1", "u2"}
    assert found.mistyped == {"u2": UserType.CUSTOMER}


def test_an_error_in_one_list_ends_all(many: Callable[..., Client]) -> None:
    """One list that can't be read is an error of the whole reading, and what was not sent yet is dropped."""
    with many(parallelism=1) as client:
        with pytest.raises(RequestRefused, match="acme/nowhere"):
            Iam(client).members([world.group("nowhere"), *(world.group(key) for key in ["catalog", "orders"] * 20)])
        assert client.sent["list members"] <= 3


def test_reading_on_a_thread_of_the_client(many: Callable[..., Client]) -> None:
    """Reading lists from a task of the client does not wait for the threads it runs on."""
    with many(parallelism=1, page_size=10) as client:
        future = client.submit(Iam(client).members, [world.group("vendors")])
        assert len(future.result(timeout=10)["vendors"].members or ()) == 25
