"""Who has an e-mail and who is behind an id: every account there is, in few requests, with what speaks against it."""

import copy
import json
import re
import string
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Account, UserType
from reconciler.diagnostics import RequestRefused
from reconciler.emporix import query
from reconciler.emporix.client import Client
from reconciler.emporix.iam import Iam
from reconciler.sandbox import Options, start
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER
SHOP = "shop.example"


@contextmanager
def serving(
    employees: Collection[Any] = (),
    customers: Collection[Any] = (),
    *,
    cap: int | None = None,
    size: int = 1000,
    scopes: list[str] | None = None,
) -> Iterator[tuple[Iam, Client]]:
    """A sandbox with these users and a client of it."""
    seed = copy.deepcopy(world.SEED)
    tenant = seed["tenants"][0]
    tenant |= {"employees": list(employees), "customers": list(customers), "assignments": []}
    tenant["clients"][0]["scopes"] = scopes
    with (
        start(None, seed=seed, options=Options(page_cap=cap)) as sandbox,
        world.client(sandbox.url, page_size=size) as client,
    ):
        yield Iam(client), client


def person(user: str, email: str, **more: Any) -> dict[str, Any]:
    return {"id": user, "contactEmail": email, **more}


def ids(accounts: Collection[Account]) -> list[str]:
    return [account.id for account in accounts]


def test_nobody(iam: Iam, client: Client) -> None:
    """Who asks about nobody sends nothing."""
    assert iam.accounts({}) == iam.accounts({EMPLOYEE: [], CUSTOMER: []}) == {}
    assert iam.people({}) == {}
    assert not client.sent


STAFF = [
    person("e1", "Ana@Acme.example", firstName="Ana", lastName="Silva"),
    person("e2", "ben@acme.example", firstName="Ben", isAccountLocked=True, status="PROVISIONED"),
    person("e3", "cleo@acme.example", status="Provisioned"),
    person("e4", "dan@acme.example", status="SUSPENDED"),
    person("e5", "eve@acme.example", status="Active"),
    person("e7", "EVE@acme.example"),
    person("e6", "eve@acme.EXAMPLE", isAccountLocked=True),
    person("e8", "straße@acme.example"),
]


@pytest.mark.parametrize("cap", [None, 3])
def test_employees(cap: int | None) -> None:
    """The one list of all employees answers every e-mail, in whatever case either side writes it."""
    asked = ["ana@acme.example", "ANA@acme.example", "ben@acme.example", "cleo@acme.example", "dan@acme.example"]
    with serving(STAFF, cap=cap) as (iam, client):
        found = iam.accounts({EMPLOYEE: [*asked, "Eve@acme.example", "STRASSE@acme.example", "nobody@acme.example"]})
        assert client.sent == {"token": 1, "list employees": 1 if cap is None else 3}
    ben = Account("e2", EMPLOYEE, "ben@acme.example", "Ben", "is locked", True)
    unconfirmed = "has not confirmed its e-mail yet (status PROVISIONED)"
    inactive = "is inactive (status SUSPENDED)"
    assert found == {
        (EMPLOYEE, "ana@acme.example"): (Account("e1", EMPLOYEE, "Ana@Acme.example", "Ana Silva"),),
        (EMPLOYEE, "ben@acme.example"): (ben,),
        (EMPLOYEE, "cleo@acme.example"): (Account("e3", EMPLOYEE, "cleo@acme.example", "", unconfirmed),),
        (EMPLOYEE, "dan@acme.example"): (Account("e4", EMPLOYEE, "dan@acme.example", "", inactive, True),),
        (EMPLOYEE, "eve@acme.example"): (
            Account("e5", EMPLOYEE, "eve@acme.example"),
            Account("e6", EMPLOYEE, "eve@acme.EXAMPLE", "", "is locked", True),
            Account("e7", EMPLOYEE, "EVE@acme.example"),
        ),
        (EMPLOYEE, "strasse@acme.example"): (),  # `straße` is another address
        (EMPLOYEE, "nobody@acme.example"): (),
    }


SHOPPERS = [
    person("c1", "mia@shop.example", firstName="Mia", lastName="Meyer"),
    person("c2", "kim@shop.example", active=False, onHold=True),
    person("c3", "lee@shop.example", onHold=True),
    person("c4", "Zoe@shop.example"),
    person("c5", "zoe@shop.example"),
    person("c6", "Odd.Case@Shop.Example"),
    person("c7", "oddxcase@shop.example"),
]


def test_customers() -> None:
    """Customers take one search for all, as written and in lower case, and one more for whom that does not find."""
    with serving(customers=SHOPPERS) as (iam, client):
        found = iam.accounts({CUSTOMER: ["MIA@shop.example", "kim@shop.example", "lee@shop.example"]})
        assert client.sent == {"token": 1, "find customers": 1}
        assert found == {
            (CUSTOMER, "mia@shop.example"): (Account("c1", CUSTOMER, "mia@shop.example", "Mia Meyer"),),
            (CUSTOMER, "kim@shop.example"): (Account("c2", CUSTOMER, "kim@shop.example", "", "is inactive", True),),
            (CUSTOMER, "lee@shop.example"): (
                Account("c3", CUSTOMER, "lee@shop.example", "", "is suspended (onHold)", True),
            ),
        }
        found = iam.accounts({CUSTOMER: ["odd.case@shop.example", "nobody@shop.example", "mia@shop.example"]})
        assert client.sent["find customers"] == 3
    assert found == {
        (CUSTOMER, "odd.case@shop.example"): (Account("c6", CUSTOMER, "Odd.Case@Shop.Example"),),
        (CUSTOMER, "nobody@shop.example"): (),
        (CUSTOMER, "mia@shop.example"): (Account("c1", CUSTOMER, "mia@shop.example", "Mia Meyer"),),
    }


@pytest.mark.parametrize("cap", [None, 1, 2])
def test_customers_found_twice(cap: int | None) -> None:
    """All accounts of an e-mail are found, even if the service sends fewer rows a page than asked for."""
    twins = [person(f"t{number}", "same@shop.example") for number in range(4)]
    with serving(customers=[*SHOPPERS, *twins], cap=cap) as (iam, client):
        found = iam.accounts({CUSTOMER: ["same@shop.example", "Zoe@shop.example"]})
        assert client.sent["find customers"] == 6 // (cap or 6)
    assert ids(found[CUSTOMER, "same@shop.example"]) == ["t0", "t1", "t2", "t3"]
    assert ids(found[CUSTOMER, "zoe@shop.example"]) == ["c4", "c5"]


@pytest.mark.parametrize(("cap", "requests"), [(None, 3 + 2), (300, 6 + 2)])
def test_many_customers(cap: int | None, requests: int) -> None:
    """A thousand writings take one search, and thirty e-mails that are not found one more."""
    crowd = [person(f"m{number}", f"Shopper{number}@{SHOP}") for number in range(2040)]
    asked = [*(entry["contactEmail"] for entry in crowd[:1000]), *(f"nobody{number}@{SHOP}" for number in range(45))]
    asked += [entry["contactEmail"].upper() for entry in crowd[2000:2015]]
    with serving(customers=crowd, cap=cap) as (iam, client):
        found = iam.accounts({CUSTOMER: asked})
        # As written and in lower case that is 2,075 writings; 60 e-mails are in neither.
        assert client.sent["find customers"] == requests
    assert len(found) == 1060
    assert ids(found[CUSTOMER, f"shopper999@{SHOP}"]) == ["m999"]
    assert ids(found[CUSTOMER, f"shopper2014@{SHOP}"]) == ["m2014"]
    assert sum(map(len, found.values())) == 1015
    assert not any(accounts for (_, email), accounts in found.items() if email.startswith("nobody"))


ODD = [
    "a,b@shop.example",
    'a"b@shop.example',
    "(a)@shop.example",
    "a b@shop.example",
    "a+b@shop.example",
    "a'b@shop.example",
    "~ab@shop.example",
    ">ab@shop.example",
    "a:b@shop.example",
    "a\\b@shop.example",
    "a|b@shop.example",
    "a[b@shop.example",
    "a^$@shop.example",
    "ä@shop.example",
    "null",
    "exists",
    "missing",
]


def test_odd_emails() -> None:
    """What the query language would misread is asked for by pattern, and who only resembles it is not taken for it."""
    decoys = [person("d1", "a.b@shop.example"), person("d2", "aab@shop.example"), person("d3", "x@shop.example")]
    people = [person(f"o{number}", email) for number, email in enumerate(ODD)]
    with serving(customers=[*decoys, *people]) as (iam, client):
        found = iam.accounts({CUSTOMER: [*ODD, "x,x@shop.example", "(ab)@shop.example"]})
        assert client.sent == {"token": 1, "find customers": 1}
        assert {email: ids(accounts) for (_, email), accounts in found.items()} == {
            **{email: [f"o{number}"] for number, email in enumerate(ODD)},
            "x,x@shop.example": [],
            "(ab)@shop.example": [],
        }
        shouted = iam.accounts({CUSTOMER: ["A+B@SHOP.example"]})
        assert ids(shouted[CUSTOMER, "a+b@shop.example"]) == ["o4"]


def test_queries_as_documented() -> None:
    """On the wire are a list of plain values, and a pattern of letters, digits and dots for the rest."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        return Reply(200, [])

    with standin(answers) as service, world.client(service.url) as client:
        assert Iam(client).accounts({CUSTOMER: ["Al@x.example", "o'b-1@x.example"]}) == {
            (CUSTOMER, "al@x.example"): (),
            (CUSTOMER, "o'b-1@x.example"): (),
        }
    searches = [asked for asked in service.asked if asked.method == "POST" and "search" in asked.path]
    assert [json.loads(asked.body)["q"] for asked in searches] == [
        "contactEmail:(Al@x.example,al@x.example)",
        "contactEmail:~^[aA][lL]@[xX].[eE][xX][aA][mM][pP][lL][eE]$|^[oO].[bB]-1@[xX].[eE][xX][aA][mM][pP][lL][eE]$",
    ]
    assert {asked.target for asked in searches} == {"/customer/acme/customers/search?pageNumber=1&pageSize=1000"}


@given(st.text(st.sampled_from(string.ascii_letters + string.digits + string.punctuation + " äЖ"), max_size=20))
def test_a_pattern_can_say_any_email(email: str) -> None:
    """It matches the e-mail in any case, and has no character that the query language uses for anything."""
    found = re.fullmatch(r"contactEmail:~([\w.@^$\[\]-]+)", query.in_any_case("contactEmail", [email]), re.ASCII)
    assert found
    assert re.search(found[1], email)
    assert re.search(found[1], email.swapcase())


def test_both_types() -> None:
    """The same e-mail may be an employee's and a customer's; each is found under its type only."""
    emails = [f"mia@{SHOP}"]
    with serving([person("e", emails[0])], [person("c", emails[0])]) as (iam, _):
        found = iam.accounts({EMPLOYEE: emails, CUSTOMER: emails})
        assert {kind: ids(accounts) for (kind, _), accounts in found.items()} == {EMPLOYEE: ["e"], CUSTOMER: ["c"]}
        assert ids(iam.accounts({CUSTOMER: emails})[CUSTOMER, emails[0]]) == ["c"]


def test_what_is_not_said() -> None:
    """A field that is missing or null speaks against nobody, and a list without a count is read to its end."""
    said = {"firstName": None, "lastName": None, "status": None, "isAccountLocked": None, "active": None}
    rows = [{"id": "u1", "contactEmail": "a@x.example"}, {"id": "u2", "contactEmail": None}, {"id": "u3", **said}]
    rows.append({"id": "u4", "email": "d@x.example", "status": "", "onHold": None})

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        return Reply(200, rows if asked.query["pageNumber"] == "1" else [])

    with standin(answers) as service, world.client(service.url) as client:
        iam = Iam(client)
        for kind in UserType:
            assert iam.accounts({kind: ["a@x.example"]}) == {
                (kind, "a@x.example"): (Account("u1", kind, "a@x.example"),)
            }
        found = iam.people(dict.fromkeys(["u2", "u3", "u4"], CUSTOMER))
    assert found == {
        "u2": Account("u2", CUSTOMER),
        "u3": Account("u3", CUSTOMER),
        "u4": Account("u4", CUSTOMER, "d@x.example"),
    }


@pytest.mark.parametrize("cap", [None, 2])
def test_people(cap: int | None) -> None:
    """Users by id: employees by the one list, customers by one search, those with odd ids one by one."""
    shoppers = [*SHOPPERS, person("a,b", "odd@shop.example"), person("key", "k@shop.example", customerNumber="4,7")]
    asked = {"e1": EMPLOYEE, "e2": EMPLOYEE, "c1": CUSTOMER, "c2": CUSTOMER, "c3": CUSTOMER, "a,b": CUSTOMER}
    # Nobody, somebody of the other type, nobody with an odd id, and an odd number that is somebody else's.
    others = {"e0": EMPLOYEE, "c0": CUSTOMER, "c4": EMPLOYEE, "e3": CUSTOMER, "x,y": CUSTOMER, "4,7": CUSTOMER}
    with serving(STAFF, shoppers, cap=cap) as (iam, client):
        found = iam.people(asked | others)
        pages = {"list employees": 4 if cap else 1, "find customers": 2 if cap else 1}
        assert client.sent == {"token": 1, "get customer": 3, **pages}
        assert found.keys() == asked.keys()
        assert found["e1"] == Account("e1", EMPLOYEE, "Ana@Acme.example", "Ana Silva")
        assert found["c2"] == Account("c2", CUSTOMER, "kim@shop.example", "", "is inactive", True)
        assert found["a,b"] == Account("a,b", CUSTOMER, "odd@shop.example")
        assert iam.people({"c1": CUSTOMER}).keys() == {"c1"}
        assert client.sent["list employees"] == pages["list employees"]


def test_many_people() -> None:
    """Ids are asked for a page's worth at a time."""
    crowd = [f"m{number}" for number in range(2500)]
    with serving(customers=crowd) as (iam, client):
        assert len(iam.people(dict.fromkeys(crowd, CUSTOMER))) == 2500
        assert client.sent["find customers"] == 3


@pytest.mark.parametrize(
    ("kind", "scope"), [(EMPLOYEE, "iam.user_read"), (CUSTOMER, "customer.customer_read")], ids=["employee", "customer"]
)
@pytest.mark.parametrize("user", ["u", "u,v"])
def test_a_missing_scope(kind: UserType, scope: str, user: str) -> None:
    """The scope that is missing is named, although the customer service does not name it."""
    with serving(scopes=["iam.group_read"]) as (iam, _):
        for ask in (lambda: iam.accounts({kind: [f"{user}@x.example"]}), lambda: iam.people({user: kind})):
            with pytest.raises(RequestRefused) as caught:
                ask()
            assert caught.value.status == 403
            assert caught.value.scopes == (scope,)
            assert f"Give the API key the scopes {scope};" in caught.value.remedy
