"""What a membership means: the scopes that a group grants, and for each scope of a user the whole way it came.

scope <- access control (perhaps through a template) <- group <- the entry that makes the user a member.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from reconciler.core.model import Control, DesiredGroup, Entry, Fields, LiveGroup, address
from reconciler.diagnostics import Diagnostic, Severity, Source

SUFFIX: Final = "--"
"""What stands between a scope and a group's restriction (iam.openapi.yml, ``order.order_manage--DE``)."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What groups of a tenant can grant: all access controls by id, and the access controls of each template."""

    controls: Mapping[str, Control] = field(default_factory=dict)
    templates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Through what a group has an access control: attached itself (no ``template``), or brought by a template.

    ``name`` is the access control's, for readers.
    """

    control: str
    template: str = ""
    name: str = field(default="", compare=False)


Granted = Mapping[str, Mapping[str, tuple[Origin, ...]]]
"""The scopes that each group grants, by the group's id, each with its origins."""


def attached(fields: Fields, templates: Mapping[str, tuple[str, ...]]) -> Iterator[Origin]:
    """The access controls of a group: its own, and those of its templates as far as these exist."""
    yield from map(Origin, fields.get("accessControls", ()))
    for template in fields.get("templates", ()):
        yield from (Origin(control, template) for control in templates.get(template, ()))


def grants(fields: Fields, catalog: Catalog) -> dict[str, tuple[Origin, ...]]:
    """The scopes that a group with this definition grants, each with all its origins.

    A restriction-aware access control grants each of its scopes once for each restriction of the group, and without
    suffix where the group has none (iam.openapi.yml, ``restrictionAware``). ``restrictedTo`` is documented as a rule
    about what may be attached, while "all access controls are resolved to scopes" (``users/{userId}/scopes``): what is
    attached in spite of it counts, because to show too little access is the worse mistake; :func:`flaws` names it.
    """
    found: defaultdict[str, list[Origin]] = defaultdict(list)
    for origin in attached(fields, catalog.templates):
        if control := catalog.controls.get(origin.control):
            for scope in resolved(control, fields.get("restrictions", ())):
                found[scope].append(replace(origin, name=control.name))
    return {scope: tuple(origins) for scope, origins in sorted(found.items())}


def resolved(control: Control, restrictions: Iterable[str]) -> Iterator[str]:
    """The scopes of an access control in a group with these restrictions."""
    suffixes = [f"{SUFFIX}{restriction}" for restriction in restrictions] if control.restriction_aware else []
    return (scope + suffix for scope in control.scopes for suffix in suffixes or [""])


def company_of(fields: Fields) -> str:
    """The company at which a group's scopes count; empty for everywhere."""
    return str(fields.get("b2b", {}).get("legalEntityId") or "")


def flaws(tenant: str, group: LiveGroup, catalog: Catalog) -> Iterator[Diagnostic]:
    """A warning for each thing that is attached to the group and does not exist, or should not be there."""
    about = address(tenant, group.id)
    for template in group.fields.get("templates", ()):
        if template not in catalog.templates:
            yield _warning(f"{about} has the template {template}, which does not exist and so grants nothing", about)
    for origin in attached(group.fields, catalog.templates):
        through = f" through the template {origin.template}" if origin.template else ""
        told = f"{about} has the access control {origin.control}{through}, which"
        control = catalog.controls.get(origin.control)
        if control is None:
            yield _warning(f"{told} does not exist and so grants nothing", about)
        elif not control.fits(group.user_type):
            rule = f"is for {control.restricted_to} groups only; its scopes are counted all the same"
            yield _warning(f"{told} {rule}", about)


def _warning(message: str, about: str) -> Diagnostic:
    return Diagnostic(message, address=about, severity=Severity.WARNING)


class Listing(StrEnum):
    """What the configuration says of a membership that is there, or was in a group that is gone."""

    LISTED = "listed"
    OFFBOARDED = "offboarded, but still a member"
    OVER = "listed, but its time is over"
    EARLY = "listed, but its time has not come"
    UNLISTED = "not listed in the configuration"
    UNMANAGED = "the configuration does not manage the members"
    FOREIGN = "the group is outside the configuration"
    GONE = "the group is gone"


@dataclass(frozen=True, slots=True)
class Seat:
    """One membership that is there, and the entry that asked for it.

    ``source`` is the line of the entry, or of the group where there is none; None outside the configuration.
    """

    user: str
    group: LiveGroup
    listing: Listing
    source: Source | None = None
    teams: tuple[str, ...] = ()
    reason: str = ""
    until: datetime | None = None


def seat(user: str, group: LiveGroup, desired: DesiredGroup | None, leaving: Mapping[str, Entry]) -> Seat:
    """How the user comes to be in the group; ``desired`` has its entries told apart (:mod:`.people`).

    Who is ``leaving`` is to be in no group at all, so that line counts before any other.
    """
    if (gone := leaving.get(user)) is not None:
        return Seat(user, group, Listing.OFFBOARDED, gone.source, reason=gone.reason)
    if desired is None:
        return Seat(user, group, Listing.FOREIGN)
    if desired.members is None:
        return Seat(user, group, Listing.UNMANAGED, desired.source)
    for listing, entries in (
        (Listing.LISTED, desired.named),
        (Listing.OVER, desired.ended),
        (Listing.EARLY, desired.upcoming),
    ):
        if (entry := entries.get(user)) is not None:
            return _by_entry(user, group, listing, entry)
    if user in desired.members:
        return Seat(user, group, Listing.LISTED, desired.members[user], reason=desired.reasons.get(user, ""))
    return Seat(user, group, Listing.UNLISTED, desired.source)


def _by_entry(user: str, group: LiveGroup, listing: Listing, entry: Entry) -> Seat:
    return Seat(user, group, listing, entry.source, entry.teams, entry.reason, entry.period.end)


@dataclass(frozen=True, slots=True)
class Way:
    """How one user comes by one scope; without ``scope`` only what is attached is known, not what it grants."""

    scope: str
    origin: Origin
    seat: Seat


def granted(groups: Iterable[LiveGroup], catalog: Catalog | None) -> Granted:
    """What each group grants; without a catalog what is attached to it, under no scope's name."""
    return {
        group.id: {"": tuple(_unresolved(group.fields))} if catalog is None else grants(group.fields, catalog)
        for group in groups
    }


def _unresolved(fields: Fields) -> Iterator[Origin]:
    yield from map(Origin, fields.get("accessControls", ()))
    yield from (Origin("", template) for template in fields.get("templates", ()))


def ways(seats: Iterable[Seat], found: Granted) -> list[Way]:
    """All ways in which these memberships grant scopes, by scope."""
    through = (
        Way(scope, origin, each)
        for each in seats
        for scope, origins in found[each.group.id].items()
        for origin in origins
    )
    return sorted(through, key=lambda way: (way.scope, way.seat.user, way.seat.group.id, way.origin))


def fits(pattern: str, scope: str) -> bool:
    """Whether a scope is meant by a pattern such as ``order.*``; one without a suffix means every restriction too."""
    return any(fnmatchcase(each, pattern) for each in (scope, *wider(scope)))


def wider(scope: str) -> Iterator[str]:
    """What a scope may be without the suffix of a restriction; several, because names may hold dashes too."""
    parts = scope.split(SUFFIX)
    yield from (SUFFIX.join(parts[:end]) for end in range(1, len(parts)))


def meant(pattern: str, scopes: Mapping[str, tuple[Origin, ...]]) -> dict[str, tuple[Origin, ...]]:
    """Those of a group's scopes that a pattern means."""
    return {scope: origins for scope, origins in scopes.items() if fits(pattern, scope)}
