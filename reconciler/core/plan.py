"""The plan: every change with its action, reason and source, and what it was computed from.

A plan is a value: it can be shown, saved, compared by its fingerprint, and refused (by guards) before anything happens.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

import msgspec

from reconciler.core.effects import Effects
from reconciler.core.limits import AccessGuards, AccessRule, Guards
from reconciler.core.model import Fields, Membership, Person, UserType, address, mail_key
from reconciler.diagnostics import Diagnostic, Source

POLICY: Final = "policy "
"""How the rule of a denial begins: what follows is the package and name of the policy's own rule."""

CARRIED: Final[frozenset[str]] = frozenset(AccessRule)
"""The rules of denials by the guards on access, which need what the plan itself does not hold."""


class Action(StrEnum):
    """What happens to an address. Adopt and forget change only the lockfile; all others are requests."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    ADOPT = "adopt"
    FORGET = "forget"


class Reason(StrEnum):
    """Why a change is there: the rightmost column of the table in DESIGN section 4."""

    NEW = "new in configuration"
    DRIFT_REMOVED = "removed outside (drift)"
    EXISTS = "exists, not yet ours"
    DIFFERS = "differs from configuration"
    DRIFT = "differs from configuration (drift)"
    REMOVED = "removed from configuration"
    NEVER_OURS = "not in configuration, never ours"
    GONE = "already gone"
    TYPE = "userType can't change in place"
    VENDOR = "vendorId can't change in place"
    DISOWNED = "definition left the configuration"
    UNMANAGED = "members left the configuration"
    LET_GO = "left the configuration, not ours to delete"
    EXPIRED = "its time is over"
    UPCOMING = "its time has not come"
    OFFBOARDED = "offboarded"
    MOVED = "moved to another group"
    PINNED = "e-mail now remembered with this id"

    @property
    def lets_go(self) -> bool:
        """Whether the thing stays as it is in the service and only leaves the lockfile."""
        return self in {Reason.UNMANAGED, Reason.LET_GO}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference and what will be done about it.

    ``user`` None means the group's definition. ``before`` and ``after`` are definitions, for groups only: ``after`` is
    all that will be sent, live values of unmanaged fields included. ``version`` is the live ``metadata.version`` that
    the change was computed from. ``owned`` says whether the definition is ours afterwards. ``note`` is the file's own
    reason. ``email`` is what led to the user's id, to be remembered with the membership. ``person``, ``teams`` and
    ``until`` tell readers who it is, through which teams it came and how long it lasts.
    """

    tenant: str
    group: str
    user: str | None
    action: Action
    reason: Reason
    user_type: UserType
    source: Source | None = None
    note: str = ""
    before: Fields | None = None
    after: Fields | None = None
    version: int | None = None
    owned: bool = False
    email: str = ""
    person: Person | None = None
    teams: tuple[str, ...] = ()
    until: datetime | None = None

    @property
    def address(self) -> str:
        """``tenant/group`` or ``tenant/group/user``."""
        return address(self.tenant, self.group, self.user)

    @property
    def key(self) -> tuple[str, str, str]:
        """What orders changes: by tenant, then group, the definition before its members."""
        return (self.tenant, self.group, self.user or "")


@dataclass(frozen=True, slots=True)
class Touched:
    """What guards and the renderings need to know of a group that the plan changes.

    ``live`` counts its members now (0 if the group is new), ``desired`` those afterwards, both with what is left alone;
    ``first_contact``: it exists and the lockfile does not know it yet. ``emptied``: the configuration lists nobody.
    ``vanished``: members that were ours are no longer listed at all, because the list or the whole group (``leaves``)
    left the configuration. ``unlisted``: its members are not managed. ``moved_to``: its members go to the
    group with this id, which they must be in before they lose this one. ``name`` is for readers.
    """

    live: int
    desired: int
    membership: Membership
    guards: Guards
    first_contact: bool = False
    emptied: bool = False
    vanished: bool = False
    unlisted: bool = False
    leaves: bool = False
    moved_to: str = ""
    name: str = ""
    source: Source | None = None


@dataclass(frozen=True)
class Plan:
    """All changes, sorted by address, and what they were computed from.

    ``tenants`` are the tenants that were planned, ``failures`` those that could not be, with the reason. ``touched``
    has every group with a change, by (tenant, group). ``unchanged`` counts addresses that are as they should be;
    ``left`` lists foreign members of additive groups by group address. ``service`` names the host, ``state``,
    ``lineage`` and ``serial`` the lockfile.
    ``orphaned`` are tenants that the lockfile knows and the configuration no longer names. ``warnings`` are remarks for
    the reader that stop nothing. ``offline``: the lockfile stood in for the service, so it can be read but not applied.
    ``denials`` are what policy files and the guards on access say against it: unlike other guards they can't be asked
    again of the plan alone, so it carries their answer. ``at`` is the instant for which entries with a time were
    judged, ``next_date`` the next one at which any of them begins or ends; neither is in the fingerprint, only what
    follows from them.
    ``effects`` has, for each tenant of which it was asked, what the changes come to for its users; they are not in the
    fingerprint, because they depend on groups and access controls that the plan leaves alone. ``access_guards`` are,
    by tenant, those to be judged again before it is carried out; for them the other groups of at most ``access_limit``
    customers are read.
    """

    changes: tuple[Change, ...] = ()
    tenants: tuple[str, ...] = ()
    touched: Mapping[tuple[str, str], Touched] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    unchanged: int = 0
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    service: str = ""
    state: str = ""
    lineage: str = ""
    serial: int = 0
    take_over: bool = False
    orphaned: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    offline: bool = False
    denials: tuple[Diagnostic, ...] = ()
    at: datetime | None = None
    next_date: datetime | None = None
    effects: Mapping[str, Effects] = field(default_factory=dict)
    access_guards: Mapping[str, AccessGuards] = field(default_factory=dict)
    access_limit: int = 0

    @cached_property
    def fingerprint(self) -> str:
        """A digest of what will happen: 20 hex digits, the same on every machine.

        Sources, order, clock and lockfile are left out on purpose, so that the plan that a reviewer saw and the one
        made after the merge have the same fingerprint exactly when they do the same (DESIGN section 7).
        """
        content = sorted(_essence(change) for change in self.changes)
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()[:20]

    @cached_property
    def counts(self) -> Counter[Action]:
        """How many changes there are of each action."""
        return Counter(change.action for change in self.changes)


def _essence(change: Change) -> list[Any]:
    """What a change does, as values; an e-mail to remember comes last, so that plans without one stay as they are."""
    remembered = [mail_key(change.email)] if change.email else []
    return [
        change.tenant,
        change.group,
        change.user or "",
        change.action.value,
        change.user_type.value,
        msgspec.json.encode(
            [change.before, change.after, change.version, change.owned], order="deterministic"
        ).decode(),
        *remembered,
    ]
