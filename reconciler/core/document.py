"""A plan as a document: what ``plan -o`` saves, ``--format json`` prints and ``apply FILE`` obeys.

The document is checked where it enters: its format, its structure, and a checksum over its content, because a plan file
is its own approval and so must not be edited by hand.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from reconciler.core import document_forms as forms
from reconciler.core.document_access import (
    from_effects,
    from_guards,
    from_person,
    to_effects,
    to_guards,
    to_person,
)
from reconciler.core.guards import refusals
from reconciler.core.limits import Guards, Limit
from reconciler.core.plan import CARRIED, POLICY, Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Diagnostic, PlanError, Severity, Source

FORMAT: Final = 1
KIND: Final = "plan"
AGAIN: Final = "make it anew with `reconciler plan -o FILE`"


class _Format(msgspec.Struct):
    format: int
    kind: str


def encode(plan: Plan) -> bytes:
    """The plan as indented JSON, ended by a newline; equal plans give equal bytes."""
    document = forms.Document(
        format=FORMAT,
        kind=KIND,
        fingerprint=plan.fingerprint,
        checksum="",
        lineage=plan.lineage,
        serial=plan.serial,
        service=plan.service,
        state=plan.state,
        tenants=plan.tenants,
        summary=summary(plan),
        changes=tuple(_from_change(change) for change in plan.changes),
        groups=tuple(_from_touched(*key, touched) for key, touched in sorted(plan.touched.items())),
        unchanged=plan.unchanged,
        failures=dict(plan.failures),
        left=dict(plan.left),
        orphaned=plan.orphaned,
        take_over=plan.take_over,
        targets=plan.targets,
        offline=plan.offline,
        refusals=_from_diagnostics(refusals(plan)),
        warnings=_from_diagnostics(plan.warnings),
        at=plan.at,
        next_date=plan.next_date,
        access=from_effects(plan.effects),
        access_guards=from_guards(plan.access_guards),
        access_limit=plan.access_limit,
    )
    signed = msgspec.structs.replace(document, checksum=_checksum(document))
    return msgspec.json.format(msgspec.json.encode(signed, order="deterministic"), indent=2) + b"\n"


def summary(plan: Plan) -> dict[str, int]:
    """How many changes there are of each action, zeros included."""
    return {action.value: plan.counts[action] for action in Action}


def describe(change: Change) -> dict[str, Any]:
    """One change as it stands in the document."""
    found: dict[str, Any] = msgspec.to_builtins(_from_change(change))
    return found


def decode(data: bytes, name: str) -> Plan:
    """The plan from a document; ``name`` is what messages call it.

    Raises PlanError when it is not a plan, of another format, or changed since it was written.
    """
    try:
        found = msgspec.json.decode(data, type=_Format)
        if found.format != FORMAT:
            raise PlanError(f"{name} has plan format {found.format}; this version knows {FORMAT}", remedy=AGAIN)
        if found.kind != KIND:
            raise PlanError(f"{name} is a {found.kind} document and no plan", remedy=AGAIN)
        document = msgspec.json.decode(data, type=forms.Document)
        if _checksum(document) != document.checksum:
            raise PlanError(f"{name} was changed after it was written: its checksum does not fit", remedy=AGAIN)
        return _sensible(_to_plan(document), document)
    except (ValueError, RecursionError, OverflowError) as error:  # of bytes, text, JSON, types, numbers and dates
        raise PlanError(f"{name} is not a plan file: {error}", remedy=AGAIN) from error


def _sensible(plan: Plan, document: forms.Document) -> Plan:
    """The plan, unless it says what none of ours says: the checksum has no key, so anybody can write a valid one.

    Raises ValueError for names that belie the content, and for changes of groups that nothing is told about.
    """
    if plan.fingerprint != document.fingerprint:
        raise ValueError("its fingerprint is not that of its changes")
    leaving = Counter((c.tenant, c.group) for c in plan.changes if c.user is not None and c.action is Action.DELETE)
    for written, change in zip(document.changes, plan.changes, strict=True):
        key = (change.tenant, change.group)
        if written.address != change.address or change.user == "" or "" in key:
            raise ValueError(f"the address {written.address} is not that of its change")
        if key not in plan.touched or plan.touched[key].live < leaving[key]:
            raise ValueError(f"what it says of {change.tenant}/{change.group} is not what it does there")
        if change.reason is Reason.MOVED and not plan.touched[key].moved_to:
            raise ValueError(f"it does not say where {change.address} moves to")
        for definition in filter(None, (change.before, change.after)):
            msgspec.convert(dict(definition), forms.Definition)
    times = Counter(change.key for change in plan.changes)
    if twice := [change.address for change in plan.changes if times[change.key] > 1]:
        raise ValueError(f"it has {twice[0]} more than once")
    return plan


def _to_plan(document: forms.Document) -> Plan:
    return Plan(
        changes=tuple(change_of(change) for change in document.changes),
        tenants=document.tenants,
        touched={(group.tenant, group.group): _to_touched(group) for group in document.groups},
        failures=document.failures,
        unchanged=document.unchanged,
        left=document.left,
        service=document.service,
        state=document.state,
        lineage=document.lineage,
        serial=document.serial,
        take_over=document.take_over,
        orphaned=document.orphaned,
        targets=document.targets,
        offline=document.offline,
        warnings=tuple(_to_diagnostic(remark, Severity.WARNING) for remark in document.warnings),
        at=_to_instant(document.at),
        next_date=_to_instant(document.next_date),
        # Other guards are asked again; of policy and of access only the answer is here.
        denials=tuple(
            _to_diagnostic(each, Severity.ERROR)
            for each in document.refusals
            if each.rule in CARRIED or each.rule.startswith(POLICY)
        ),
        effects=to_effects(document.access),
        access_guards=to_guards(document.access_guards),
        access_limit=document.access_limit,
    )


def _checksum(document: forms.Document) -> str:
    content = msgspec.json.encode(msgspec.structs.replace(document, checksum=""), order="deterministic")
    return hashlib.sha256(content).hexdigest()


def _from_source(source: Source | None) -> forms.Source | None:
    return forms.Source(*source) if source else None


def _to_source(source: forms.Source | None) -> Source | None:
    return Source(*msgspec.structs.astuple(source)) if source else None


def _from_change(change: Change) -> forms.Change:
    return forms.Change(
        address=change.address,
        tenant=change.tenant,
        group=change.group,
        user=change.user,
        action=change.action,
        reason=change.reason,
        user_type=change.user_type,
        source=_from_source(change.source),
        note=change.note,
        before=dict(change.before) if change.before is not None else None,
        after=dict(change.after) if change.after is not None else None,
        version=change.version,
        owned=change.owned,
        email=change.email,
        person=from_person(change.person),
        teams=change.teams,
        until=change.until,
    )


def change_of(change: forms.Change) -> Change:
    """The change that a document tells of."""
    return Change(
        change.tenant,
        change.group,
        change.user,
        change.action,
        change.reason,
        change.user_type,
        _to_source(change.source),
        change.note,
        change.before,
        change.after,
        change.version,
        change.owned,
        change.email,
        to_person(change.person, change.user),
        change.teams,
        _to_instant(change.until),
    )


def _to_instant(when: datetime | None) -> datetime | None:
    return when.astimezone(UTC) if when else None


def _from_touched(tenant: str, group: str, touched: Touched) -> forms.Group:
    limit = touched.guards.max_removals
    return forms.Group(
        tenant=tenant,
        group=group,
        live=touched.live,
        desired=touched.desired,
        membership=touched.membership,
        guards=forms.Guards(
            max_removals=_from_limit(limit) if limit else None,
            min_members=touched.guards.min_members,
            protected=tuple(sorted(touched.guards.protected)),
        ),
        first_contact=touched.first_contact,
        emptied=touched.emptied,
        vanished=touched.vanished,
        unlisted=touched.unlisted,
        leaves=touched.leaves,
        moved_to=touched.moved_to,
        name=touched.name,
        source=_from_source(touched.source),
    )


def _to_touched(group: forms.Group) -> Touched:
    return Touched(
        live=group.live,
        desired=group.desired,
        membership=group.membership,
        guards=Guards(
            max_removals=_to_limit(group.guards.max_removals),
            min_members=group.guards.min_members,
            protected=frozenset(group.guards.protected),
        ),
        first_contact=group.first_contact,
        emptied=group.emptied,
        vanished=group.vanished,
        unlisted=group.unlisted,
        leaves=group.leaves,
        moved_to=group.moved_to,
        name=group.name,
        source=_to_source(group.source),
    )


def _from_limit(limit: Limit) -> float | str | tuple[float | str, ...]:
    told = tuple(str(part) if part.percent else part.amount for part in limit.parts)
    return told if limit.also else told[0]


def _to_limit(limit: float | str | tuple[float | str, ...] | None) -> Limit | None:
    if isinstance(limit, tuple):
        return Limit.strictest(map(_to_limit, limit))
    if isinstance(limit, str):
        return Limit(float(limit.removesuffix("%")), percent=True)
    return None if limit is None else Limit(limit)


def _from_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[forms.Remark, ...]:
    return tuple(
        forms.Remark(
            diagnostic.message,
            diagnostic.rule,
            diagnostic.address,
            diagnostic.remedy,
            _from_source(diagnostic.source),
            tuple(forms.Place(label, forms.Source(*source)) for label, source in diagnostic.related),
        )
        for diagnostic in diagnostics
    )


def _to_diagnostic(remark: forms.Remark, severity: Severity) -> Diagnostic:
    return Diagnostic(
        remark.message,
        _to_source(remark.source),
        remark.remedy,
        tuple((place.label, Source(*msgspec.structs.astuple(place.source))) for place in remark.related),
        remark.address,
        remark.rule,
        severity,
    )
