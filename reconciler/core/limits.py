"""What the configuration sets for guards: limits of a group, and of what the users of a tenant may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """How many members may be removed: a number, or a share of the live members in percent.

    ``also`` is one of the other kind that holds besides: which of the two is stricter depends on the group.
    """

    amount: float
    percent: bool = False
    also: "Limit | None" = None

    @classmethod
    def strictest(cls, limits: Iterable["Limit | None"]) -> "Limit | None":
        """All of them at once: the smallest number and the smallest share."""
        parts = sorted((part for limit in limits if limit for part in limit.parts), key=lambda part: part.amount)
        number = next((part for part in parts if not part.percent), None)
        share = next((part for part in parts if part.percent), None)
        return replace(number, also=share) if number else share

    @property
    def parts(self) -> "tuple[Limit, ...]":
        """The limits that hold, each by itself."""
        return (replace(self, also=None), self.also) if self.also else (self,)

    def __str__(self) -> str:
        amount = f"{self.amount:.15g}"
        shown = amount if float(amount) == self.amount else repr(self.amount)
        return f"{shown}%" if self.percent else shown


@dataclass(frozen=True, slots=True)
class Guards:
    """The limits in force for one group after file, tenant and group level are merged; None means not set."""

    max_removals: Limit | None = None
    min_members: int | None = None
    protected: frozenset[str] = frozenset()


ACCESS_LIMIT: Final = 200
"""Customers of one tenant whose other groups are asked for, a request each, unless somebody wants more or fewer."""

NO_GUARDS: Final = Guards()
"""Nothing set: the defaults hold."""


class Requirement(StrEnum):
    """What an entry has to carry that gives somebody a sensitive scope."""

    REASON = "reason"
    UNTIL = "until"
    EITHER = "either"
    BOTH = "both"


class AccessRule(StrEnum):
    """The guards on access, as a refusal names them; ``ACCESS`` says that the others can't be judged."""

    SENSITIVE = "sensitive"
    SEPARATION = "separation"
    KEEP = "keep"
    ACCESS = "access"


@dataclass(frozen=True, slots=True)
class Keep:
    """Who must go on having a scope: at least so many users, and the ``protected`` ones by id if they have it."""

    min_members: int | None = None
    protected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AccessGuards:
    """The limits on what users of one tenant may do, after file and tenant level are merged.

    ``sensitive`` are patterns of scopes that are told first, ``requires`` says what entries have to carry that give
    them (None: nothing). ``separation`` has pairs of patterns of which nobody may have both. ``keep`` is by scope.
    """

    sensitive: tuple[str, ...] = ()
    requires: Requirement | None = None
    separation: tuple[tuple[str, str], ...] = ()
    keep: Mapping[str, Keep] = field(default_factory=dict)

    @property
    def can_refuse(self) -> bool:
        """Whether any of them is a reason to refuse a plan: that a scope is sensitive alone is none."""
        return bool((self.sensitive and self.requires) or self.separation or self.keep)


NO_ACCESS_GUARDS: Final = AccessGuards()
"""Nothing set, so nothing is judged."""
