"""What guards on access look at: the changes with what is at stake, and the lines that make somebody a member."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.consequences import Cohort
from reconciler.core.limits import AccessGuards, Requirement
from reconciler.core.model import DesiredTenant, Person, Snapshot
from reconciler.core.plan import Action, Change
from reconciler.core.stakes import GRANTING, Stakes
from reconciler.diagnostics import Source


@dataclass(frozen=True, slots=True)
class Judged:
    """All that guards on access look at: the configuration, the changes, what is at stake, and for whom."""

    desired: DesiredTenant
    changes: Sequence[Change]
    stakes: Stakes
    cohorts: Sequence[Cohort]
    live: Snapshot

    @property
    def guards(self) -> AccessGuards:
        """What the configuration sets."""
        return self.stakes.guards


class Entries:
    """The lines that make somebody a member, and what they carry; of a saved plan only those of its changes."""

    def __init__(self, judged: Judged) -> None:
        self.tenant = judged.desired
        self.groups = {group.id: group for group in judged.desired.groups}
        self.new = {(c.group, c.user): c for c in judged.changes if c.user is not None and c.action is Action.CREATE}
        self.written = {c.group: c for c in judged.changes if c.user is None}
        self.people = {**judged.desired.people, **judged.stakes.shift.people}

    def source(self, user: str, group: str) -> Source | None:
        """The line of an entry, or of its group where the entry is not known; None outside the configuration."""
        if change := self.new.get((group, user)):
            return change.source
        desired = self.groups.get(group)
        return (desired.members or {}).get(user, desired.source) if desired else None

    def definition(self, group: str) -> Source | None:
        """The line by which a group grants something else: its field's, or the group's where that is not known."""
        change, desired = self.written[group], self.groups.get(group)
        before, after, places = change.before or {}, change.after or {}, desired.field_sources if desired else {}
        fields = (places[name] for name in GRANTING if name in places and before.get(name) != after.get(name))
        return next(fields, change.source)

    def lacks(self, user: str, group: str, requires: Requirement) -> str:
        """What an entry has to carry and does not; empty if it does."""
        reason, until = self._carried(user, group)
        missing = [*["`reason`"] * (not reason), *["`until`"] * (not until)]
        match requires:
            case Requirement.EITHER:
                return "neither `reason` nor `until`" if len(missing) > 1 else ""
            case Requirement.BOTH:
                return "" if not missing else f"no {' and no '.join(missing)}"
        return f"no `{requires}`" if f"`{requires}`" in missing else ""

    def _carried(self, user: str, group: str) -> tuple[bool, bool]:
        if change := self.new.get((group, user)):
            return bool(change.note.strip()), change.until is not None
        desired = self.groups[group]  # who does not join gains by a definition, and that has a line
        entry = desired.named.get(user)
        return bool(entry.reason if entry else desired.reasons.get(user)), bool(entry and entry.period.end)

    def named(self, user: str) -> str:
        """A user by handle or e-mail, and by id."""
        person = self.people.get(user, Person())
        name = person.handle or person.email
        return f"{name} ({user})" if name and name != user else user
