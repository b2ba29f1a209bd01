"""What users there are and all groups that each is in, in few requests."""

import copy

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
    """Several employees take the one list of all, whatever their number."""
    found = iam.memberships({"ana": EMPLOYEE, "ben": EMPLOYEE, "eve": EMPLOYEE})
    assert found == ({"ana": {"catalog", "orders"}, "ben": set(), "eve": set()}, frozenset())
    assert client.sent == {"token": 1, "list employees": 1}


@pytest.mark.parametrize("others", [{}, {"ben": EMPLOYEE}])
def test_an_employee_who_does_not_exist(iam: Iam, others: dict[str, UserType]) -> None:
    """Somebody unknown is missing and in no group, asked for alone or with others."""
    found = iam.memberships({"nobody": EMPLOYEE, **others})
    assert found.missing == {"nobody"}
    assert found.groups["nobody"] == frozenset()


def test_an_employee_under_another_number() -> None:
    """A 404 to the single read is not believed before the list, as it takes the number and not the id."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/iam/acme/users":
            return Reply(200, [{"id": "ana", "groupIds": ["catalog"]}], {"X-Total-Count": "1"})
        return Reply(0) if asked.path == "/oauth/token" else Reply(404, {"message": "no"})

    with standin(answers) as service, world.client(service.url) as client:
        assert Iam(client).memberships({"ana": EMPLOYEE}) == ({"ana": {"catalog"}}, frozenset())


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


def test_a_404_for_the_groups_of_nobody() -> None:
    """A service that answers 404 for the groups of somebody unknown says that there are none."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        return Reply(404, {"message": "no"}) if asked.method == "GET" else Reply(200, [], {"X-Total-Count": "0"})

    with standin(answers) as service, world.client(service.url) as client:
        assert Iam(client).memberships({"cx": CUSTOMER}) == ({"cx": set()}, {"cx"})
