"""What applies did, as records that follow one another: how one is written as a line, and which of them are asked for.

::

    {"changes":[{"action":"create","address":"acmeprod/catalog-managers/00u4…","outcome":"done",…}],
     "fingerprint":"5f1c…","format":1,"lineage":"0b6a…","number":7,"previous":"9e0d…","time":"2026-11-24T10:41:07Z",
     "who":"ana@laptop",…,"hash":"3c41…"}

A line is JSON without white space, its keys sorted; ``hash``, the SHA-256 of the line without itself, stands last. So
``jq -jcS 'del(.hash)' | sha256sum`` finds it again.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from reconciler.core import document
from reconciler.core import document_forms as forms
from reconciler.core.model import Entry
from reconciler.core.plan import Change
from reconciler.diagnostics import Diagnostic

FORMAT: Final = 1
"""The version of the records that are written; newer ones are not read."""


class Fate(StrEnum):
    """What became of a change; an earlier run's pending one is found ``done`` or ``not done`` by who settles it."""

    DONE = "done"
    SATISFIED = "satisfied"
    FAILED = "failed"
    UNSURE = "unsure"
    SKIPPED = "skipped"
    UNDONE = "not done"


class Deed(forms.Change, forbid_unknown_fields=False, kw_only=True):
    """A change as in the plan document, but for the definitions, and what became of it."""

    outcome: Fate
    message: str = ""

    @property
    def change(self) -> Change:
        """The change itself."""
        return document.change_of(self)


class Objection(forms.Form, forbid_unknown_fields=False):
    """A guard's refusal that somebody overruled: its rule, what it says, and about what."""

    message: str
    rule: str = ""
    address: str = ""


class Record(forms.Form, forbid_unknown_fields=False, kw_only=True):
    """One apply: who ran it when and where, what it was to do, and what became of that.

    ``expected`` is the fingerprint by which the plan was approved beforehand, ``accepted`` what it was let pass in
    spite of. ``settled`` are changes that an earlier run left pending, with what this one found. ``failures`` says
    which tenants could not be planned, ``unrecorded`` why the lockfile does not have the outcome. ``previous`` is the
    hash of the record before, empty for the first.
    """

    format: int
    number: int = 0
    time: forms.Instant
    who: str
    tool: str
    service: str
    lineage: str
    serial: int
    fingerprint: str
    summary: dict[str, int]
    changes: tuple[Deed, ...]
    job: str = ""
    commit: str = ""
    targets: tuple[str, ...] = ()
    expected: str = ""
    accepted: tuple[Objection, ...] = ()
    settled: tuple[Deed, ...] = ()
    failures: dict[str, str] = msgspec.field(default_factory=dict)
    interrupted: bool = False
    doubt: str = ""
    unrecorded: str = ""
    previous: str = ""
    hash: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.format <= FORMAT:
            raise ValueError(f"format {self.format} is not known to this version")


class Link(msgspec.Struct, frozen=True):
    """What a record says of its place: enough to follow the chain, whatever else newer versions write."""

    number: int
    hash: str
    previous: str = ""
    lineage: str = ""
    serial: int = 0


_RECORD: Final = msgspec.json.Decoder(Record)
_LINK: Final = msgspec.json.Decoder(Link)
_HASH: Final = re.compile(rb',"hash":"([0-9a-f]{64})"}\Z')
_WITH_HASH: Final = len(',"hash":""}') + 64


def deed(change: Change, outcome: Fate, message: str = "") -> Deed:
    """What became of a change, as it is recorded."""
    told = document.describe(change)
    kept = {key: value for key, value in told.items() if key not in {"before", "after", "version", "owned"}}
    return msgspec.convert({**kept, "outcome": outcome.value, "message": message}, Deed)


def objection(refusal: Diagnostic) -> Objection:
    """A refusal, as it is recorded."""
    return Objection(refusal.message, refusal.rule, refusal.address)


def line(record: Record, last: Link | None) -> bytes:
    """The record as the line that follows the last one, with its end: number and hashes are those of its place."""
    number, previous = (last.number + 1, last.hash) if last else (1, "")
    body = encode(msgspec.structs.replace(record, number=number, previous=previous, hash=""))
    return b'%b,"hash":"%b"}\n' % (body[:-1], _digest(body))


def encode(record: Record) -> bytes:
    """The record as JSON, its keys sorted."""
    return msgspec.json.encode(record, order="sorted")


def link(text: bytes) -> Link | None:
    """What a line says of its place in the chain, true or not; None for what is no record."""
    try:
        return _LINK.decode(text)
    except (ValueError, RecursionError):
        return None


def is_intact(text: bytes) -> bool:
    """Whether a line has the hash that it says."""
    found = _HASH.search(text, max(0, len(text) - _WITH_HASH))
    return found is not None and found[1] == _digest(text[: found.start()] + b"}")


def read(text: bytes) -> Record:
    """The record in a line; raises ValueError for what is none, or is of a newer format."""
    return _RECORD.decode(text)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class Question:
    """Which records and changes are asked for: any of the ``names``, in any of the ``tenants``, since an instant.

    Empty names and tenants mean all.
    """

    names: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    since: datetime | None = None

    def answer(self, record: Record) -> Record | None:
        """The record with only what is asked for, or None if nothing is."""
        if self.since is not None and record.time < self.since:
            return None
        if not (self.names or self.tenants):
            return record
        changes, settled = (tuple(filter(self._asks_for, part)) for part in (record.changes, record.settled))
        if not (changes or settled):
            return None
        return msgspec.structs.replace(record, changes=changes, settled=settled)

    def _asks_for(self, deed: Deed) -> bool:
        return (not self.tenants or deed.tenant in self.tenants) and (
            not self.names or not self.names.isdisjoint(_names(deed))
        )


def also_called(name: str, people: Iterable[Entry]) -> frozenset[str]:
    """All names of whom the configuration knows by that handle, id or e-mail, and the name itself."""
    names = {name, _folded(name)}
    for person in {entry.person for entry in people}:
        known = {person.handle, person.id or "", person.mail} - {""}
        if not known.isdisjoint((name, _folded(name))):
            names |= known
    return frozenset(names)


def _names(deed: Deed) -> set[str]:
    """All by which a change can be asked for."""
    person = deed.person or forms.Person()
    names = (deed.user, deed.email.casefold(), person.email.casefold(), person.handle)
    return {deed.tenant, deed.group, f"{deed.tenant}/{deed.group}", deed.address, *filter(None, names)}


def _folded(name: str) -> str:
    return name.casefold() if "@" in name else name
