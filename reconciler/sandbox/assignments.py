"""Assignments: the five writes and the listing (spec: /iam/{tenant}/groups/{groupId}/users)."""

from typing import Any

import msgspec

from reconciler.sandbox import rules
from reconciler.sandbox.call import NO_CONTENT, Answer, Call, created
from reconciler.sandbox.errors import broken_rule, not_found, unsupported_user_type, user_not_found
from reconciler.sandbox.store import CUSTOMERS, EMPLOYEES, GROUPS

PAGE_SQL = (
    "SELECT json_group_array(json_object("
    "'id', id, 'groupId', group_id, 'userId', user_id, 'userType', user_type)) FROM ("
    "SELECT * FROM assignment WHERE tenant = ? AND group_id = ? AND seq BETWEEN ? AND ? ORDER BY seq)"
)


class AssignmentCreate(msgspec.Struct):
    """Body of a POST (spec: AssignmentCreateRequest)."""

    userId: str
    userType: Any = "EMPLOYEE"


def list_members(call: Call) -> Answer:
    """GET /groups/{groupId}/users, its JSON built by SQLite because these lists are the long ones."""
    group = call.path["groupId"]
    if not call.store.has(call.tenant, GROUPS, group):
        raise not_found("group", group)
    roll, page = call.store.roll("assignment", call.tenant, group), call.page()
    seqs = roll[page.offset : page.offset + page.size]
    text = "[]"
    if seqs:
        text = call.store.db.execute(PAGE_SQL, (call.tenant, group, seqs[0], seqs[-1])).fetchone()[0]
    return call.rows(text.encode(), lambda: len(roll))


def add_member(call: Call) -> Answer:
    """POST /groups/{groupId}/users; a user who is there already is refused, since only PUT is idempotent."""
    body, group = call.read(AssignmentCreate), call.path["groupId"]
    user_type, facts = _found(call, group, body.userId, body.userType)
    if call.store.is_assigned(call.tenant, group, body.userId):
        raise broken_rule(f"User '{body.userId}' is already assigned to group '{group}'", group)
    return created(assign(call, facts, body.userId, user_type))


def put_member(call: Call) -> Answer:
    """PUT /groups/{groupId}/users/{userType}/{userId}: 201 when added, 204 when it was there."""
    group, user = call.path["groupId"], call.path["userId"]
    user_type, facts = _found(call, group, user, call.path["userType"])
    if call.store.is_assigned(call.tenant, group, user):
        return NO_CONTENT
    return created(assign(call, facts, user, user_type))


def _found(call: Call, group: str, user: str, given: object) -> tuple[rules.UserType, rules.GroupFacts]:
    user_type: rules.UserType
    if given == "EMPLOYEE":
        user_type, kind = "EMPLOYEE", EMPLOYEES
    elif given == "CUSTOMER":
        user_type, kind = "CUSTOMER", CUSTOMERS
    else:
        raise unsupported_user_type(given, group)
    body = call.store.body(call.tenant, GROUPS, group)
    if body is None:
        raise not_found("group", group)
    if not call.store.has(call.tenant, kind, user):
        raise user_not_found(user)
    facts = rules.facts(body)
    if facts.userType != user_type:
        raise broken_rule(rules.why_not_member(facts, user_type, ()) or "", group)
    return user_type, facts


def assign(call: Call, group: rules.GroupFacts, user: str, user_type: rules.UserType) -> str:
    """Add a user to a group unless a rule forbids it, and return the assignment's id."""
    others = map(rules.facts, call.store.groups_of(call.tenant, user))
    reason = rules.why_not_member(group, user_type, others)
    if reason:
        raise broken_rule(reason, group.id)
    return call.store.assign(call.tenant, group.id, user, user_type)


def remove_member(call: Call) -> Answer:
    """DELETE /groups/{groupId}/users/{userId}: 204 also when nobody was there (the spec lists no 404)."""
    call.store.unassign(call.tenant, group=call.path["groupId"], user=call.path["userId"])
    return NO_CONTENT


def remove_members(call: Call) -> Answer:
    """DELETE /groups/{groupId}/users: everybody leaves the group."""
    call.store.unassign(call.tenant, group=call.path["groupId"])
    return NO_CONTENT


def remove_from_all(call: Call) -> Answer:
    """DELETE /users/{userId}/groups: the user leaves every group."""
    call.store.unassign(call.tenant, user=call.path["userId"])
    return NO_CONTENT
