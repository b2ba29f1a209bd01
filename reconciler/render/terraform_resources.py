"""The resources of Terraform's form of a plan: their addresses, and their values before and after each change."""

import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.model import FIELD_NAMES, Fields, Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason

PROVIDER: Final = "registry.terraform.io/emporix/emporix"
GROUP: Final = "emporix_group"
MEMBERSHIP: Final = "emporix_group_membership"
ATTRIBUTES: Final = {name: re.sub(r"(?=[A-Z])", "_", name).lower() for name in FIELD_NAMES}
"""The API's own names in the way that providers write them: ``accessControls`` is ``access_controls``."""

STAYS: Final = frozenset({Action.ADOPT, Action.FORGET})
OTHER: Final = {UserType.EMPLOYEE: UserType.CUSTOMER, UserType.CUSTOMER: UserType.EMPLOYEE}

Values = dict[str, Any]
_SPECIAL: Final = re.compile(r'["\\\n\r\t]|[$%](?=\{)')
_WRITTEN: Final = {'"': '\\"', "\\": "\\\\", "$": "$$", "%": "%%", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def address(change: Change) -> str:
    """The resource's address, its key quoted as in Terraform's language."""
    return f"{type_of(change)}.this[{_quoted(change.address)}]"


def old_types(plan: Plan) -> dict[tuple[str, str], UserType]:
    """The userType that replaced groups have now: their members lose memberships of that type, not of the new one."""
    return {
        (change.tenant, change.group): UserType((change.before or {}).get("userType") or change.user_type)
        for change in plan.changes
        if change.user is None and change.action is Action.REPLACE
    }


def before(change: Change, types: Mapping[tuple[str, str], UserType]) -> Values | None:
    """What is there now, or nothing; ``types`` are the :func:`old_types`."""
    if change.action is Action.CREATE:
        return None
    if change.user is None:
        return group(change, change.before)
    retyped = change.action is Action.REPLACE and change.reason is Reason.TYPE
    type_now = OTHER[change.user_type] if retyped else change.user_type
    return _membership(change, types.get((change.tenant, change.group), type_now))


def after(change: Change) -> Values | None:
    """What is there afterwards, or nothing."""
    if change.action is Action.DELETE or is_gone(change):
        return None
    if change.user is None:
        return group(change, change.before if change.action in STAYS else change.after)
    return _membership(change, change.user_type)


def group(change: Change, fields: Fields | None) -> Values:
    """A definition with every attribute, null where there is nothing, as a provider has it."""
    found = {attribute: (fields or {}).get(name) for name, attribute in ATTRIBUTES.items()}
    type_ = found["user_type"] or change.user_type
    return {"id": change.address, "tenant": change.tenant, "group_id": change.group, **found, "user_type": type_}


def _membership(change: Change, user_type: UserType) -> Values:
    """A membership with every attribute; who it is and how long it lasts is the same before and after.

    It is what the configuration and the service say now, and no change of it: policies match it on either side.
    """
    person = change.person or Person()
    return {
        "id": change.address,
        "tenant": change.tenant,
        "group_id": change.group,
        "user_id": change.user,
        "user_type": user_type,
        "handle": person.handle or None,
        "email": person.email or change.email or None,
        "name": person.name or None,
        "teams": list(change.teams),
        "until": change.until,
    }


def identified(change: Change) -> Values:
    """What names the resource, and nothing of what it is like."""
    return {
        "address": address(change),
        "mode": "managed",
        "type": type_of(change),
        "name": "this",
        "index": change.address,
        "provider_name": PROVIDER,
    }


def type_of(change: Change) -> str:
    """The type of the resource that the change is about."""
    return GROUP if change.user is None else MEMBERSHIP


def is_gone(change: Change) -> bool:
    """Whether there is nothing left that could be changed."""
    return change.action is Action.FORGET and change.reason is Reason.GONE


def _quoted(key: str) -> str:
    r"""A string of Terraform's language: quotes and templates can't end it or begin in it, ``\u`` for the unseen."""
    text = _SPECIAL.sub(lambda found: _WRITTEN[found[0]], key)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text)
    return f'"{text}"'


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
