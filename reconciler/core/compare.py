"""Two plans held against each other, address by address: what only one of them does, and what both do differently.

Order, clock, paths and source lines are no difference, because they are none to the fingerprint either: two plans that
do the same on two machines compare as the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from reconciler.core.document import describe, summary
from reconciler.core.guards import refusals
from reconciler.core.model import Person, mail_key
from reconciler.core.plan import Change, Plan

FORMAT: Final = 1
KIND: Final = "comparison"

DEEDS: Final = ("action", "user_type", "before", "after", "version", "owned", "email")
"""What the fingerprint is made of, besides the address: changes that agree in these do the same."""

REMARKS: Final = ("reason", "note", "person", "teams", "until")
"""What is only told of a change."""


@dataclass(frozen=True, slots=True)
class Twins:
    """The changes of both plans at one address, and the names of what is not the same in them."""

    first: Change
    second: Change
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aspect:
    """Something besides the changes that is not the same: what the plans are for, or what they were made from."""

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two plans do not share; both may be of the same fingerprint nevertheless."""

    first: Plan
    second: Plan
    only_first: tuple[Change, ...]
    only_second: tuple[Change, ...]
    twins: tuple[Twins, ...]
    aspects: tuple[Aspect, ...]

    @property
    def same(self) -> bool:
        """Whether both do the same."""
        return self.first.fingerprint == self.second.fingerprint


def compare(first: Plan, second: Plan) -> Comparison:
    """What is in one plan only, and what is in both but not the same, both in the order of addresses."""
    mine = {change.key: change for change in first.changes}
    theirs = {change.key: change for change in second.changes}
    pairs = [(mine[key], theirs[key]) for key in sorted(mine.keys() & theirs.keys())]
    return Comparison(
        first,
        second,
        tuple(mine[key] for key in sorted(mine.keys() - theirs.keys())),
        tuple(theirs[key] for key in sorted(theirs.keys() - mine.keys())),
        tuple(Twins(*pair, parts) for pair in pairs if (parts := _parts(*pair))),
        tuple(_aspects(first, second)),
    )


def missing(part: Plan, whole: Plan) -> tuple[Change, ...] | None:
    """The changes of a plan that another one lacks; None unless that one does nothing else than they both do."""
    kept = {change.key for change in part.changes}
    shared = replace(whole, changes=tuple(change for change in whole.changes if change.key in kept))
    if shared.fingerprint != part.fingerprint:
        return None
    return tuple(change for change in whole.changes if change.key not in kept)


def _parts(first: Change, second: Change) -> tuple[str, ...]:
    return tuple(name for name in (*DEEDS, *REMARKS) if _part(first, name) != _part(second, name))


def _part(change: Change, name: str) -> Any:
    """One part as it counts: e-mails as they are compared, of a person what a plan file has, which is what is told."""
    part = getattr(change, name)
    if name == "email":
        return mail_key(part)
    return (part.handle, part.email or "", part.name) if isinstance(part, Person) else part


def _aspects(first: Plan, second: Plan) -> Iterator[Aspect]:
    mine, theirs = _circumstances(first), _circumstances(second)
    return (Aspect(name, mine[name], theirs[name]) for name in mine if mine[name] != theirs[name])


def _circumstances(plan: Plan) -> dict[str, tuple[str, ...]]:
    """What a plan is for and was made from; the lockfile's place is a path and its lineage tells which one it is."""
    return {
        "service": (plan.service,) if plan.service else (),
        "offline": ("yes",) if plan.offline else (),
        "lineage": (plan.lineage,) if plan.lineage else (),
        "serial": (str(plan.serial),),
        "tenants": tuple(sorted(plan.tenants)),
        "not planned": tuple(sorted(f"{tenant}: {why}" for tenant, why in plan.failures.items())),
        "orphaned": tuple(sorted(plan.orphaned)),
        "targets": tuple(sorted(plan.targets)),
        "take-over": ("yes",) if plan.take_over else (),
        "refused": tuple(sorted(refusal.message for refusal in refusals(plan))),
    }


def encode_comparison(found: Comparison) -> bytes:
    """The comparison as indented JSON, ended by a newline; its changes are told as in the plan document."""
    document = {
        "format": FORMAT,
        "kind": KIND,
        "same": found.same,
        "first": _head(found.first),
        "second": _head(found.second),
        "onlyFirst": [describe(change) for change in found.only_first],
        "onlySecond": [describe(change) for change in found.only_second],
        "different": [
            {
                "address": twins.first.address,
                "parts": ["userType" if name == "user_type" else name for name in twins.parts],
                "first": describe(twins.first),
                "second": describe(twins.second),
            }
            for twins in found.twins
        ],
        "aspects": [{"name": item.name, "first": item.first, "second": item.second} for item in found.aspects],
    }
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=2) + b"\n"


def _head(plan: Plan) -> dict[str, Any]:
    return {"fingerprint": plan.fingerprint, "summary": summary(plan)}
