"""An access review for machines; times are RFC 3339 in UTC."""

import json
from collections.abc import Collection
from typing import Any, Final

from reconciler.core.past import Turn
from reconciler.core.review import Held, Review, Standing
from reconciler.render import conflicts
from reconciler.render.access import membership, origin, person, title, utc
from reconciler.render.past import earlier, record, regrant_document
from reconciler.render.review import Report, said

FORMAT: Final = 1


def document(report: Report) -> str:
    """The review as one JSON document."""
    found = {
        "format": FORMAT,
        "kind": "access",
        "at": utc(report.at),
        "service": report.service,
        "tenants": [_tenant(*each) for each in report.tenants.items()],
        "failures": dict(report.failures),
        "notes": list(report.notes),
        **({"since": earlier(report.past, report.held)} if report.past else {}),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _tenant(name: str, review: Review) -> dict[str, Any]:
    warnings = [warning.message for warning in review.warnings]
    removed = [_membership(held, review.sensitive) for held in review.of(Standing.REMOVED)]
    return {
        "tenant": name,
        "conflicts": [{"user": person(who), **conflicts.document(each)} for who, each in review.conflicts],
        **({"regranted": [regrant_document(each) for each in review.regranted.values()]} if review.regranted else {}),
        "memberships": [_membership(held, review.sensitive) for held in review.live],
        **({"removed": removed} if removed else {}),
        "warnings": warnings,
    }


def _membership(held: Held, sensitive: Collection[str]) -> dict[str, Any]:
    name = title(held.seat.group)
    return {
        "standing": held.standing.value,
        "user": person(held.person),
        "userType": held.user_type.value,
        **({"problem": held.problem} if held.problem else {}),
        **({"groupName": name} if name else {}),
        "scopes": [
            {"scope": scope, **({"sensitive": True} if scope in sensitive else {}), "through": list(map(origin, found))}
            for scope, found in held.scopes.items()
        ],
        **membership(held.seat),
        **({"why": why_not} if (why_not := said(held)) else {}),
        **({"change": held.turn.value} if held.turn else {}),
        **({"wasOurs": held.was_ours} if held.turn is Turn.REMOVED else {}),
        **({"since": record(held.event)} if held.event else {}),
    }
