"""What somebody has together and guards keep apart, in words and for machines."""

from typing import Any, Final

from reconciler.core.effects import Right
from reconciler.core.separation import Conflict, Ways
from reconciler.render.text import safe

MOST: Final = 3
"""So many scopes of a side are named; patterns can mean dozens."""
MARK: Final = "sensitive"
"""What stands beside a scope that the configuration calls so."""


def holds_both(conflict: Conflict) -> str:
    """The finding, as it is said of somebody: both sides of a pair, and through which groups each came."""
    one, other = (_side(rights, conflict.ways) for rights in conflict.sides)
    return f"holds both {one} and {other}, which guards.separation keeps apart"


def _side(rights: list[Right], ways: Ways) -> str:
    told = [f"{_right(right)} (through {', '.join(map(safe, ways[right]))})" for right in rights[:MOST]]
    more = len(rights) - MOST
    return ", ".join([*told, *([f"{more:,} more"] if more > 0 else [])])


def _right(right: Right) -> str:
    return f"{safe(right.scope)} at company {safe(right.company)}" if right.company else safe(right.scope)


def document(conflict: Conflict) -> dict[str, Any]:
    """The same for machines, whole: the pair of patterns, and what is held of either side."""
    return {
        "pair": list(conflict.pair),
        "holds": [[_held(right, conflict.ways) for right in rights] for rights in conflict.sides],
    }


def _held(right: Right, ways: Ways) -> dict[str, Any]:
    company = {"company": right.company} if right.company else {}
    return {"scope": right.scope, **company, "groups": list(ways[right])}
