"""Dashboard users and what a user of either type belongs to (spec: /iam/{tenant}/users)."""

from typing import Any

import msgspec

from reconciler.sandbox import query, rules
from reconciler.sandbox.assignments import assign
from reconciler.sandbox.call import NO_CONTENT, Answer, Call, created, encoded, flag
from reconciler.sandbox.errors import Refusal, bad_request, error_body, forbidden, not_found
from reconciler.sandbox.store import EMPLOYEES, GROUPS, new_id, now

EMPLOYEE = "EMPLOYEE"
ALL = query.Page(1, query.HUGE)
# The row's JSON with `groupIds` put in front of its last brace, all in SQL: these are long listings.
WITH_GROUP_IDS = (
    "substr(body, 1, length(body) - 1) || ',\"groupIds\":' || (SELECT json_group_array(group_id) FROM"
    " (SELECT group_id FROM assignment AS a WHERE a.tenant = document.tenant AND user_id = document.id"
    " ORDER BY seq)) || '}'"
)
VENDOR_MEMBERS = (
    "id IN (SELECT user_id FROM assignment AS a JOIN document AS g"
    " ON g.tenant = a.tenant AND g.kind = 'groups' AND g.id = a.group_id"
    " WHERE a.tenant = ? AND json_extract(g.body, '$.vendorId') = ?)"
)
GROUP_FIELDS = ("id", "name", "description", "code", "userType")


class UserWrite(msgspec.Struct):
    """What a create and an update of an employee share (spec: UserCreateRequest, UserUpdateRequest)."""

    firstName: str
    lastName: str
    preferredSite: str
    preferredCurrency: str
    preferredLanguage: str
    department: str
    groupIds: list[str]


class UserCreate(UserWrite):
    """Body of a POST."""

    contactEmail: str


class UserUpdate(UserWrite):
    """Body of a PUT."""

    backofficeUserNumber: str


def list_users(call: Call) -> Answer:
    """GET /users: all employees with the ids of their groups; customers are not supported yet (spec: 400)."""
    if call.query.get("userType", EMPLOYEE) != EMPLOYEE:
        raise bad_request("This user type is not supported yet for the user search", "Wrong user type.")
    listing = _employees(call)
    return call.documents(_expanded(call, listing.page(call.page())), None, listing.total)


def list_vendor_users(call: Call) -> Answer:
    """GET /users/vendors/{vendorId}: the employees in groups of a vendor; not paged (spec: no parameters)."""
    found = _employees(call, query.Clause(VENDOR_MEMBERS, (call.tenant, call.path["vendorId"]))).page(ALL)
    return call.documents(_with_groups(call, found), None, lambda: len(found))


def _employees(call: Call, *clauses: query.Clause) -> query.Listing:
    return query.Listing(call.store, call.tenant, EMPLOYEES, clauses, column=WITH_GROUP_IDS)


def _expanded(call: Call, bodies: list[str]) -> list[str]:
    return _with_groups(call, bodies) if call.expands("groups") else bodies


def _with_groups(call: Call, bodies: list[str]) -> list[str]:
    """Employees with the groups themselves beside the ids (spec: UserResponse.groups)."""
    users = [msgspec.json.decode(body) for body in bodies]
    for user in users:
        groups = map(msgspec.json.decode, call.store.groups_of(call.tenant, user["id"]))
        user["groups"] = [{field: group[field] for field in GROUP_FIELDS if field in group} for group in groups]
    return [encoded(user).decode() for user in users]


def get_user(call: Call) -> Answer:
    """GET /users/{userId} of an employee."""
    return _user(call, call.path["userId"])


def get_me(call: Call) -> Answer:
    """GET /users/me of the person whose token it is."""
    return _user(call, me(call))


def me(call: Call) -> str:
    """The person behind the token; a service's token has none and is refused (spec: 403 is all there is)."""
    if call.token.user_id is None:
        raise Refusal(403, error_body(403, "Forbidden", "The token is that of a service, not of a user"))
    return call.token.user_id


def _user(call: Call, key: str) -> Answer:
    found = _expanded(call, _employees(call, query.Clause("id = ?", (key,))).page(ALL))
    if not found:
        raise not_found("user", key)
    return Answer(200, found[0].encode())


def create_user(call: Call) -> Answer:
    """POST /users: a new employee, or more groups for the one who has this e-mail address (spec)."""
    body = call.read(UserCreate)
    groups = _groups(call, body.groupIds)
    sql = "SELECT id FROM document WHERE tenant = ? AND kind = 'employees' AND email = ?"
    row = call.store.db.execute(sql, (call.tenant, body.contactEmail)).fetchone()
    key: str = row[0] if row else new_id()
    if row is None:
        call.store.put(call.tenant, EMPLOYEES, _new_employee(key, body))
    mine = set(call.store.group_ids(call.tenant, key))
    for group in groups:
        if group.id not in mine:
            assign(call, group, key, "EMPLOYEE")
    return created(key)


def _new_employee(key: str, body: UserCreate) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(body)
    del given["groupIds"]
    account = {"backofficeUserNumber": key, "validFrom": now(), "isAccountLocked": False}
    return {"id": key} | given | account | {"status": "PROVISIONED"}


def _groups(call: Call, keys: list[str]) -> list[rules.GroupFacts]:
    found = []
    for key in dict.fromkeys(keys):
        body = call.store.body(call.tenant, GROUPS, key)
        if body is None:
            message = "Error while getting groups provided in request."
            raise Refusal(404, error_body(404, message, resource=key))
        found.append(rules.facts(body))
    return found


def update_user(call: Call) -> Answer:
    """PUT /users/{userId}: replaces all of an employee's groups by `groupIds` (FACTS, rule 7)."""
    key = call.path["userId"]
    body = call.read(UserUpdate)
    stored = call.find(EMPLOYEES, "user", key)
    groups = _groups(call, body.groupIds)
    given = msgspec.to_builtins(body)
    # The number identifies the user, as the id does: an update cannot give somebody another one.
    del given["groupIds"], given["backofficeUserNumber"]
    call.store.put(call.tenant, EMPLOYEES, stored | given)
    call.store.unassign(call.tenant, user=key)
    for group in groups:
        assign(call, group, key, "EMPLOYEE")
    return NO_CONTENT


def delete_user(call: Call) -> Answer:
    """DELETE /users/{userId}: out of all groups and locked out of the dashboard (FACTS, rule 7).

    Somebody unknown answers 204, since the spec lists no 404. `forceDelete` is for a Developer Portal admin
    (spec), which no token of the sandbox is.
    """
    if flag(call.query.get("forceDelete"), "forceDelete"):
        raise forbidden("Developer Portal admin")
    key = call.path["userId"]
    call.store.unassign(call.tenant, user=key)
    stored = call.store.get(call.tenant, EMPLOYEES, key)
    if stored:
        call.store.put(call.tenant, EMPLOYEES, stored | {"isAccountLocked": True})
    return NO_CONTENT


def list_user_groups(call: Call) -> Answer:
    """GET /users/{userId}/groups of a user of either type; somebody unknown has none (spec: no 404)."""
    wanted = call.accepted()
    mine = call.store.group_ids(call.tenant, call.path["userId"])
    marks = ",".join("?" * len(mine))
    clauses = [query.Clause(f"id IN ({marks})", tuple(mine))]
    order = query.order_by(call.query.get("sort"))
    return call.listing(query.Listing(call.store, call.tenant, GROUPS, clauses, order), wanted)


def get_user_group(call: Call) -> Answer:
    """GET /users/{userId}/groups/{groupId}: the group if the user is in it."""
    wanted = call.accepted()
    user, group = call.path["userId"], call.path["groupId"]
    if not call.store.is_assigned(call.tenant, group, user):
        detail = f"Assignment with user id '{user}' and with group id '{group}' not found"
        raise Refusal(404, error_body(404, "Error while getting assignment", detail, resource=group))
    return call.document(call.find(GROUPS, "group", group), wanted)
