"""What an action is called: the same plan value reads as a plan or as drift, and only the words differ."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from reconciler.core.plan import Action
from reconciler.render.style import Look


class Phrase(NamedTuple):
    """How one action is told: after the address, as a sign, and why (empty: the change's own reason)."""

    says: str
    sign: str
    look: Look
    why: str = ""


class Count(NamedTuple):
    """One number of a summary, and the actions that it counts: a replacement is counted twice, as in Terraform."""

    word: str
    actions: frozenset[Action]


class Reading(NamedTuple):
    """One way to read a plan: a phrase for each action shown, and the numbers of its summary.

    ``backwards``: what happened went from ``after`` to ``before``, because the live state moved and not we.
    """

    phrases: Mapping[Action, Phrase]
    numbers: tuple[Count, ...]
    backwards: bool = False

    def tally(self, counts: Mapping[Action, int]) -> list[tuple[int, str]]:
        """The numbers of the summary with their words, zeros included."""
        return [(sum(counts.get(action, 0) for action in count.actions), count.word) for count in self.numbers]


PLANNED: Final = Reading(
    {
        Action.CREATE: Phrase("will be created", "+", Look.ADD),
        Action.UPDATE: Phrase("will be updated in-place", "~", Look.CHANGE),
        Action.DELETE: Phrase("will be destroyed", "-", Look.REMOVE),
        Action.REPLACE: Phrase("must be replaced", "-/+", Look.REMOVE),
        Action.ADOPT: Phrase("will be adopted", "=", Look.ADOPT),
        Action.FORGET: Phrase("will be forgotten", ".", Look.DIM),
    },
    (
        Count("to add", frozenset({Action.CREATE, Action.REPLACE})),
        Count("to change", frozenset({Action.UPDATE})),
        Count("to destroy", frozenset({Action.DELETE, Action.REPLACE})),
        Count("to adopt", frozenset({Action.ADOPT})),
        Count("to forget", frozenset({Action.FORGET})),
    ),
)
"""The words of a plan: Terraform's public lines, and ours for what only the lockfile learns (DESIGN section 7)."""

APPLIED: Final = PLANNED._replace(
    numbers=tuple(
        count._replace(word=word)
        for count, word in zip(PLANNED.numbers, ("added", "changed", "destroyed", "adopted", "forgotten"), strict=True)
    )
)
"""The words of what an apply did."""

DRIFTED: Final = Reading(
    {
        Action.CREATE: Phrase("was removed outside", "-", Look.REMOVE, "in the lockfile, no longer in the service"),
        Action.DELETE: Phrase("was added outside", "+", Look.ADD, "in the service, not in the lockfile"),
        Action.UPDATE: Phrase("was changed outside", "~", Look.CHANGE, "no longer as it was last applied"),
        Action.REPLACE: Phrase("was changed outside", "~", Look.CHANGE, "no longer as it was last applied"),
    },
    (
        Count("removed", frozenset({Action.CREATE})),
        Count("added", frozenset({Action.DELETE})),
        Count("changed", frozenset({Action.UPDATE, Action.REPLACE})),
    ),
    backwards=True,
)
"""The words of drift: with desired := known, what would be created is what somebody removed, and so on."""
