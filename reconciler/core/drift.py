"""Drift: what changed in the service since we last applied, whatever the configuration says now."""

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

import msgspec

from reconciler.core.diff import Differences, diff
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, Membership, Person, Snapshot, UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Source

DRIFT_FORMAT: Final = 1
Word = Literal["added outside", "changed outside", "removed outside"]
WORDS: Final[Mapping[Action, Word]] = {
    Action.CREATE: "removed outside",
    Action.DELETE: "added outside",
    Action.FORGET: "removed outside",
}
"""What a change means when the lockfile stands in the place of the configuration; any other was changed outside."""

OTHER: Final = {UserType.EMPLOYEE: UserType.CUSTOMER, UserType.CUSTOMER: UserType.EMPLOYEE}

LOCKFILE = Source("", 0, 0)
NOBODY: Final[Mapping[str, Person]] = {}


class Drifted(msgspec.Struct, rename="camel"):
    """One difference: what the lockfile and the service say of it; None where they do not have it."""

    address: str
    drift: Word
    known: dict[str, Any] | None
    live: dict[str, Any] | None
    user_type: UserType


class DriftDocument(msgspec.Struct):
    """What ``drift --format json`` prints."""

    drift: tuple[Drifted, ...]
    failures: dict[str, str]
    format: int
    kind: str
    tenants: tuple[str, ...]


def drift(
    tenant: str,
    live: Snapshot,
    known: Mapping[str, KnownGroup],
    open_groups: Collection[str | None] = (),
    people: Mapping[str, Person] = NOBODY,
) -> Differences:
    """The lockfile held against the service: the three-way table with the lockfile in the place of the configuration.

    So a creation means removed outside, a deletion added outside, an update changed outside. Others may be members of
    ``open_groups``, which the lockfile does not know about. ``people`` has who is known by name, by user id.
    """
    groups = tuple(
        DesiredGroup(
            LOCKFILE,
            id=group_id,
            fields=group.fields if group.owned else None,
            membership=Membership.ADDITIVE if group_id in open_groups else Membership.EXACT,
            members=dict.fromkeys(group.members, LOCKFILE),
        )
        for group_id, group in known.items()
        if group.owned or group_id in live.groups
    )
    return diff(DesiredTenant(tenant, LOCKFILE, groups, people=people), live, known)


def encode_drift(plan: Plan) -> bytes:
    """What :func:`drift` found as indented JSON, ended by a newline.

    It is a document of its own kind and in its own words: as a plan it would undo what somebody did.
    """
    retyped = {change.key[:2] for change in plan.changes if change.user is None and change.reason is Reason.TYPE}
    found = tuple(
        Drifted(
            change.address,
            WORDS.get(change.action, "changed outside"),
            *_sides(change, change.key[:2] in retyped),
            change.user_type,
        )
        for change in plan.changes
    )
    document = DriftDocument(found, dict(plan.failures), DRIFT_FORMAT, "drift", plan.tenants)
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=2) + b"\n"


Side = dict[str, Any] | None


def _sides(change: Change, is_retyped: bool) -> tuple[Side, Side]:
    """What is known and what is live: of a group its definition, of a member the type; None if it is not there.

    Of a group that was never ours the lockfile remembers no more than the type of its members. Whoever must be replaced
    for the type's sake, or is in a group that must (``is_retyped``), is of the other type outside.
    """
    if change.after is not None:
        return dict(change.after), dict(change.before) if change.before is not None else None
    known = {"userType": change.user_type}
    live = {"userType": OTHER[change.user_type]} if is_retyped or change.reason is Reason.TYPE else known
    if change.action is Action.DELETE:
        return None, live
    return known, live if change.action is Action.REPLACE else None
