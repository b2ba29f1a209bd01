"""What is known of memberships in the past: since when they are there, as the records of applies tell."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.core.history import Deed, Fate, Record
from reconciler.core.plan import Action

THERE_ALREADY: Final = frozenset({Action.ADOPT, Action.REPLACE})
"""Actions of which a user who was in the group before notices nothing, or next to nothing."""
LOSSES: Final = frozenset({Action.DELETE, Action.FORGET})


@dataclass(frozen=True, slots=True)
class Event:
    """The last that is recorded of one membership: that it came (``is_member``) or went.

    ``is_bound``: it was so before ``at`` already, and nobody knows since when. ``who`` ran the apply, in which ``job``
    and for which ``commit``; all empty where it is not known which apply it was.
    """

    at: datetime
    is_member: bool
    is_bound: bool = False
    who: str = ""
    commit: str = ""
    job: str = ""


@dataclass(slots=True)
class Trail:
    """What the records of one service read so far say of each membership.

    ``place`` is what messages call the audit file, empty where none is named; ``begins`` the time of its first record,
    and ``flaws`` how many were found in it. ``events`` are by tenant and group, then by user.
    """

    service: str = ""
    place: str = ""
    begins: datetime | None = None
    flaws: int = 0
    events: defaultdict[tuple[str, str], dict[str, Event]] = field(default_factory=lambda: defaultdict(dict))

    def follow(self, record: Record) -> None:
        """Take in the next record, unless it is of another service."""
        if record.service != self.service:
            return
        self.begins = self.begins or record.time
        for deed in record.settled:  # done by an earlier run, of which no record tells
            if deed.outcome is Fate.DONE:
                self._note(deed, Event(record.time, is_member=True, is_bound=True))
        for deed in record.changes:
            if deed.outcome is Fate.DONE:
                self._note(deed, Event(record.time, True, False, record.who, record.commit, record.job))
            elif deed.outcome is Fate.SATISFIED:
                self._note(deed, Event(record.time, is_member=True, is_bound=True))

    def of(self, tenant: str, group: str, user: str, *, is_member: bool = True) -> Event | None:
        """The event that explains what is live: that the user came, or if not ``is_member``, that the user went."""
        event = self.events.get((tenant, group), {}).get(user)
        return event if event and event.is_member is is_member else None

    def _note(self, deed: Deed, event: Event) -> None:
        if deed.reason.lets_go:
            return
        users = self.events[deed.tenant, deed.group]
        if deed.action is Action.FORGET:  # somebody else took it away, whenever that was
            event = Event(event.at, is_member=False, is_bound=True)
        elif deed.action is Action.DELETE:
            event = replace(event, is_member=False)
        if deed.user is None:
            if deed.action in LOSSES:
                users.update({user: event for user, before in users.items() if before.is_member})
        elif deed.action in THERE_ALREADY:
            if deed.user not in users or not users[deed.user].is_member:
                users[deed.user] = replace(event, is_bound=True)
        else:
            users[deed.user] = event
