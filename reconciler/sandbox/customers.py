"""Customers by e-mail address (customer spec: GET /customers and POST /customers/search)."""

import msgspec

from reconciler.sandbox import qlang, query
from reconciler.sandbox.call import Answer, Call
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


def _found(call: Call, q: str) -> Answer:
    """A page of customers; unlike IAM, this service always says in `Count` how many it sends (spec)."""
    clauses = [query.clause(condition) for condition in qlang.parse(q)]
    order = query.order_by(call.query.get("sort"))
    listing = query.Listing(call.store, call.tenant, CUSTOMERS, clauses, order)
    bodies = listing.page(call.page())
    answer = call.documents(bodies, None, listing.total)
    return answer._replace(headers=(*answer.headers, ("Count", str(len(bodies)))))
