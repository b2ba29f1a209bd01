"""People to user ids: who is a member at one instant, by e-mail, person or team, and who has to be nowhere.

What the configuration calls an entry becomes a member here, once the service has said which account an e-mail leads
to. An e-mail that led to another id when it was last applied stops the tenant: somebody may have registered a freed
address, and would walk in under a name that a reviewer trusts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.core.model import (
    Account,
    DesiredGroup,
    DesiredTenant,
    Entry,
    KnownGroup,
    LiveGroup,
    Person,
    UserType,
    mail_key,
)
from reconciler.core.plan import Change
from reconciler.diagnostics import Diagnostic, Severity

IDENTITY: Final = "identity"
"""The rule of a refusal because an e-mail leads to somebody else than before."""

Accounts = Mapping[tuple[UserType, str], tuple[Account, ...]]
"""All accounts of a userType and an e-mail as it is compared."""

Pins = Mapping[tuple[UserType, str], frozenset[str]]
"""The ids that an e-mail led to when applied, by userType: more than one once a change was accepted."""


def pins(known: Mapping[str, KnownGroup], pending: Iterable[Change] = ()) -> Pins:
    """What the lockfile remembers of e-mails, over all groups of a tenant.

    What an unfinished run was about to remember counts too: whether it came to that is not asked yet.
    """
    found: defaultdict[tuple[UserType, str], set[str]] = defaultdict(set)
    for change in pending:
        if change.email and change.user:
            found[change.user_type, mail_key(change.email)].add(change.user)
    for group in known.values():
        for user, email in group.emails.items():
            found[group.user_type, mail_key(email)].add(user)
    return {key: frozenset(users) for key, users in found.items()}


def emails(tenant: DesiredTenant, live: Mapping[str, LiveGroup], at: datetime) -> dict[UserType, set[str]]:
    """The e-mails that have to be looked up, by the userType of the account: those of entries that hold, no more.

    They are given as written, because an account may have exactly that spelling and another one the same in lower case.
    """
    wanted: defaultdict[UserType, set[str]] = defaultdict(set)
    for group in tenant.groups:
        kind = user_type(group, live)
        for entry in group.entries:
            if not entry.person.id and entry.period.holds(at) and entry.person.user_type in {None, kind}:
                wanted[kind].add(entry.person.email or "")
    for entry in tenant.offboarded:
        if not entry.person.id and entry.period.holds(at):
            for kind in _kinds(entry.person):
                wanted[kind].add(entry.person.email or "")
    return dict(wanted)


def user_type(group: DesiredGroup, live: Mapping[str, LiveGroup]) -> UserType:
    """Whom a bound group takes."""
    if group.fields is not None:
        return UserType(group.fields["userType"])
    found = live.get(group.id or "")
    return found.user_type if found else UserType.EMPLOYEE


def by_id(people: Iterable[Entry], pinned: Pins) -> dict[str, Person]:
    """Who has a handle, by user id: the one given, or those that the lockfile remembers of the e-mail.

    Nobody looks up who is in no group any more, and just of those a reviewer must be told who loses something.
    """
    persons = [entry.person for entry in people]
    remembered = {
        user: replace(person, id=user)
        for person in persons
        if not person.id
        for kind in _kinds(person)
        for user in pinned.get((kind, person.mail), ())
    }
    return remembered | {person.id: person for person in persons if person.id}


def _kinds(person: Person) -> tuple[UserType, ...]:
    """The types of account that somebody may have: both, unless the file tells."""
    return (person.user_type,) if person.user_type else tuple(UserType)


@dataclass(frozen=True, slots=True)
class Identified:
    """A tenant with all members that hold by id, who is to be in no group at all, and what stands in the way.

    ``moved`` are the e-mails that lead to somebody else now; ``problems`` has everything else, remarks included.
    ``nowhere`` are those who left and have no account here, by their e-mail.
    """

    tenant: DesiredTenant
    leaving: Mapping[str, Entry] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()
    moved: tuple[Diagnostic, ...] = ()
    nowhere: frozenset[Entry] = frozenset()


def identify(
    tenant: DesiredTenant,
    people: Iterable[Entry],
    live: Mapping[str, LiveGroup],
    found: Accounts,
    pinned: Pins,
    at: datetime,
    accepted: Collection[str] = (),
) -> Identified:
    """The tenant's groups with the members that hold at the instant; ``accepted`` are e-mails that may move.

    Who is offboarded and a member as well is a contradiction that only the author can solve, so it is a problem. A
    date on which somebody leaves is none: nobody has to touch the lists on that day for it to come about.
    """
    search = _Search(tenant.name, found, pinned, at, accepted)
    named = list(people)
    leaving = dict(search.leaving(tenant.offboarded))
    gone = {user: entry for user, entry in leaving.items() if entry.period.start is not None}
    absent = {kind: search.absent(named, kind) | gone for kind in UserType}
    kinds = [user_type(group, live) for group in tenant.groups]
    groups = tuple(search.members(group, kind, absent[kind]) for group, kind in zip(tenant.groups, kinds, strict=True))
    search.problems += _torn(groups, leaving)
    known_as = by_id(named, pinned) | search.known_as
    known_as |= {user: known_as.get(user, entry.person) for user, entry in leaving.items()}
    return Identified(
        replace(tenant, groups=groups, people=known_as),
        leaving,
        tuple(search.problems),
        tuple(search.moved.values()),
        frozenset(search.nowhere),
    )


def _torn(groups: Iterable[DesiredGroup], leaving: Mapping[str, Entry]) -> Iterator[Diagnostic]:
    for group in groups:
        members = group.members or {}
        for user in sorted(leaving.keys() & members.keys()):
            yield Diagnostic(
                f"{told(leaving[user].person, user)} is offboarded, and a member of {group.id}",
                members[user],
                "remove one of the two entries",
                (("offboarded here", leaving[user].source),),
            )


def told(person: Person, user: str | None = None) -> str:
    """Somebody in a message: handle or e-mail as the file names them, and the id that it stands for."""
    names = [person.handle, person.email if person.email != person.handle else "", user or person.id]
    first, *others = list(dict.fromkeys(name for name in names if name))
    return f"{first} ({', '.join(others)})" if others else first


class _Search:
    """One tenant's search for the ids of its entries, and what it ran into; each e-mail is complained of once."""

    def __init__(self, tenant: str, found: Accounts, pinned: Pins, at: datetime, accepted: Collection[str]) -> None:
        self.tenant, self.found, self.pinned, self.at, self.accepted = tenant, found, pinned, at, accepted
        self.problems: list[Diagnostic] = []
        self.moved: dict[tuple[UserType, str], Diagnostic] = {}
        self.known_as: dict[str, Person] = {}
        self.nowhere: list[Entry] = []
        self._told: set[tuple[UserType, str]] = set()

    def absent(self, people: Iterable[Entry], kind: UserType) -> dict[str, Entry]:
        """The people who can be no member now, by every id that they are known to have, however a list names them."""
        away = (entry for entry in people if not entry.period.holds(self.at))
        return {user: entry for entry in away for user in self._ids(entry.person, kind)}

    def members(self, group: DesiredGroup, kind: UserType, absent: Mapping[str, Entry]) -> DesiredGroup:
        """The group with its entries as members; who is ``absent`` is none, whatever stands in the list."""
        stopped = {user: absent[user] for user in absent.keys() & (group.members or {}).keys()}
        if group.members is None or not (group.entries or stopped):
            return group
        active, ended, upcoming = self._sorted(group, kind, absent)
        for user, entry in stopped.items():
            (ended if self._is_gone(entry) else upcoming).setdefault(user, entry)
        plain = {user: source for user, source in group.members.items() if user not in stopped}
        named = {user: entry for user, entry in active.items() if user not in plain or not entry.person.id}
        return replace(
            group,
            entries=(),
            members={user: entry.source for user, entry in named.items()} | plain,
            reasons={**{user: entry.reason for user, entry in named.items() if entry.reason}, **group.reasons},
            named=named,
            ended={user: entry for user, entry in ended.items() if user not in plain and user not in named},
            upcoming={user: entry for user, entry in upcoming.items() if user not in plain and user not in named},
        )

    def _sorted(self, group: DesiredGroup, kind: UserType, absent: Mapping[str, Entry]) -> tuple[dict[str, Entry], ...]:
        """The entries by user id: those that hold, are over, or have not begun.

        Of several that hold the one that lasts longest is told; if any of them is by e-mail, that is told with it, or
        nobody would notice when it leads to somebody else.
        """
        active: dict[str, Entry] = {}
        by_email: dict[str, Person] = {}
        ended: dict[str, Entry] = {}
        upcoming: dict[str, Entry] = {}
        for entry in group.entries:
            if not entry.period.holds(self.at):
                away = ended if entry.period.is_over(self.at) else upcoming
                for each in self._ids(entry.person, kind):
                    away.setdefault(each, entry)
            elif (user := self.user_of(entry, kind)) is not None:
                if user in absent:
                    (ended if self._is_gone(absent[user]) else upcoming).setdefault(user, absent[user])
                elif user not in active or _outlasts(entry, active[user]):
                    active[user] = entry
                if not entry.person.id:
                    by_email.setdefault(user, entry.person)
        for user in by_email.keys() & active.keys():
            active[user] = replace(active[user], person=by_email[user])
        return active, ended, upcoming

    def _is_gone(self, entry: Entry) -> bool:
        """Whether somebody absent was there before: an entry that holds is one of leaving."""
        return entry.period.is_over(self.at) or entry.period.holds(self.at)

    def _ids(self, person: Person, kind: UserType) -> Collection[str]:
        """The ids of somebody as far as they are known without asking: as given, remembered, or looked up anyway."""
        if person.id:
            return (person.id,)
        accounts = self.found.get((kind, person.mail), ())
        return self.pinned.get((kind, person.mail), frozenset()) | {account.id for account in accounts}

    def user_of(self, entry: Entry, kind: UserType) -> str | None:
        """The id of who is to be a member, or None with a problem noted."""
        person = entry.person
        if person.user_type not in {None, kind}:
            self.problems.append(
                Diagnostic(
                    f"{told(person)} is of type {person.user_type}, but the group takes {kind} users",
                    entry.source,
                    "correct the person's `userType`, or take the member out",
                )
            )
            return None
        if person.id:
            return person.id
        return self._looked_up(entry, kind)

    def _looked_up(self, entry: Entry, kind: UserType) -> str | None:
        key = kind, entry.person.mail
        before = self.pinned.get(key, frozenset())
        accounts, new = _usable(self.found.get(key, ()), before), key not in self._told
        self._told.add(key)
        if len(accounts) != 1:
            if new:
                self.problems.append(self._not_one(entry, kind, accounts))
            return None
        (account,) = accounts
        if new and account.problem:
            self.problems.append(self._unfit(entry, account))
        if before and account.id not in before and key[1] not in self.accepted:
            self.moved.setdefault(key, self._moved(entry, before, account.id))
        if entry.person.handle or account.id not in self.known_as:
            named = replace(entry.person, id=account.id, name=entry.person.name or account.name)
            self.known_as[account.id] = named
        return account.id

    def _not_one(self, entry: Entry, kind: UserType, accounts: tuple[Account, ...]) -> Diagnostic:
        who = told(entry.person)
        if accounts:
            ids = ", ".join(sorted(account.id for account in accounts))
            message = f"{who}: {len(accounts)} {kind} accounts of {self.tenant} have this e-mail: {ids}"
            return Diagnostic(message, entry.source, "give the id of the right one instead of the e-mail")
        before = ", ".join(sorted(self.pinned.get((kind, entry.person.mail), ())))
        message = f"{who}: no {kind} account of {self.tenant} has this e-mail" + (
            f"; it led to {before}" if before else ""
        )
        return Diagnostic(
            message, entry.source, "correct the e-mail, have the account made first, or take the person out"
        )

    def _unfit(self, entry: Entry, account: Account) -> Diagnostic:
        return Diagnostic(
            f"the account of {told(entry.person, account.id)} {account.problem}",
            entry.source,
            "access is planned all the same; take the person out if that is wrong",
            severity=Severity.WARNING,
        )

    def _moved(self, entry: Entry, before: frozenset[str], now: str) -> Diagnostic:
        email = entry.person.email
        return Diagnostic(
            f"{told(entry.person)} led to {' and '.join(sorted(before))} when it was applied, and leads to {now} now",
            entry.source,
            f"somebody may have registered a freed address: find out who {now} is, then go on with"
            f" --accept-identity {email}, or give the id instead of the e-mail",
            rule=IDENTITY,
        )

    def leaving(self, entries: Iterable[Entry]) -> Iterator[tuple[str, Entry]]:
        """Who is to be in no group now; an e-mail of this tenant's list that leads nowhere is worth a remark.

        Who left on a day is to be nowhere in any tenant, and was hardly in each of them; only nowhere at all is odd.
        """
        for entry in entries:
            if not entry.period.holds(self.at):
                continue
            users = list(self._all_of(entry.person))
            yield from ((user, entry) for user in users)
            if not users and entry.period.start is not None:
                self.nowhere.append(entry)
            elif not users:
                self.problems.append(
                    Diagnostic(
                        f"{told(entry.person)} is offboarded, and no account of {self.tenant} has this e-mail",
                        entry.source,
                        "if the account is gone there is nothing to do; otherwise give its id",
                        severity=Severity.WARNING,
                    )
                )

    def _all_of(self, person: Person) -> Iterator[str]:
        """Every id that somebody has or had: leaving takes them all."""
        if person.id:
            yield person.id
            return
        seen: set[str] = set()
        for kind in _kinds(person):
            seen |= {account.id for account in self.found.get((kind, person.mail), ())}
            seen |= self.pinned.get((kind, person.mail), frozenset())
        yield from sorted(seen)


def _usable(accounts: tuple[Account, ...], before: Collection[str]) -> tuple[Account, ...]:
    """The accounts that an e-mail may mean: of several the one that it led to before, or the only one that is open.

    Beside an open one those that are shut are left behind. Whoever registers a second account must not stop the first.
    """
    same = tuple(account for account in accounts if account.id in before and not account.shut)
    if len(same) == 1:
        return same
    is_open = tuple(account for account in accounts if not account.shut)
    return is_open if len(is_open) == 1 else accounts


def _outlasts(one: Entry, other: Entry) -> bool:
    end, present = one.period.end, other.period.end
    return present is not None and (end is None or end > present)
