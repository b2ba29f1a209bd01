"""Customers by e-mail address or number (customer spec: /customers, /customers/search, /customers/{customerNumber})."""

import msgspec

from reconciler.sandbox import qlang, query
from reconciler.sandbox.call import Answer, Call
from reconciler.sandbox.errors import Refusal, error_body
from reconciler.sandbox.store import CUSTOMERS


class Search(msgspec.Struct):
    """Body of a search; without `q` it finds everybody."""

    q: str = ""


def list_customers(call: Call) -> Answer:
    """GET /customers."""
    return _found(call, call.query.get("q", ""))


def search_customers(call: Call) -> Answer:
    """POST /customers/search: the same listing, with a query that may be longer than a URL."""
    return _found(call, call.read(Search).q)


def get_customer(call: Call) -> Answer:
    """GET /customers/{customerNumber}: the number, which is the id unless the seed says otherwise.

    What `expand` may name is checked but adds nothing, as the sandbox knows no addresses, accounts or mixins.
    """
    call.expands("addresses", "accounts", "mixin")
    number = call.path["customerNumber"]
    clauses = [query.Clause("json_extract(body, '$.customerNumber') = ?", (number,))]
    found = query.Listing(call.store, call.tenant, CUSTOMERS, clauses).page(query.Page(1, 1))
    if not found:
        detail = f"Couldn't find a customer with customerNumber '{number}'"
        raise Refusal(404, error_body(404, "Customer not Found", detail))
    return Answer(200, found[0].encode())


def _found(call: Call, q: str) -> Answer:
    """A page of customers; unlike IAM, this service always says in `Count` how many it sends (spec)."""
    clauses = [query.clause(condition) for condition in qlang.parse(q)]
    order = query.order_by(call.query.get("sort"))
    listing = query.Listing(call.store, call.tenant, CUSTOMERS, clauses, order)
    bodies = listing.page(call.page())
    answer = call.documents(bodies, None, listing.total)
    return answer._replace(headers=(*answer.headers, ("Count", str(len(bodies)))))
