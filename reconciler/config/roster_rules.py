"""What people, teams and the entries that name them have to keep to: every name once, known, and in no circle."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from difflib import get_close_matches
from typing import Final

from reconciler.config.nodes import Map, Members, Node, Scalar, Seq, maps, text
from reconciler.config.roster import Roster, keys_of, known_by, moves, named, period_of, zone_of
from reconciler.config.schema_people import MemberPart
from reconciler.config.wording import misspelt
from reconciler.diagnostics import Diagnostic, Source

DEEPEST: Final = 50
_ONE: Final = "give exactly one of `id`, `email`, `person` and `team`"


def misnamed(files: Sequence[Map], names: Roster) -> Iterator[Diagnostic]:
    """What is wrong with the people and teams of all files, and with the entries that name somebody."""
    yield from _names_once(files)
    yield from _same_user(names)
    for root in files:
        zone = zone_of(root)
        for _, node in named(root, "people"):
            yield from _person(node, zone)
        for _, team in named(root, "teams"):
            yield from _listed_once(team)
            for item in team.items if isinstance(team, Seq) else ():
                yield from _entry(item, names, zone, in_team=True)
        for tenant in maps(root, "tenants"):
            for item in _entries(tenant):
                yield from _entry(item, names, zone)
            yield from _names_as_ids(tenant, names)
    yield from _circles(names)
    yield from _moves(files)


def _moves(roots: Sequence[Map]) -> Iterator[Diagnostic]:
    """Old names that are no longer needed or still taken, groups that are moved twice, and names that lead nowhere."""
    present = {name for root in roots for key in ("people", "teams") for name, _ in named(root, key)}
    for old, new, source in (move for root in roots for move in moves(root)):
        if old in present:
            yield Diagnostic(f"`{old}` is moved to `{new}`, and is still here", source, "remove one of the two")
        elif new not in present:
            yield _unknown("there is no person and no team", new, source, sorted(present))
    first: dict[tuple[str | None, str], Source] = {}
    for tenant in (tenant for root in roots for tenant in maps(root, "tenants")):
        name = text(tenant.get("tenant"))
        for old, new, source in moves(tenant):
            for group in (old, new):
                if first.setdefault((name, group), source) is not source:
                    related = (("the other is here", first[name, group]),)
                    yield Diagnostic(f"`{group}` of {name} is moved twice", source, "keep one of the lines", related)


def _names_as_ids(tenant: Map, names: Roster) -> Iterator[Diagnostic]:
    """Plain texts that are user ids here and names elsewhere: nobody could tell which was meant, and one is a stranger.

    Case is not minded, because ids and names are typed by people; who has the very id as a name may be listed by it.
    """
    known = {name.casefold(): name for name in (*names.people, *names.teams)}
    for user, source in _plain_ids(tenant) if known else ():
        name = known.get(user.casefold())
        if name is not None and (name not in names.people or names.people[name].person.id != user):
            kind = "person" if name in names.people else "team"
            yield Diagnostic(
                f"`{user}` is a user id here, and a {kind} has the name `{name}`",
                source,
                f"write `{{{kind}: {name}}}`, or `{{id: {user}}}` to mean the id",
            )


def _plain_ids(tenant: Map) -> Iterator[tuple[str, Source]]:
    listed = tenant.get("offboarded")
    for item in listed.items if isinstance(listed, Seq) else ():
        if (said := text(item)) is not None:
            yield said, item.source
    for group in maps(tenant, "groups"):
        if isinstance(members := group.get("members"), Members):
            mapped = members.apart | members.explicit | members.reasons.keys()
            yield from ((user, source) for user, source in members.sources.items() if user not in mapped)


def _entries(tenant: Map) -> Iterator[Node]:
    listed = tenant.get("offboarded")
    yield from listed.items if isinstance(listed, Seq) else ()
    for group in maps(tenant, "groups"):
        members = group.get("members")
        yield from members.odd if isinstance(members, Members) else ()


def _names_once(roots: Sequence[Map]) -> Iterator[Diagnostic]:
    first: dict[str, tuple[str, Source]] = {}
    for root in roots:
        for kind, key in (("person", "people"), ("team", "teams")):
            part = root.get(key)
            for name, entry in part.entries.items() if isinstance(part, Map) else ():
                before, place = first.setdefault(name, (kind, entry.key))
                if place is not entry.key:
                    message = f"`{name}` is a {kind} and " + ("stands twice" if kind == before else f"a {before}")
                    yield Diagnostic(
                        message, entry.key, "keep one of them, or rename one", (("the other is here", place),)
                    )


def _same_user(names: Roster) -> Iterator[Diagnostic]:
    first: dict[str, tuple[str, Source]] = {}
    for handle, known_as, entry in known_by(names.people):
        before, place = first.setdefault(known_as, (handle, entry.source)) if known_as else (handle, entry.source)
        if before != handle:
            yield Diagnostic(
                f"`{handle}` and `{before}` are the same user: `{known_as}`",
                entry.source,
                "keep one name for each person",
                (("the other is here", place),),
            )


def _person(node: Node, zone: tzinfo) -> Iterator[Diagnostic]:
    if not isinstance(node, Map):
        return
    if not ({"id", "email"} & node.entries.keys()):
        yield Diagnostic("this person has neither `id` nor `email`", node.source, "give at least one of them")
    yield from _turned(node, zone)


def _turned(node: Map, zone: tzinfo) -> Iterator[Diagnostic]:
    period = period_of(node, zone)
    if period.start and period.end and period.end <= period.start:
        yield turned(node.entries["until"].key)


def turned(place: Source) -> Diagnostic:
    """The complaint about a time that ends before it begins."""
    return Diagnostic("`until` is before `from`, so this never counts", place, "exchange or correct them")


def _listed_once(team: Node) -> Iterator[Diagnostic]:
    first: dict[str, Source] = {}
    for item in team.items if isinstance(team, Seq) else ():
        name = text(item)
        if name is not None and first.setdefault(name, item.source) is not item.source:
            yield Diagnostic(
                f"`{name}` is listed twice in this team",
                item.source,
                "keep one of them",
                (("first here", first[name]),),
            )


def _entry(node: Node, names: Roster, zone: tzinfo, *, in_team: bool = False) -> Iterator[Diagnostic]:
    if isinstance(node, Scalar):
        name = text(node)
        if in_team and name and "@" not in name and name not in names.people and name not in names.teams:
            everybody = [*names.people, *names.teams]
            yield _unknown("there is no person and no team", name, node.source, everybody)
    elif isinstance(node, Map):
        given = keys_of(node)
        if len(given) != 1 and not misspelt(node, MemberPart):
            told = " and ".join(f"`{key}`" for key in given)
            message = f"an entry can't have {told}" if given else "this entry names nobody"
            yield Diagnostic(message, node.entries[given[1]].key if given else node.source, _ONE)
        yield from _turned(node, zone)
        yield from _known(node, "person", names.people, names.teams)
        yield from _known(node, "team", names.teams, names.people)


def _known(node: Map, key: str, known: Mapping[str, object], other: Mapping[str, object]) -> Iterator[Diagnostic]:
    place, name = node.get(key), text(node.get(key))
    if place is None or name is None or name in known:
        return
    if name in other:
        meant = "team" if key == "person" else "person"
        yield Diagnostic(f"`{name}` is a {meant}, not a {key}", place.source, f"write `{meant}: {name}`")
    else:
        yield _unknown(f"there is no {key}", name, place.source, list(known))


def _unknown(what: str, name: str, place: Source, known: Sequence[str]) -> Diagnostic:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    remedy = (
        f"did you mean `{close[0]}`?"
        if close
        else "add it under `people` or `teams`, correct the name, or name the file that has it with -f as well"
    )
    return Diagnostic(f"{what} `{name}`", place, remedy)


def _circles(names: Roster) -> Iterator[Diagnostic]:
    """Each circle of teams once, as a path: whoever breaks it needs all of its lines."""
    done: set[str] = set()
    for team in names.teams:
        yield from _circles_from(team, names, [], done)


def _circles_from(team: str, names: Roster, path: list[tuple[str, Source]], done: set[str]) -> Iterator[Diagnostic]:
    steps = [name for name, _ in path]
    if team in steps:
        circle = path[steps.index(team) :]
        told = " → ".join(f"`{name}`" for name in (*(name for name, _ in circle), team))
        *others, (_, last) = circle
        related = tuple((f"`{name}` leads on here", place) for name, place in others)
        yield Diagnostic(f"teams contain each other: {told}", last, "take one of these entries out", related)
        return
    if team in done:
        return
    if len(path) == DEEPEST:
        message = f"teams stand within each other more than {DEEPEST} deep"
        yield Diagnostic(message, path[-1][1], "list the people in fewer teams")
        done.add(team)
        return
    for item in names.teams[team]:
        inner = text(item.node.get("team")) if isinstance(item.node, Map) else text(item.node)
        if inner in names.teams:
            yield from _circles_from(inner, names, [*path, (team, item.node.source)], done)
    done.add(team)
