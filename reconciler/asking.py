"""Reads who has what and why: one user's scopes with the way to each, and who holds a scope or is in a group.

Reading is all it does, and no more of the service than the answer needs: one user takes one request for the groups, a
scope the members of those groups only that grant it, and access controls are read once if any group has some.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Protocol

from reconciler.core import access, offline, people
from reconciler.core import answer as answering
from reconciler.core import review as reviewing
from reconciler.core.access import Catalog, Granted, Listing, Seat
from reconciler.core.answer import Access, Answer
from reconciler.core.consequences import sensitive_among
from reconciler.core.match import bind
from reconciler.core.model import Account, Control, Desired, DesiredTenant, LiveGroup, Person, UserType, mail_key
from reconciler.core.past import History, Past, Trail
from reconciler.core.people import Identified
from reconciler.core.review import Review
from reconciler.diagnostics import Diagnostic, PlanError, ReconcilerError, Severity
from reconciler.engine import each, in_scope
from reconciler.offline import Memory
from reconciler.planning import Scope
from reconciler.state.lockfile import Lockfile


class Reader(Protocol):
    """What is asked of one tenant: the service (:class:`.Iam`), or the lockfile in its place (:class:`.Memory`).

    None for access controls or templates: nobody knows.
    """

    def groups(self) -> dict[str, LiveGroup]:
        """All groups by id, members not read."""

    def members(self, groups: Iterable[LiveGroup], /) -> dict[str, LiveGroup]:
        """The same groups with their members."""

    def groups_of(self, user: str, /) -> frozenset[str]:
        """The ids of one user's groups."""

    def accounts(
        self, emails: Mapping[UserType, Collection[str]], /
    ) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        """All accounts of each userType and casefolded e-mail."""

    def people(self, ids: Mapping[str, UserType], /) -> Mapping[str, Account]:
        """The accounts of those users that exist."""

    def access_controls(self) -> Mapping[str, Control] | None:
        """All access controls by id."""

    def templates(self) -> Mapping[str, tuple[str, ...]] | None:
        """The access controls of each template."""


class Service(Reader, Protocol):
    """The service itself, which also computes scopes."""

    def scopes(self, user: str, /) -> frozenset[str]:
        """The scopes that the service says a user has."""


class Reach(Protocol):
    """Opens one tenant's service."""

    def __call__(self, tenant: str, /) -> Service:
        """The tenant's service."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was found in all tenants that could be read, why the others could not, and what holds for all of it."""

    tenants: Mapping[str, Answer]
    errors: Mapping[str, ReconcilerError]
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviews:
    """The reviews of all tenants that could be read, and why the others could not."""

    tenants: Mapping[str, Review]
    errors: Mapping[str, ReconcilerError]


@dataclass(frozen=True, slots=True)
class World:
    """What configuration and lockfile say, and for which tenants and instant it is asked."""

    desired: Desired
    lockfile: Lockfile
    scope: Scope

    @property
    def tenants(self) -> dict[str, DesiredTenant]:
        """The tenants in scope."""
        return {tenant.name: tenant for tenant in in_scope(self.desired, self.lockfile, self.scope)}


def explain(world: World, connect: Reach, user: str, scope: str = "", *, compare: bool = False) -> Answers:
    """A user's scopes in every tenant that knows the user, and with ``compare`` the service's own answer.

    ``user`` is a handle, an e-mail or an id, ``scope`` a pattern, empty for all. Raises PlanError if no tenant knows
    the user.
    """

    def asked(iam: Service, one: Access) -> Access:
        one = replace(one, said=iam.scopes(one.person.id or "")) if compare else one
        return one.narrowed(scope) if scope else one

    def ask(tenant: DesiredTenant) -> Answer:
        iam = connect(tenant.name)
        answer = _Asked(world, tenant, iam).access_of(user)
        return replace(answer, users=tuple(asked(iam, one) for one in answer.users))

    return _known_somewhere(Answers(*each(world.tenants, ask)), user, "the service")


def recall(world: World, user: str) -> Answers:
    """The same from the lockfile alone: which groups of ours a user is in, and what is attached to these."""
    known = world.lockfile.known

    def ask(tenant: DesiredTenant) -> Answer:
        theirs = known.get(tenant.name, {})
        return _Asked(world, offline.sure(tenant, theirs).desired, Memory(theirs), offline=True).access_of(user)

    answers = _known_somewhere(Answers(*each(world.tenants, ask)), user, "the lockfile")
    return replace(answers, warnings=(offline.recalled(world.lockfile.serial, world.lockfile.written_at),))


def _known_somewhere(answers: Answers, user: str, by: str) -> Answers:
    if not answers.errors and not any(answer.users for answer in answers.tenants.values()):
        raise PlanError(
            f"{by} knows no user {user} in {', '.join(answers.tenants) or 'any tenant'}",
            remedy="give an id, an e-mail, or a handle from `people` of the configuration",
        )
    return answers


def who(world: World, connect: Reach, asked: str) -> Answers:
    """Who is in a group, given by its id or address, or who has the scopes that a pattern means.

    Raises PlanError if no tenant has such a group, nor a group that grants such a scope.
    """
    answers = Answers(*each(world.tenants, lambda tenant: _Asked(world, tenant, connect(tenant.name)).who(asked)))
    if not answers.errors and all(answer.choices is not None for answer in answers.tenants.values()):
        choices = {name for answer in answers.tenants.values() for name in answer.choices or ()}
        near = " or ".join(sorted(get_close_matches(asked, choices)))
        raise PlanError(
            f"{asked} is neither a group of {', '.join(answers.tenants)} nor a scope that a group there grants",
            remedy=f"did you mean {near}?" if near else "a pattern such as 'order.*' finds several",
        )
    return answers


def review(world: World, connect: Reach, trail: Trail, past: Past | None = None) -> Reviews:
    """Every membership of every tenant, each list of the service read once.

    ``trail`` tells since when they are there, and ``past`` what was ours at the time that they are compared with.
    """
    known = world.lockfile.known

    def ask(tenant: DesiredTenant) -> Review:
        history = History(tenant.name, trail, known.get(tenant.name, {}), past)
        return _Asked(world, tenant, connect(tenant.name)).review(history)

    return Reviews(*each(world.tenants, ask))


class _Asked:
    """One tenant that is asked, with all its groups."""

    def __init__(self, world: World, tenant: DesiredTenant, iam: Reader, *, offline: bool = False) -> None:
        self.world, self.tenant, self.iam, self.offline = world, tenant, iam, offline
        self.groups = iam.groups()
        self.bound, self.problems = bind(tenant, self.groups)
        self.by_mail = {entry.person.mail: entry.person for entry in world.desired.people if entry.person.mail}

    def access_of(self, user: str) -> Answer:
        """What everybody has whom the word may mean: nobody, somebody, or an employee and a customer of one e-mail."""
        accounts: dict[str, Account | None] = {}
        sitting: list[tuple[str, LiveGroup]] = []
        for user_id, account in self._whom(user).items():
            theirs = [self.groups[name] for name in sorted(self.iam.groups_of(user_id)) if name in self.groups]
            known = account or self._account(user_id, theirs)
            if known or theirs:
                accounts[user_id] = known
                sitting += [(user_id, group) for group in theirs]
        held = list({group.id: group for _, group in sitting}.values())
        catalog = self._catalog(held)
        found = self._answer(accounts, sitting, access.granted(held, catalog), self._flaws(held, catalog))
        return replace(found, users=tuple(one.judged(self.tenant.access) for one in found.users))

    def _whom(self, user: str) -> dict[str, Account | None]:
        person = next((entry.person for entry in self.world.desired.people if entry.person.handle == user), None)
        person = person or (Person(email=user) if "@" in user else Person(id=user))
        if person.id:
            return {person.id: None}
        kinds = (person.user_type,) if person.user_type else tuple(UserType)
        found = self.iam.accounts({kind: [person.email or ""] for kind in kinds})
        return {account.id: account for accounts in found.values() for account in accounts}

    def _account(self, user: str, groups: list[LiveGroup]) -> Account | None:
        """Who the id is: of the type of the user's groups; of somebody in none both types are tried."""
        for kind in (groups[0].user_type,) if groups else tuple(UserType):
            if account := self.iam.people({user: kind}).get(user):
                return account
        return None

    def who(self, asked: str) -> Answer:
        """The members of a group, or the holders of scopes."""
        group = asked.removeprefix(f"{self.tenant.name}/")
        if group in self.groups:
            return replace(self._answer(*self._members([self.groups[group]]), {group: {}}), group=group)
        catalog = self._catalog(self.groups.values())
        granted = access.granted(self.groups.values(), catalog)
        meant = {name: access.meant(asked, scopes) for name, scopes in granted.items()}
        granting = [self.groups[name] for name, scopes in meant.items() if scopes]
        if not granting:
            return Answer((), choices=(*self.groups, *{scope for scopes in granted.values() for scope in scopes}))
        return self._answer(*self._members(granting), meant, self._flaws(granting, catalog))

    def review(self, history: History) -> Review:
        """All memberships there are, and those that were ours and are gone."""
        groups = list(self.groups.values())
        catalog = self._catalog(groups)
        granted = access.granted(groups, catalog)
        read = self.iam.members(groups)
        sitting = [*history.gone(read), *_sitting(read)]
        accounts, emails = self._accounts(sitting), history.emails
        told, seats = self._seats(accounts, sitting)
        known = {
            user: (self._person(told, user, account, emails.get(user, "")), account)
            for user, account in accounts.items()
        }
        warnings = self._warnings(self._flaws(groups, catalog))
        return reviewing.review(known, seats, granted, history, warnings, self.tenant.access)

    def _members(self, groups: Iterable[LiveGroup]) -> tuple[dict[str, Account | None], list[tuple[str, LiveGroup]]]:
        sitting = _sitting(self.iam.members(groups))
        return self._accounts(sitting), sitting

    def _accounts(self, sitting: Iterable[tuple[str, LiveGroup]]) -> dict[str, Account | None]:
        """Who sits there, the last group of each deciding of which type the account is."""
        kinds = {user: group.mistyped.get(user, group.user_type) for user, group in sitting}
        found = self.iam.people(kinds) if kinds else {}
        return {user: found.get(user) for user in sorted(kinds)}

    def _answer(
        self,
        accounts: Mapping[str, Account | None],
        sitting: Iterable[tuple[str, LiveGroup]],
        granted: Granted,
        flaws: Iterable[Diagnostic] = (),
    ) -> Answer:
        """The access of those users who sit in those groups."""
        told, sat = self._seats(accounts, sitting)
        seats: defaultdict[str, list[Seat]] = defaultdict(list)
        for each_seat in sat:
            seats[each_seat.user].append(each_seat)
        users = [
            answering.access(
                self._person(told, user, account), account, seats[user], granted, resolved=not self.offline
            )
            for user, account in accounts.items()
        ]
        return Answer(tuple(users), self._warnings(flaws), sensitive=sensitive_among(granted, self.tenant.access))

    def _seats(
        self, accounts: Mapping[str, Account | None], sitting: Iterable[tuple[str, LiveGroup]]
    ) -> tuple[DesiredTenant, list[Seat]]:
        """The memberships, each with the entry that asked for it, and the configuration that was looked into."""
        found = self._told(accounts)
        entries = {group.id: group for group in found.tenant.groups}
        seats = [
            access.seat(user, group, entries.get(group.id), found.leaving)
            if group.id in self.groups
            else Seat(user, group, Listing.GONE)
            for user, group in sitting
        ]
        return found.tenant, seats

    def _warnings(self, flaws: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        return (*(replace(problem, severity=Severity.WARNING) for problem in self.problems), *flaws)

    def _catalog(self, groups: Iterable[LiveGroup]) -> Catalog | None:
        """What the groups can grant, read only if anything is attached to them; None if nobody knows."""
        if self.offline:
            return None
        fields = [group.fields for group in groups]
        templates = self.iam.templates() if any(each.get("templates") for each in fields) else {}
        attached = bool(templates) or any(each.get("accessControls") for each in fields)
        controls = self.iam.access_controls() if attached else {}
        return Catalog(controls or {}, templates or {})

    def _flaws(self, groups: Iterable[LiveGroup], catalog: Catalog | None) -> list[Diagnostic]:
        if catalog is None:
            return []
        return [flaw for group in groups for flaw in access.flaws(self.tenant.name, group, catalog)]

    def _told(self, accounts: Mapping[str, Account | None]) -> Identified:
        """The configuration with the entries of those whose accounts are known told apart.

        E-mails of others lead nowhere here, and whether that is a problem is the plan's to say.
        """
        found: defaultdict[tuple[UserType, str], tuple[Account, ...]] = defaultdict(tuple)
        for account in accounts.values():
            if account and account.email:
                found[account.user_type, mail_key(account.email)] += (account,)
        pinned = people.pins(self.world.lockfile.known.get(self.tenant.name, {}))
        everybody, at = self.world.desired.people, self.world.scope.at
        return people.identify(self.bound, everybody, self.groups, found, pinned, at)

    def _person(self, told: DesiredTenant, user: str, account: Account | None, remembered: str = "") -> Person:
        """All that configuration and service know of a user, or where they know nothing, the e-mail ``remembered``."""
        email, name = (account.email, account.name) if account else (remembered, "")
        person = told.people.get(user) or self.by_mail.get(mail_key(email)) or Person()
        return replace(person, id=user, email=person.email or email or None, name=person.name or name)


def _sitting(read: Mapping[str, LiveGroup]) -> list[tuple[str, LiveGroup]]:
    """Every user in every group."""
    return [(user, group) for group in read.values() for user in sorted(group.members or ())]
