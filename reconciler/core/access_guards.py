"""Guards on access: what a plan gives and takes may be a reason to refuse it, whatever groups it comes through.

They can't be asked of a plan alone, since they need the groups of everybody concerned: so a plan carries their answer,
as it does that of policy files, and they are asked again of what is left of it right before it is carried out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.core.access import wider
from reconciler.core.access_entries import Entries, Judged
from reconciler.core.consequences import Cohort, is_sensitive
from reconciler.core.effects import Right
from reconciler.core.guards import MOST_NAMED, members, some
from reconciler.core.limits import AccessRule, Requirement
from reconciler.core.model import address
from reconciler.core.plan import Action
from reconciler.core.separation import Ways, clashes
from reconciler.core.stakes import NOTHING
from reconciler.diagnostics import Diagnostic, Source

OF_OTHERS: Final[frozenset[str]] = frozenset({AccessRule.SEPARATION, AccessRule.KEEP, AccessRule.ACCESS})
"""The rules whose answer depends on what others do meanwhile, so that an earlier one counts no more."""


def objections(judged: Judged) -> tuple[Diagnostic, ...]:
    """Everything that these guards have against the changes."""
    entries = Entries(judged)
    return (*_sensitive(judged, entries), *_separation(judged, entries), *_keep(judged, entries))


def unjudged(tenant: str, why: str, remedy: str) -> Diagnostic:
    """What guards can't judge they refuse, because whoever set them relies on them."""
    return Diagnostic(
        f"{tenant}: guards on access can't be judged: {why}", remedy=remedy, address=tenant, rule=AccessRule.ACCESS
    )


def _sensitive(judged: Judged, entries: Entries) -> Iterator[Diagnostic]:
    """Whatever newly leads to a sensitive scope says why, or how long, as the configuration requires.

    Also a second way to a scope that somebody has already: once the first one goes, it would be all there is.
    """
    requires = judged.guards.requires
    if requires is None:
        return
    remedy = f"add what guards.sensitive.requires asks for ({requires}), or accept this one plan"
    for (group, user), change in entries.new.items():
        scopes = _sensitive_scopes(judged, group)
        if scopes and (lacks := entries.lacks(user, group, requires)):
            told = f"{entries.named(user)} would get {some(scopes)} through {group}, and the entry has {lacks}"
            yield Diagnostic(told, change.source, remedy, address=change.address, rule=AccessRule.SENSITIVE)
    for group in sorted(judged.stakes.regranting & entries.groups.keys()):
        if scopes := _sensitive_scopes(judged, group, judged.stakes.before[group]):
            yield from _without_what_is_required(judged, entries, group, scopes, requires, remedy)


def _without_what_is_required(
    judged: Judged, entries: Entries, group: str, scopes: Sequence[str], requires: Requirement, remedy: str
) -> Iterator[Diagnostic]:
    """The members to whom a group newly grants sensitive scopes by its definition, those who lack the same together."""
    moves, lacking = judged.stakes.shift, defaultdict[str, list[str]](list)
    for user in judged.live.groups[group].members or frozenset():
        if group not in moves.leaves.get(user, ()):
            lacking[entries.lacks(user, group, requires)].append(user)
    about = address(judged.desired.name, group)
    for lacks, users in sorted(lacking.items()):
        if lacks:
            told = f"{about} would give {some(scopes)} to {members(len(users))} with {lacks} in the entry"
            message = f"{told}: {some(map(entries.named, users))}"
            yield Diagnostic(message, entries.definition(group), remedy, address=about, rule=AccessRule.SENSITIVE)


def _sensitive_scopes(judged: Judged, group: str, before: frozenset[Right] = NOTHING) -> list[str]:
    """The sensitive scopes that a group grants afterwards, and not ``before`` already, also not more widely."""
    granted = judged.stakes.after.get(group, NOTHING) - before
    return sorted(
        right.scope for right in granted if is_sensitive(right, judged.guards) and not _narrows(right, before)
    )


def _separation(judged: Judged, entries: Entries) -> Iterator[Diagnostic]:
    """Nobody gains one scope of a pair while holding, or gaining, the other at the same place."""
    given: defaultdict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for cohort in judged.cohorts:
        for pair in judged.guards.separation if cohort.gained else ():
            if both := _conflict(cohort, pair):
                told = " and ".join(f"{right.scope} (through {', '.join(cohort.after[right])})" for right in both)
                ways = tuple(dict.fromkeys(group for right in both for group in cohort.after[right]))
                for user in cohort.users:
                    joined = [group for group in ways if (group, user) in entries.new]
                    if joined:
                        yield _both_by_joining(entries, user, joined[0], told, cohort.after, both)
                    else:
                        group = next(group for group in ways if group in judged.stakes.regranting)
                        given[group, told, ways].append(user)
    for (group, told, ways), users in sorted(given.items()):
        yield _both_by_definition(entries, group, told, ways, users)


def _conflict(cohort: Cohort, pair: tuple[str, str]) -> tuple[Right, Right] | None:
    """Two rights of the pair that are not to be in one hand, at least one of which is gained and not only narrowed."""
    gained = {grant.right for grant in cohort.gained if not _narrows(grant.right, cohort.before)}
    return next((both for both in clashes(cohort.after, pair) if gained & {*both}), None)


def _narrows(right: Right, held: Collection[Right]) -> bool:
    """Whether it is only a restricted form of what was held before."""
    return any(replace(right, scope=scope) in held for scope in wider(right.scope))


def _both_by_joining(
    entries: Entries, user: str, group: str, told: str, held: Ways, both: tuple[Right, Right]
) -> Diagnostic:
    """Somebody joins a group and so has both.

    A saved plan knows fewer names, so they are beside the lines only; and of one that is half done the refusal must be
    the same, so it is about the first of the groups, whichever of them is joined.
    """
    place, first = entries.source(user, group), held[both[0]][0]
    lines = [
        (f"{entries.named(user)}: {right.scope} through {way}", entries.source(user, way))
        for right in both
        for way in held[right]
    ]
    return Diagnostic(
        f"{user} would have both {told}",
        place,
        "take the user out of one of these groups, or accept this one plan",
        tuple((label, source) for label, source in lines if source and source != place),
        address(entries.tenant.name, first, user),
        AccessRule.SEPARATION,
    )


def _both_by_definition(
    entries: Entries, group: str, told: str, ways: Sequence[str], users: Sequence[str]
) -> Diagnostic:
    """A group grants something else, and so its members have both."""
    about = address(entries.tenant.name, group)
    lines = [
        (f"{entries.named(user)} in {way}", source)
        for user in sorted(users)
        for way in ways
        if (source := entries.source(user, way))
    ]
    return Diagnostic(
        f"{about} would give {members(len(users))} both {told}: {some(users)}",
        entries.definition(group),
        "let the group grant one of them only, or take its members out of what grants the other, or accept this plan",
        tuple(_first(lines)),
        about,
        AccessRule.SEPARATION,
    )


def _keep(judged: Judged, entries: Entries) -> Iterator[Diagnostic]:
    """By a plan a scope loses neither its last holders nor a protected one: somebody must be able to go on and undo it.

    It is about what the plan leads to. While it is carried out, or if it fails half-way, there may be fewer.
    """
    moves = judged.stakes.shift
    sitting = {group.id: group.members or frozenset() for group in judged.live.groups.values()}
    joins, leaves = _users_of(moves.joins), _users_of(moves.leaves)
    staying = {group: users - leaves[group] | joins[group] for group, users in {**_empty(joins), **sitting}.items()}
    for scope in sorted(judged.stakes.kept):
        now = _holders(Right(scope), judged.stakes.before, sitting)
        then = _holders(Right(scope), judged.stakes.after, staying)
        if now - then:
            yield from _kept(judged, entries, scope, now, then)


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


def _kept(
    judged: Judged, entries: Entries, scope: str, now: frozenset[str], then: frozenset[str]
) -> Iterator[Diagnostic]:
    tenant, keep, lost = judged.desired.name, judged.guards.keep[scope], now - then
    lines = [(label, source) for label, source in _taking(judged, entries, scope, lost) if source]
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


def _taking(judged: Judged, entries: Entries, scope: str, lost: frozenset[str]) -> Iterator[tuple[str, Source | None]]:
    """The lines by which these users lose a scope, with who does."""
    for change in judged.changes:
        if Right(scope) not in judged.stakes.before.get(change.group, ()):
            continue
        if change.user is None and change.group in judged.stakes.regranting:
            yield f"{change.group} grants it no longer", entries.definition(change.group)
        elif change.user in lost and change.action is Action.DELETE:
            yield f"{entries.named(change.user or '')} leaves {change.group}", change.source


def _first(lines: Sequence[tuple[str, Source]]) -> Iterator[tuple[str, Source]]:
    """The first few places, the last of which says how many more there are."""
    more = len(lines) - MOST_NAMED
    for number, (label, source) in enumerate(lines[:MOST_NAMED], 1):
        yield f"{label} and {more} more" if more > 0 and number == MOST_NAMED else label, source


def _users(count: int) -> str:
    return f"{count} user{'' if count == 1 else 's'}"
