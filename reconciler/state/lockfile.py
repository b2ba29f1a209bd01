"""The lockfile's format: JSON that a person can review and git can merge.

::

    {
      "format": 2,
      "lineage": "0b6a…",                  which lockfile this is: two of different lineage are never mixed
      "serial": 7,                         counts its writes
      "writtenBy": "…", "writtenAt": "…",
      "tenants": {
        "acmeprod": {
          "catalog-managers": {
            "owned": true,                 the definition is ours: "fields" as last applied, "version" the service's
            "userType": "EMPLOYEE",
            "version": 3,
            "fields": {…},
            "members": [
              {"id": "00u4…", "userType": "EMPLOYEE"},
              {"id": "00u5…", "userType": "EMPLOYEE", "email": "marta@…"},     what led to the id when it was applied
    …
      "pending": […]                       what an apply was about to do when this was written
    }

Everything is sorted and each member has a line of its own, so that a diff shows who came and went. Nothing else is
ever written, so there is no place for a secret. The text is arranged by hand around msgspec's encoder because a
general pretty printer would spread a member over four lines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from reconciler.core.model import Known, KnownGroup, UserType, address
from reconciler.core.plan import Action, Change, Reason
from reconciler.diagnostics import StateError
from reconciler.state import damage

FORMAT: Final = 2
"""The version of the format that is written; older ones are upgraded when read, newer ones are refused."""


def _with_emails(document: dict[str, Any]) -> dict[str, Any]:
    """Format 2 may have an ``email`` with a member; format 1 had none, so there is nothing to add."""
    return {**document, "format": 2}


UPGRADES: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _with_emails}
"""How a document of one format becomes one of the next, by the older version: one function for each step."""


@dataclass(frozen=True, slots=True)
class Lockfile:
    """What we own, and what we were about to do to it.

    ``serial`` is raised by whoever writes. ``pending`` keeps of each change what is needed to settle it after a crash:
    its ``source``, ``note`` and ``before`` are not written. ``written_by`` and ``written_at`` (ISO 8601, UTC) tell a
    conflict's loser who was faster.
    """

    lineage: str
    serial: int
    known: Known
    pending: tuple[Change, ...] = ()
    written_by: str = ""
    written_at: str = ""


class _Member(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: str
    user_type: UserType = msgspec.field(name="userType")
    email: str = ""


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    owned: bool
    user_type: UserType = msgspec.field(name="userType")
    members: list[_Member]
    version: int | None = None
    fields: dict[str, Any] | None = None


class _Pending(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    tenant: str
    group: str
    action: Action
    reason: Reason
    user_type: UserType = msgspec.field(name="userType")
    user: str | None = None
    owned: bool = False
    version: int | None = None
    after: dict[str, Any] | None = None
    email: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    lineage: Annotated[str, msgspec.Meta(min_length=1)]
    serial: Annotated[int, msgspec.Meta(ge=0)]
    tenants: dict[str, dict[str, _Group]]
    pending: list[_Pending]
    written_by: str = msgspec.field(name="writtenBy", default="")
    written_at: str = msgspec.field(name="writtenAt", default="")


class _Format(msgspec.Struct):
    format: int


class Header(msgspec.Struct, frozen=True):
    """What can be told of a lockfile without reading all of it: which one it is, and who wrote it when."""

    lineage: str
    serial: int
    written_by: str = msgspec.field(name="writtenBy", default="")
    written_at: str = msgspec.field(name="writtenAt", default="")
    format: int = 0
    sealed: int = 0

    @property
    def is_for_others(self) -> bool:
        """Whether it is whole as far as can be told, only not for us: sealed, or of a format that we don't know."""
        return self.sealed > 0 or self.format > FORMAT


_BATCH: Final = 10_000
"""Members or changes that are encoded at once: more of them cost memory and save no time."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_FILE: Final = msgspec.json.Decoder(_File)
_FORMAT: Final = msgspec.json.Decoder(_Format)
_HEADER: Final = msgspec.json.Decoder(Header)


def new(lineage: str) -> Lockfile:
    """A lockfile that owns nothing yet; its first write raises the serial to 1."""
    return Lockfile(lineage=lineage, serial=0, known={})


def encode(lockfile: Lockfile) -> bytes:
    """The lockfile as bytes; equal lockfiles give equal bytes, so that writing one again changes nothing in git."""
    return b"".join(_text(_file(lockfile)))


def decode(data: bytes, name: str) -> Lockfile:
    """The lockfile in ``data``; ``name`` is what messages call it.

    Raises StateError, with the position where there is one, for whatever :func:`encode` could not have written: half
    a lockfile, or one with something twice, would make us forget what is ours.
    """
    try:
        version = _FORMAT.decode(data).format
        file = _FILE.decode(data) if version == FORMAT else _upgraded(data, name, version)
        if not _is_as_written(data, file):  # edited, merged or upgraded: only then can a key be there twice
            damage.refuse_repeated_keys(data, name)
    except (ValueError, RecursionError) as error:
        raise damage.explain(data, name, error) from None
    return Lockfile(
        lineage=file.lineage,
        serial=file.serial,
        known={
            tenant: {group: _known(found, data, name, address(tenant, group)) for group, found in groups.items()}
            for tenant, groups in file.tenants.items()
        },
        pending=tuple(map(_change, file.pending)),
        written_by=file.written_by,
        written_at=file.written_at,
    )


def peek(data: bytes) -> Header | None:
    """What ``data`` tells of itself, or None if it is no lockfile: for messages and listings, not to work from."""
    try:
        return _HEADER.decode(data)
    except (ValueError, RecursionError):
        return None


def upgrade(
    document: dict[str, Any],
    name: str,
    version: int,
    upgrades: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = UPGRADES,
    target: int = FORMAT,
) -> dict[str, Any]:
    """The document, step by step, in the ``target`` format; StateError where no step leads on."""
    if version > target:
        raise StateError(
            f"{name} has lockfile format {version}, and this reconciler knows formats up to {target}",
            remedy="use the reconciler that wrote it, or a newer one",
        )
    for older in range(version, target):
        if older not in upgrades:
            raise StateError(f"{name} has lockfile format {version}, which never existed", remedy=damage.RESTORE)
        document = upgrades[older](document)
    return document


def _upgraded(data: bytes, name: str, version: int) -> _File:
    return msgspec.convert(upgrade(msgspec.json.decode(data), name, version), _File)


def _known(group: _Group, data: bytes, name: str, place: str) -> KnownGroup:
    members = frozenset([member.id for member in group.members])
    if len(members) != len(group.members):
        raise damage.repeated_member(data, name, place, [member.id for member in group.members])
    for member in group.members:
        if member.user_type is not group.user_type:
            raise StateError(
                f"{name}: {place}/{member.id} is of type {member.user_type}, but its group is of {group.user_type}",
                remedy=damage.RESTORE,
            )
    emails = {member.id: member.email for member in group.members if member.email}
    return KnownGroup(group.owned, group.user_type, members, group.fields, group.version, emails)


def _change(pending: _Pending) -> Change:
    return Change(
        tenant=pending.tenant,
        group=pending.group,
        user=pending.user,
        action=pending.action,
        reason=pending.reason,
        user_type=pending.user_type,
        after=pending.after,
        version=pending.version,
        owned=pending.owned,
        email=pending.email,
    )


def _pending(change: Change) -> _Pending:
    return _Pending(
        tenant=change.tenant,
        group=change.group,
        user=change.user,
        action=change.action,
        reason=change.reason,
        user_type=change.user_type,
        after=None if change.after is None else dict(change.after),
        version=change.version,
        owned=change.owned,
        email=change.email,
    )


def _file(lockfile: Lockfile) -> _File:
    return _File(
        format=FORMAT,
        lineage=lockfile.lineage,
        serial=lockfile.serial,
        tenants={
            tenant: {group: _group(groups[group]) for group in sorted(groups)}
            for tenant, groups in sorted(lockfile.known.items())
        },
        pending=[_pending(change) for change in lockfile.pending],
        written_by=lockfile.written_by,
        written_at=lockfile.written_at,
    )


def _group(known: KnownGroup) -> _Group:
    return _Group(
        owned=known.owned,
        user_type=known.user_type,
        members=[_Member(user, known.user_type, known.emails.get(user, "")) for user in sorted(known.members)],
        version=known.version,
        fields=None if known.fields is None else dict(known.fields),
    )


def _text(file: _File) -> Iterator[bytes]:
    tenants = {
        tenant: _object("    ", {group: _object("      ", _entries(found)) for group, found in groups.items()})
        for tenant, groups in file.tenants.items()
    }
    entries: dict[str, Iterable[bytes]] = {
        "format": [_ENCODER.encode(file.format)],
        "lineage": [_ENCODER.encode(file.lineage)],
        "serial": [_ENCODER.encode(file.serial)],
        "writtenBy": [_ENCODER.encode(file.written_by)],
        "writtenAt": [_ENCODER.encode(file.written_at)],
        "tenants": _object("  ", tenants),
        "pending": _array("  ", file.pending),
    }
    yield from _object("", entries)
    yield b"\n"


def _is_as_written(data: bytes, file: _File) -> bool:
    offset = 0
    for part in _text(file):
        if not data.startswith(part, offset):
            return False
        offset += len(part)
    return offset == len(data)


def _entries(group: _Group) -> dict[str, Iterable[bytes]]:
    entries: dict[str, Iterable[bytes]] = {
        "owned": [_ENCODER.encode(group.owned)],
        "userType": [_ENCODER.encode(group.user_type)],
    }
    if group.version is not None:
        entries["version"] = [_ENCODER.encode(group.version)]
    if group.fields is not None:
        entries["fields"] = [_indented("        ", group.fields)]
    user_type = b', "userType": %b' % _ENCODER.encode(group.user_type)
    if any(member.email for member in group.members):
        lines = [_line(member, user_type) for member in group.members]
        entries["members"] = _array("        ", [msgspec.Raw(line) for line in lines])
    else:
        entries["members"] = _array("        ", [member.id for member in group.members], b'{"id": ', user_type + b"}")
    return entries


def _line(member: _Member, user_type: bytes) -> bytes:
    email = b', "email": %b' % _ENCODER.encode(member.email) if member.email else b""
    return b'{"id": %b%b%b}' % (_ENCODER.encode(member.id), user_type, email)


def _object(indent: str, entries: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    between = b"{\n" + indent.encode() + b"  "
    for key, value in entries.items():
        yield between + _ENCODER.encode(key) + b": "
        yield from value
        between = b",\n" + indent.encode() + b"  "
    yield b"\n" + indent.encode() + b"}" if entries else b"{}"


def _array(indent: str, items: Sequence[Any], before: bytes = b"", after: bytes = b"") -> Iterator[bytes]:
    start = b"\n" + indent.encode() + b"  " + before
    between = b"[" + start
    for first in range(0, len(items), _BATCH):
        # JSON has no raw newline inside a string, so one replace over the encoder's lines dresses them all.
        lines = _ENCODER.encode_lines(items[first : first + _BATCH])
        yield between + lines[:-1].replace(b"\n", after + b"," + start) + after
        between = b"," + start
    yield b"\n" + indent.encode() + b"]" if items else b"[]"


def _indented(indent: str, value: Any) -> bytes:
    return msgspec.json.format(_ENCODER.encode(value), indent=2).replace(b"\n", b"\n" + indent.encode())
