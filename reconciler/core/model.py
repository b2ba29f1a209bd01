"""The words of the trade as values: what is desired, what is live and what the lockfile says is ours.

All of them are frozen and normalised when made, so that equal things compare equal. Members are plain sets of user ids
per group, because comparing sets group by group is the fastest three-way diff there is (PERFORMANCE, "Three-way diff").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from reconciler.core.limits import NO_ACCESS_GUARDS, NO_GUARDS, AccessGuards, Guards
from reconciler.diagnostics import Source

Fields = Mapping[str, Any]
"""A group's definition under the API's own names, normalised by :func:`normalise`."""

LOCALIZED: Final = ("name", "description")
NESTED: Final = (*LOCALIZED, "b2b")
UNORDERED: Final = ("accessControls", "templates", "restrictions")
IMMUTABLE: Final = ("userType", "vendorId")
"""What only another group under the same id can have different (FACTS, "Assignment" and "Calls to write groups")."""
FIELD_NAMES: Final = ("userType", *LOCALIZED, *UNORDERED, "b2b", "vendorId", "mixins")


class UserType(StrEnum):
    """Who a user is to the service; a group takes users of one type only (FACTS, rule 1)."""

    EMPLOYEE = "EMPLOYEE"
    CUSTOMER = "CUSTOMER"


class Membership(StrEnum):
    """Whether members that the configuration does not list are removed (exact) or left and reported (additive)."""

    EXACT = "exact"
    ADDITIVE = "additive"


def normalise(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The definition's fields with empty ones left out and sets sorted, so that equal definitions compare equal.

    The service returns absent, null and empty values for the same thing; ``accessControls``, ``templates`` and
    ``restrictions`` have no order there (iam.openapi.yml, GroupsQueryDocument). An empty translation is an absent one.
    """
    found = {name: fields[name] for name in FIELD_NAMES if fields.get(name)}
    for name in NESTED:
        if isinstance(found.get(name), Mapping):
            found[name] = {key: value for key, value in found[name].items() if value}
            if not found[name]:
                del found[name]
    for name in UNORDERED:
        if name in found:
            found[name] = sorted(set(found[name]))
    return found


def mail_key(email: str) -> str:
    """An e-mail as it is compared: without regard to case, and never one letter for two others or another alphabet's.

    Folding as for words would take ``straße`` for ``strasse`` and a Kelvin sign for a ``k``: those are other addresses.
    """
    if email.isascii():
        return email.lower()
    return "".join(
        letter.lower() if letter.isascii() or not letter.lower()[0].isascii() else letter for letter in email
    )


def address(tenant: str, group: str, user: str | None = None) -> str:
    """``tenant/group`` or ``tenant/group/user``: the one name of a thing in every message, option and file."""
    return f"{tenant}/{group}" if user is None else f"{tenant}/{group}/{user}"


@dataclass(frozen=True, slots=True)
class Match:
    """How to find a group that exists already; every criterion given must fit, and exactly one live group may.

    ``name`` is compared with the group's name in every language.
    """

    id: str | None = None
    code: str | None = None
    name: str | None = None
    legal_entity_id: str | None = None
    vendor_id: str | None = None

    def __str__(self) -> str:
        named = {
            "id": self.id,
            "code": self.code,
            "name": self.name,
            "legalEntityId": self.legal_entity_id,
            "vendorId": self.vendor_id,
        }
        return ", ".join(f"{key}: {value}" for key, value in named.items() if value is not None)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the configuration names: by ``id``, or by an ``email`` that leads to an id while planning.

    ``handle`` is the name under ``people`` (empty for who is named where a member stands), ``user_type`` None means the
    type of whichever group. With both ``id`` and ``email`` the id counts, and the e-mail is for readers.
    """

    handle: str = ""
    id: str | None = None
    email: str | None = None
    name: str = ""
    user_type: UserType | None = None

    @property
    def mail(self) -> str:
        """The e-mail as it is compared: without regard to case; empty if there is none."""
        return mail_key(self.email or "")


@dataclass(frozen=True, slots=True)
class Period:
    """When an entry holds: from ``start`` on and before ``end``, both in UTC; None is without bound.

    ``bound`` is where the end stands, because that is the line to clean up once it has passed.
    """

    start: datetime | None = None
    end: datetime | None = None
    bound: Source | None = None

    def has_begun(self, at: datetime) -> bool:
        """Whether the start has come."""
        return self.start is None or self.start <= at

    def is_over(self, at: datetime) -> bool:
        """Whether the end has come."""
        return self.end is not None and self.end <= at

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies in the period."""
        return self.has_begun(at) and not self.is_over(at)

    def within(self, other: "Period") -> "Period":
        """What the two have in common: a member is one only while its team entry and its person are."""
        if other is ALWAYS or self is ALWAYS:
            return self if other is ALWAYS else other
        starts = [start for start in (self.start, other.start) if start is not None]
        first = other if self.end is None or (other.end is not None and other.end < self.end) else self
        return Period(max(starts, default=None), first.end, first.bound)


ALWAYS: Final = Period()


@dataclass(frozen=True, slots=True)
class Entry:
    """One way in which somebody comes into a group, or into a list of offboarded users.

    ``source`` is the line that names the person: the member's, or the team's; ``teams`` are those that lead there,
    outermost first.
    """

    person: Person
    source: Source
    period: Period = ALWAYS
    teams: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the service has it.

    ``problem`` says why it should not be given access, empty for one that can be used; ``shut`` that nobody can use it.
    """

    id: str
    user_type: UserType
    email: str = ""
    name: str = ""
    problem: str = ""
    shut: bool = False


@dataclass(frozen=True, slots=True)
class DesiredGroup:
    """One group as the configuration wants it.

    Exactly one of ``id`` and ``match`` is given by the file; :func:`reconciler.core.match.bind` fills the ``id`` of a
    matched group. ``fields`` None means the definition is somebody else's and only the members are ours; otherwise it
    holds only what the file manages, with plain strings in ``name`` and ``description`` meaning the tenant's default
    language, and None or empty values meaning "empty it". ``members`` None means that the members are not managed.
    ``reasons`` holds the file's own reason for a member, ``field_sources`` where each field stands.
    ``entries`` are the members that are more than an id: named by e-mail, person or team, or for a time. What holds at
    an instant joins ``members`` in :mod:`reconciler.core.people`; ``named`` then has the entry of each such member by
    user id, ``ended`` that of each whose time is over and ``upcoming`` that of each whose time has not come.
    """

    source: Source
    id: str | None = None
    match: Match | None = None
    fields: Fields | None = None
    membership: Membership = Membership.EXACT
    members: Mapping[str, Source] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    guards: Guards = NO_GUARDS
    field_sources: Mapping[str, Source] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    named: Mapping[str, Entry] = field(default_factory=dict)
    ended: Mapping[str, Entry] = field(default_factory=dict)
    upcoming: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def has_dates(self) -> bool:
        """Whether the file lists somebody whose time is not now: a list that time has emptied is no empty list."""
        return bool(self.ended or self.upcoming)


@dataclass(frozen=True, slots=True)
class Moved:
    """A group of ours that goes on under another id: ids never change in the service, so it is made anew.

    Whoever is in the new one as well keeps access throughout, so leaving the old one is no loss.
    """

    old: str
    new: str
    source: Source


@dataclass(frozen=True, slots=True)
class DesiredTenant:
    """One tenant as the configuration wants it, its groups in the file's order.

    ``source`` None: the lockfile knows the tenant and the configuration no longer does. ``guards`` are the tenant's
    own, for groups that have left the configuration; ``access`` are those on what its users may do.
    ``offboarded`` are to be in no group at all while their entry holds: a person who leaves on a day has an entry that
    starts then. ``people`` has who is known by name, by user id, once :mod:`reconciler.core.people` has found out.
    """

    name: str
    source: Source | None = None
    groups: tuple[DesiredGroup, ...] = ()
    guards: Guards = NO_GUARDS
    access: AccessGuards = NO_ACCESS_GUARDS
    offboarded: tuple[Entry, ...] = ()
    moved: tuple[Moved, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desired:
    """All that the configuration says.

    ``state`` is the lockfile's URL if the file names one; ``guards`` and ``access`` are the file level's, for tenants
    that have left it. ``people`` are all who have a handle, each with the time in which it can be a member.
    """

    tenants: tuple[DesiredTenant, ...] = ()
    state: str | None = None
    guards: Guards = NO_GUARDS
    access: AccessGuards = NO_ACCESS_GUARDS
    people: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """One group as the service has it now.

    ``members`` None means not read. ``mistyped`` are members whose assignment has another userType than the group: the
    type of an assignment can never change, so they have to be removed and added again (FACTS, "Assignment").
    """

    id: str
    fields: Fields
    user_type: UserType
    version: int | None = None
    code: str | None = None
    members: frozenset[str] | None = None
    mistyped: Mapping[str, UserType] = field(default_factory=dict)

    @property
    def vendor_id(self) -> str | None:
        """The vendor that the group belongs to; all groups of one employee must share it (FACTS, rule 2)."""
        return self.fields.get("vendorId")

    @property
    def legal_entity_id(self) -> str | None:
        """The company that the group belongs to, for company groups (FACTS, rule 4)."""
        entity: str | None = self.fields.get("b2b", {}).get("legalEntityId")
        return entity


@dataclass(frozen=True, slots=True)
class Control:
    """An access control: the scopes that a group with it grants (iam.openapi.yml, AccessControlQueryDocument).

    ``restricted_to`` is the only userType whose groups it may be attached to, None for any. With ``restriction_aware``
    its scopes carry the restrictions of the group as suffixes.
    """

    id: str
    scopes: tuple[str, ...] = ()
    restricted_to: UserType | None = None
    restriction_aware: bool = False
    name: str = ""

    def fits(self, user_type: UserType) -> bool:
        """Whether it may be attached to groups of the userType (FACTS, rule 5)."""
        return self.restricted_to in {None, user_type}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read of one tenant.

    ``groups`` are all groups of the tenant, members read only where asked. ``memberships`` are ALL groups of those
    users that were asked about, ``missing`` those of them that do not exist. ``language`` is the tenant's default
    language, ``controls`` are all access controls by id, and ``templates`` the access controls of each template; None
    when nobody asked.
    """

    tenant: str
    groups: Mapping[str, LiveGroup] = field(default_factory=dict)
    memberships: Mapping[str, frozenset[str]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    language: str | None = None
    controls: Mapping[str, Control] | None = None
    templates: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class KnownGroup:
    """What the lockfile says is ours in one group.

    ``owned``: the definition is ours, with ``fields`` as we last applied them and ``version`` the service's
    ``metadata.version`` then. ``members`` are the memberships that are ours, ``emails`` the e-mails that led to some of
    them, by user id.
    """

    owned: bool
    user_type: UserType
    members: frozenset[str] = frozenset()
    fields: Fields | None = None
    version: int | None = None
    emails: Mapping[str, str] = field(default_factory=dict)


Known = Mapping[str, Mapping[str, KnownGroup]]
"""What is ours: tenant, then group id, to :class:`KnownGroup`."""
