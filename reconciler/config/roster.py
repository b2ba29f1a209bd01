"""People and teams of all files: who a member entry means, and in which time.

Teams are flattened once, however many groups name them, and a member entry without a time or reason of its own shares
the flattened entries: a team of ten thousand in a hundred groups is not a million values.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final

from reconciler.config.dates import end_of, start_of, zone
from reconciler.config.nodes import Map, Node, Scalar, Seq, maps, text
from reconciler.core.model import ALWAYS, Entry, Period, Person, UserType
from reconciler.diagnostics import Source

KEYS: Final = ("id", "email", "person", "team")
"""What an entry can name somebody by: exactly one of them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a team, with the time zone of the file that has it."""

    node: Node
    zone: tzinfo


@dataclass(slots=True)
class Roster:
    """Who has a name in any of the files, and which teams there are; of duplicates the first."""

    people: dict[str, Entry] = field(default_factory=dict)
    teams: dict[str, list[Item]] = field(default_factory=dict)
    left: list[Entry] = field(default_factory=list)
    known: dict[str, Entry] = field(default_factory=dict)
    _flat: dict[str, tuple[Entry, ...]] = field(default_factory=dict)

    def members_of(self, team: str) -> tuple[Entry, ...]:
        """Everybody in a team and the teams within it, each way of being in it once; teams must have no circle."""
        if team not in self._flat:
            entries = (each for item in self.teams.get(team, ()) for each in self.meant(item.node, item.zone))
            through = (replace(entry, teams=(team, *entry.teams)) for entry in entries)
            ways = {(entry.person, entry.period): entry for entry in reversed(list(through))}
            self._flat[team] = tuple(reversed(ways.values()))
        return self._flat[team]

    def recognised(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """The entries with who is listed by a bare id or e-mail taken for the person that has it, dates included.

        A person's own dates hold however a list names the person, or the last day would have a way around it.
        """
        if not self.known:
            return tuple(entries)
        return tuple(entry if entry.person.handle else self._recognised(entry) for entry in entries)

    def _recognised(self, entry: Entry) -> Entry:
        person = self.known.get(entry.person.id or entry.person.mail)
        if person is None:
            return entry
        period, reason = person.period.within(entry.period), entry.reason or person.reason
        return replace(entry, person=person.person, period=period, reason=reason)

    def dated(self, users: Collection[str]) -> frozenset[str]:
        """Those of plain ids that are of people with dates."""
        return frozenset(user for user, entry in self.known.items() if entry.period is not ALWAYS and user in users)

    def meant(self, node: Node, zone: tzinfo) -> Iterable[Entry]:
        """Whom an entry of a team or a member list means; nobody if it is malformed, which the schema says."""
        if isinstance(node, Scalar):
            return self._named(text(node) or "", node.source)
        if not isinstance(node, Map):
            return ()
        period, reason = period_of(node, zone), text(node.get("reason")) or ""
        if (name := text(node.get("team"))) is not None:
            return _within(self.members_of(name), period, reason)
        if (name := text(node.get("person"))) is not None:
            person = self.people.get(name)
            return _within([replace(person, source=node.source)], period, reason) if person else ()
        given = Person(id=text(node.get("id")), email=text(node.get("email")))
        return (Entry(given, node.source, period, reason=reason),)

    def _named(self, name: str, source: Source) -> Iterable[Entry]:
        if "@" in name:
            return (Entry(Person(email=name), source),)
        if name in self.people:
            return (replace(self.people[name], source=source),)
        return self.members_of(name)


def _within(entries: Iterable[Entry], period: Period, reason: str) -> Iterable[Entry]:
    """The entries while something around them holds as well; its reason counts, being the nearest to the group."""
    if period is ALWAYS and not reason:
        return entries
    return [replace(entry, period=entry.period.within(period), reason=reason or entry.reason) for entry in entries]


def roster(roots: Sequence[Map]) -> Roster:
    """The people and teams of all files together; an old name stands for the new one wherever it is still used."""
    found = Roster()
    for root in roots:
        here = zone_of(root)
        for name, node in named(root, "people"):
            person, left = _person(name, node), _left(node, here)
            period = period_of(node, here) if isinstance(node, Map) else ALWAYS
            reason = (text(node.get("reason")) or "") if isinstance(node, Map) else ""
            entry = Entry(person, node.source, period.within(left) if left else period, reason=reason)
            found.people.setdefault(name, entry)
            if left:
                gone = Entry(person, left.bound or node.source, Period(start=left.end), reason=reason)
                found.left.append(gone)
        for name, node in named(root, "teams"):
            if name not in found.teams:
                found.teams[name] = [Item(item, here) for item in (node.items if isinstance(node, Seq) else ())]
    for old, new, _ in (move for root in roots for move in moves(root)):
        if new in found.people:
            found.people.setdefault(old, found.people[new])
        elif new in found.teams:
            found.teams.setdefault(old, found.teams[new])
    mails = Counter(entry.person.mail for entry in found.people.values())
    for entry in found.people.values():
        for known_as in (entry.person.id, entry.person.mail if mails[entry.person.mail] == 1 else None):
            if known_as:
                found.known.setdefault(known_as, entry)
    return found


def moves(node: Map) -> Iterator[tuple[str, str, Source]]:
    """What a mapping's ``moved`` says: old name, new name, and the place of the old one."""
    for item in maps(node, "moved"):
        old, new = item.get("from"), text(item.get("to"))
        if (name := text(old)) is not None and new is not None and old is not None:
            yield name, new, old.source


def named(root: Map, key: str) -> Iterator[tuple[str, Node]]:
    """The names and values of the mapping under a key."""
    part = root.get(key)
    for name, entry in part.entries.items() if isinstance(part, Map) else ():
        yield name, entry.node


def zone_of(root: Map) -> tzinfo:
    """The time zone of a file."""
    return zone(text(root.get("timezone")) or "UTC") or UTC


def _person(handle: str, node: Node) -> Person:
    if isinstance(node, Map):
        kind = text(node.get("userType"))
        return Person(
            handle,
            text(node.get("id")),
            text(node.get("email")),
            text(node.get("name")) or "",
            UserType(kind) if kind in set(UserType) else None,
        )
    return replace(named_by(text(node) or ""), handle=handle)


def named_by(text: str) -> Person:
    """Who a plain text means: an e-mail if it has an ``@``, a user id otherwise."""
    return Person(email=text) if "@" in text else Person(id=text)


def _left(node: Node, zone: tzinfo) -> Period | None:
    """The time before somebody left: a day of leaving is the first on which the person is nowhere."""
    said = node.entries.get("left") if isinstance(node, Map) else None
    when = start_of(text(said.node) or "", zone) if said else None
    return Period(end=when, bound=said.key) if said and when else None


def period_of(node: Map, zone: tzinfo) -> Period:
    """The time that an entry states; ALWAYS if it states none."""
    first, last = text(node.get("from")), node.entries.get("until")
    if first is None and last is None:
        return ALWAYS
    end = end_of(text(last.node) or "", zone) if last else None
    return Period(start_of(first, zone) if first else None, end, last.key if last and end else None)


def keys_of(entry: Node) -> Sequence[str]:
    """By which of the four an entry names somebody; a plain text does by itself."""
    return [key for key in KEYS if key in entry.entries] if isinstance(entry, Map) else ()


def known_by(people: Mapping[str, Entry]) -> Iterator[tuple[str, str, Entry]]:
    """Handle, and what the person is known by in the service: the id, or the e-mail as it is compared.

    An employee and a customer may share an e-mail, so with ids it tells nothing.
    """
    for entry in {id(entry): entry for entry in people.values()}.values():
        yield entry.person.handle, entry.person.id or entry.person.mail, entry
