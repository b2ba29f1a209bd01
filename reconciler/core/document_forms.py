"""The forms of the plan document: its structure as data, checked by msgspec where a document enters.

``reconciler schema --plan`` is made from them, with what each field means (:mod:`.document_schema`).
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from reconciler.core.limits import Requirement
from reconciler.core.model import Membership, UserType
from reconciler.core.plan import Action, Reason

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A date with its distance from UTC: without one it would be another instant on every machine."""


class Form(msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """What all parts of the document have in common: camelCase, defaults left out, nothing unknown."""


class Source(Form):
    """A place in a file."""

    file: str
    line: int
    column: int


class Definition(Form):
    """What a definition may hold, to be checked: it stays a mapping, because that is what is compared and sent."""

    user_type: UserType | None = None
    name: dict[str, str] | None = None
    description: dict[str, str] | None = None
    access_controls: list[str] | None = None
    templates: list[str] | None = None
    restrictions: list[str] | None = None
    b2b: dict[str, str] | None = None
    vendor_id: str | None = None
    mixins: dict[str, Any] | None = None


class Person(Form):
    """Somebody by name."""

    handle: str = ""
    email: str = ""
    name: str = ""


class Change(Form):
    """One difference and what will be done about it."""

    address: str
    tenant: str
    group: str
    action: Action
    reason: Reason
    user_type: UserType
    user: str | None = None
    source: Source | None = None
    note: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    version: int | None = None
    owned: bool = False
    email: str = ""
    person: Person | None = None
    teams: tuple[str, ...] = ()
    until: Instant | None = None


class Guards(Form):
    """The limits of one group."""

    max_removals: float | str | tuple[float | str, ...] | None = None
    min_members: int | None = None
    protected: tuple[str, ...] = ()


class Group(Form):
    """What guards and readers need to know of a group that the plan changes."""

    tenant: str
    group: str
    live: int
    desired: int
    membership: Membership
    guards: Guards = msgspec.field(default_factory=Guards)
    first_contact: bool = False
    emptied: bool = False
    vanished: bool = False
    unlisted: bool = False
    leaves: bool = False
    moved_to: str = ""
    name: str = ""
    source: Source | None = None


class Place(Form):
    """A further place of a remark."""

    label: str
    source: Source


class Remark(Form):
    """A refusal or a warning."""

    message: str
    rule: str = ""
    address: str = ""
    remedy: str = ""
    source: Source | None = None
    related: tuple[Place, ...] = ()


Name = Annotated[str, msgspec.Meta(min_length=1)]


class User(Form):
    """A user by id, and who that is."""

    user: Name
    person: Person | None = None


class Grant(Form):
    """A scope, and the groups through which it comes or came."""

    scope: str
    through: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    company: str = ""
    sensitive: bool = False


class Effect(Form):
    """What the plan changes for users, the same for each of them."""

    users: Annotated[tuple[User, ...], msgspec.Meta(min_length=1)]
    gained: tuple[Grant, ...] = ()
    lost: tuple[Grant, ...] = ()
    kept: tuple[Grant, ...] = ()
    had: tuple[Grant, ...] = ()


class Total(Form):
    """How many users gain and lose a scope."""

    scope: str
    company: str = ""
    gained: int = 0
    lost: int = 0
    sensitive: bool = False


class Keep(Form):
    """Who must go on having a scope."""

    min_members: Annotated[int, msgspec.Meta(ge=1)] | None = None
    protected: tuple[str, ...] = ()


class AccessGuards(Form):
    """The guards on access of one tenant that are judged again before the plan is carried out."""

    tenant: str
    sensitive: tuple[str, ...] = ()
    requires: Requirement | None = None
    separation: tuple[tuple[str, str], ...] = ()
    keep: dict[str, Keep] = {}


class Access(Form):
    """What the plan changes in what the users of one tenant may do."""

    tenant: str
    summary: tuple[Total, ...] = ()
    effects: tuple[Effect, ...] = ()
    uncounted: int = 0
    names: dict[str, str] = {}


class Document(Form):
    """The whole plan."""

    format: int
    kind: str
    fingerprint: str
    checksum: str
    lineage: str
    serial: int
    tenants: tuple[str, ...]
    summary: dict[str, int]
    changes: tuple[Change, ...]
    groups: tuple[Group, ...]
    service: str = ""
    state: str = ""
    unchanged: int = 0
    failures: dict[str, str] = {}
    left: dict[str, tuple[str, ...]] = {}
    orphaned: tuple[str, ...] = ()
    take_over: bool = False
    targets: tuple[str, ...] = ()
    offline: bool = False
    refusals: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    at: Instant | None = None
    next_date: Instant | None = None
    access: tuple[Access, ...] = ()
    access_guards: tuple[AccessGuards, ...] = ()
    access_limit: Annotated[int, msgspec.Meta(ge=0)] = 0
