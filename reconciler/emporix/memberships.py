"""All groups of given users, and which of the users do not exist, in as few requests as there can be."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from reconciler.core.model import UserType
from reconciler.emporix import calls, query, wire
from reconciler.emporix.client import Client
from reconciler.emporix.paging import Listing, Reading, read_all, read_on

NOBODY: Final[Mapping[str, UserType]] = MappingProxyType({})


class Memberships(NamedTuple):
    """``groups``: all group ids of every user asked about; ``missing``: those of the users that do not exist."""

    groups: dict[str, frozenset[str]]
    missing: frozenset[str]


def read_memberships(client: Client, users: Mapping[str, UserType], bystanders: Mapping[str, UserType]) -> Memberships:
    """All groups of each user.

    Employees are read one by one or by the list of all dashboard users, whichever is less. A customer's groups take
    one request each, and whether customers exist is asked for many at once. Who does not exist may still be in groups,
    so that is asked too. ``bystanders`` are read along: of those who are not on the list nothing more is asked.
    """
    employees, customers = _of(UserType.EMPLOYEE, users), _of(UserType.CUSTOMER, users)
    groups = _employees(client, sorted({*employees, *_of(UserType.EMPLOYEE, bystanders)}))
    missing = {user for user in employees if user not in groups} | missing_customers(client, customers)
    others = {*customers, *_of(UserType.CUSTOMER, bystanders)}
    rest = [*sorted(others), *(user for user in employees if user not in groups)]
    return Memberships(groups | groups_of(client, rest), frozenset(missing))


def _of(kind: UserType, users: Mapping[str, UserType]) -> list[str]:
    return sorted(user for user, each in users.items() if each is kind)


def _employees(client: Client, users: list[str]) -> dict[str, frozenset[str]]:
    """The groups of those employees that exist: of one by itself, of more starting with the first page of the list."""
    if not users:
        return {}
    reading = Reading(_employees_listing(client), client.settings.page_size)
    if len(users) > 1:
        following = reading.take(1, client.send(reading.call(1)))
        found = _among(reading.rows, users)
    else:
        following, found = range(1, 2), {}
    rest = [user for user in users if user not in found]
    if len(users) == 1 or len(rest) < len(following):
        found |= _one_by_one(client, rest)
        rest = [user for user in rest if user not in found]
    # The list goes on where it costs no more, and whenever it has to settle who does not exist.
    return found | _among(read_on(client, reading, following, client.settings.page_size), rest) if rest else found


def _one_by_one(client: Client, users: list[str]) -> dict[str, frozenset[str]]:
    """The groups of those employees whom the service finds by their ids.

    Whom it does not find so may exist nevertheless, and whom it finds may be somebody else: the request takes a user's
    ``backofficeUserNumber``, which for older users is another number than the id (iam.openapi.yml, UserResponse). No
    other request tells that, and the list can be neither filtered nor sorted.
    """
    reads = [client.begin(calls.get_employee(client.tenant, user)) for user in users]
    rows = [row for read in reads if (row := read.result().value) is not None]
    return _among({row.id: _group_ids(row) for row in rows}, users)


def _among(everybody: Mapping[str, frozenset[str]], users: list[str]) -> dict[str, frozenset[str]]:
    return {user: everybody[user] for user in users if user in everybody}


def _employees_listing(client: Client) -> Listing[wire.Employee, frozenset[str]]:
    return Listing(lambda number, size: calls.list_employees(client.tenant, number, size), _id, _group_ids)


def groups_of(client: Client, users: Iterable[str]) -> dict[str, frozenset[str]]:
    """The groups of each user of either type: one request each, and none for who is unknown or in no group."""
    listings = {user: _groups_listing(client.tenant, user) for user in users}
    found = read_all(client, listings, client.settings.page_size)
    return {user: frozenset(groups) for user, groups in found.items()}


def _groups_listing(tenant: str, user: str) -> Listing[wire.GroupId, str]:
    return Listing(lambda number, size: calls.list_user_groups(tenant, user, number, size), _id, _id)


def missing_customers(client: Client, users: list[str]) -> set[str]:
    """The customers that do not exist; ids that the query language would misread are asked for one by one."""
    plain = [user for user in users if query.is_plain(user)]
    odd = [user for user in users if not query.is_plain(user)]
    batches = query.batches(plain, client.settings.page_size)
    searches = [client.submit(_not_found, client, batch) for batch in batches]
    reads = {user: client.begin(calls.get_customer(client.tenant, user)) for user in odd}
    missing = {user for user, found in reads.items() if found.result().value is None}
    return missing.union(*(search.result() for search in searches))


def _not_found(client: Client, users: Sequence[str]) -> set[str]:
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
