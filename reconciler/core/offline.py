"""Planning without the service: the lockfile stands in for what is live, and whatever it can't tell is said.

A pull request from a fork gets no credentials, and its reviewers want to see what it would do all the same. What is not
in the lockfile is never guessed at: such a group stays as it is in the plan, and a warning says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.fields import needs_language
from reconciler.core.model import (
    LOCALIZED,
    DesiredGroup,
    DesiredTenant,
    KnownGroup,
    LiveGroup,
    Match,
    Membership,
    address,
)
from reconciler.core.people import pins, user_type
from reconciler.core.plan import Action, Change, Reason
from reconciler.diagnostics import Diagnostic, Severity, Source

RULE: Final = "offline"
MOST_NAMED: Final = 5
JOINS: Final = frozenset({Action.CREATE, Action.REPLACE})
FROM_ELSEWHERE: Final = ("accessControls", "templates")
"""Fields whose values are ids of things that only the service knows."""


@dataclass(frozen=True, slots=True)
class Sure:
    """What can be planned of a tenant from the lockfile alone, and a warning for each thing that can't."""

    desired: DesiredTenant
    warnings: tuple[Diagnostic, ...]


def remembered(known: Mapping[str, KnownGroup]) -> dict[str, LiveGroup]:
    """The groups of a tenant as the lockfile has them, as if nothing had happened since.

    Of a group whose definition is not ours no more than its userType is known.
    """
    return {
        group_id: LiveGroup(
            group_id, group.fields or {"userType": group.user_type.value}, group.user_type, group.version,
            members=group.members,
        )
        for group_id, group in sorted(known.items())
    }  # fmt: skip


def language(known: Mapping[str, KnownGroup]) -> str | None:
    """The one language that all texts of our groups have; None if there are several or none."""
    texts = [text for group in known.values() for name in LOCALIZED if (text := (group.fields or {}).get(name))]
    shared = set.intersection(*map(set, texts)) if texts else set()
    return shared.pop() if len(shared) == 1 else None


def sure(desired: DesiredTenant, known: Mapping[str, KnownGroup]) -> Sure:
    """The part of the configuration that can be compared with the lockfile.

    A group of somebody else is found by criteria of which the lockfile has only the id. One that it does not have is
    left out, and then no group of somebody else that it does have may be taken for one that left the configuration:
    it stands for itself.
    """
    kept, lost, undefined = _sorted(desired.groups, known)
    new = [entry.id or "" for entry in kept if entry.id not in known]
    unnamed = sorted(known.keys() - {entry.id for entry in kept})
    open_to = [group for group in unnamed if _may_mean(lost, group, known[group])]
    theirs = [group for group in open_to if not known[group].owned]
    ours = [group for group in open_to if known[group].owned] if len(lost) > len(theirs) else []
    warnings = (
        *(_undefined(desired.name, entry) for entry in undefined),
        *(_lost(desired.name, entry) for entry in lost),
        *(_undecided(address(desired.name, group)) for group in theirs),
        *(_perhaps_kept(address(desired.name, group)) for group in ours),
        *_languages(desired, known),
        *_new(desired.name, new),
    )
    kept += [_as_known(group, known[group]) for group in theirs]
    told, strangers = _known_by_email(kept, known)
    if strangers:
        warnings = (*warnings, _strangers(desired.name, strangers))
    # of somebody whom no e-mail of ours led to nothing is ours, so there is nothing to take away, and nothing to remark
    mails = {mail for _, mail in pins(known)}
    leaving = tuple(entry for entry in desired.offboarded if entry.person.id or entry.person.mail in mails)
    return Sure(replace(desired, groups=tuple(told), offboarded=leaving), warnings)


def _known_by_email(
    entries: Iterable[DesiredGroup], known: Mapping[str, KnownGroup]
) -> tuple[list[DesiredGroup], dict[str, Source]]:
    """The groups without members whose e-mail never led to an id, and where those stand: the service knows them."""
    pinned, live = pins(known), remembered(known)
    strangers: dict[str, Source] = {}
    kept = []
    for group in entries:
        kind, told = user_type(group, live), []
        for entry in group.entries:
            if entry.person.id or (kind, entry.person.mail) in pinned:
                told.append(entry)
            else:
                strangers[entry.person.email or ""] = entry.source
        kept.append(replace(group, entries=tuple(told)))
    return kept, strangers


def _strangers(tenant: str, found: Mapping[str, Source]) -> Diagnostic:
    return _warning(
        f"{tenant}: whom an e-mail leads to is not in the lockfile yet, so these members are not compared:"
        f" {_named(sorted(found))}",
        tenant,
        min(found.values()),
    )


def _sorted(
    entries: Iterable[DesiredGroup], known: Mapping[str, KnownGroup]
) -> tuple[list[DesiredGroup], list[DesiredGroup], list[DesiredGroup]]:
    """The entries that can be compared, those of groups that can't be found, and those kept for their members only."""
    kept: list[DesiredGroup] = []
    lost: list[DesiredGroup] = []
    undefined: list[DesiredGroup] = []
    for entry in entries:
        group_id = entry.id or (entry.match.id if entry.match else None)
        before = known.get(group_id) if group_id else None
        if entry.fields is None and before is None:
            lost.append(entry)
        elif entry.fields is not None and before is not None and not before.owned:
            undefined.append(entry)
            kept.append(replace(entry, fields=None))
        else:
            kept.append(replace(entry, id=group_id, match=None))
    return kept, lost, undefined


def doubts(tenant: str, changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """What the service would have been asked about the changes of a tenant, and what their fingerprint rests on."""
    changes = [change for change in changes if change.tenant == tenant]
    joining = sorted({change.user for change in changes if change.user and change.action in JOINS})
    if joining:
        yield _warning(
            f"{tenant}: whether new members exist and may join, by their other groups, is not checked:"
            f" {_named(joining)}",
            tenant,
        )
    written = [change for change in changes if change.user is None and change.action in {*JOINS, Action.UPDATE}]
    if any(
        set(_ids(change.after, name)) - set(_ids(change.before, name)) for change in written for name in FROM_ELSEWHERE
    ):
        yield _warning(
            f"{tenant}: whether access controls and templates exist and fit the group's userType is not checked", tenant
        )
    for change in changes:
        if change.user is None and change.reason is Reason.LET_GO:
            yield _warning(
                f"{change.address}: its definition is not ours and not in the lockfile, so the plan made with the"
                " service will have another fingerprint",
                change.address,
            )


def unjudged(tenant: DesiredTenant, changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """That guards on access have said nothing, because only the service knows what groups grant."""
    if tenant.access.can_refuse and any(change.tenant == tenant.name for change in changes):
        yield _warning(f"{tenant.name}: guards on access are not judged: what groups grant is not known", tenant.name)


def recalled(serial: int, written_at: str) -> Diagnostic:
    """What an answer rests on that was given from the lockfile."""
    return _warning(
        f"asked the lockfile of {_edition(serial, written_at)} instead of the service: groups and members that were"
        " never ours, what was changed since, and which scopes access controls grant are not known"
    )


def _edition(serial: int, written_at: str) -> str:
    return f"serial {serial}, written {written_at}" if written_at else f"serial {serial}"


def basis(place: str, serial: int, written_at: str, pending: Sequence[Change]) -> Iterator[Diagnostic]:
    """What the whole plan rests on: which lockfile, and what an unfinished run left open in it."""
    if serial:
        yield _warning(
            f"planned offline against the lockfile of {_edition(serial, written_at)}; what was changed outside since,"
            " and members who were never ours, are not seen"
        )
    else:
        yield _warning(f"planned offline, and there is no lockfile at {place} yet: everything is shown as new")
    for tenant in sorted({change.tenant for change in pending}):
        count = sum(change.tenant == tenant for change in pending)
        yield _warning(
            f"{tenant}: {count} change{'s' if count > 1 else ''} of an unfinished run may or may not have been done;"
            " planned as if not",
            tenant,
        )


def _warning(message: str, about: str = "", source: Source | None = None, remedy: str = "") -> Diagnostic:
    return Diagnostic(message, source, remedy, address=about, rule=RULE, severity=Severity.WARNING)


def _ids(fields: Mapping[str, object] | None, name: str) -> Iterable[str]:
    found: Iterable[str] = (fields or {}).get(name) or ()  # type: ignore[assignment]
    return found


def _as_known(group_id: str, known: KnownGroup) -> DesiredGroup:
    """An entry that asks for exactly what the lockfile has, so that nothing is planned for the group."""
    nowhere = Source("", 0, 0)
    return DesiredGroup(
        nowhere, id=group_id, membership=Membership.ADDITIVE, members=dict.fromkeys(sorted(known.members), nowhere)
    )


def _may_mean(entries: Iterable[DesiredGroup], group_id: str, known: KnownGroup) -> bool:
    """Whether any of these entries may mean the group; a group's code is never in the lockfile."""
    return any(_may_fit(entry.match or Match(id=entry.id), group_id, known) for entry in entries)


def _may_fit(match: Match, group_id: str, known: KnownGroup) -> bool:
    if match.id is not None and match.id != group_id:
        return False
    if known.fields is None:
        return True
    fields = known.fields
    told = (
        (match.name, fields.get("name", {}).values()),
        (match.legal_entity_id, [fields.get("b2b", {}).get("legalEntityId")]),
        (match.vendor_id, [fields.get("vendorId")]),
    )
    return all(wanted is None or wanted in found for wanted, found in told)


def _lost(tenant: str, entry: DesiredGroup) -> Diagnostic:
    which = f"match {{{entry.match}}}" if entry.match else f"{{id: {entry.id}}}"
    count = len(entry.members or ())
    told = f"its {count} members are" if count > 1 else "its member is" if count else "it is"
    return _warning(
        f"{tenant}: {which} is somebody else's group that the lockfile can't find: {told} not compared",
        tenant,
        entry.source,
        "write match: {id: …}, which the lockfile knows once the group was applied",
    )


def _undecided(about: str) -> Diagnostic:
    return _warning(
        f"{about}: somebody else's group, and only the service can tell whether an entry still means it;"
        " its members are taken as they are",
        about,
    )


def _undefined(tenant: str, entry: DesiredGroup) -> Diagnostic:
    about = address(tenant, entry.id or "")
    return _warning(
        f"{about}: its definition was not ours and is not in the lockfile: only its members are compared",
        about,
        entry.source,
    )


def _perhaps_kept(about: str) -> Diagnostic:
    return _warning(
        f"{about}: shown as destroyed, but a match that the lockfile can't resolve may mean it; then the group stays",
        about,
    )


def _languages(desired: DesiredTenant, known: Mapping[str, KnownGroup]) -> Iterator[Diagnostic]:
    found = language(known)
    if found and any(needs_language(entry.fields or {}) for entry in desired.groups):
        yield _warning(
            f"{desired.name}: plain texts are taken for {found}, the only language that all texts in the lockfile have;"
            " the tenant's default language is not known",
            desired.name,
        )


def _new(tenant: str, groups: Sequence[str]) -> Iterator[Diagnostic]:
    if groups:
        yield _warning(
            f"{tenant}: {_named(groups)} {'is' if len(groups) == 1 else 'are'} not in the lockfile and so shown as new;"
            " what the service has already is adopted or updated instead, and guarded as a first contact",
            tenant,
        )


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
