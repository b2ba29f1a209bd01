"""Reckons what a tenant's plan comes to for its users: reads what groups grant, and what else those concerned are in.

Reading is all it does, and nothing for a plan that changes no group that grants anything. Access controls and templates
are read once; employees' groups come from the one list that has them, each customer's from a request.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from reconciler.core.access import Catalog
from reconciler.core.access_entries import Judged
from reconciler.core.access_guards import objections, unjudged
from reconciler.core.consequences import cohorts, effects
from reconciler.core.diff import Differences
from reconciler.core.effects import Effects
from reconciler.core.model import Control, DesiredTenant, LiveGroup, Snapshot, UserType
from reconciler.core.stakes import Concern, Shift, Stakes, shift, stakes
from reconciler.diagnostics import Diagnostic, ServiceError, Severity
from reconciler.emporix.errors import Interrupted

NOBODY: Final = Concern(frozenset(), {})


class Reader(Protocol):
    """What is asked of one tenant; None for access controls or templates: nobody knows."""

    def members(self, groups: Iterable[LiveGroup], /) -> dict[str, LiveGroup]:
        """The same groups with their members."""

    def access_controls(self) -> Mapping[str, Control] | None:
        """All access controls by id."""

    def templates(self) -> Mapping[str, tuple[str, ...]] | None:
        """The access controls of each template."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the plan comes to, and what speaks against it.

    ``effects`` None: nothing comes of it, nobody asked, or nobody can tell, of which ``warnings`` speak. ``granted``
    says of what guards name whether anything there grants it; None if that was not read.
    """

    effects: Effects | None = None
    granted: Mapping[str, bool] | None = None
    denials: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


class Reckoning:
    """One tenant's plan on the way to its outcome: between two steps of it the rules have questions of their own.

    ``snapshot`` has what was read for it. ``limit`` is how many customers may be asked about. Unless its outcome
    ``is_told``, only guards want to know it, if any are set.
    """

    def __init__(
        self,
        tenant: DesiredTenant,
        found: Differences,
        snapshot: Snapshot,
        iam: Reader,
        limit: int,
        *,
        is_told: bool = False,
    ) -> None:
        self.tenant, self.found, self.snapshot = tenant, found, snapshot
        self.is_told, self.limit = is_told, limit
        self.concern = NOBODY
        self._stakes: Stakes | None = None
        self._failure: ServiceError | None = None
        moved = shift(found, snapshot)
        if (is_told or tenant.access.can_refuse) and moved.may_matter:
            try:
                self._begin(iam, moved)
            except Interrupted:
                raise
            except ServiceError as error:
                self.give_up(error)

    def _begin(self, iam: Reader, moved: Shift) -> None:
        """Read what groups grant, and the members of groups of which all are concerned."""
        controls, found = iam.access_controls(), iam.templates() if moved.uses_templates else {}
        if controls is None or found is None:
            return
        self.snapshot = replace(self.snapshot, controls=controls, templates=found)
        self._stakes = stakes(moved, Catalog(controls, found), self.tenant.access)
        read = iam.members(self._stakes.unread(self.snapshot))
        self.snapshot = replace(self.snapshot, groups={**self.snapshot.groups, **read})

    def give_up(self, error: ServiceError) -> None:
        """Nobody can tell what the plan comes to: no reason to show no plan, and one for guards to refuse it."""
        self._failure = error

    def ask(self, told: Collection[str]) -> Mapping[str, UserType]:
        """Whose groups must be read besides those of users in ``told``."""
        if self._stakes and not self._failure:
            self.concern = self._stakes.concern(self.snapshot, self.limit, told)
        return self.concern.asked

    def outcome(self, live: Snapshot) -> Outcome:
        """What it comes to, by a snapshot that has the groups of all who were asked about."""
        if self._failure:
            return self._unknown(self._failure)
        if self._stakes is None:
            return Outcome()
        found = cohorts(self._stakes, live, self.concern.counted)
        known = effects(self._stakes, found, self.tenant.people, len(self.concern.uncounted))
        is_told = self.is_told and not known.is_empty
        denials = objections(Judged(self.tenant, self.found.changes, self._stakes, found, live))
        return Outcome(known if is_told else None, self._stakes.granted, (*self._uncounted(self._stakes), *denials))

    def _unknown(self, failure: ServiceError) -> Outcome:
        tenant, why, remedy = self.tenant.name, failure.message, failure.remedy
        if self.tenant.access.can_refuse:
            return Outcome(denials=(unjudged(tenant, why, remedy),))
        told = f"{tenant}: what this changes in the scopes of users is not known: {why}"
        warning = Diagnostic(told, remedy=remedy, address=tenant, severity=Severity.WARNING)
        return Outcome(warnings=(warning,))

    def _uncounted(self, at_stake: Stakes) -> tuple[Diagnostic, ...]:
        """Guards that look at what else somebody may do have not seen everybody.

        How many is not in the message, because of a plan that is half done the refusal must be the same.
        """
        count = len(self.concern.uncounted)
        if not count or not at_stake.patterns:
            return ()
        why = f"it concerns more customers than are asked about (at most {self.limit})"
        return (unjudged(self.tenant.name, why, f"pass --access-limit {self.limit + count}"),)
