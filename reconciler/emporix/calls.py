"""Every request that this tool sends, by its place in the documentation: path, headers, body and what answers it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from reconciler.core.model import Fields, UserType
from reconciler.emporix import query, wire
from reconciler.emporix.call import WRITTEN, Call, target

EVERY_LANGUAGE = {"Accept-Language": "*"}
"""Texts come back as maps of translations only with this header (FACTS, "Calls to read with")."""

COUNTED = {"X-Total-Count": "true"}
"""The total is only told to those who ask (FACTS, "Paging")."""

JSON = {"Content-Type": "application/json"}
GONE = frozenset({404})

T = TypeVar("T")


def list_groups(tenant: str, number: int, size: int) -> Call[list[wire.Group]]:
    """A page of the tenant's groups."""
    where = target("iam", tenant, "groups", pageNumber=number, pageSize=size)
    return Call(
        "list groups", f"list the groups of {tenant}", "GET", where, wire.groups, headers=EVERY_LANGUAGE | COUNTED
    )


def list_texts(tenant: str, number: int, size: int) -> Call[list[wire.GroupTexts]]:
    """A page of the tenant's groups with texts in its default language: that is what no Accept-Language means."""
    where = target("iam", tenant, "groups", pageNumber=number, pageSize=size)
    purpose = f"list the groups of {tenant} in its default language"
    return Call("list groups", purpose, "GET", where, wire.group_texts, headers=COUNTED)


def list_members(tenant: str, group: str, number: int, size: int) -> Call[list[wire.Assignment]]:
    """A page of a group's assignments."""
    where = target("iam", tenant, "groups", group, "users", pageNumber=number, pageSize=size)
    return Call(
        "list members", f"list the members of {tenant}/{group}", "GET", where, wire.assignments, headers=COUNTED
    )


def probe(tenant: str) -> Call[list[wire.GroupId]]:
    """The smallest request that shows whether a token is valid for the tenant: a 403 says that it is."""
    where = target("iam", tenant, "groups", pageNumber=1, pageSize=1)
    return Call("probe", f"list the groups of {tenant}", "GET", where, wire.group_ids, judged=frozenset({403}))


def get_group(tenant: str, group: str) -> Call[wire.Group]:
    """One group; a 404 says that it is not there."""
    return Call(
        "get group",
        f"read group {tenant}/{group}",
        "GET",
        target("iam", tenant, "groups", group),
        wire.group,
        headers=EVERY_LANGUAGE,
        judged=GONE,
    )


def get_employee(tenant: str, user: str) -> Call[wire.Employee]:
    """One dashboard user with its groups; a 404 says that there is none of this number."""
    return Call(
        "get employee",
        f"read employee {user} of {tenant}",
        "GET",
        target("iam", tenant, "users", user),
        wire.employee,
        judged=GONE,
    )


def list_employees(tenant: str, number: int, size: int) -> Call[list[wire.Employee]]:
    """A page of the dashboard users, each with the ids of its groups."""
    return _employees(tenant, number, size, wire.employees)


def list_accounts(tenant: str, number: int, size: int) -> Call[list[wire.EmployeeAccount]]:
    """A page of the dashboard users as persons: by what e-mail they are known, and whether they can log in."""
    return _employees(tenant, number, size, wire.employee_accounts)


def _employees(tenant: str, number: int, size: int, decode: Callable[[bytes], T]) -> Call[T]:
    where = target("iam", tenant, "users", userType="EMPLOYEE", pageNumber=number, pageSize=size)
    purpose = f"list the employees of {tenant}"
    return Call("list employees", purpose, "GET", where, decode, headers=COUNTED, scope="iam.user_read")


def list_user_groups(tenant: str, user: str, number: int, size: int) -> Call[list[wire.GroupId]]:
    """A page of the groups of one user of either type; a 404, not documented here, would say that there are none."""
    where = target("iam", tenant, "users", user, "groups", pageNumber=number, pageSize=size)
    purpose = f"list the groups of user {user} of {tenant}"
    return Call("list user groups", purpose, "GET", where, wire.group_ids, headers=COUNTED, judged=GONE)


def find_customers(tenant: str, users: Iterable[str], size: int) -> Call[list[wire.Customer]]:
    """Those of the customers that exist."""
    return _search(tenant, query.any_of("id", users), 1, size, wire.customers)


def find_accounts(tenant: str, asked: str, number: int, size: int) -> Call[list[wire.CustomerAccount]]:
    """A page of the customers whom a query finds, as persons."""
    return _search(tenant, asked, number, size, wire.customer_accounts)


def _search(tenant: str, asked: str, number: int, size: int, decode: Callable[[bytes], T]) -> Call[T]:
    """A POST only because the query may be longer than a URL (FACTS: 10 KB; a body may have 10 MB)."""
    return Call(
        "find customers",
        f"find customers of {tenant}",
        "POST",
        target("customer", tenant, "customers", "search", pageNumber=number, pageSize=size),
        decode,
        body=msgspec.json.encode({"q": asked}),
        headers=JSON | COUNTED,
        scope="customer.customer_read",
    )


def get_customer(tenant: str, user: str) -> Call[wire.Customer]:
    """One customer; a 404 says that there is none."""
    return _customer(tenant, user, wire.customer)


def get_account(tenant: str, user: str) -> Call[wire.CustomerAccount]:
    """One customer as a person; a 404 says that there is none."""
    return _customer(tenant, user, wire.customer_account)


def _customer(tenant: str, user: str, decode: Callable[[bytes], T]) -> Call[T]:
    where = target("customer", tenant, "customers", user)
    purpose = f"read customer {user} of {tenant}"
    return Call("get customer", purpose, "GET", where, decode, judged=GONE, scope="customer.customer_read")


def list_access_controls(tenant: str, number: int, size: int) -> Call[list[wire.AccessControl]]:
    """A page of the tenant's access controls."""
    where = target("iam", tenant, "access-controls", pageNumber=number, pageSize=size)
    purpose = f"list the access controls of {tenant}"
    decode = wire.access_controls
    return Call("list access controls", purpose, "GET", where, decode, headers=COUNTED, scope="iam.access_read")


def list_templates(tenant: str, number: int, size: int) -> Call[list[wire.Template]]:
    """A page of the tenant's templates."""
    where = target("iam", tenant, "templates", pageNumber=number, pageSize=size)
    purpose = f"list the templates of {tenant}"
    return Call("list templates", purpose, "GET", where, wire.templates, headers=COUNTED, scope="iam.template_read")


def user_scopes(tenant: str, user: str) -> Call[wire.Scopes]:
    """The scopes of one user as the service computes them; somebody unknown has none."""
    where = target("iam", tenant, "users", user, "scopes")
    purpose = f"list the scopes of user {user} of {tenant}"
    return Call("user scopes", purpose, "GET", where, wire.scopes, judged=GONE, scope="iam.scope_read")


def own_scopes(tenant: str) -> Call[wire.Scopes]:
    """The scopes of the user whose token it is; a service's token has no user."""
    return Call(
        "own scopes",
        f"list the scopes of the token of {tenant}",
        "GET",
        target("iam", tenant, "users", "me", "scopes"),
        wire.scopes,
        judged=frozenset({400, 403, 404}),
    )


def put_group(tenant: str, group: str, fields: Fields, version: int | None) -> Call[None]:
    """Creates or replaces a group; with a version only if it is the stored one (iam.openapi.yml, PUT groups)."""
    return Call(
        "put group",
        f"write group {tenant}/{group}",
        "PUT",
        target("iam", tenant, "groups", group),
        wire.nothing,
        body=wire.definition(fields, version),
        headers=JSON | {"Content-Language": "*"},
        done=WRITTEN,
        judged=frozenset({400, 409}),
        writes=True,
    )


def create_group(tenant: str, group: str, fields: Fields) -> Call[None]:
    """Creates a group under our own id; 409 if the id is taken, so that sending it twice makes no second group."""
    return Call(
        "create group",
        f"create group {tenant}/{group}",
        "POST",
        target("iam", tenant, "groups"),
        wire.nothing,
        body=wire.definition({"id": group, **fields}, None),
        headers=JSON | {"Content-Language": "*"},
        done=WRITTEN,
        judged=frozenset({409}),
        writes=True,
    )


def delete_group(tenant: str, group: str, *, force: bool) -> Call[None]:
    """Deletes a group, its assignments too if forced; without force the service refuses while there are any."""
    path = target("iam", tenant, "groups", group)
    return _delete("delete group", f"delete group {tenant}/{group}", f"{path}?forceDelete=true" if force else path)


def add_member(tenant: str, group: str, user_type: UserType, user: str) -> Call[None]:
    """Adds a user: 201 if added, 204 if already there."""
    return Call(
        "add member",
        f"add {user_type} {user} to group {tenant}/{group}",
        "PUT",
        target("iam", tenant, "groups", group, "users", user_type.value, user),
        wire.nothing,
        done=WRITTEN,
        writes=True,
    )


def remove_member(tenant: str, group: str, user: str) -> Call[None]:
    """Removes a user from a group."""
    where = target("iam", tenant, "groups", group, "users", user)
    return _delete("remove member", f"remove user {user} from group {tenant}/{group}", where)


def empty_group(tenant: str, group: str) -> Call[None]:
    """Removes everybody from a group."""
    where = target("iam", tenant, "groups", group, "users")
    return _delete("empty group", f"remove everybody from group {tenant}/{group}", where)


def remove_user(tenant: str, user: str) -> Call[None]:
    """Removes a user from all groups."""
    where = target("iam", tenant, "users", user, "groups")
    return _delete("remove user from all groups", f"remove user {user} from all groups of {tenant}", where)


def _delete(kind: str, purpose: str, where: str) -> Call[None]:
    """A deletion; a 404 counts as done, because what was to go is not there, perhaps through an earlier try."""
    return Call(kind, purpose, "DELETE", where, wire.nothing, done=frozenset({204}), judged=GONE, writes=True)
