"""What users there are and all groups that each is in, in few requests."""

import copy
from collections.abc import Callable

import pytest

from reconciler.core.model import UserType
from reconciler.emporix.client import Client
from reconciler.emporix.iam import Iam
from reconciler.sandbox import Options, start
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER


def test_nobody(iam: Iam, client: Client) -> None:
    """Who asks about nobody sends nothing."""
    assert iam.memberships({}) == ({}, frozenset())
    assert not client.sent


def test_one_employee(iam: Iam, client: Client) -> None:
    """One employee takes one request."""
    assert iam.memberships({"ana": EMPLOYEE}) == ({"ana": {"catalog", "orders"}}, frozenset())
    assert client.sent == {"token": 1, "get employee": 1}


def test_several_employees(iam: Iam, client: Client) -> None:
    """Several employees take the one list of all, if it is short."""
    found = iam.memberships({"ana": EMPLOYEE, "ben": EMPLOYEE, "eve": EMPLOYEE})
    assert found == ({"ana": {"catalog", "orders"}, "ben": set(), "eve": set()}, frozenset())
    assert client.sent == {"token": 1, "list employees": 1}


CROWD = [f"e{number:02}" for number in range(10)]


@pytest.mark.parametrize(
    ("users", "size", "sent"),
    [
        (["e00", "e01"], 2, {"list employees": 1}),
        (["e01", "e09"], 2, {"list employees": 1, "get employee": 1}),
        (["e07", "e08", "e09"], 2, {"list employees": 1, "get employee": 3}),
        (["e06", "e07", "e08", "e09"], 2, {"list employees": 5}),
        (["e08", "e09"], 4, {"list employees": 3}),
        (CROWD, 2, {"list employees": 5}),
        (CROWD, 100, {"list employees": 1}),
        (["e09"], 1, {"get employee": 1}),
        (["nobody"], 4, {"get employee": 1, "list employees": 3, "list user groups": 1}),
        (["e09", "nobody"], 2, {"list employees": 5, "get employee": 2, "list user groups": 1}),
        (["e09", "nobody"], 5, {"list employees": 2, "list user groups": 1}),
    ],
)
@pytest.mark.parametrize("cap", [False, True])
def test_the_cheaper_way(users: list[str], size: int, sent: dict[str, int], cap: bool) -> None:
    """After the first page it is the rest of the list or one request each, whichever is less; a 404 takes the list."""
    seed = copy.deepcopy(world.SEED)
    seed["tenants"][0]["employees"] = [{"id": user, "groupIds": ["catalog"]} for user in CROWD]
    options = Options(page_cap=size if cap else None)
    with (
        start(None, seed=seed, options=options) as sandbox,
        world.client(sandbox.url, page_size=1000 if cap else size) as client,
    ):
        found = Iam(client).memberships(dict.fromkeys(users, EMPLOYEE))
        assert client.sent == {"token": 1, **sent}
    missing = {"nobody"} & set(users)
    assert found == ({user: set() if user in missing else {"catalog"} for user in users}, missing)


@pytest.mark.parametrize("others", [{}, {"ben": EMPLOYEE}])
def test_an_employee_who_does_not_exist(iam: Iam, others: dict[str, UserType]) -> None:
    """Somebody unknown is missing and in no group, asked for alone or with others."""
    found = iam.memberships({"nobody": EMPLOYEE, **others})
    assert found.missing == {"nobody"}
    assert found.groups["nobody"] == frozenset()


def staff(single: Reply, *, moving: bool = False, counted: bool = True) -> Callable[[Asked], Reply]:
    """Ten dashboard users, one a page; the same answer to every single read; the list may move when first read on."""
    moved: list[str] = []

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        if asked.path.endswith("/groups"):
            return Reply(200, [{"id": "left"}], {"X-Total-Count": "1"})
        if asked.path != "/iam/acme/users":
            return single
        number = int(asked.query["pageNumber"])
        moves = moving and number == 10 and not moved
        moved.extend(["once"] if moves else [])
        rows = [{"id": user, "groupIds": ["catalog"]} for user in CROWD[number - 1 - moves : number - moves]]
        return Reply(200, rows, {"X-Total-Count": "10"} if counted else {})

    return answers


NOT_FOUND = Reply(404, {"message": "no"})


@pytest.mark.parametrize("users", [["e09"], ["e08", "e09"]])
@pytest.mark.parametrize("single", [NOT_FOUND, Reply(200, {"id": "other", "groupIds": ["orders"]})])
@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("counted", [False, True])
def test_an_employee_under_another_number(users: list[str], single: Reply, moving: bool, counted: bool) -> None:
    """What a single read does not find, or finds under the number of another, is looked for in the list of all."""
    answers = staff(single, moving=moving and counted, counted=counted)
    with standin(answers) as service, world.client(service.url, page_size=1) as client:
        found = Iam(client).memberships(dict.fromkeys(users, EMPLOYEE))
    assert found == ({user: {"catalog"} for user in users}, frozenset())


def test_groups_left_over() -> None:
    """Who is in no list is missing, but what groups such a user is in is told all the same."""
    with standin(staff(NOT_FOUND)) as service, world.client(service.url, page_size=1) as client:
        found = Iam(client).memberships({"e00": EMPLOYEE, "gone": EMPLOYEE})
    assert found == ({"e00": {"catalog"}, "gone": {"left"}}, {"gone"})


def test_a_list_that_moves_before_it_is_read_on() -> None:
    """A last page that repeats a row proves nothing, so that the list is read again, whole."""
    with standin(staff(NOT_FOUND, moving=True)) as service, world.client(service.url, page_size=1) as client:
        found = Iam(client).memberships({"e09": EMPLOYEE, "e08": EMPLOYEE})
        assert client.sent["list employees"] == 20
    assert found.missing == frozenset()


def test_customers(iam: Iam, client: Client) -> None:
    """Customers take one request each for their groups, and one for the existence of all of them."""
    found = iam.memberships({"c1": CUSTOMER, "c2": CUSTOMER})
    assert found == ({"c1": {"buyers"}, "c2": set()}, frozenset())
    assert client.sent == {"token": 1, "list user groups": 2, "find customers": 1}


def test_customers_who_do_not_exist(iam: Iam, client: Client) -> None:
    """Customers that the search does not find are missing; its count proves it without a second search."""
    assert iam.missing_customers(["c1", "c2", "cx", "cy"]) == {"cx", "cy"}
    assert client.sent["find customers"] == 1
    assert iam.memberships({"cx": CUSTOMER, "c1": CUSTOMER}).missing == {"cx"}


@pytest.mark.parametrize(("cap", "size", "requests"), [(None, 1000, 1), (None, 2, 2), (2, 1000, 2), (1, 1000, 3)])
def test_many_customers(cap: int | None, size: int, requests: int) -> None:
    """Existence is asked in batches, and again for the rest if the service answers with smaller pages."""
    with (
        start(None, seed=copy.deepcopy(world.SEED), options=Options(page_cap=cap)) as sandbox,
        world.client(sandbox.url, page_size=size) as client,
    ):
        assert Iam(client).missing_customers(["c1", "c2", "c3"]) == frozenset()
        assert client.sent["find customers"] == requests


def test_customers_without_a_count() -> None:
    """Without a count it is a search that finds nothing that proves the rest missing."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        return Reply(200, [{"id": "c1"}] if b"c1" in asked.body else [])

    with standin(answers) as service, world.client(service.url) as client:
        assert Iam(client).missing_customers(["c1", "cx"]) == {"cx"}
        assert Iam(client).missing_customers(["c1"]) == frozenset()
    assert [asked.body for asked in service.asked[1:3]] == [b'{"q":"id:(c1,cx)"}', b'{"q":"id:(cx)"}']


@pytest.mark.parametrize("odd", ["a,b", "a b", "(a)", 'a"b', "null", "exists", "~a", "ä", "a/b"])
def test_customers_with_odd_ids(odd: str) -> None:
    """Ids that mean something else within a query are asked for one by one."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        assert asked.method == "GET"
        return Reply(404, {"message": "no"}) if asked.path.endswith("/a%2Fb") else Reply(200, {"id": odd})

    with standin(answers) as service, world.client(service.url) as client:
        assert Iam(client).missing_customers([odd]) == ({odd} if odd == "a/b" else set())
    assert len(service.asked) == 2


def test_customers_with_odd_ids_who_exist() -> None:
    """The request for one customer finds what the query language could not say."""
    seed = copy.deepcopy(world.SEED)
    seed["tenants"][0]["customers"] += ["a,b", "a/b"]
    with start(None, seed=seed) as sandbox, world.client(sandbox.url) as client:
        assert Iam(client).missing_customers(["a,b", "a/b", "a b", "c1"]) == {"a b"}
        assert client.sent == {"token": 1, "find customers": 1, "get customer": 3}


def test_a_404_for_the_groups_of_nobody() -> None:
    """A service that answers 404 for the groups of somebody unknown says that there are none."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        return Reply(404, {"message": "no"}) if asked.method == "GET" else Reply(200, [], {"X-Total-Count": "0"})

    with standin(answers) as service, world.client(service.url) as client:
        assert Iam(client).memberships({"cx": CUSTOMER}) == ({"cx": set()}, {"cx"})
