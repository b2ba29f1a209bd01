"""What a file of members says, whatever its format: its entries are checked and collected here.

A million rows pass through, so a plain id costs no more than its place in a dict; what is odd about ids is looked for
in all of them at once, at the end.
"""

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from reconciler.config.dates import end_of, start_of
from reconciler.config.members import suspicious
from reconciler.config.roster_rules import turned
from reconciler.config.values import Email, Moment, Text, UserId
from reconciler.core.model import ALWAYS, Entry, Period, Person
from reconciler.diagnostics import Diagnostic, Source

COLUMNS: Final = ("id", "email", "until", "from", "reason", "name")
"""What a list can say of a member; ``name`` is for the list's readers only."""

_KINDS: Final[Mapping[str, Any]] = {"id": UserId, "email": Email, "until": Moment, "from": Moment, "reason": Text}
_DOTS: Final = frozenset({".", ".."})
_USUAL: Final = {"id": re.compile(r"[\w-]+", re.ASCII), "email": re.compile(r"[\w.+-]+@[\w.-]+", re.ASCII)}
"""What needs no closer look."""

_MANGLED: Final = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]+")

Places = Callable[[str], Source]
"""Where a row has what it says in a column; made when asked, because hardly any place is."""


@dataclass(slots=True)
class Listed:
    """A file's members: plain ids with their places, and by id or e-mail the entries that say more."""

    plain: dict[str, Source] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    more: dict[str, Entry] = field(default_factory=dict)

    def place_of(self, name: str) -> Source | None:
        """Where an id or e-mail is listed, if it is."""
        entry = self.more.get(name)
        return entry.source if entry else self.plain.get(name)


@dataclass(slots=True)
class Collector:
    """Takes a file's members one by one and notes what is wrong with them; of duplicates the first one stays."""

    path: str
    zone: tzinfo
    problems: list[Diagnostic]
    listed: Listed = field(default_factory=Listed)
    _phrases: dict[str, str] = field(default_factory=dict)
    _periods: dict[tuple[str, str], Period] = field(default_factory=dict)

    def complain(self, message: str, source: Source, remedy: str = "", *related: tuple[str, Source]) -> None:
        """Note a problem and go on."""
        self.problems.append(Diagnostic(message, source, remedy, related))

    def name(self, name: str, place: Source) -> None:
        """Take an id, or an e-mail if it has an ``@``, of whom nothing else is said."""
        if "@" in name:
            self.row({"email": name}, lambda _: place)
        elif name:
            self.plain(name, place)
        else:
            self.empty("this entry", place)

    def empty(self, what: str, place: Source) -> None:
        """Complain of an entry that names nobody."""
        self.complain(f"{what} is empty", place, "say who is meant, or take the entry out")

    def plain(self, user: str, place: Source) -> bool:
        """Take an id of whom nothing else is said, perhaps a reason; whether nobody had listed it before."""
        entry = self.listed.more.get(user)
        first = entry.source if entry else self.listed.plain.setdefault(user, place)
        if first is not place:
            self.problems.append(listed_twice(user, place, first))
        return first is place

    def row(self, row: Mapping[str, str], where: Places) -> None:
        """Take a member of whom more is said, by column; an empty text says nothing."""
        user, mail = row.get("id", ""), row.get("email", "")
        if user and mail:
            remedy = "keep one of them: beside an id, the e-mail can stand under `name`"
            self.complain("a member can't have both `id` and `email`", where("email"), remedy)
        elif not (user or mail):
            self._nobody(row.keys() & {"id", "email"}, where)
        else:
            self._member(user, mail, row, where)

    def _nobody(self, empty: Set[str], where: Places) -> None:
        if empty:
            what = "each of `id` and `email`" if len(empty) > 1 else f"`{min(empty)}`"
            self.empty(what, where(max(empty)))
        else:
            self.complain("this entry names nobody", where("id"), "give exactly one of `id` and `email`")

    def _member(self, user: str, mail: str, row: Mapping[str, str], where: Places) -> None:
        period = self._period(row.get("from", ""), row.get("until", ""), where)
        reason = self.reason(row.get("reason", ""), where)
        place = where("id" if user else "email")
        if user and period is ALWAYS:
            if self.plain(user, place) and reason:
                self.listed.reasons[user] = reason
        elif first := self.listed.place_of(user or mail):
            self.problems.append(listed_twice(user or mail, place, first))
        else:
            person = Person(id=user) if user else Person(email=mail)
            self.listed.more[user or mail] = Entry(person, place, period, reason=reason)

    def reason(self, reason: str, where: Places) -> str:
        """A reason, kept once, because many members share one."""
        if reason and reason not in self._phrases and self._is_good("reason", reason, where("reason")):
            self._phrases[reason] = reason
        return self._phrases.get(reason, "")

    def _period(self, since: str, until: str, where: Places) -> Period:
        """A time, made once; where it ends is not told, because it ends where its member stands."""
        if not (since or until):
            return ALWAYS
        if (since, until) not in self._periods:
            given = [(column, said) for column, said in (("from", since), ("until", until)) if said]
            good = [self._is_good(column, said, where(column)) for column, said in given]
            if not all(good):
                return ALWAYS
            self._periods[since, until] = Period(start_of(since, self.zone), end_of(until, self.zone))
        period = self._periods[since, until]
        if period.start and period.end and period.end <= period.start:
            self.problems.append(turned(where("until")))
        return period

    def _is_good(self, column: str, said: str, place: Source) -> bool:
        if objection := _objection(column, said):
            message, remedy = objection
            self.complain(message, place, remedy)
        return not objection

    def finish(self) -> Listed:
        """All that was taken, once it was looked at: at all plain ids together, because that is faster."""
        plain = self.listed.plain
        together = "".join(plain)
        if suspicious(together) or "E+" in together or not plain.keys().isdisjoint(_DOTS):
            for user in [user for user in plain if suspicious(user) or user in _DOTS or "E+" in user]:
                self._is_good("id", user, plain[user])
        for name, entry in self.listed.more.items():
            column = "id" if entry.person.id else "email"
            if not _USUAL[column].fullmatch(name):
                self._is_good(column, name, entry.source)
        return self.listed


def listed_twice(name: str, place: Source, first: Source) -> Diagnostic:
    """The complaint about who stands in a group's lists more than once."""
    related = (("first here", first),)
    return Diagnostic(f"the member `{name}` is listed twice in this group", place, "keep one of them", related)


def _objection(column: str, said: str) -> tuple[str, str] | None:
    """What is wrong with a text in a column, and the remedy."""
    if column == "id" and "@" in said:
        return f"`id` can't be an e-mail: `{said}`", "give it as `email`"
    if column == "id" and _MANGLED.fullmatch(said):
        return (
            f"`id` can't be `{said}`: a spreadsheet took the id for a number",
            "import the ids into the spreadsheet as text, and export them once more",
        )
    try:
        _kind(column).validate_python(said)
    except ValidationError as failure:
        context = failure.errors()[0]["ctx"]
        return f"`{column}` {context['predicate']}", context["remedy"]
    return None


@cache
def _kind(column: str) -> TypeAdapter[Any]:
    return TypeAdapter(_KINDS[column])
