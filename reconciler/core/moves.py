"""What one user's joining and leaving must wait for, so that the service agrees and access is never interrupted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precedence:
    """For one user: the groups to be joined before leaving a group, and those to be left before joining one."""

    before_leaving: Mapping[str, Sequence[str]]
    before_joining: Mapping[str, Sequence[str]]


def precedence(leaves: Sequence[str], joins: Sequence[str], forbidden: Callable[[str, str], bool]) -> Precedence:
    """The order of one user's moves; ``forbidden(left, joined)`` says that both can't be held at once.

    What may be joined at once is joined before anything is left (DESIGN section 8). If nothing may, a group that stands
    in nobody's way is kept until all are joined; without one, the first swap bridges the others. So a user who has
    groups before and after is without any only where each group stands in the way of each. The three cases are free of
    cycles: leaving waits for joining only if that joining waits for none of what waits.
    """
    blocked = {group: [left for left in leaves if forbidden(left, group)] for group in joins}
    free = [group for group in joins if not blocked[group]]
    if free:
        return Precedence(dict.fromkeys(leaves, free), blocked)
    blocking = {left for stands_in_the_way in blocked.values() for left in stands_in_the_way}
    spare = [left for left in leaves if left not in blocking]
    if spare:
        return Precedence(dict.fromkeys(spare, joins), blocked)
    first = min(joins, key=lambda group: len(blocked[group]))
    return Precedence({left: [first] for left in leaves if left not in blocked[first]}, blocked)
