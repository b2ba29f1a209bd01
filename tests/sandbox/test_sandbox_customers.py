"""Customers by e-mail address, in the words of the customer service."""

from urllib.parse import quote

SEARCH = "/customer/acmeprod/customers/search"
LIST = "/customer/acmeprod/customers"


def test_many_addresses_are_found_at_once(api):
    """Customers that are not there are left out; Count says how many are."""
    q = "contactEmail:(mia@shop.example,kim@acmeprod.example,nobody@shop.example)"
    answer = api.post(SEARCH, json={"q": q})
    assert [row["id"] for row in answer.json()] == ["kim", "mia"]
    assert answer.headers["Count"] == "2"
    assert answer.json()[1]["contactEmail"] == "mia@shop.example"
    assert answer.json()[1]["customerNumber"] == "mia"


def test_a_search_is_paged_and_sorted(api):
    """As all listings are."""
    answer = api.post(SEARCH, params={"pageSize": 1, "sort": "id:desc"}, json={}, headers={"X-Total-Count": "true"})
    assert [row["id"] for row in answer.json()] == ["mia"]
    assert answer.headers["X-Total-Count"] == "3"


def test_customers_are_listed(api):
    """The listing takes the same query."""
    assert api.ids(LIST) == ["kim", "lee", "mia"]
    assert api.ids(LIST, q="id:lee") == ["lee"]
    assert api.ids(LIST, q="active:true contactEmail:~shop") == ["mia"]


def test_one_customer(api):
    """By number, with the fields that the search tells too."""
    answer = api.get(f"{LIST}/mia", params={"expand": "accounts,addresses,mixin"})
    assert answer.status_code == 200
    assert answer.json() == api.get(LIST, params={"q": "id:mia"}).json()[0]
    assert api.get(f"{LIST}/mia", params={"expand": "groups"}).json()["type"] == "bad_request"


def test_one_customer_who_is_not_there(api, login, sandbox):
    """404 in the words of the spec, for an employee too; 403 for who may not read customers."""
    answer = api.get(f"{LIST}/nobody")
    assert (answer.status_code, answer.json()) == (
        404,
        {
            "status": 404,
            "type": "not_found",
            "message": "Customer not Found",
            "details": [
                {"type": "not_found", "message": "Couldn't find a customer with customerNumber 'nobody'"},
            ],
        },
    )
    assert api.get(f"{LIST}/ana").status_code == 404
    assert login(sandbox, "reader", "r").get(f"{LIST}/mia").status_code == 403


def test_customers_by_odd_numbers(world, launch, login):
    """The path takes any number, quoted; `search` is one too; and it is the number that counts, not the id."""
    odd = ["a,b", "a/b", "search", "ä ?", "..", "null"]
    world["tenants"][0]["customers"] += [*odd, {"id": "key", "customerNumber": "4711"}]
    api = login(launch(world))
    for number in odd:
        quoted = "%2E%2E" if number == ".." else quote(number, safe="")
        assert api.get(f"{LIST}/{quoted}").json()["id"] == number
    assert api.get(f"{LIST}/4711").json()["id"] == "key"
    assert api.get(f"{LIST}/key").status_code == 404


def test_errors_have_the_form_of_the_customer_service(api, login, sandbox):
    """status, type, message and details, but 401 is the gateway's."""
    answer = api.get(LIST, params={"q": "nonsense"})
    assert answer.status_code == 400
    assert answer.json() == {
        "status": 400,
        "type": "bad_request",
        "message": "Query parameter validation failed",
        "details": [{"type": "bad_request", "message": "Expected field:value at 'nonsense'"}],
    }
    forbidden = login(sandbox, "reader", "r").get(LIST).json()
    assert forbidden == {"status": 403, "type": "forbidden", "message": "User not authorized."}
    assert "fault" in api.get("/customer/otherco/customers").json()
