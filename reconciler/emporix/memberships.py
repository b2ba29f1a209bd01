"""All groups of given users, and which of the users do not exist, in as few requests as there can be."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.core.model import UserType
from reconciler.emporix import calls, wire
from reconciler.emporix.client import Client
from reconciler.emporix.paging import Listing, read, read_all

_PLAIN = re.compile(r"(?!(?:null|exists)$)[\w.@-]+", re.ASCII)
"""Ids that mean themselves within ``q=id:(a,b)``; the query language has other uses for all other characters."""


class Memberships(NamedTuple):
    """``groups``: all group ids of every user asked about; ``missing``: those of the users that do not exist."""

    groups: dict[str, frozenset[str]]
    missing: frozenset[str]


def read_memberships(client: Client, users: Mapping[str, UserType]) -> Memberships:
    """All groups of each user.

    One employee is read by itself; for more, the list of all dashboard users says it in one request a page. A
    customer's groups take one request each, and whether customers exist is asked for many at once. Who does not exist
    may still be in groups, so that is asked too.
    """
    employees = sorted(user for user, kind in users.items() if kind is UserType.EMPLOYEE)
    customers = sorted(user for user, kind in users.items() if kind is UserType.CUSTOMER)
    groups = _employees(client, employees)
    missing = {user for user in employees if user not in groups} | missing_customers(client, customers)
    rest = [*customers, *(user for user in employees if user not in groups)]
    return Memberships(groups | _groups_of(client, rest), frozenset(missing))


def _employees(client: Client, users: list[str]) -> dict[str, frozenset[str]]:
    """The groups of those employees that exist.

    A 404 to one id is not believed until the list confirms it: the single read takes a user's ``backofficeUserNumber``,
    which for older users is another number than the id (iam.openapi.yml, UserResponse).
    """
    if len(users) == 1:
        found = client.send(calls.get_employee(client.tenant, users[0])).value
        if found is not None:
            return {users[0]: frozenset(found.groupIds)}
    if not users:
        return {}
    listing = Listing(lambda number, size: calls.list_employees(client.tenant, number, size), _id, _group_ids)
    everybody = read(client, listing, client.settings.page_size)
    return {user: everybody[user] for user in users if user in everybody}


def _groups_of(client: Client, users: Iterable[str]) -> dict[str, frozenset[str]]:
    listings = {user: _groups_listing(client.tenant, user) for user in users}
    found = read_all(client, listings, client.settings.page_size)
    return {user: frozenset(groups) for user, groups in found.items()}


def _groups_listing(tenant: str, user: str) -> Listing[wire.GroupId, str]:
    return Listing(lambda number, size: calls.list_user_groups(tenant, user, number, size), _id, _id)


def missing_customers(client: Client, users: list[str]) -> set[str]:
    """The customers that do not exist; ids that the query language would misread are asked for one by one."""
    plain = [user for user in users if _PLAIN.fullmatch(user)]
    odd = [user for user in users if not _PLAIN.fullmatch(user)]
    size = client.settings.page_size
    batches = [plain[start : start + size] for start in range(0, len(plain), size)]
    searches = [client.submit(_not_found, client, batch) for batch in batches]
    reads = {user: client.begin(calls.get_customer(client.tenant, user)) for user in odd}
    missing = {user for user, found in reads.items() if found.result().value is None}
    return missing.union(*(search.result() for search in searches))


def _not_found(client: Client, users: list[str]) -> set[str]:
    """Those that a search does not find, asking again for them until it finds no more.

    That a search found fewer than asked for may mean that they do not exist or that the service caps a page; only a
    search that finds nothing at all, or one that counted no more than it returned, settles it.
    """
    missing = set(users)
    while missing:
        answer = client.send(calls.find_customers(client.tenant, sorted(missing), len(users)))
        rows = answer.value or []
        found = missing.intersection(row.id for row in rows)
        missing -= found
        if not found or answer.total == len(rows):
            break
    return missing


def _id(row: wire.Employee | wire.GroupId) -> str:
    return row.id


def _group_ids(row: wire.Employee) -> frozenset[str]:
    return frozenset(row.groupIds)
