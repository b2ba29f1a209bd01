"""What applies did, as records that follow one another, and how one is written as a line.

::

    {"changes":[{"action":"create","address":"acmeprod/catalog-managers/00u4…","outcome":"done",…}],
     "fingerprint":"5f1c…","format":1,"lineage":"0b6a…","number":7,"previous":"9e0d…","time":"2026-11-24T10:41:07Z",
     "who":"ana@laptop",…,"hash":"3c41…"}

A line is JSON without white space, its keys sorted; ``hash``, the SHA-256 of the line without itself, stands last. So
``jq -jcS 'del(.hash)' | sha256sum`` finds it again.
"""

import hashlib
import re
from enum import StrEnum
from typing import Final

import msgspec

from reconciler.core import document
from reconciler.core import document_forms as forms
from reconciler.core.document_access import from_effects
from reconciler.core.fields import same
from reconciler.core.model import Fields
from reconciler.core.plan import Action, Change, Plan
from reconciler.diagnostics import Diagnostic

FORMAT: Final = 1
"""The version of the records that are written; newer ones are not read."""

IN_PLACE: Final = frozenset({Action.UPDATE, Action.REPLACE})
REDEFINES: Final = IN_PLACE | {Action.CREATE, Action.DELETE}
"""Actions that change a group's definition; adopting and forgetting leave it as it is."""


class Fate(StrEnum):
    """What became of a change; an earlier run's pending one is found ``done`` or ``not done`` by who settles it."""

    DONE = "done"
    SATISFIED = "satisfied"
    FAILED = "failed"
    UNSURE = "unsure"
    SKIPPED = "skipped"
    UNDONE = "not done"


class Deed(forms.Change, forbid_unknown_fields=False, kw_only=True):
    """A change as in the plan document, and what became of it.

    ``before`` and ``after`` hold only the fields of a definition that the change was to make another.
    """

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
    which tenants could not be planned, ``unrecorded`` why the lockfile does not have the outcome. ``access`` is what
    the plan foresaw for users, whatever became of its changes. ``actor`` is who started the CI ``job``: that and the
    ``commit`` are what the job's environment says, and prove nothing. ``previous`` is the hash of the record before,
    empty for the first.
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
    actor: str = ""
    targets: tuple[str, ...] = ()
    expected: str = ""
    accepted: tuple[Objection, ...] = ()
    settled: tuple[Deed, ...] = ()
    access: tuple[forms.Access, ...] = ()
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
    before, after = _differing(change)
    return msgspec.convert(
        {**kept, "before": before, "after": after, "outcome": outcome.value, "message": message}, Deed
    )


def foreseen(plan: Plan) -> tuple[forms.Access, ...]:
    """What the plan comes to for users, as it is recorded: without the sums, which follow from the rest."""
    return tuple(msgspec.structs.replace(part, summary=()) for part in from_effects(plan.effects))


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


def _differing(change: Change) -> tuple[Fields | None, Fields | None]:
    """The fields of a definition that differ, before and after, each whole; None where there are none.

    Of an update that was left pending nobody knows any more what was there before.
    """
    is_unknown = change.action in IN_PLACE and change.before is None
    if is_unknown or change.action not in REDEFINES:
        return None, None
    was, will = change.before or {}, change.after or {}
    names = {name for name in (*was, *will) if not same(was.get(name), will.get(name))}
    sides = ({name: side[name] for name in side if name in names} for side in (was, will))
    return next(sides) or None, next(sides) or None


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
