"""What groups can grant: access controls, templates and scopes, and the deprecated kinds behind them.

Spec: /iam/{tenant}/access-controls, /templates, /scopes, /roles, /resources, /permissions.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from reconciler.sandbox import language, qlang, query, rules
from reconciler.sandbox.call import NO_CONTENT, Answer, Call, created, encoded
from reconciler.sandbox.errors import Refusal, bad_request, broken_rule, error_body
from reconciler.sandbox.groups import check_version, common_filters, next_metadata
from reconciler.sandbox.store import ACCESS_CONTROLS, RESOURCES, ROLES, SCOPES, TEMPLATES

SCOPE_ID = re.compile(r"[A-Za-z0-9._-]+")
EXPANSIONS = {"role": ROLES, "resource": RESOURCES}


class Version(msgspec.Struct, forbid_unknown_fields=True):
    """`metadata` of an upsert: only the version is allowed (spec: additionalProperties false)."""

    version: int | None = None


class AccessControlUpsert(msgspec.Struct):
    """Body of a PUT (spec: AccessControlUpsertRequest)."""

    scopes: list[str]
    name: dict[str, str] | str | None = None
    description: dict[str, str] | str | None = None
    domains: list[str] | None = None
    restrictedTo: rules.UserType | None = None
    metadata: Version | None = None


class ScopeUpsert(msgspec.Struct):
    """Body of a PUT (spec: CustomScopeUpsertRequest); it has no Content-Language, so only maps fit."""

    description: dict[str, str] | None = None
    domain: str | None = None
    metadata: Version | None = None


def list_access_controls(call: Call) -> Answer:
    """GET /access-controls with the filters of the spec."""
    wanted, expand = call.accepted(), call.expands(*EXPANSIONS)
    conditions = qlang.parse(call.query.get("q", ""))
    for field in ("roleId", "resourceId"):
        if field in call.query:
            conditions.append(qlang.Condition(field, "in", (call.query[field],)))
    clauses = [query.clause(condition) for condition in conditions]
    if "metadataModifiedAt" in call.query:
        clauses.append(query.modified_after(call.query["metadataModifiedAt"]))
    listing = query.Listing(call.store, call.tenant, ACCESS_CONTROLS, clauses)
    return call.documents(expanded(call, listing.page(call.page()), expand), wanted, listing.total)


def expanded(call: Call, bodies: Sequence[str], expand: frozenset[str]) -> list[str]:
    """Access controls with the roles and resources that they refer to put in."""
    if not expand:
        return list(bodies)
    return [encoded(_expanded(call, msgspec.json.decode(body), expand)).decode() for body in bodies]


def _expanded(call: Call, control: dict[str, Any], expand: frozenset[str]) -> dict[str, Any]:
    for name in sorted(expand):
        document = call.store.get(call.tenant, EXPANSIONS[name], control.get(f"{name}Id", ""))
        if document is not None:
            control[name] = document
    return control


def get_access_control(call: Call) -> Answer:
    """GET /access-controls/{accessControlId}."""
    wanted, expand = call.accepted(), call.expands(*EXPANSIONS)
    control = call.find(ACCESS_CONTROLS, "access control", call.path["accessControlId"])
    return call.document(_expanded(call, control, expand), wanted)


def put_access_control(call: Call) -> Answer:
    """PUT /access-controls/{accessControlId}: 201 when new, 204 when updated, never a predefined one."""
    key = call.path["accessControlId"]
    codes = language.content_languages(call.headers.get("content-language"), call.languages)
    body = call.read(AccessControlUpsert)
    stored = call.store.get(call.tenant, ACCESS_CONTROLS, key)
    _refuse_predefined("access control", key, stored)
    check_version(key, body.metadata.version if body.metadata else None, stored)
    if not body.scopes or len(set(body.scopes)) != len(body.scopes):
        raise bad_request("Request validation failed", "scopes must be neither empty nor repeated")
    if stored and stored.get("restrictedTo") != body.restrictedTo:
        raise broken_rule("restrictedTo can only be set when the access control is created", key)
    given = msgspec.to_builtins(body)
    control = {"id": key, "scopes": body.scopes, "predefined": False}
    control |= language.translations(given, codes, call.languages, stored or {})
    control |= {name: given[name] for name in ("domains", "restrictedTo") if given[name]}
    call.store.put(call.tenant, ACCESS_CONTROLS, control | {"metadata": next_metadata(stored or {})})
    return NO_CONTENT if stored else created(key)


def _refuse_predefined(name: str, key: str, stored: dict[str, Any] | None) -> None:
    """What the platform ships cannot be changed (FACTS, rule 6); a DELETE can only say so with 403 (spec)."""
    if stored and stored.get("predefined"):
        detail = f"Predefined {name} '{key}' cannot be changed or deleted"
        raise Refusal(403, error_body(403, "Forbidden", detail, resource=key))


def delete_access_control(call: Call) -> Answer:
    """DELETE /access-controls/{accessControlId}: 204 also when it is not there (spec: no 404)."""
    return _delete(call, ACCESS_CONTROLS, "access control", call.path["accessControlId"])


def _delete(call: Call, kind: str, name: str, key: str) -> Answer:
    _refuse_predefined(name, key, call.store.get(call.tenant, kind, key))
    call.store.remove(call.tenant, kind, key)
    return NO_CONTENT


def list_templates(call: Call) -> Answer:
    """GET /templates; `expand=accessControls` puts the documents beside the ids."""
    wanted, expand = call.accepted(), call.expands("accessControls")
    order = query.order_by(call.query.get("sort"))
    listing = query.Listing(call.store, call.tenant, TEMPLATES, common_filters(call, wanted), order)
    bodies = listing.page(call.page())
    if expand:
        bodies = [_with_controls(call, msgspec.json.decode(body)) for body in bodies]
    return call.documents(bodies, wanted, listing.total)


def _with_controls(call: Call, template: dict[str, Any]) -> str:
    keys = template.get("accessControls", [])
    found = [call.store.get(call.tenant, ACCESS_CONTROLS, key) for key in keys]
    both = frozenset(EXPANSIONS)
    documents = [_expanded(call, control, both) for control in found if control is not None]
    return encoded(template | {"accessControlsDocuments": documents}).decode()


def list_scopes(call: Call) -> Answer:
    """GET /scopes, always as maps: it takes no Accept-Language (spec)."""
    clauses = [query.clause(condition) for condition in qlang.parse(call.query.get("q", ""))]
    order = query.order_by(call.query.get("sort"))
    return call.listing(query.Listing(call.store, call.tenant, SCOPES, clauses, order), None)


def get_scope(call: Call) -> Answer:
    """GET /scopes/{scopeId}."""
    wanted, key = call.accepted(), call.path["scopeId"]
    document = call.store.get(call.tenant, SCOPES, key)
    if document is None:
        raise Refusal(404, error_body(404, "Scope not found", resource=key))
    return call.document(document, wanted)


def put_scope(call: Call) -> Answer:
    """PUT /scopes/{scopeId}: 201 when new, 204 when updated, never a predefined one."""
    key = call.path["scopeId"]
    body = call.read(ScopeUpsert)
    if SCOPE_ID.fullmatch(key) is None:
        raise bad_request("Request validation failed", f"'{key}' is not a scope id", resource=key)
    stored = call.store.get(call.tenant, SCOPES, key)
    _refuse_predefined("scope", key, stored)
    check_version(key, body.metadata.version if body.metadata else None, stored)
    given = msgspec.to_builtins(body)
    scope: dict[str, Any] = {"id": key, "predefined": False}
    scope |= language.translations(given, ["*"], call.languages, {})
    scope |= {"domain": body.domain} if body.domain else {}
    call.store.put(call.tenant, SCOPES, scope | {"metadata": next_metadata(stored or {})})
    return NO_CONTENT if stored else created(key)


def delete_scope(call: Call) -> Answer:
    """DELETE /scopes/{scopeId}: 204 also when it is not there (spec: no 404)."""
    return _delete(call, SCOPES, "scope", call.path["scopeId"])


def lister(kind: str) -> Callable[[Call], Answer]:
    """GET of a deprecated kind: /roles, /resources, /permissions."""

    def answer(call: Call) -> Answer:
        wanted, order = call.accepted(), query.order_by(call.query.get("sort"))
        return call.listing(query.Listing(call.store, call.tenant, kind, common_filters(call, wanted), order), wanted)

    return answer


def getter(kind: str, name: str) -> Callable[[Call], Answer]:
    """GET of one document of a deprecated kind."""

    def answer(call: Call) -> Answer:
        wanted = call.accepted()
        return call.document(call.find(kind, name, call.path[f"{name}Id"]), wanted)

    return answer
