"""What the embedded sandbox holds at first: the seed beside the configuration, or one made from the configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.core.model import DesiredGroup, DesiredTenant, UserType

if TYPE_CHECKING:
    from reconciler.config import Loaded

SEEDS = ("sandbox/seed.yaml", "sandbox/seed.yml", "sandbox/seed.json")


PLATFORM = {"id": "bo-user", "code": "BO_USER", "userType": "EMPLOYEE", "name": {"en": "Backoffice users"}}
"""What every real tenant has: groups of the platform, from whose names its default language can be told."""


def home(folder: Path) -> Path:
    """The folder that keeps the sandbox's data: the nearest upwards that has a seed, or the configuration's own.

    So configurations in subfolders can tell successive chapters of one story.
    """
    upwards = (folder, *folder.resolve().parents)
    return next((place for place in upwards if any((place / name).is_file() for name in SEEDS)), folder)


def seed_for(folder: Path, loaded: "Loaded | None") -> Path | dict[str, Any] | None:
    """The seed file in the folder; without one, tenants in which everything that the configuration refers to exists.

    So anybody's own configuration can be rehearsed at once, without writing a seed first.
    """
    for name in SEEDS:
        if (folder / name).is_file():
            return folder / name
    if loaded is None:
        return None
    return {"tenants": [_tenant(tenant) for tenant in loaded.desired.tenants]}


def _tenant(tenant: DesiredTenant) -> dict[str, Any]:
    languages = {language for group in tenant.groups for language in _languages(group)}
    users = {kind: _users(tenant, kind) for kind in UserType}
    employed = {user["id"] for user in users[UserType.EMPLOYEE]}
    return {
        "tenant": tenant.name,
        "languages": ["en", *sorted(languages - {"en"})],
        "accessControls": [{"id": i} for i in _named(tenant, "accessControls")],
        "templates": [{"id": i} for i in _named(tenant, "templates")],
        "groups": _groups(tenant),
        "employees": users[UserType.EMPLOYEE],
        "customers": [user for user in users[UserType.CUSTOMER] if user["id"] not in employed],
    }


def _users(tenant: DesiredTenant, kind: UserType) -> list[dict[str, str]]:
    """Everybody whom groups of the type list, by id; who is given by e-mail only gets an id that is made from it."""
    groups = [group for group in tenant.groups if _kind(group) is kind]
    people = {entry.person for group in groups for entry in group.entries}
    if kind is UserType.EMPLOYEE:
        people |= {entry.person for entry in tenant.offboarded}
    found: dict[str, dict[str, str]] = {user: {"id": user} for group in groups for user in group.members or ()}
    for person in people:
        user = person.id or person.mail.replace("@", "-at-")
        found.setdefault(user, {"id": user})
        if person.email:
            found[user]["contactEmail"] = person.email
    return [found[user] for user in sorted(found)]


def _groups(tenant: DesiredTenant) -> list[dict[str, Any]]:
    """Somebody else's groups, and one of the platform unless one of them is that."""
    others = [_group(group) for group in tenant.groups if group.fields is None]
    taken = {other["id"] for other in others} | {other.get("code") for other in others}
    taken |= {group.id for group in tenant.groups}
    return others if taken & {PLATFORM["id"], PLATFORM["code"]} else [PLATFORM, *others]


def _languages(group: DesiredGroup) -> set[str]:
    texts = ((group.fields or {}).get(name) for name in ("name", "description"))
    return {language for text in texts if isinstance(text, dict) for language in text}


def _named(tenant: DesiredTenant, field: str) -> list[str]:
    return sorted({name for group in tenant.groups for name in (group.fields or {}).get(field) or ()})


def _kind(group: DesiredGroup) -> UserType:
    if group.fields is not None:
        return UserType(group.fields["userType"])
    company = group.match is not None and group.match.legal_entity_id is not None
    return UserType.CUSTOMER if company else UserType.EMPLOYEE


def _group(group: DesiredGroup) -> dict[str, Any]:
    """Somebody else's group, as the match or the id describes it."""
    match = group.match
    criteria = [match.code, match.name, match.legal_entity_id, match.vendor_id] if match else []
    found: dict[str, Any] = {
        "id": group.id or (match and match.id) or "-".join(filter(None, criteria)),
        "userType": _kind(group).value,
        "name": {"en": (match and match.name) or "A group"},
    }
    if match and match.code:
        found["code"] = match.code
    if match and match.legal_entity_id:
        found["b2b"] = {"legalEntityId": match.legal_entity_id}
    if match and match.vendor_id:
        found["vendorId"] = match.vendor_id
    return found
