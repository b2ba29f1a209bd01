"""A plan in the representation of ``terraform show -json``, so that policy tools judge it as they judge any other.

Format 1.2 as HashiCorp documents it ("JSON Output Format"). Groups and memberships are two resource blocks with one
instance an address: ``emporix_group_membership.this["acmeprod/catalog-managers/00u1"]``. What our actions become:

========  ==============  ========================================================================================
ours      Terraform's     because
========  ==============  ========================================================================================
create    create
update    update          one that also adopts has ``importing``, as Terraform's own imports have
delete    delete          ``delete_because_each_key``: the block is there, its instance no longer
replace   delete, create  in this order; ``replace_because_cannot_update``, or ``replace_by_triggers`` for members who
                          lose their membership only because their group is replaced
adopt     no-op           nothing is requested; ``importing`` names what becomes ours
forget    no-op           what stays in the service and only leaves the lockfile. Terraform 1.7 has ``forget`` for it,
                          which has no ``after``, and tools that do not know it take that for a broken resource
forget    (not there)     what is gone already: as with Terraform only ``resource_drift`` tells of it
========  ==============  ========================================================================================

Addresses that are as they should be are not in a plan and so not here. ``resource_drift`` has what was removed or
changed outside; what it was before is known to the lockfile only, so there it is no more than the identity. The keys
named ``reconciler`` are ours: reason, note and source of a change, fingerprint and refusals of the plan. Terraform asks
readers to ignore keys that they do not know.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from reconciler.core.guards import refusals
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Diagnostic, Source
from reconciler.render.terraform_resources import (
    GROUP,
    MEMBERSHIP,
    PROVIDER,
    Values,
    after,
    before,
    group,
    identified,
    is_gone,
    old_types,
    type_of,
)

TERRAFORM_VERSION: Final = "1.9.8"
"""A version that writes format 1.2: some tools ask for one before they read on."""

ACTIONS: Final[Mapping[Action, list[str]]] = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.DELETE: ["delete"],
    Action.REPLACE: ["delete", "create"],
    Action.ADOPT: ["no-op"],
    Action.FORGET: ["no-op"],
}
REMOVED_OUTSIDE: Final = frozenset({Reason.DRIFT_REMOVED, Reason.GONE})
IMMUTABLE: Final = {Reason.TYPE: "user_type", Reason.VENDOR: "vendor_id"}

Written = msgspec.Raw | None


def plan(plan: Plan) -> Iterator[str]:
    """The plan as one line of JSON; equal plans give equal lines."""
    yield msgspec.json.encode(_document(plan)).decode()


class _Entry(NamedTuple):
    """A change with what is told of it more than once, written once: that is most of the work."""

    change: Change
    identity: Values
    before: Written
    after: Written


def _document(plan: Plan) -> Values:
    types = old_types(plan)
    entries = [_Entry(c, identified(c), _written(before(c, types)), _written(after(c))) for c in plan.changes]
    there = [entry for entry in entries if not is_gone(entry.change)]
    refused = refusals(plan)
    return {
        "format_version": "1.2",
        "terraform_version": TERRAFORM_VERSION,
        "planned_values": _module(_resource(entry, entry.after) for entry in there if entry.after),
        "resource_drift": [_drifted(entry) for entry in entries if _is_drift(entry.change)],
        "resource_changes": [_changed(entry) for entry in there],
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": TERRAFORM_VERSION,
            "values": _module(_resource(entry, entry.before) for entry in there if entry.before),
        },
        "configuration": _configuration(plan),
        "applyable": bool(plan.changes) and not refused and not plan.offline,
        "complete": not (plan.failures or plan.targets or plan.offline),
        "errored": bool(plan.failures),
        "reconciler": _about(plan, refused),
    }


def _written(values: Values | None) -> Written:
    """JSON to be put in as it is, its keys in order: the order in which the service wrote them means nothing."""
    return None if values is None else msgspec.Raw(msgspec.json.encode(values, order="deterministic"))


def _resource(entry: _Entry, values: Written) -> msgspec.Raw:
    return _encoded({**entry.identity, "schema_version": 0, "values": values, "sensitive_values": {}})


def _module(resources: Iterable[msgspec.Raw]) -> Values:
    return {"root_module": {"resources": list(resources)}}


def _changed(entry: _Entry) -> msgspec.Raw:
    change = entry.change
    told = _difference(ACTIONS[change.action], entry.before, entry.after)
    if change.reason is Reason.EXISTS and (change.owned or change.user is not None):
        told["importing"] = {"id": change.address}
    reason, path = _why(change)
    if path:
        told["replace_paths"] = [[path]]
    found = {**entry.identity, "change": told}
    if reason:
        found["action_reason"] = reason
    return _encoded({**found, "reconciler": _ours(change)})


def _drifted(entry: _Entry) -> msgspec.Raw:
    """What happened outside: it is gone, or its definition is another one than ours."""
    change, before, after = entry.change, entry.before, entry.after
    was = _written(group(change, None)) if change.user is None else before or after
    is_gone = change.reason in REMOVED_OUTSIDE
    told = _difference(["delete"], was, None) if is_gone else _difference(["update"], was, before)
    return _encoded({**entry.identity, "change": told})


def _encoded(values: Values) -> msgspec.Raw:
    """JSON instead of thousands of values that would all be looked through whenever memory is tidied up."""
    return msgspec.Raw(msgspec.json.encode(values))


def _is_drift(change: Change) -> bool:
    return change.reason in REMOVED_OUTSIDE or change.reason is Reason.DRIFT


def _difference(actions: list[str], before: Written, after: Written) -> Values:
    return {
        "actions": actions,
        "before": before,
        "after": after,
        "after_unknown": {},
        "before_sensitive": False if before is None else {},
        "after_sensitive": False if after is None else {},
    }


def _why(change: Change) -> tuple[str, str]:
    """Terraform's name of the reason, if it has one, and the attribute that can't change in place."""
    if change.action is Action.DELETE:
        return "delete_because_each_key", ""
    if change.action is not Action.REPLACE:
        return "", ""
    if change.user is not None and change.reason is not Reason.TYPE:
        return "replace_by_triggers", ""
    return "replace_because_cannot_update", IMMUTABLE.get(change.reason, "")


def _ours(change: Change) -> Values:
    found: Values = {"action": change.action, "reason": change.reason}
    if change.note:
        found["note"] = change.note
    return found | _place(change.source)


def _place(source: Source | None) -> Values:
    return {"source": {"file": source.path, "line": source.line, "column": source.column}} if source else {}


def _configuration(plan: Plan) -> Values:
    """The two blocks that all addresses belong to; the values of each instance stand with the changes."""
    found = dict.fromkeys(map(type_of, plan.changes))
    blocks = [
        {
            "address": f"{type_}.this",
            "mode": "managed",
            "type": type_,
            "name": "this",
            "provider_config_key": "emporix",
            "expressions": {},
            "schema_version": 0,
            "for_each_expression": {},
        }
        for type_ in (GROUP, MEMBERSHIP)
        if type_ in found
    ]
    provider = {"emporix": {"name": "emporix", "full_name": PROVIDER}}
    return {"provider_config": provider, "root_module": {"resources": blocks}}


def _about(plan: Plan, refused: Iterable[Diagnostic]) -> Values:
    return {
        "fingerprint": plan.fingerprint,
        "service": plan.service,
        "tenants": plan.tenants,
        "failures": dict(sorted(plan.failures.items())),
        "unchanged": plan.unchanged,
        "refusals": [{"rule": item.rule, "address": item.address, "message": item.message} for item in refused],
    }
