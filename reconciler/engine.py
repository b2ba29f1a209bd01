"""Reads the world and makes a plan: the one place where configuration, lockfile and service meet.

Reading is all it does: nothing here can change the service or the lockfile (DESIGN section 2).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Protocol, TypeVar

from reconciler.core import people, rules
from reconciler.core.diff import Differences, diff, replaces
from reconciler.core.drift import drift
from reconciler.core.due import has_dates, next_date
from reconciler.core.fields import needs_language
from reconciler.core.known import settle
from reconciler.core.match import bind
from reconciler.core.model import (
    Account,
    Desired,
    DesiredTenant,
    Entry,
    Known,
    KnownGroup,
    LiveGroup,
    Membership,
    Snapshot,
    UserType,
)
from reconciler.core.offboard import offboard
from reconciler.core.plan import Plan
from reconciler.core.target import limit, tenant_of
from reconciler.diagnostics import (
    ConfigurationError,
    Diagnostic,
    GuardRefusal,
    PlanError,
    ReconcilerError,
    Severity,
    Source,
)
from reconciler.emporix.memberships import Memberships
from reconciler.emporix.workers import Workers, result_of
from reconciler.state.lockfile import Lockfile

MOST_TENANTS_AT_ONCE = 8
BEGINNING = datetime.min.replace(tzinfo=UTC)
"""The instant of a plan of which nobody said for when it is: no entry with a time has ended."""

Item = TypeVar("Item")


class Reader(Protocol):
    """What is asked of one tenant to plan for it: the service (:class:`.Iam`), or what stands in for it.

    None for access controls or templates: nobody knows, so what refers to them is not checked.
    """

    def groups(self) -> dict[str, LiveGroup]:
        """All groups by id, members not read."""

    def members(self, groups: Iterable[LiveGroup], /) -> dict[str, LiveGroup]:
        """The same groups with their members."""

    def memberships(self, users: Mapping[str, UserType], /) -> Memberships:
        """All groups of each user, and who does not exist."""

    def missing_customers(self, users: Iterable[str], /) -> frozenset[str]:
        """Those of the customers that do not exist."""

    def accounts(
        self, emails: Mapping[UserType, Collection[str]], /
    ) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        """All accounts of each userType and casefolded e-mail."""

    def default_language(self, groups: Mapping[str, LiveGroup], /) -> str | None:
        """The tenant's default language, if it can be told."""

    def restricted_to(self) -> Mapping[str, frozenset[UserType]] | None:
        """The userTypes that each access control is for."""

    def templates(self) -> Mapping[str, tuple[str, ...]] | None:
        """The access controls of each template."""


Reach = Callable[[str], Reader]
"""Opens one tenant for reading."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the world to plan: tenants and target addresses (empty: all), and whether to take groups over.

    ``at`` is the instant for which entries with a time are judged.
    ``identities`` are e-mails that may lead to somebody else than when they were applied.
    """

    tenants: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    take_over: bool = False
    at: datetime = BEGINNING
    identities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan with all that it was computed from.

    ``live`` has a snapshot for each tenant that could be read; ``known`` is the lockfile with pending changes settled;
    ``errors`` says for each tenant that could not be planned why.
    """

    plan: Plan
    live: Mapping[str, Snapshot]
    known: Known
    errors: Mapping[str, ReconcilerError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    """One tenant's share of the outlook."""

    live: Snapshot
    known: Mapping[str, KnownGroup]
    found: Differences
    warnings: tuple[Diagnostic, ...] = ()


def make_plan(desired: Desired, lockfile: Lockfile, connect: Reach, scope: Scope = Scope()) -> Outlook:
    """Compare configuration, lockfile and service for every tenant in scope, all tenants at once.

    A tenant that can't be planned stands in ``errors`` and hides none of the others.
    """
    tenants = _in_scope(desired, lockfile, scope)

    def plan_one(tenant: DesiredTenant) -> _Part:
        return _plan_tenant(tenant, desired.people, lockfile, connect(tenant.name), scope)

    parts, errors = _each({tenant.name: tenant for tenant in tenants}, plan_one)
    plan = _assemble(parts, errors, lockfile)
    orphaned = tuple(tenant.name for tenant in tenants if tenant.source is None)
    plan = replace(
        plan,
        take_over=scope.take_over,
        targets=scope.targets,
        orphaned=orphaned,
        at=scope.at if has_dates(tenants) else None,
        next_date=next_date(tenants, scope.at),
        warnings=(*plan.warnings, *people.overdue(tenants, scope.at)),
    )
    return Outlook(plan, *_read(parts, lockfile), errors)


def find_drift(desired: Desired, lockfile: Lockfile, connect: Reach, tenants: Sequence[str] = ()) -> Outlook:
    """Compare the lockfile with the service, whatever the configuration says of who should be in.

    Only whether others may be in a group is the configuration's word: newcomers in an additive group are no drift.
    """
    configured = {tenant.name: tenant for tenant in desired.tenants}
    names = _chosen(sorted(_remembered(lockfile)), tenants)

    def compare(name: str) -> _Part:
        iam = connect(name)
        groups = iam.groups()
        known, snapshot = _read_known(name, groups, lockfile, iam, wanted=lockfile.known.get(name, {}))
        bound, _ = bind(configured.get(name) or DesiredTenant(name), groups)
        open_groups = {
            group.id for group in bound.groups if group.members is None or group.membership is not Membership.EXACT
        }
        return _Part(snapshot, known, drift(name, snapshot, known, frozenset(open_groups)))

    parts, errors = _each({name: name for name in names}, compare)
    return Outlook(_assemble(parts, errors, lockfile), *_read(parts, lockfile), errors)


def read_again(plan: Plan, lockfile: Lockfile, connect: Reach) -> Outlook:
    """Read what a saved plan touches, so that each change's precondition can be checked; ``plan`` is kept as it is."""

    def read(name: str) -> _Part:
        iam = connect(name)
        groups = iam.groups()
        touched = {group for tenant, group in plan.touched if tenant == name}
        known, snapshot = _read_known(name, groups, lockfile, iam, wanted=touched)
        found = Differences(changes=[change for change in plan.changes if change.tenant == name])
        return _Part(_answer(rules.questions(found, snapshot), snapshot, iam), known, found)

    parts, errors = _each({name: name for name in sorted({change.tenant for change in plan.changes})}, read)
    return Outlook(plan, *_read(parts, lockfile), errors)


def _remembered(lockfile: Lockfile) -> set[str]:
    return set(lockfile.known) | {change.tenant for change in lockfile.pending}


def _in_scope(desired: Desired, lockfile: Lockfile, scope: Scope) -> list[DesiredTenant]:
    configured = {tenant.name: tenant for tenant in desired.tenants}
    names = _chosen(sorted(configured.keys() | _remembered(lockfile)), scope.tenants)
    if scope.targets:
        targeted = [tenant_of(target) for target in scope.targets]
        names = [name for name in _chosen(sorted(configured.keys() | _remembered(lockfile)), targeted) if name in names]
    return [configured.get(name) or DesiredTenant(name, guards=desired.guards) for name in names]


def _chosen(names: list[str], wanted: Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys(wanted))
    for name in chosen:
        if name not in names:
            near = get_close_matches(name, names, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
            raise PlanError(f"tenant {name} is neither in the configuration nor in the lockfile", remedy=remedy)
    return chosen or names


def _each(
    items: Mapping[str, Item], work: Callable[[Item], _Part]
) -> tuple[dict[str, _Part], dict[str, ReconcilerError]]:
    """Do the work for each tenant, all at once, and keep results and failures apart, both in the tenants' order."""
    parts: dict[str, _Part] = {}
    errors: dict[str, ReconcilerError] = {}
    workers = Workers(MOST_TENANTS_AT_ONCE)  # not an executor's, for which Ctrl-C would have to wait
    try:
        futures = {name: workers.submit(work, item) for name, item in items.items()}
        for name, future in futures.items():
            try:
                parts[name] = result_of(future)
            except ReconcilerError as error:
                errors[name] = error
    finally:
        workers.close()
    return parts, errors


def _assemble(parts: Mapping[str, _Part], errors: Mapping[str, ReconcilerError], lockfile: Lockfile) -> Plan:
    return Plan(
        changes=tuple(change for part in parts.values() for change in part.found.changes),
        tenants=tuple(parts),
        touched={key: touched for part in parts.values() for key, touched in part.found.touched.items()},
        failures={tenant: error.message for tenant, error in errors.items()},
        unchanged=sum(part.found.unchanged for part in parts.values()),
        left={name: users for part in parts.values() for name, users in part.found.left.items()},
        lineage=lockfile.lineage if lockfile.serial else "",
        serial=lockfile.serial,
        warnings=tuple(warning for part in parts.values() for warning in part.warnings),
    )


def _read(
    parts: Mapping[str, _Part], lockfile: Lockfile
) -> tuple[dict[str, Snapshot], dict[str, Mapping[str, KnownGroup]]]:
    live = {tenant: part.live for tenant, part in parts.items()}
    known = {**lockfile.known, **{tenant: part.known for tenant, part in parts.items()}}
    return live, {tenant: groups for tenant, groups in known.items() if groups}


def _plan_tenant(
    tenant: DesiredTenant, everybody: Iterable[Entry], lockfile: Lockfile, iam: Reader, scope: Scope
) -> _Part:
    groups = iam.groups()
    bound, problems = bind(tenant, groups)
    identified = _identify(bound, everybody, groups, lockfile, iam, scope)
    bound = identified.tenant
    problems += [problem for problem in identified.problems if problem.severity is Severity.ERROR]
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
    known, snapshot = _read_known(tenant.name, groups, lockfile, iam, wanted)
    snapshot = replace(snapshot, language=language)
    found = diff(bound, snapshot, known)
    if identified.leaving:
        snapshot = _read_leaving(identified.leaving, snapshot, iam)
        found = offboard(found, bound, snapshot, identified.leaving)
    nameable = {group.id or "" for group in bound.groups} | known.keys() | {group for _, group in found.touched}
    found = limit(found, tenant.name, scope.targets, sorted(nameable))
    snapshot = _answer(rules.questions(found, snapshot), snapshot, iam)
    remarks = rules.check(bound, found, snapshot)
    _refuse(tenant.name, [remark for remark in remarks if remark.severity is Severity.ERROR])
    strangers = _strangers(scope.targets, bound, known, snapshot)
    return _Part(snapshot, known, found, (*strangers, *identified.problems, *remarks))


def _identify(
    bound: DesiredTenant,
    everybody: Iterable[Entry],
    groups: Mapping[str, LiveGroup],
    lockfile: Lockfile,
    iam: Reader,
    scope: Scope,
) -> people.Identified:
    """The members that hold, by id: asks the service for the accounts of e-mails, and for nothing if there are none."""
    pinned = people.pins(lockfile.known.get(bound.name, {}))
    wanted = people.emails(bound, groups, scope.at, pinned)
    found = iam.accounts(wanted) if wanted else {}
    accepted = {email.casefold() for email in scope.identities}
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


def _refuse(tenant: str, problems: list[Diagnostic]) -> None:
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


def _read_known(
    tenant: str, groups: Mapping[str, LiveGroup], lockfile: Lockfile, iam: Reader, wanted: Iterable[str]
) -> tuple[Mapping[str, KnownGroup], Snapshot]:
    """Read the members of wanted, known and pending groups, and settle what an earlier run left pending."""
    pending = [change for change in lockfile.pending if change.tenant == tenant]
    known = lockfile.known.get(tenant, {})
    ids = {*wanted, *(name for name, group in known.items() if group.members), *(change.group for change in pending)}
    read = iam.members([groups[name] for name in sorted(ids & groups.keys())])
    snapshot = Snapshot(tenant, {**groups, **read})
    return settle({tenant: known}, pending, {tenant: snapshot}).get(tenant, {}), snapshot


def _answer(asked: rules.Questions, snapshot: Snapshot, iam: Reader) -> Snapshot:
    """Read what the rules and the choice of requests need besides; usually nothing."""
    if not asked:
        return snapshot
    held = iam.memberships(asked.users)
    siblings = iam.members([snapshot.groups[name] for name in sorted(asked.groups)])
    return replace(
        snapshot,
        groups={**snapshot.groups, **siblings},
        memberships={**snapshot.memberships, **held.groups},
        missing=held.missing | iam.missing_customers(asked.existing),
        restricted_to=iam.restricted_to() if asked.controls else None,
        templates=iam.templates() if asked.templates else None,
    )
