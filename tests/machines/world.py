"""Plans for the tests of the Terraform form: one with every kind of change, and the parts of its document."""

import json
from datetime import UTC, datetime
from typing import Any

from reconciler.core.limits import Guards
from reconciler.core.model import Membership, Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Source
from reconciler.render import terraform

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER
HERE = Source("reconciler.yaml", 7, 11)


def definition(name: str, user_type: UserType = EMPLOYEE, **more: Any) -> dict[str, Any]:
    """A group's definition."""
    return {"userType": str(user_type), "name": {"en": name}, **more}


def change(group: str, user: str | None, action: Action, reason: Reason, **more: Any) -> Change:
    return Change("acmeprod", group, user, action, reason, more.pop("user_type", EMPLOYEE), **more)


def plan(*changes: Change, **more: Any) -> Plan:
    """A plan of these changes, each of its groups large enough for every guard."""
    touched = {(c.tenant, c.group): Touched(900, 900, Membership.EXACT, Guards()) for c in changes}
    return Plan(tuple(sorted(changes, key=lambda c: c.key)), ("acmeprod",), touched=touched, **more)


CREATED = change(
    "fresh", None, Action.CREATE, Reason.NEW, source=HERE, after=definition("Fresh", mixins={"b": 1, "a": {}})
)
JOINED = change(
    "fresh",
    "ana",
    Action.CREATE,
    Reason.NEW,
    source=HERE,
    note="OPS-42",
    person=Person("ana", None, "ana@acme.example", "Ana Blum"),
    teams=("staff", "ops"),
    until=datetime(2027, 2, 1, tzinfo=UTC),
)
RETURNED = change("desk", "ben", Action.CREATE, Reason.DRIFT_REMOVED)
RENAMED = change(
    "desk", None, Action.UPDATE, Reason.DIFFERS, before=definition("Desk"), after=definition("Front desk"), owned=True
)
EDITED = change(
    "till", None, Action.UPDATE, Reason.DRIFT, before=definition("Hacked"), after=definition("Till"), owned=True
)
IMPORTED = change(
    "found", None, Action.UPDATE, Reason.EXISTS, before=definition("Old"), after=definition("Found"), owned=True
)
ADOPTED = change("theirs", "cleo", Action.ADOPT, Reason.EXISTS)
REMEMBERED = change("theirs", None, Action.ADOPT, Reason.EXISTS, before=definition("Theirs"))
DELETED = change("old", None, Action.DELETE, Reason.REMOVED, before=definition("Old"))
LEFT = change("old", "dan", Action.DELETE, Reason.REMOVED)
RETYPED = change(
    "turn",
    None,
    Action.REPLACE,
    Reason.TYPE,
    user_type=CUSTOMER,
    before=definition("Turn"),
    after=definition("Turn", CUSTOMER),
)
TURNED = change("turn", "eve", Action.REPLACE, Reason.TYPE, user_type=CUSTOMER)
OUSTED = change("turn", "fay", Action.DELETE, Reason.REMOVED, user_type=CUSTOMER)
MISTYPED = change("desk", "gus", Action.REPLACE, Reason.TYPE)
RESOLD = change(
    "shop",
    None,
    Action.REPLACE,
    Reason.VENDOR,
    before=definition("S", vendorId="a"),
    after=definition("S", vendorId="b"),
)
CARRIED = change("shop", "hal", Action.REPLACE, Reason.VENDOR)
LET_GO = change("loose", "ida", Action.FORGET, Reason.UNMANAGED)
GONE = change("desk", "jo", Action.FORGET, Reason.GONE)
VANISHED = change("void", None, Action.FORGET, Reason.GONE)
EVERYTHING = plan(
    CREATED, JOINED, RETURNED, RENAMED, EDITED, IMPORTED, ADOPTED, REMEMBERED, DELETED, LEFT, RETYPED, TURNED, OUSTED,
    MISTYPED, RESOLD, CARRIED, LET_GO, GONE, VANISHED,
)  # fmt: skip
HARMLESS = plan(CREATED, JOINED, RENAMED, ADOPTED, LET_GO)
"""Nobody loses anything, and all are employees."""


def written(plan: Plan) -> dict[str, Any]:
    """The one line of the form, read again."""
    (line,) = terraform.plan(plan)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def entry(found: dict[str, Any], change: Change, part: str = "resource_changes") -> dict[str, Any]:
    """The entry of a change in a part of the document."""
    (only,) = [item for item in found[part] if item["index"] == change.address]
    return dict(only)
