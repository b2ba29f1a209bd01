"""Reads the world and makes a plan: the one place where configuration, lockfile and service meet.

Reading is all it does: nothing here can change the service or the lockfile (DESIGN section 2).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TypeVar

from reconciler.core import oddities, people, rules
from reconciler.core.access_guards import OF_OTHERS
from reconciler.core.diff import Differences
from reconciler.core.drift import drift
from reconciler.core.due import has_dates, next_date
from reconciler.core.match import bind
from reconciler.core.model import (
    Desired,
    DesiredTenant,
    Known,
    KnownGroup,
    Membership,
    Snapshot,
)
from reconciler.core.plan import Plan
from reconciler.core.target import tenant_of
from reconciler.diagnostics import (
    Diagnostic,
    PlanError,
    ReconcilerError,
)
from reconciler.emporix.workers import Workers, result_of
from reconciler.planning import EVERYTHING, Part, Reader, Scope, answer, plan_tenant, read_known, reckon
from reconciler.reckoning import Reckoning
from reconciler.state.lockfile import Lockfile

MOST_TENANTS_AT_ONCE = 8
Item = TypeVar("Item")
Result = TypeVar("Result")


Reach = Callable[[str], Reader]
"""Opens one tenant for reading."""


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


def make_plan(desired: Desired, lockfile: Lockfile, connect: Reach, scope: Scope = EVERYTHING) -> Outlook:
    """Compare configuration, lockfile and service for every tenant in scope, all tenants at once.

    A tenant that can't be planned stands in ``errors`` and hides none of the others.
    """
    tenants = in_scope(desired, lockfile, scope)

    def plan_one(tenant: DesiredTenant) -> Part:
        return plan_tenant(tenant, desired.people, lockfile, connect(tenant.name), scope)

    parts, errors = each({tenant.name: tenant for tenant in tenants}, plan_one)
    plan = _assemble(parts, errors, lockfile)
    orphaned = tuple(tenant.name for tenant in tenants if tenant.source is None)
    plan = replace(
        plan,
        take_over=scope.take_over,
        targets=scope.targets,
        orphaned=orphaned,
        at=scope.at if has_dates(tenants) else None,
        next_date=next_date(tenants, scope.at),
        access_guards={tenant.name: tenant.access for tenant in tenants if tenant.access.can_refuse},
        access_limit=scope.access_limit,
        warnings=(
            *plan.warnings,
            *oddities.unheard_of([part.nowhere for part in parts.values()] if not errors else ()),
            *oddities.overdue(tenants, scope.at),
            *oddities.ungranted(part.granted for part in parts.values()),
        ),
    )
    return Outlook(plan, *_read(parts, lockfile), errors)


def find_drift(desired: Desired, lockfile: Lockfile, connect: Reach, tenants: Sequence[str] = ()) -> Outlook:
    """Compare the lockfile with the service, whatever the configuration says of who should be in.

    Only whether others may be in a group is the configuration's word: newcomers in an additive group are no drift.
    """
    configured = {tenant.name: tenant for tenant in desired.tenants}
    names = _chosen(sorted(_remembered(lockfile)), tenants)

    def compare(name: str) -> Part:
        iam = connect(name)
        groups = iam.groups()
        known, snapshot = read_known(name, groups, lockfile, iam, wanted=lockfile.known.get(name, {}))
        bound, _ = bind(configured.get(name) or DesiredTenant(name), groups)
        open_groups = {
            group.id for group in bound.groups if group.members is None or group.membership is not Membership.EXACT
        }
        named = people.by_id(desired.people, people.pins(known))
        return Part(snapshot, known, drift(name, snapshot, known, frozenset(open_groups), named))

    parts, errors = each({name: name for name in names}, compare)
    return Outlook(_assemble(parts, errors, lockfile), *_read(parts, lockfile), errors)


def read_again(plan: Plan, lockfile: Lockfile, connect: Reach) -> Outlook:
    """Read what a saved plan touches, so that each change's precondition can be checked; ``plan`` is kept as it is."""

    def read(name: str) -> Part:
        iam = connect(name)
        groups = iam.groups()
        touched = {group for tenant, group in plan.touched if tenant == name}
        touched |= {of.moved_to for (tenant, _), of in plan.touched.items() if tenant == name and of.moved_to}
        known, snapshot = read_known(name, groups, lockfile, iam, wanted=touched)
        found = Differences(changes=[change for change in plan.changes if change.tenant == name])
        return Part(answer(rules.questions(found, snapshot), snapshot, iam), known, found)

    parts, errors = each({name: name for name in sorted({change.tenant for change in plan.changes})}, read)
    return Outlook(plan, *_read(parts, lockfile), errors)


def judge_again(plan: Plan, live: Mapping[str, Snapshot], connect: Reach, access_limit: int) -> Plan:
    """The plan with what guards on access say to it by what is ``live`` now; what others have denied it stays.

    It may need more requests than were needed to make it, because fewer groups have been read: as many customers are
    asked about as there are changes, since each of these is a request as well. Raises what stands in the way of any.
    """
    changed = {change.tenant for change in plan.changes}
    limit = max(access_limit, plan.access_limit, len(plan.changes))

    def judge(name: str) -> tuple[Diagnostic, ...]:
        tenant = DesiredTenant(name, access=plan.access_guards[name])
        found = Differences(changes=[change for change in plan.changes if change.tenant == name])
        iam = connect(name)
        return reckon(Reckoning(tenant, found, live[name], iam, limit), rules.NO_QUESTIONS, iam)[1].denials

    judged, errors = each({name: name for name in plan.access_guards if name in changed}, judge)
    if errors:
        raise next(iter(errors.values()))
    denials = [denial for denial in plan.denials if denial.rule not in OF_OTHERS]
    told = {(denial.rule, denial.address, denial.message) for denial in denials}
    fresh = (denial for found in judged.values() for denial in found)
    denials += (denial for denial in fresh if (denial.rule, denial.address, denial.message) not in told)
    return replace(plan, denials=tuple(denials))


def _remembered(lockfile: Lockfile) -> set[str]:
    return set(lockfile.known) | {change.tenant for change in lockfile.pending}


def in_scope(desired: Desired, lockfile: Lockfile, scope: Scope) -> list[DesiredTenant]:
    """The tenants of configuration and lockfile that are asked for; raises PlanError for one that neither knows."""
    configured = {tenant.name: tenant for tenant in desired.tenants}
    names = _chosen(sorted(configured.keys() | _remembered(lockfile)), scope.tenants)
    if scope.targets:
        targeted = [tenant_of(target) for target in scope.targets]
        names = [name for name in _chosen(sorted(configured.keys() | _remembered(lockfile)), targeted) if name in names]
    return [configured.get(name) or DesiredTenant(name, guards=desired.guards, access=desired.access) for name in names]


def _chosen(names: list[str], wanted: Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys(wanted))
    for name in chosen:
        if name not in names:
            near = get_close_matches(name, names, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
            raise PlanError(f"tenant {name} is neither in the configuration nor in the lockfile", remedy=remedy)
    return chosen or names


def each(
    items: Mapping[str, Item], work: Callable[[Item], Result]
) -> tuple[dict[str, Result], dict[str, ReconcilerError]]:
    """Do the work for each tenant, all at once, and keep results and failures apart, both in the tenants' order."""
    parts: dict[str, Result] = {}
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


def _assemble(parts: Mapping[str, Part], errors: Mapping[str, ReconcilerError], lockfile: Lockfile) -> Plan:
    return Plan(
        changes=tuple(change for part in parts.values() for change in part.found.changes),
        tenants=tuple(parts),
        touched={key: touched for part in parts.values() for key, touched in part.found.touched.items()},
        failures={tenant: error.reason for tenant, error in errors.items()},
        unchanged=sum(part.found.unchanged for part in parts.values()),
        left={name: users for part in parts.values() for name, users in part.found.left.items()},
        lineage=lockfile.lineage if lockfile.serial else "",
        serial=lockfile.serial,
        warnings=tuple(warning for part in parts.values() for warning in part.warnings),
        denials=tuple(denial for part in parts.values() for denial in part.denials),
        effects={tenant: part.effects for tenant, part in parts.items() if part.effects},
    )


def _read(
    parts: Mapping[str, Part], lockfile: Lockfile
) -> tuple[dict[str, Snapshot], dict[str, Mapping[str, KnownGroup]]]:
    live = {tenant: part.live for tenant, part in parts.items()}
    known = {**lockfile.known, **{tenant: part.known for tenant, part in parts.items()}}
    return live, {tenant: groups for tenant, groups in known.items() if groups}
