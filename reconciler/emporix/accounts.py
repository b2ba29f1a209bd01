"""Who the users are: accounts by e-mail and by id, in few requests, with what speaks against giving them access."""

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

from reconciler.core.model import Account, UserType, mail_key
from reconciler.emporix import calls, query, wire
from reconciler.emporix.client import Client
from reconciler.emporix.paging import Listing, read_all

Found = dict[tuple[UserType, str], tuple[Account, ...]]

_PER_PATTERN = 30
"""E-mails in one pattern: of 254 characters at most (RFC 5321), each four in a pattern, and PCRE takes 32 KB."""

_id = attrgetter("id")


def find_accounts(client: Client, emails: Mapping[UserType, Collection[str]]) -> Found:
    """For each type and e-mail as it is compared all accounts that have it, whatever its case: none, one or several.

    Employees are the one list of all of them. Customers are asked for many at once, as written and in lower case, since
    the service is not known to disregard case; by pattern those that are not found so, and those that a list can't say.
    So an account in yet another case is found unless one as written or in lower case is there: that is then the one.
    """
    customers = frozenset(emails.get(UserType.CUSTOMER, ()))
    size = client.settings.page_size
    writings = sorted({writing for email in customers for writing in (email, email.lower()) if query.is_plain(writing)})
    listings = [_customers(client, query.any_of("contactEmail", some)) for some in query.batches(writings, size)]
    if emails.get(UserType.EMPLOYEE):
        listings.append(_employees(client))
    found = _read(client, listings)
    known = {mail_key(account.email) for account in found if account.user_type is UserType.CUSTOMER}
    rest = sorted(email for email in customers if mail_key(email) not in known)
    patterns = [query.in_any_case("contactEmail", some) for some in query.batches(rest, _PER_PATTERN)]
    found += _read(client, [_customers(client, pattern) for pattern in patterns])
    return _by_email(emails, found)


def _by_email(emails: Mapping[UserType, Collection[str]], found: Iterable[Account]) -> Found:
    """The accounts that were asked for, each once: a query may find others, and two may find the same."""
    accounts: dict[tuple[UserType, str], dict[str, Account]] = {
        (kind, mail_key(email)): {} for kind, wanted in emails.items() for email in wanted
    }
    for account in found:
        if (same := accounts.get((account.user_type, mail_key(account.email)))) is not None:
            same[account.id] = account
    return {key: tuple(same[user] for user in sorted(same)) for key, same in accounts.items()}


def read_people(client: Client, users: Mapping[str, UserType]) -> dict[str, Account]:
    """The accounts of those users that exist, by id: employees from the list of all, customers many at once.

    Customers whose ids a list can't say are read one by one, by their number, which is the id in all that is documented
    (customer.openapi.yml, CustomerResponseExample); whom that finds under another id is somebody else.
    """
    customers = sorted(user for user, kind in users.items() if kind is UserType.CUSTOMER)
    plain = [user for user in customers if query.is_plain(user)]
    odd = [client.begin(calls.get_account(client.tenant, user)) for user in customers if not query.is_plain(user)]
    listings = [
        _customers(client, query.any_of("id", some)) for some in query.batches(plain, client.settings.page_size)
    ]
    if len(customers) < len(users):
        listings.append(_employees(client))
    found = _read(client, listings)
    found += [_customer(row) for read in odd if (row := read.result().value) is not None]
    return {account.id: account for account in found if users.get(account.id) is account.user_type}


def _read(client: Client, listings: Iterable[Listing[Any, Account]]) -> list[Account]:
    found = read_all(client, dict(enumerate(listings)), client.settings.page_size)
    return [account for rows in found.values() for account in rows.values()]


def _employees(client: Client) -> Listing[Any, Account]:
    return Listing(lambda number, size: calls.list_accounts(client.tenant, number, size), _id, _employee)


def _customers(client: Client, asked: str) -> Listing[Any, Account]:
    return Listing(lambda number, size: calls.find_accounts(client.tenant, asked, number, size), _id, _customer)


PROVISIONED: Final = "PROVISIONED"


def _employee(row: wire.EmployeeAccount) -> Account:
    """A dashboard user; what the service does not say speaks against nobody.

    ``isAccountLocked`` is taken by its name; its description ("able to log in") could be read the other way round
    (iam.openapi.yml, UserResponse).
    """
    status = (row.status or "").upper()
    problem = ""
    if row.isAccountLocked:
        problem = "is locked"
    elif status == PROVISIONED:
        problem = f"has not confirmed its e-mail yet (status {status})"
    elif status not in {"", "ACTIVE"}:
        problem = f"is inactive (status {status})"
    shut = bool(problem) and (status != PROVISIONED or bool(row.isAccountLocked))
    return Account(row.id, UserType.EMPLOYEE, row.contactEmail or "", _name(row), problem, shut)


def _customer(row: wire.CustomerAccount) -> Account:
    problem = "is inactive" if row.active is False else "is suspended (onHold)" if row.onHold else ""
    return Account(row.id, UserType.CUSTOMER, row.contactEmail or row.email or "", _name(row), problem, bool(problem))


def _name(row: wire.EmployeeAccount | wire.CustomerAccount) -> str:
    return " ".join(filter(None, (row.firstName, row.lastName)))
