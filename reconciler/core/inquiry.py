"""Which records, and what of them, are asked for: by any name of a user, a group or a tenant, and since when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from reconciler.core import document_forms as forms
from reconciler.core.addresses import addresses
from reconciler.core.history import Deed, Record
from reconciler.core.model import Desired, Entry, Known, Person, address


@dataclass(frozen=True, slots=True)
class Question:
    """Which records and changes are asked for: any of the ``names``, in any of the ``tenants``, since an instant.

    Empty names and tenants mean all. Who gains or loses scopes by a plan is found by name too, whether or not it has a
    change of theirs.
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
        access = tuple(filter(None, map(self._part, record.access)))
        if not (changes or settled or access):
            return None
        return msgspec.structs.replace(record, changes=changes, settled=settled, access=access)

    def _asks_for(self, deed: Deed) -> bool:
        return self._is_in(deed.tenant) and self._is_named(_names(deed))

    def _part(self, access: forms.Access) -> forms.Access | None:
        """What is foreseen for the users that are asked for; None if that is nobody."""
        if not self._is_in(access.tenant):
            return None
        if self._is_named({access.tenant}):
            return access
        effects = tuple(filter(None, map(self._of_users, access.effects)))
        return msgspec.structs.replace(access, effects=effects, uncounted=0) if effects else None

    def _of_users(self, effect: forms.Effect) -> forms.Effect | None:
        users = tuple(user for user in effect.users if self._is_named(_called(user.user, user.person)))
        return msgspec.structs.replace(effect, users=users) if users else None

    def _is_in(self, tenant: str) -> bool:
        return not self.tenants or tenant in self.tenants

    def _is_named(self, names: set[str]) -> bool:
        return not self.names or not self.names.isdisjoint(names)


def also_called(name: str, people: Iterable[Entry]) -> frozenset[str]:
    """All names of whom the configuration knows by that handle, id or e-mail, and the name itself."""
    names = {name, _folded(name)}
    for person in {entry.person for entry in people}:
        known = _of_person(person)
        if not known.isdisjoint((name, _folded(name))):
            names |= known
    return frozenset(names)


def recorded(record: Record) -> Iterator[str]:
    """All names by which something in the record can be asked for."""
    for deed in (*record.changes, *record.settled):
        yield from _names(deed)
    for part in record.access:
        for effect in part.effects:
            for user in effect.users:
                yield from _called(user.user, user.person)


def owned(known: Known) -> Iterator[str]:
    """All such names that the lockfile knows."""
    yield from addresses(known)
    for tenant, groups in known.items():
        yield tenant
        for group, of_group in groups.items():
            yield group
            yield from of_group.members
            yield from map(_folded, of_group.emails.values())


def configured(desired: Desired) -> Iterator[str]:
    """All such names that the configuration knows."""
    for entry in desired.people:
        yield from _of_person(entry.person)
    for tenant in desired.tenants:
        yield tenant.name
        for entry in tenant.offboarded:
            yield from _of_person(entry.person)
        for group in tenant.groups:
            if name := group.id or (group.match and group.match.id):
                yield from (name, address(tenant.name, name))
            yield from group.members or ()
            for entry in group.entries:
                yield from _of_person(entry.person)


def _names(deed: Deed) -> set[str]:
    """All by which a change can be asked for."""
    who = _called(deed.user or "", deed.person) | ({deed.email.casefold()} - {""})
    return {deed.tenant, deed.group, f"{deed.tenant}/{deed.group}", deed.address, *who}


def _called(user: str, person: forms.Person | None) -> set[str]:
    """All by which a user can be asked for."""
    known = person or forms.Person()
    return {user, known.handle, known.email.casefold()} - {""}


def _of_person(person: Person) -> set[str]:
    return {person.handle, person.id or "", person.mail} - {""}


def _folded(name: str) -> str:
    return name.casefold() if "@" in name else name
