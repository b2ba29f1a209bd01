"""Many worlds: every state of groups with given definitions, and the company whose roles exclude each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from reconciler.core.model import DesiredTenant, KnownGroup, UserType

from .world import HERE, World, definition, group, subsets

Kind = tuple[dict[str, Any], frozenset[str]]
"""A group's definition and members."""


def kinds(definitions: Sequence[dict[str, Any]], users: str, names: str) -> Iterator[dict[str, Kind]]:
    """Every state in which each group is absent, or has one of the definitions and any members."""
    of_one = [None, *product(definitions, subsets(users))]
    for state in product(of_one, repeat=len(names)):
        yield {name: kind for name, kind in zip(names, state, strict=True) if kind is not None}


def made(state: Mapping[str, Kind], **more: Any) -> World:
    return World(
        {name: fields for name, (fields, _) in state.items()},
        {name: set(users) for name, (_, users) in state.items()},
        **more,
    )


def remembered(world: World) -> dict[str, KnownGroup]:
    return {
        name: KnownGroup(True, UserType(fields["userType"]), frozenset(world.members[name]), fields, 1)
        for name, fields in world.groups.items()
    }


def wished(state: Mapping[str, Kind]) -> DesiredTenant:
    return DesiredTenant("acme", HERE, tuple(group(name, users, fields) for name, (fields, users) in state.items()))


COMPANY = {
    "ax": ("ADMIN", definition("CUSTOMER", company="x")),
    "bx": ("BUYER", definition("CUSTOMER", company="x")),
    "rx": ("REQUESTER", definition("CUSTOMER", company="x")),
    "ay": ("ADMIN", definition("CUSTOMER", company="y")),
    "by": ("BUYER", definition("CUSTOMER", company="y")),
    "contact": ("CONTACT", definition("CUSTOMER", company="x")),
}


def company(names: Sequence[str], members: Mapping[str, Iterable[str]]) -> World:
    return World(
        {name: COMPANY[name][1] for name in names},
        {name: set(members.get(name, ())) for name in names},
        {name: COMPANY[name][0] for name in names},
    )


def roles(names: Sequence[str], *held: Iterable[str]) -> dict[str, frozenset[str]]:
    """The members of each group, given the groups of users a, b and so on."""
    return {name: frozenset(user for user, of in zip("abc", held, strict=False) if name in of) for name in names}


def lawful(held: frozenset[str]) -> bool:
    """Whether one customer may have these roles (FACTS, rule 4)."""
    return len(held & {"ax", "bx", "rx"}) < 2 and len(held & {"ay", "by"}) < 2


def matched(members: Mapping[str, frozenset[str]]) -> DesiredTenant:
    return DesiredTenant("acme", HERE, tuple(group(name, users, None) for name, users in members.items()))
