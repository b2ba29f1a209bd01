"""What is known of memberships in the past: since when they are there, and which have come and gone.

The records of applies tell the one, an earlier lockfile the other.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from reconciler.core.access import company_of
from reconciler.core.history import Deed, Fate, Record
from reconciler.core.model import Fields, Known, KnownGroup, LiveGroup, UserType
from reconciler.core.plan import Action

THERE_ALREADY: Final = frozenset({Action.ADOPT, Action.REPLACE})
"""Actions of which a user who was in the group before notices nothing, or next to nothing."""
LOSSES: Final = frozenset({Action.DELETE, Action.FORGET})


@dataclass(frozen=True, slots=True)
class Event:
    """The last that is recorded of one membership: that it came (``is_member``) or went.

    ``is_bound``: it was so before ``at`` already, and nobody knows since when. ``who`` ran the apply, in which ``job``,
    started by which ``actor``, and for which ``commit``; all empty where it is not known which apply it was. ``record``
    is the number of the record that says it, ``serial`` that of the lockfile which that apply left.
    """

    at: datetime
    is_member: bool
    is_bound: bool = False
    who: str = ""
    commit: str = ""
    job: str = ""
    actor: str = ""
    record: int = 0
    serial: int = 0


@dataclass(slots=True)
class Trail:
    """What the records of one service read so far say of each membership.

    ``place`` is what messages call the audit file, empty where none is named; ``begins`` the time of its first record,
    and ``flaws`` how many were found in it. ``events`` are by tenant and group, then by user, and
    ``kinds`` of which type these groups are.
    """

    service: str = ""
    place: str = ""
    begins: datetime | None = None
    flaws: int = 0
    events: defaultdict[tuple[str, str], dict[str, Event]] = field(default_factory=lambda: defaultdict(dict))
    kinds: dict[tuple[str, str], UserType] = field(default_factory=dict)

    def follow(self, record: Record) -> None:
        """Take in the next record, unless it is of another service."""
        if record.service != self.service:
            return
        self.begins = self.begins or record.time
        found = Event(record.time, is_member=True, is_bound=True, record=record.number, serial=record.serial)
        known = replace(found, is_bound=False, who=record.who, commit=record.commit, job=record.job, actor=record.actor)
        for deed in record.settled:  # done by an earlier run, of which no record tells
            if deed.outcome is Fate.DONE:
                self._note(deed, found)
        for deed in record.changes:
            if deed.outcome is Fate.DONE:
                self._note(deed, known)
            elif deed.outcome is Fate.SATISFIED:
                self._note(deed, found)

    def of(self, tenant: str, group: str, user: str, *, is_member: bool = True) -> Event | None:
        """The event that explains what is live: that the user came, or if not ``is_member``, that the user went."""
        event = self.events.get((tenant, group), {}).get(user)
        return event if event and event.is_member is is_member else None

    def _note(self, deed: Deed, event: Event) -> None:
        if deed.reason.lets_go:
            return
        users = self.events[deed.tenant, deed.group]
        self.kinds[deed.tenant, deed.group] = deed.user_type
        if deed.action is Action.FORGET:  # somebody else took it away, whenever that was
            event = Event(event.at, is_member=False, is_bound=True, record=event.record, serial=event.serial)
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


class Turn(StrEnum):
    """What became of a membership since an earlier lockfile, which knows only what is ours.

    ``ADDED`` is ours now and was not then, ``ADOPTED`` too, but was there before it became ours; ``UNCLEAR`` was never
    ours, so it may be new or not; ``REMOVED`` was ours then and is not there any more; ``SAME`` was ours and is there.
    """

    ADDED = "added"
    ADOPTED = "adopted"
    UNCLEAR = "perhaps added"
    REMOVED = "removed"
    SAME = ""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier lockfile: what messages call it, what was ours by it, and when it was written, if that can be told.

    ``pending`` is how many changes were under way when it was written, ``unsealed`` whether anybody could have written
    it, unlike today's. ``absent`` are its tenants that nothing is known of now.
    """

    name: str
    serial: int
    known: Known
    at: datetime | None = None
    pending: int = 0
    unsealed: bool = False
    absent: tuple[str, ...] = ()


ATTACHED: Final = ("accessControls", "templates", "restrictions")
"""The lists of a group on which it depends what its members may do."""


@dataclass(frozen=True, slots=True)
class Regrant:
    """A group of ours that grants otherwise than by an earlier lockfile: what is attached only now, and only was then.

    Both are by the field, or by ``company`` where the group's scopes count at another one.
    """

    group: LiveGroup
    added: Mapping[str, tuple[str, ...]]
    taken: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class History:
    """All that tells of the past of one tenant: the records, what is ours ``now``, and what was, if that is asked."""

    tenant: str
    trail: Trail
    now: Mapping[str, KnownGroup] = field(default_factory=dict)
    past: Past | None = None

    @property
    def then(self) -> Mapping[str, KnownGroup]:
        """What was ours."""
        return self.past.known.get(self.tenant, {}) if self.past else {}

    @property
    def emails(self) -> dict[str, str]:
        """By which e-mail somebody was a member, by user id."""
        return {user: email for group in self.then.values() for user, email in group.emails.items()}

    def gone(self, live: Mapping[str, LiveGroup]) -> list[tuple[str, LiveGroup]]:
        """Who was a member and is none, and of which group, made up from what is known of it where that is gone too.

        The lockfile has who was one by us, the records also whom an apply has removed since who never was.
        """
        found = []
        for name, known in sorted(self.then.items()):
            group = live.get(name) or LiveGroup(name, known.fields or {}, known.user_type, members=frozenset())
            found += [(user, group) for user in sorted(known.members - (group.members or frozenset()))]
        for (tenant, name), events in sorted(self.trail.events.items()):
            if tenant == self.tenant:
                group = live.get(name) or LiveGroup(name, {}, self.trail.kinds[tenant, name], members=frozenset())
                left = {user for user, event in events.items() if not event.is_member and self._is_since(event)}
                theirs = (group.members or frozenset()) | {user for user in left if self.was_ours(name, user)}
                found += [(user, group) for user in sorted(left - theirs)]
        return found

    def was_ours(self, group: str, user: str) -> bool:
        """Whether a membership was ours then."""
        return _has(self.then, group, user)

    def _is_since(self, event: Event) -> bool:
        """Whether a record is later than the lockfile, and not that of the apply which wrote it."""
        past = self.past
        return past is not None and past.at is not None and event.at >= past.at and event.serial != past.serial

    def regranted(self, live: Mapping[str, LiveGroup]) -> dict[str, Regrant]:
        """The groups whose members may do something else, although they were members then; by id."""
        found = {}
        for name, known in sorted(self.then.items()):
            if known.owned and known.fields is not None and name in live:
                then, now = _attached(known.fields), _attached(live[name].fields)
                if then != now:
                    found[name] = Regrant(live[name], _beyond(now, then), _beyond(then, now))
        return found

    def turn(self, group: LiveGroup, user: str) -> tuple[Turn, Event | None]:
        """What became of a membership, and the event that explains how it is now; members not read are none gone."""
        if group.members is not None and user not in group.members:
            return Turn.REMOVED, self.trail.of(self.tenant, group.id, user, is_member=False)
        event = self.trail.of(self.tenant, group.id, user)
        if self.past is None or self.was_ours(group.id, user):
            return Turn.SAME, event
        # to the second: an apply writes its record after its lockfile, so one of the same second is not in that one
        if event and not event.is_bound and (self.past.at is None or event.at >= self.past.at):
            return Turn.ADDED, event
        if not _has(self.now, group.id, user):
            return Turn.UNCLEAR, event
        return Turn.ADOPTED if event else Turn.ADDED, event


def _attached(fields: Fields) -> dict[str, set[str]]:
    company = {company_of(fields)} - {""}
    return {**{name: set(fields.get(name, ())) for name in ATTACHED}, "company": company}


def _beyond(some: Mapping[str, set[str]], others: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(more)) for name, values in some.items() if (more := values - others[name])}


def _has(known: Mapping[str, KnownGroup], group: str, user: str) -> bool:
    return group in known and user in known[group].members
