"""Groups: list, read, create, upsert, delete (spec: /iam/{tenant}/groups and /groups/{groupId})."""

from typing import Any

import msgspec

from reconciler.sandbox import language, qlang, query, rules
from reconciler.sandbox.call import NO_CONTENT, Answer, Call, created, flag
from reconciler.sandbox.errors import bad_request, broken_rule, duplicate, forbidden, stale
from reconciler.sandbox.store import ACCESS_CONTROLS, GROUPS, TEMPLATES, new_id, now

MANAGE_ASSIGNMENTS = "iam.assignment_manage"


class Company(msgspec.Struct, omit_defaults=True):
    """`b2b` of a request."""

    legalEntityId: str | None = None


class Version(msgspec.Struct):
    """`metadata` of a request: its version turns optimistic locking on."""

    version: int | None = None


class GroupUpdate(msgspec.Struct):
    """Body of a PUT (spec: GroupUpdateRequest).

    It has no vendorId: the schema of a PUT does not know it, whether it creates or updates, so what a client
    sends there is ignored like any unknown field and a vendor's group has to be created by POST.
    """

    name: dict[str, str] | str
    description: dict[str, str] | str | None = None
    mixins: dict[str, Any] | None = None
    accessControls: list[str] | None = None
    userType: rules.UserType | None = None
    templates: list[str] | None = None
    b2b: Company | None = None
    restrictions: list[str] | None = None
    metadata: Version | None = None


class GroupCreate(GroupUpdate):
    """Body of a POST (spec: GroupCreateRequest)."""

    id: str | None = None
    vendorId: str | None = None


def list_groups(call: Call) -> Answer:
    """GET /groups with the filters of the spec and `b2b.legalEntityId`, as the vendor's clients send it."""
    wanted = call.accepted()
    listing = query.Listing(
        call.store, call.tenant, GROUPS, _filters(call, wanted), query.order_by(call.query.get("sort"))
    )
    return call.listing(listing, wanted)


def _filters(call: Call, wanted: list[str] | None) -> list[query.Clause]:
    params = call.query
    conditions = qlang.parse(params.get("q", ""))
    if "userType" in params:
        conditions.append(qlang.Condition("userType", "in", (_user_type(params["userType"]),)))
    if "b2b.legalEntityId" in params:
        conditions.append(qlang.Condition("b2b.legalEntityId", "in", (params["b2b.legalEntityId"],)))
    return [query.clause(condition) for condition in conditions] + common_filters(call, wanted)


def common_filters(call: Call, wanted: list[str] | None) -> list[query.Clause]:
    """The filters `name`, `description` and `metadataModifiedAt`, which all listings of documents share."""
    params = call.query
    clauses = [query.contains(field, params[field], wanted) for field in language.LOCALIZED if params.get(field)]
    if "metadataModifiedAt" in params:
        clauses.append(query.modified_after(params["metadataModifiedAt"]))
    return clauses


def _user_type(text: str) -> str:
    if text not in rules.USER_TYPES:
        raise bad_request("Query parameter validation failed", f"User type '{text}' is not supported")
    return text


def get_group(call: Call) -> Answer:
    """GET /groups/{groupId}."""
    wanted = call.accepted()
    return call.document(call.find(GROUPS, "group", call.path["groupId"]), wanted)


def create_group(call: Call) -> Answer:
    """POST /groups: 201, or 409 when the id is taken."""
    codes = language.content_languages(call.headers.get("content-language"), call.languages)
    body = call.read(GroupCreate)
    key = body.id or new_id()
    if call.store.has(call.tenant, GROUPS, key):
        raise duplicate("group", key)
    stored = {"id": key} if body.vendorId is None else {"id": key, "vendorId": body.vendorId}
    _write(call, body, codes, stored)
    return created(key)


def upsert_group(call: Call) -> Answer:
    """PUT /groups/{groupId}: 201 when it is new, 204 when it was there."""
    key = call.path["groupId"]
    codes = language.content_languages(call.headers.get("content-language"), call.languages)
    body = call.read(GroupUpdate)
    stored = call.store.get(call.tenant, GROUPS, key)
    check_version(key, None if body.metadata is None else body.metadata.version, stored)
    _write(call, body, codes, stored or {"id": key})
    return NO_CONTENT if stored else created(key)


def check_version(key: str, given: int | None, stored: dict[str, Any] | None) -> None:
    """Optimistic locking: a version that is sent must be the stored one (spec: GroupUpdateRequest.metadata).

    It is "applied for updates" (spec: PUT access-controls): with a version too, what is not there is created.
    """
    if given is not None and stored and given != stored["metadata"]["version"]:
        raise stale(key, given, stored["metadata"]["version"])


def _write(call: Call, body: GroupUpdate, codes: list[str], stored: dict[str, Any]) -> None:
    """Replace all that a request can say about a group; id, vendorId, code and creation stay."""
    given = msgspec.to_builtins(body)
    group: dict[str, Any] = {key: stored[key] for key in ("id", "vendorId", "code") if key in stored}
    group["userType"] = body.userType or "EMPLOYEE"
    group |= language.translations(given, codes, call.languages, stored)
    group |= {key: given[key] or [] for key in ("accessControls", "templates")}
    group |= {key: given[key] for key in ("b2b", "restrictions", "mixins") if given[key]}
    group["metadata"] = next_metadata(stored)
    _check_group(call, group, stored)
    call.store.put(call.tenant, GROUPS, group)


def next_metadata(stored: dict[str, Any]) -> dict[str, Any]:
    """Metadata of a document that is written now: version 1, or one more than stored."""
    before, moment = stored.get("metadata", {}), now()
    return {
        "version": before.get("version", 0) + 1,
        "createdAt": before.get("createdAt", moment),
        "modifiedAt": moment,
    }


def _check_group(call: Call, group: dict[str, Any], stored: dict[str, Any]) -> None:
    key, user_type = group["id"], group["userType"]
    if not group["name"]:
        raise bad_request("Request validation failed", "'name' must have a translation", resource=key)
    if stored.get("userType", user_type) != user_type:
        # Its members have the old type and an assignment's type can never change (spec: PUT group user).
        raise broken_rule("The userType of a group cannot be changed", key)
    reason = rules.why_not_type(msgspec.convert(group, rules.GroupFacts))
    reason = reason or _why_not_access(call, group)
    if reason:
        raise broken_rule(reason, key)


def _why_not_access(call: Call, group: dict[str, Any]) -> str | None:
    controls = list(group["accessControls"])
    for key in group["templates"]:
        template = call.store.get(call.tenant, TEMPLATES, key)
        if template is None:
            return f"Template with id '{key}' not found"
        controls += template.get("accessControls", [])
    for key in controls:
        control = call.store.get(call.tenant, ACCESS_CONTROLS, key)
        if control is None:
            return f"Access control with id '{key}' not found"
        reason = rules.why_not_attached(control, group["userType"])
        if reason:
            return reason
    return None


def delete_group(call: Call) -> Answer:
    """DELETE /groups/{groupId}: a group with members goes only with `forceDelete=true`.

    A group that is not there answers 204, since the spec lists no 404. The spec protects predefined access
    controls but says nothing of predefined groups, so those can be deleted.
    """
    key, force = call.path["groupId"], flag(call.query.get("forceDelete"), "forceDelete")
    if force and MANAGE_ASSIGNMENTS not in call.token.scopes:
        raise forbidden(MANAGE_ASSIGNMENTS)
    if not force and call.store.has_members(call.tenant, key):
        detail = "Could not delete a group with assigned users: remove them first, or use forceDelete"
        raise broken_rule(detail, key)
    call.store.unassign(call.tenant, group=key)
    call.store.remove(call.tenant, GROUPS, key)
    return NO_CONTENT
