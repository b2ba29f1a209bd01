"""The guards of the configuration's levels: what each level says itself, on top of the level around it."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from reconciler.config.nodes import Map, Node, Seq, plain, text
from reconciler.config.values_guards import limit
from reconciler.core.limits import NO_ACCESS_GUARDS, NO_GUARDS, AccessGuards, Guards, Keep, Limit, Requirement

_NOTHING: Final = Keep()


class Level(NamedTuple):
    """What a file or a tenant sets for its groups, and for the access of users."""

    guards: Guards = NO_GUARDS
    access: AccessGuards = NO_ACCESS_GUARDS


UNGUARDED: Final = Level()
"""Nothing set: the outermost level of all."""


def level_of(part: Map, outer: Level) -> Level:
    """All guards in force for a file or a tenant."""
    return Level(guards_of(part, outer.guards), _access(part, outer.access))


def guards_of(part: Map, outer: Guards) -> Guards:
    """The guards in force for groups: what the part says itself wins key by key, protected ids add up."""
    node = part.get("guards")
    if not isinstance(node, Map):
        return outer
    removals, fewest = text(node.get("maxRemovals")), text(node.get("minMembers"))
    return Guards(
        max_removals=limit(removals) if removals else outer.max_removals,
        min_members=int(fewest) if fewest else outer.min_members,
        protected=outer.protected.union(_texts(node.get("protected"))),
    )


def strictest(one: Level, other: Level) -> Level:
    """Both levels at once, such as for what left the configuration: no file says any more where it stood."""
    return Level(strictest_guards(one.guards, other.guards), _strictest_access(one.access, other.access))


def strictest_guards(one: Guards, other: Guards) -> Guards:
    """Both guards of groups at once."""
    return Guards(
        max_removals=Limit.strictest((one.max_removals, other.max_removals)),
        min_members=_largest(one.min_members, other.min_members),
        protected=one.protected | other.protected,
    )


def _strictest_access(one: AccessGuards, other: AccessGuards) -> AccessGuards:
    return AccessGuards(
        sensitive=_added(one.sensitive, other.sensitive),
        requires=_both(one.requires, other.requires),
        separation=_pairs(*one.separation, *other.separation),
        keep=dict(_kept(one, other)),
    )


def _access(part: Map, outer: AccessGuards) -> AccessGuards:
    """The guards on access at a level: lists add up; of what is required, and of numbers, the level's own count."""
    node = part.get("guards")
    if not isinstance(node, Map):
        return outer
    sensitive, separation = node.get("sensitive"), node.get("separation")
    listed, required = sensitive, None
    if isinstance(sensitive, Map):
        listed, required = sensitive.get("scopes"), text(sensitive.get("requires"))
    pairs = map(_texts, separation.items if isinstance(separation, Seq) else ())
    return AccessGuards(
        sensitive=_added(outer.sensitive, _texts(listed)),
        requires=Requirement(required) if required else outer.requires,
        separation=_pairs(*outer.separation, *((one, other) for one, other in pairs)),
        keep={**outer.keep, **dict(_keeps(node.get("keep"), outer))},
    )


def _keeps(node: Node | None, outer: AccessGuards) -> Iterator[tuple[str, Keep]]:
    for scope, entry in node.entries.items() if isinstance(node, Map) else ():
        around, said = outer.keep.get(scope, _NOTHING), entry.node
        fewest, protected = (said.get("minMembers"), said.get("protected")) if isinstance(said, Map) else (said, None)
        number = text(fewest)
        yield scope, Keep(int(number) if number else around.min_members, around.protected.union(_texts(protected)))


def _kept(one: AccessGuards, other: AccessGuards) -> Iterator[tuple[str, Keep]]:
    for scope in _added(one.keep, other.keep):
        first, second = one.keep.get(scope, _NOTHING), other.keep.get(scope, _NOTHING)
        yield scope, Keep(_largest(first.min_members, second.min_members), first.protected | second.protected)


def _both(one: Requirement | None, other: Requirement | None) -> Requirement | None:
    """What satisfies two demands at once: a reason and an end are both, and any of the three satisfies either."""
    demanded = {each for each in (one, other) if each}
    narrow = demanded - {Requirement.EITHER} or demanded
    return Requirement.BOTH if len(narrow) > 1 else next(iter(narrow), None)


def _largest(one: int | None, other: int | None) -> int | None:
    return max((number for number in (one, other) if number is not None), default=None)


def _added(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _pairs(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Each pair once, in whichever order its two stand."""
    found: dict[frozenset[str], tuple[str, str]] = {}
    for pair in pairs:
        found.setdefault(frozenset(pair), pair)
    return tuple(found.values())


def _texts(node: Node | None) -> list[str]:
    """The texts of a list; none of one that is left out or empty."""
    return list(plain(node) or ()) if node else []
