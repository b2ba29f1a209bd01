"""Plans one tenant: binds the configuration to what is live, finds out who is meant, compares, and checks the rules.

Reading is all it does, through whatever stands for the service: the service itself, or the lockfile for it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from reconciler.core import moved, oddities, people, rules
from reconciler.core.diff import Differences, diff, replaces
from reconciler.core.effects import Effects
from reconciler.core.fields import needs_language
from reconciler.core.known import settle
from reconciler.core.limits import ACCESS_LIMIT
from reconciler.core.match import bind
from reconciler.core.model import (
    Account,
    Control,
    DesiredTenant,
    Entry,
    KnownGroup,
    LiveGroup,
    Snapshot,
    UserType,
    mail_key,
)
from reconciler.core.offboard import offboard
from reconciler.core.target import limit
from reconciler.diagnostics import (
    ConfigurationError,
    Diagnostic,
    GuardRefusal,
    ServiceError,
    Severity,
    Source,
)
from reconciler.emporix.errors import Interrupted
from reconciler.emporix.memberships import NOBODY, Memberships
from reconciler.reckoning import Outcome, Reckoning
from reconciler.state.lockfile import Lockfile

Read = TypeVar("Read")

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""The instant of a plan of which nobody said for when it is: no entry with a time has ended."""


class Reader(Protocol):
    """What is asked of one tenant to plan for it: the service (:class:`.Iam`), or what stands in for it.

    None for access controls or templates: nobody knows, so what refers to them is not checked.
    """

    def groups(self) -> dict[str, LiveGroup]:
        """All groups by id, members not read."""

    def members(self, groups: Iterable[LiveGroup], /) -> dict[str, LiveGroup]:
        """The same groups with their members."""

    def memberships(self, users: Mapping[str, UserType], bystanders: Mapping[str, UserType] = NOBODY, /) -> Memberships:
        """All groups of each user, and which of those in ``users`` do not exist."""

    def missing_customers(self, users: Iterable[str], /) -> frozenset[str]:
        """Those of the customers that do not exist."""

    def accounts(
        self, emails: Mapping[UserType, Collection[str]], /
    ) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        """All accounts of each userType and e-mail as it is compared."""

    def default_language(self, groups: Mapping[str, LiveGroup], /) -> str | None:
        """The tenant's default language, if it can be told."""

    def access_controls(self) -> Mapping[str, Control] | None:
        """All access controls by id."""

    def templates(self) -> Mapping[str, tuple[str, ...]] | None:
        """The access controls of each template."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the world to plan: tenants and target addresses (empty: all), and whether to take groups over.

    ``at`` is the instant for which entries with a time are judged.
    ``identities`` are e-mails that may lead to somebody else than when they were applied. ``tells_access``: what the
    plan changes in users' scopes is to be told; ``access_limit`` is of how many customers of a tenant the other groups
    may be read for that, and for guards on access.
    """

    tenants: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    take_over: bool = False
    at: datetime = BEGINNING
    identities: tuple[str, ...] = ()
    tells_access: bool = False
    access_limit: int = ACCESS_LIMIT


EVERYTHING: Final = Scope()
"""All tenants, whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """One tenant's share of the outlook.

    ``denials`` are what guards on access say against it; ``granted`` whether anything there grants what they name.
    """

    live: Snapshot
    known: Mapping[str, KnownGroup]
    found: Differences
    warnings: tuple[Diagnostic, ...] = ()
    nowhere: frozenset[Entry] = frozenset()
    effects: Effects | None = None
    granted: Mapping[str, bool] | None = None
    denials: tuple[Diagnostic, ...] = ()


def plan_tenant(
    tenant: DesiredTenant, everybody: Iterable[Entry], lockfile: Lockfile, iam: Reader, scope: Scope
) -> Part:
    """The tenant's changes and what they were computed from; ``everybody`` are the people of the configuration.

    Raises ConfigurationError with all problems of the tenant, and GuardRefusal when an e-mail leads to somebody else.
    """
    groups = iam.groups()
    bound, problems = bind(tenant, groups)
    identified = _identify(bound, everybody, groups, lockfile, iam, scope)
    bound = moved.carry(identified.tenant, groups)
    problems += identified.problems
    language = iam.default_language(groups) if _has_plain_texts(tenant) else None
    if language is None:
        problems += [
            _no_language(group.source) for group in bound.groups if group.fields and needs_language(group.fields)
        ]
    _refuse(tenant.name, problems)
    _refuse_identities(tenant.name, identified.moved)
    wanted = {group.id or "" for group in bound.groups if group.members is not None}
    wanted |= {group.id or "" for group in bound.groups if replaces(group, groups.get(group.id or ""))}
    wanted |= lockfile.known.get(tenant.name, {}).keys() - {group.id for group in bound.groups}
    wanted |= {each.old for each in bound.moved}
    known, snapshot = read_known(tenant.name, groups, lockfile, iam, wanted)
    remarks = list(moved.objections(bound, snapshot.groups, known))
    _refuse(tenant.name, remarks)
    snapshot = replace(snapshot, language=language)
    found = diff(bound, snapshot, known)
    if identified.leaving:
        snapshot = _read_leaving(identified.leaving, snapshot, iam)
        found = offboard(found, bound, snapshot, identified.leaving)
    nameable = {group.id or "" for group in bound.groups} | known.keys() | {group for _, group in found.touched}
    whole, found = found, limit(found, tenant.name, scope.targets, sorted(nameable))
    moved.check_limited(whole, found, bound)
    found = moved.told(found, bound, snapshot.groups)
    reckoning = Reckoning(bound, found, snapshot, iam, scope.access_limit, is_told=scope.tells_access)
    snapshot, outcome = reckon(reckoning, rules.questions(found, reckoning.snapshot), iam)
    remarks += rules.check(bound, found, snapshot)
    if claimed := oddities.claims(found.changes):
        remarks += oddities.mistaken(found.changes, iam.accounts(claimed))
    _refuse(tenant.name, remarks)
    strangers = _strangers(scope.targets, bound, known, snapshot)
    warnings = (*strangers, *identified.problems, *remarks, *outcome.warnings)
    return Part(snapshot, known, found, warnings, identified.nowhere, outcome.effects, outcome.granted, outcome.denials)


def _identify(
    bound: DesiredTenant,
    everybody: Iterable[Entry],
    groups: Mapping[str, LiveGroup],
    lockfile: Lockfile,
    iam: Reader,
    scope: Scope,
) -> people.Identified:
    """The members that hold, by id: asks the service for the accounts of e-mails, and for nothing if there are none."""
    pending = (change for change in lockfile.pending if change.tenant == bound.name)
    pinned = people.pins(lockfile.known.get(bound.name, {}), pending)
    wanted = people.emails(bound, groups, scope.at)
    found = iam.accounts(wanted) if wanted else {}
    accepted = {mail_key(email) for email in scope.identities}
    return people.identify(bound, everybody, groups, found, pinned, scope.at, accepted)


def _refuse_identities(tenant: str, moved: Sequence[Diagnostic]) -> None:
    if moved:
        told = "an e-mail leads" if len(moved) == 1 else f"{len(moved)} e-mails lead"
        raise GuardRefusal(f"{tenant}: {told} to somebody else than when it was applied", diagnostics=moved)


def _read_leaving(leaving: Mapping[str, Entry], snapshot: Snapshot, iam: Reader) -> Snapshot:
    """All groups of those who are to be in none, with their members, because guards count them."""
    held = iam.memberships({user: entry.person.user_type or UserType.EMPLOYEE for user, entry in leaving.items()})
    theirs = {group for groups in held.groups.values() for group in groups}
    unread = [group for group in snapshot.groups.values() if group.id in theirs and group.members is None]
    return replace(
        snapshot,
        groups={**snapshot.groups, **iam.members(unread)},
        memberships={**snapshot.memberships, **held.groups},
    )


def _strangers(
    targets: Iterable[str], desired: DesiredTenant, known: Mapping[str, KnownGroup], live: Snapshot
) -> Iterator[Diagnostic]:
    """A warning for each target that names a user whom nobody has heard of in that group.

    It may have been removed by an earlier run, so it is no error; but a misspelt id must not look as if all were done.
    """
    listed = {group.id: group.members or {} for group in desired.groups}
    for target in targets:
        tenant, group, user = (*target.split("/", 2), "", "")[:3]
        if tenant != desired.name or not user:
            continue
        remembered, found = known.get(group), live.groups.get(group)
        places = (listed.get(group, {}), remembered.members if remembered else (), (found and found.members) or ())
        if not any(user in place for place in places):
            yield Diagnostic(
                f"--target {target}: no such member in the configuration, the lockfile or the service",
                remedy="check the id; if it was removed before, there is nothing left to do",
                address=target,
                severity=Severity.WARNING,
            )


def _refuse(tenant: str, remarks: Iterable[Diagnostic]) -> None:
    """Raise ConfigurationError for those of the remarks that are no mere warnings."""
    problems = [remark for remark in remarks if remark.severity is Severity.ERROR]
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise ConfigurationError(f"{tenant}: {count} in the configuration", diagnostics=problems)


def _has_plain_texts(tenant: DesiredTenant) -> bool:
    return any(group.fields and needs_language(group.fields) for group in tenant.groups)


def _no_language(source: Source) -> Diagnostic:
    return Diagnostic(
        "name or description is a plain string, and the tenant's default language can't be told from its groups",
        source,
        "write the translations as a map, such as {en: …}",
    )


def read_known(
    tenant: str, groups: Mapping[str, LiveGroup], lockfile: Lockfile, iam: Reader, wanted: Iterable[str]
) -> tuple[Mapping[str, KnownGroup], Snapshot]:
    """Read the members of wanted, known and pending groups, and settle what an earlier run left pending."""
    pending = [change for change in lockfile.pending if change.tenant == tenant]
    known = lockfile.known.get(tenant, {})
    ids = {*wanted, *(name for name, group in known.items() if group.members), *(change.group for change in pending)}
    read = iam.members([groups[name] for name in sorted(ids & groups.keys())])
    snapshot = Snapshot(tenant, {**groups, **read})
    return settle({tenant: known}, pending, {tenant: snapshot}).get(tenant, {}), snapshot


def reckon(reckoning: Reckoning, asked: rules.Questions, iam: Reader) -> tuple[Snapshot, Outcome]:
    """Read what is asked, and along with it what the reckoning needs, and say what the plan comes to for users."""
    snapshot, bystanders = reckoning.snapshot, reckoning.ask(asked.users)
    try:
        snapshot = answer(replace(asked, bystanders=bystanders), snapshot, iam)
    except ServiceError as error:
        if isinstance(error, Interrupted) or not bystanders:
            raise
        reckoning.give_up(error)
        snapshot = answer(asked, snapshot, iam)
    return snapshot, reckoning.outcome(snapshot)


def answer(asked: rules.Questions, snapshot: Snapshot, iam: Reader) -> Snapshot:
    """Read what the rules and the choice of requests need besides; usually nothing."""
    if not asked:
        return snapshot
    held = iam.memberships(asked.users, asked.bystanders)
    siblings = iam.members([snapshot.groups[name] for name in sorted(asked.groups)])
    return replace(
        snapshot,
        groups={**snapshot.groups, **siblings},
        memberships={**snapshot.memberships, **held.groups},
        missing=held.missing | iam.missing_customers(asked.existing),
        controls=_once(snapshot.controls, iam.access_controls, asked.controls),
        templates=_once(snapshot.templates, iam.templates, asked.templates),
    )


def _once(known: Read | None, read: Callable[[], Read | None], is_asked: bool) -> Read | None:
    """What was read already, or is read now if anybody asks."""
    return read() if known is None and is_asked else known
