"""Whom and which group a command means: names of the configuration, with advice for what is close to one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.config.edit.facts import label
from reconciler.config.roster import named_by
from reconciler.core.model import Desired, DesiredGroup, DesiredTenant, Person
from reconciler.diagnostics import ConfigurationError


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody as the command names them (``given``), and everything that the files call the same person."""

    given: str
    person: Person

    @property
    def key(self) -> str:
        """The key by which an entry names them."""
        if self.given == self.person.handle:
            return "person"
        return "email" if "@" in self.given else "id"

    def is_(self, other: Person) -> bool:
        """Whether the files mean the same person."""
        mine = self.person
        return any(
            one and one == its
            for one, its in ((mine.handle, other.handle), (mine.id, other.id), (mine.mail, other.mail))
        )


def who(desired: Desired, given: str) -> Who:
    """Whom a text means: a handle, or the id or e-mail of somebody who may have one."""
    people = [entry.person for entry in desired.people]
    for person in people:
        if given == person.handle:
            return Who(given, person)
    meant = named_by(given)
    for person in people:
        if Who(given, meant).is_(person):
            return Who(given, person)
    return Who(given, meant)


def refuse_name(desired: Desired, teams: Iterable[str], whom: Who) -> None:
    """Raise ConfigurationError for a word that is a name but for its case, or a team's: it must not pass for an id."""
    if whom.person != Person(id=whom.given):
        return
    word = whom.given.casefold()
    for entry in desired.people:
        if entry.person.handle.casefold() == word:
            raise ConfigurationError(
                f"`{whom.given}` is no user id, because a person is called `{entry.person.handle}`",
                remedy=f"did you mean `{entry.person.handle}`?",
                source=entry.source,
            )
    for team in teams:
        if team.casefold() == word:
            raise ConfigurationError(
                f"`{team}` is a team, and this command is about one person",
                remedy=f"name somebody, or write `team: {team}` into the group, or take it out there, by hand",
            )


def misspelt(desired: Desired, whom: Who) -> str | None:
    """The handle that an id was perhaps meant to be: a typing error must not pass for somebody's id unseen."""
    handles = [entry.person.handle for entry in desired.people]
    close = get_close_matches(whom.given, handles, 1, 0.75) if whom.person == Person(id=whom.given) else []
    return close[0] if close else None


@dataclass(frozen=True, slots=True)
class Target:
    """A group that is to be edited."""

    tenant: DesiredTenant
    group: DesiredGroup

    @property
    def address(self) -> str:
        """``tenant/group``."""
        return f"{self.tenant.name}/{label(self.group)}"


def tenants_of(desired: Desired, names: Sequence[str]) -> tuple[DesiredTenant, ...]:
    """The tenants that ``--tenant`` names, or all. Raises ConfigurationError for one that no file speaks of."""
    known = {tenant.name: tenant for tenant in desired.tenants}
    for name in names:
        if name not in known:
            raise ConfigurationError(f"the configuration has no tenant `{name}`", remedy=_advice(name, known))
    return tuple(known[name] for name in dict.fromkeys(names)) if names else desired.tenants


def targets(desired: Desired, names: Iterable[str], limit: Sequence[str]) -> tuple[Target, ...]:
    """The groups that the command names, each once."""
    tenants = tenants_of(desired, limit)
    named = [target for name in names for target in _named(tenants, name, several=len(limit) > 1)]
    found = {target.address: target for target in named}
    for target in found.values():
        refuse_part(desired, target, found)
    return tuple(found.values())


def refuse_part(desired: Desired, target: Target, meant: Collection[str]) -> None:
    """Raise ConfigurationError if tenants that are not meant share the entry: they would change with it unseen."""
    sharing = [
        Target(tenant, group)
        for tenant in desired.tenants
        for group in tenant.groups
        if group.source == target.group.source
    ]
    if any(each.address not in meant for each in sharing):
        names = [each.tenant.name for each in sharing]
        raise ConfigurationError(
            f"{target.address} stands in an entry that {', '.join(names[:-1])} and {names[-1]} share",
            remedy=f"to change it for all of them: {' '.join(f'--tenant {name}' for name in names)}; otherwise write"
            f" the group of {target.tenant.name} in an entry of its own first",
            source=target.group.source,
        )


def _named(tenants: Iterable[DesiredTenant], name: str, *, several: bool) -> list[Target]:
    every = [Target(tenant, group) for tenant in tenants for group in tenant.groups]
    found = [each for each in every if name in {each.address, label(each.group)}]
    if not found:
        names = [name for each in every for name in (each.address, label(each.group))]
        raise ConfigurationError(f"the configuration has no group `{name}`", remedy=_advice(name, names))
    if len({each.group.source for each in found}) > 1 and not several:
        raise ConfigurationError(
            f"several tenants have a group `{name}`",
            remedy=f"say which: {' or '.join(each.address for each in found)}, or --tenant",
        )
    return found


def _advice(name: str, known: Iterable[str]) -> str:
    names = list(dict.fromkeys(known))
    if close := get_close_matches(name, names, 1, 0.6):
        return f"did you mean `{close[0]}`?"
    return f"there are {', '.join(names[:10])}{' and others' if len(names) > 10 else ''}"
