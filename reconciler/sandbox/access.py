"""What a group or a user is granted in the end (spec: group and user access-controls, scopes, permissions).

A group grants its own access controls and those of its templates; a user is granted what all its groups are.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from reconciler.sandbox import users
from reconciler.sandbox.call import Answer, Call, encoded
from reconciler.sandbox.catalog import EXPANSIONS, expanded
from reconciler.sandbox.errors import not_found
from reconciler.sandbox.store import ACCESS_CONTROLS, CUSTOMERS, EMPLOYEES, GROUPS, PERMISSIONS, ROLES, TEMPLATES


def group_access_controls(call: Call) -> Answer:
    """GET /groups/{groupId}/access-controls."""
    group = call.find(GROUPS, "group", call.path["groupId"])
    return _controls(call, [group])


def user_access_controls(call: Call) -> Answer:
    """GET /users/{userId}/access-controls of a user of either type."""
    return _controls(call, _groups(call, _known(call, call.path["userId"])))


def my_access_controls(call: Call) -> Answer:
    """GET /users/me/access-controls of the person whose token it is."""
    return _controls(call, _groups(call, users.me(call)))


def _known(call: Call, user: str) -> str:
    if not any(call.store.has(call.tenant, kind, user) for kind in (EMPLOYEES, CUSTOMERS)):
        raise not_found("user", user)
    return user


def _groups(call: Call, user: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for body in call.store.groups_of(call.tenant, user)]


def _controls(call: Call, groups: Iterable[dict[str, Any]]) -> Answer:
    wanted, expand = call.accepted(), call.expands(*EXPANSIONS)
    found = {control["id"]: control for group in groups for control in granted(call, group)}
    bodies = [encoded(control).decode() for control in found.values()]
    return call.sliced(expanded(call, bodies, expand), wanted)


def granted(call: Call, group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Access controls of a group, its own first; ids that lead nowhere grant nothing."""
    keys = list(group.get("accessControls", []))
    for name in group.get("templates", []):
        template = call.store.get(call.tenant, TEMPLATES, name) or {}
        keys += template.get("accessControls", [])
    for key in dict.fromkeys(keys):
        control = call.store.get(call.tenant, ACCESS_CONTROLS, key)
        if control is not None:
            yield control


def user_resource_controls(call: Call) -> Answer:
    """GET /users/{userId}/access-controls/{resourceId}: those for one resource; not paged."""
    wanted, expand = call.accepted(), call.expands(*EXPANSIONS)
    found = _resource_controls(call, _known(call, call.path["userId"]))
    return call.documents(expanded(call, found, expand), wanted, lambda: len(found))


def _resource_controls(call: Call, user: str) -> list[str]:
    controls = {c["id"]: c for group in _groups(call, user) for c in granted(call, group)}
    resource = call.path["resourceId"]
    return [encoded(c).decode() for c in controls.values() if c.get("resourceId") == resource]


def user_permissions(call: Call) -> Answer:
    """GET /users/{userId}/permissions/{resourceId}: permissions of the roles of those access controls."""
    wanted = call.accepted()
    keys: dict[str, None] = {}
    for body in _resource_controls(call, call.path["userId"]):
        role = call.store.get(call.tenant, ROLES, msgspec.json.decode(body).get("roleId", "")) or {}
        keys |= dict.fromkeys(permission["id"] for permission in role.get("permissions", []))
    bodies = [call.store.body(call.tenant, PERMISSIONS, key) for key in keys]
    found = [body for body in bodies if body is not None]
    return call.documents(found, wanted, lambda: len(found))


def user_scopes(call: Call) -> Answer:
    """GET /users/{userId}/scopes; somebody unknown has none but the tenant (spec: no 404)."""
    return _scopes(call, call.path["userId"])


def my_scopes(call: Call) -> Answer:
    """GET /users/me/scopes of the person whose token it is."""
    return _scopes(call, users.me(call))


def _scopes(call: Call, user: str) -> Answer:
    groups = _groups(call, user)
    scopes = {scope for group in groups for scope in _group_scopes(call, group)}
    body = {"userId": user, "scopes": " ".join([*sorted(scopes), f"tenant={call.tenant}"])}
    vendor = next((group["vendorId"] for group in groups if "vendorId" in group), None)
    return Answer(200, encoded(body if vendor is None else body | {"vendorId": vendor}))


def _group_scopes(call: Call, group: dict[str, Any]) -> Iterator[str]:
    """Scopes of a group: a restriction-aware access control carries each restriction as a suffix (spec)."""
    restrictions = group.get("restrictions") or []
    for control in granted(call, group):
        suffixes = [f"--{value}" for value in restrictions] if control.get("restrictionAware") else []
        for scope in control.get("scopes", []):
            yield from (scope + suffix for suffix in suffixes or [""])
