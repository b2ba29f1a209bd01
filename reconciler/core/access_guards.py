"""Guards on access: what a plan gives and takes may be a reason to refuse it, whatever groups it comes through.

They judge when a plan is made and not again from its document, because they need the groups of everybody concerned;
so a plan carries their answer, as it does that of policy files.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.access import fits
from reconciler.core.consequences import Cohort, Ways, is_sensitive
from reconciler.core.effects import Grant, Right
from reconciler.core.guards import MOST_NAMED, members, some
from reconciler.core.limits import AccessGuards, AccessRule, Keep, Requirement
from reconciler.core.model import DesiredTenant, Person, Snapshot, address
from reconciler.core.plan import Action, Change
from reconciler.core.stakes import Stakes
from reconciler.diagnostics import Diagnostic, Source

LACKS: Final = {
    Requirement.REASON: "no `reason`",
    Requirement.UNTIL: "no `until`",
    Requirement.EITHER: "neither `reason` nor `until`",
    Requirement.BOTH: "not both `reason` and `until`",
}
"""What is told of an entry that does not carry what it has to."""

OF_OTHERS: Final[frozenset[str]] = frozenset({AccessRule.SEPARATION, AccessRule.KEEP, AccessRule.ACCESS})
"""The rules whose answer depends on what others do meanwhile."""


@dataclass(frozen=True, slots=True)
class Judged:
    """All that guards on access look at: the configuration, the changes, what is at stake, and for whom."""

    desired: DesiredTenant
    changes: Sequence[Change]
    stakes: Stakes
    cohorts: Sequence[Cohort]
    live: Snapshot

    @property
    def guards(self) -> AccessGuards:
        """What the configuration sets."""
        return self.stakes.guards


def objections(judged: Judged) -> tuple[Diagnostic, ...]:
    """Everything that these guards have against the changes."""
    entries = _Entries(judged)
    return (*_sensitive(judged, entries), *_separation(judged, entries), *_keep(judged))


def unjudged(tenant: str, why: str, remedy: str) -> Diagnostic:
    """What guards can't judge they refuse, because whoever set them relies on them."""
    return Diagnostic(
        f"{tenant}: guards on access can't be judged: {why}", remedy=remedy, address=tenant, rule=AccessRule.ACCESS
    )


class _Entries:
    """The lines that make somebody a member, and what they carry."""

    def __init__(self, judged: Judged) -> None:
        self.tenant = judged.desired
        self.groups = {group.id: group for group in judged.desired.groups}
        self.new = {(c.group, c.user): c for c in judged.changes if c.user is not None and c.action is Action.CREATE}
        self.people = {**judged.desired.people, **judged.stakes.shift.people}

    def source(self, user: str, group: str) -> Source | None:
        """The line of an entry, or of its group where the entry is not known; None outside the configuration."""
        if change := self.new.get((group, user)):
            return change.source
        desired = self.groups.get(group)
        return (desired.members or {}).get(user, desired.source) if desired else None

    def satisfies(self, user: str, group: str, requires: Requirement) -> bool:
        """Whether the entry carries what it has to."""
        reason, until = self._carried(user, group)
        return {
            Requirement.REASON: reason,
            Requirement.UNTIL: until,
            Requirement.EITHER: reason or until,
            Requirement.BOTH: reason and until,
        }[requires]

    def _carried(self, user: str, group: str) -> tuple[bool, bool]:
        if change := self.new.get((group, user)):
            return bool(change.note), change.until is not None
        desired = self.groups[group]  # who does not join gains by a definition, and that has a line
        entry = desired.named.get(user)
        return bool(entry.reason if entry else desired.reasons.get(user)), bool(entry and entry.period.end)

    def named(self, user: str) -> str:
        """A user by handle or e-mail, and by id."""
        person = self.people.get(user, Person())
        name = person.handle or person.email
        return f"{name} ({user})" if name and name != user else user


def _sensitive(judged: Judged, entries: _Entries) -> Iterator[Diagnostic]:
    """Whoever gains a sensitive scope does so by entries that say why, or how long, as the configuration requires."""
    requires = judged.guards.requires
    if requires is None:
        return
    joining: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    given: defaultdict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for cohort in judged.cohorts:
        for group, scopes in _by_group(grant for grant in cohort.gained if is_sensitive(grant.right, judged.guards)):
            for user in cohort.users:
                if not entries.satisfies(user, group, requires):
                    if (group, user) in entries.new:
                        joining[group, user] += scopes
                    else:
                        given[group][0].append(user)
                        given[group][1].extend(scopes)
    remedy = f"give it what guards.sensitive.requires ({requires}), or accept this one plan"
    for (group, user), scopes in sorted(joining.items()):
        about = address(judged.desired.name, group, user)
        message = (
            f"{entries.named(user)} would gain {some(scopes)} through {group}, and the entry has {LACKS[requires]}"
        )
        yield Diagnostic(message, entries.source(user, group), remedy, address=about, rule=AccessRule.SENSITIVE)
    for group, (users, scopes) in sorted(given.items()):
        about = address(judged.desired.name, group)
        told = f"{about} would give {some(set(scopes))} to {members(len(users))}"
        message = f"{told} with {LACKS[requires]} in the entry: {some(map(entries.named, users))}"
        source = next((c.source for c in judged.changes if c.group == group and c.user is None), None)
        yield Diagnostic(message, source, remedy, address=about, rule=AccessRule.SENSITIVE)


def _by_group(grants: Iterable[Grant]) -> Iterator[tuple[str, list[str]]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for grant in grants:
        for group in grant.groups:
            found[group].append(grant.right.scope)
    yield from sorted(found.items())


def _separation(judged: Judged, entries: _Entries) -> Iterator[Diagnostic]:
    """Nobody gains one scope of a pair while holding, or gaining, the other at the same place."""
    for cohort in judged.cohorts:
        for pair in judged.guards.separation if cohort.gained else ():
            if both := _conflict(cohort, pair):
                for user in cohort.users:
                    yield _together(judged, entries, user, cohort.after, both)


def _conflict(cohort: Cohort, pair: tuple[str, str]) -> tuple[Right, Right] | None:
    """Two rights of the pair that are not to be in one hand, at least one of which is gained."""
    gained = {grant.right for grant in cohort.gained}
    sides = [sorted(right for right in cohort.after if fits(pattern, right.scope)) for pattern in pair]
    found = ((one, other) for one in sides[0] for other in sides[1] if {one, other} & gained)
    return next((both for both in found if _clash(*both)), None)


def _clash(one: Right, other: Right) -> bool:
    """Whether two rights count for the same place: what is granted at one company means nothing at another."""
    return one != other and (one.company == other.company or not (one.company and other.company))


def _together(judged: Judged, entries: _Entries, user: str, held: Ways, both: tuple[Right, Right]) -> Diagnostic:
    ways = [(right, group) for right in both for group in held[right]]
    told = " and ".join(f"{right.scope} (through {', '.join(held[right])})" for right in both)
    lines = [(f"{right.scope} through {group}", entries.source(user, group)) for right, group in ways]
    new = next((group for _, group in ways if (group, user) in entries.new), None)
    return Diagnostic(
        f"{user} would have both {told}",  # no name: a saved plan knows fewer, and the refusal must be the same
        entries.source(user, new) if new else next((source for _, source in lines if source), None),
        "take the user out of one of these groups, or accept this one plan",
        tuple((label, source) for label, source in lines if source),
        address(judged.desired.name, new or ways[0][1], user),
        AccessRule.SEPARATION,
    )


def _keep(judged: Judged) -> Iterator[Diagnostic]:
    """A scope never loses its last holders, nor a protected one: somebody must be able to go on, and to undo."""
    moves = judged.stakes.shift
    sitting = {group.id: group.members or frozenset() for group in judged.live.groups.values()}
    joins, leaves = _users_of(moves.joins), _users_of(moves.leaves)
    staying = {group: users - leaves[group] | joins[group] for group, users in {**_empty(joins), **sitting}.items()}
    for scope in sorted(judged.stakes.kept):
        now = _holders(Right(scope), judged.stakes.before, sitting)
        then = _holders(Right(scope), judged.stakes.after, staying)
        if now - then:
            yield from _kept(judged, scope, judged.guards.keep[scope], now, then)


def _users_of(groups: Mapping[str, Iterable[str]]) -> defaultdict[str, frozenset[str]]:
    """Who joins or leaves each group, from which groups each user does."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for user, theirs in groups.items():
        for group in theirs:
            found[group].add(user)
    return defaultdict(frozenset, {group: frozenset(users) for group, users in found.items()})


def _empty(groups: Iterable[str]) -> dict[str, frozenset[str]]:
    return dict.fromkeys(groups, frozenset())


def _holders(
    right: Right, granted: Mapping[str, frozenset[Right]], sitting: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Who is in a group that grants the right, all of whose members have been read."""
    return frozenset().union(*(sitting.get(group, ()) for group, rights in granted.items() if right in rights))


def _kept(judged: Judged, scope: str, keep: Keep, now: frozenset[str], then: frozenset[str]) -> Iterator[Diagnostic]:
    tenant, lost = judged.desired.name, now - then
    lines = list(_taking(judged, scope, lost))
    place, related = (lines[0][1], tuple(_first(lines))) if lines else (None, ())
    if keep.min_members is not None and len(then) < keep.min_members:
        yield Diagnostic(
            # not how many there are now: of a plan that is half done the refusal must be the same
            f"{tenant}: {scope} would be left to {_users(len(then))}, fewer than guards.keep {keep.min_members}",
            place,
            "leave the scope to somebody else first, or lower guards.keep",
            related,
            tenant,
            AccessRule.KEEP,
        )
    for user in sorted(lost & keep.protected):
        yield Diagnostic(
            f"{tenant}: {user} is protected and would lose {scope}",
            place,
            "leave the user in a group that grants it, or take it out of guards.keep first",
            related,
            tenant,
            AccessRule.KEEP,
        )


def _taking(judged: Judged, scope: str, lost: frozenset[str]) -> Iterator[tuple[str, Source]]:
    """The lines by which these users lose a scope."""
    granted = judged.stakes.before
    for change in judged.changes:
        grants = Right(scope) in granted.get(change.group, ())
        takes = change.user in lost and change.action is Action.DELETE
        if grants and (takes or (change.group in judged.stakes.regranting and change.user is None)) and change.source:
            yield change.address, change.source


def _first(lines: Sequence[tuple[str, Source]]) -> Iterator[tuple[str, Source]]:
    """The first few places, the last of which says how many more there are."""
    more = len(lines) - MOST_NAMED
    for number, (label, source) in enumerate(lines[:MOST_NAMED], 1):
        yield f"{label} and {more} more" if more > 0 and number == MOST_NAMED else label, source


def _users(count: int) -> str:
    return f"{count} user{'' if count == 1 else 's'}"
