"""Member lists, read straight from events into one dict: a million of them neither become nodes nor meet the schema.

An entry that is good beyond doubt is taken here; every other one goes the ordinary way, through a node and the schema,
so that each message has one home.
"""

from collections.abc import Callable
from typing import Any, Final

from yaml import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from reconciler.config.document import NULLS, ORDINARY, Reader
from reconciler.config.nodes import Map, Members, Node, Scalar, text
from reconciler.config.roster import keys_of
from reconciler.config.values import MARK
from reconciler.diagnostics import Diagnostic, Source

_DOUBTFUL: Final = NULLS | {".", ".."}


def suspicious(ids: str) -> bool:
    """Whether a text, of one id or of many in a row, has what the schema refuses in a user id, or is to be filled in.

    Invisible characters are among them, because ids are often copied from web pages; a blank is most often a line break
    that got lost.
    """
    return not ids.isprintable() or " " in ids or "/" in ids or "@" in ids or MARK in ids


def read_members(reader: Reader, source: Source) -> Members:
    """The member list that just started; of duplicates the first one stays."""
    members = Members(source)
    take: Callable[[], Any] = reader.events.faucet()
    while (kind := type(event := take())) is not SequenceEndEvent:
        if kind is ScalarEvent and event.anchor is None and event.tag is None and event.value not in _DOUBTFUL:
            _add(reader, members, event.value, event.start_mark)
        elif kind is not MappingStartEvent or not _take_entry(reader, members, event, take):
            _take_odd(reader, members, event)
    _examine(members)
    return members


def _add(reader: Reader, members: Members, user: str, mark: Any) -> bool:
    # NamedTuple's own constructor is a Python function: going past it halves the cost of a position.
    place = tuple.__new__(Source, (members.source.path, mark.line + 1, mark.column + 1))
    first = members.sources.setdefault(user, place)
    if first is place:
        return True
    reader.events.problems.append(_twice(user, place, first))
    return False


def _twice(user: str, place: Source, first: Source) -> Diagnostic:
    kind, _, name = user.rpartition(" ")
    message = f"the {kind or 'member'} `{name}` is listed twice in this group"
    return Diagnostic(message, place, "keep one of them", (("first here", first),))


def _take_entry(reader: Reader, members: Members, start: Any, take: Callable[[], Any]) -> bool:
    """Take a mapping of an id and perhaps a reason, both ordinary text; otherwise give its events back.

    Bare comparisons, because it runs a million times: dicts and generators in here double the time of the whole load.
    """
    events: list[Any] = []
    while type(event := take()) is ScalarEvent and event.anchor is None and event.tag is None:
        events.append(event)
    user = reason = None
    if type(event) is MappingEndEvent and start.anchor is None and start.tag is None:
        user, reason = _id_and_reason(events)
    if (
        user is None
        or user.value in _DOUBTFUL
        or "@" in user.value
        or MARK in user.value
        or (reason and (reason in _DOUBTFUL or not reason.isprintable() or MARK in reason))
    ):
        reader.events.put_back([*events, event])
        return False
    if _add(reader, members, user.value, user.start_mark):
        if reason:
            members.reasons[user.value] = members.phrases.setdefault(reason, reason)
        else:
            members.explicit.add(user.value)
    return True


def _id_and_reason(events: list[Any]) -> tuple[Any, str | None]:
    if len(events) == 2 and events[0].value == "id":
        return events[1], None
    if len(events) == 4:
        first, one, second, other = events
        if first.value == "id" and second.value == "reason":
            return one, other.value
        if first.value == "reason" and second.value == "id":
            return other, one.value
    return None, None


def _take_odd(reader: Reader, members: Members, event: Any) -> None:
    """Take an entry the ordinary way and leave it to the schema."""
    _append(members, reader.node(event, ORDINARY), reader.events.problems)


def _append(members: Members, node: Node, problems: list[Diagnostic]) -> None:
    """Add an entry that says more than an id; whom it names counts for duplicates all the same."""
    members.odd.append(node)
    if (named := _whom(node)) is None:
        return
    name, place = named
    members.apart.add(name)
    first = members.sources.setdefault(name, place)
    if first is not place:
        problems.append(_twice(name, place, first))


def filled(members: Members, fill: Callable[[Node], Node], problems: list[Diagnostic]) -> Members:
    """The list with what stands apart filled in: all else has no text to fill, or it would stand apart."""
    if not members.odd:
        return members
    plain = {user: source for user, source in members.sources.items() if user not in members.apart}
    made = Members(members.source, plain, members.reasons, phrases=members.phrases)
    for node in members.odd:
        _append(made, fill(node), problems)
    return made


def _whom(node: Node) -> tuple[str, Source] | None:
    """Whom an entry names and where: an id or e-mail as it is, a person or team after that word and a blank."""
    if isinstance(node, Map):
        for key in keys_of(node):
            if (said := text(named := node.entries[key].node)) is not None:
                return f"{key} {said}" if key in {"person", "team"} else said, named.source
        return None
    said = text(node)
    return (said, node.source) if said is not None else None


def _examine(members: Members) -> None:
    """Look for bad ids in all of them at once, because a look at each would cost as much as reading it."""
    if suspicious("".join(members.sources)):
        odd = [user for user in members.sources if user not in members.apart and suspicious(user)]
        members.odd.extend(Scalar(user, members.sources[user]) for user in odd)
        members.apart.update(odd)
