"""Customers by e-mail address, in the words of the customer service."""

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
    assert login(sandbox, "reader", "r").get(LIST).json()["type"] == "forbidden"
    assert "fault" in api.get("/customer/otherco/customers").json()
