"""Live groups as entries of the file: what the schema does not take is left to the service, and a comment says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import ValidationError

from reconciler.config.document import Reader, Shape
from reconciler.config.events import Events, Unreadable
from reconciler.config.members import suspicious
from reconciler.config.nodes import Map, plain
from reconciler.config.schema_group import GroupPart, MatchPart
from reconciler.config.variables import literal
from reconciler.config.writing import mapping, pair, quoted, scalar, visible
from reconciler.core.fields import same
from reconciler.core.model import Match
from reconciler.core.portrait import Portrait

MOST_NAMED: Final = 3
_ORDER: Final = [part.alias or name for name, part in GroupPart.model_fields.items()]
_NO_IDS: Final = frozenset({"", ".", ".."})


@dataclass(slots=True)
class Written:
    """One group's entry as data, without its members, and what a reader has to be told of it.

    ``data`` None: the group can't stand in a configuration at all. ``members`` None: they are not managed.
    """

    portrait: Portrait
    data: dict[str, Any] | None
    members: tuple[str, ...] | None = None
    remarks: list[str] = field(default_factory=list)


def write(portrait: Portrait) -> Written:
    """The entry that says of a group all that the schema takes."""
    written = _ours(portrait) if portrait.match is None else Written(portrait, None)
    if written.data is not None:
        return _with_members(written)
    refused: dict[str, str] = {}
    for match in (portrait.match, Match(id=portrait.group.id)):
        if match is not None:
            given = {"id": match.id, "code": match.code, "legalEntityId": match.legal_entity_id}
            criteria = {key: value for key, value in given.items() if value is not None}
            refused = _refused(criteria, MatchPart)
            if not refused:
                return _with_members(Written(portrait, {"match": criteria}, remarks=written.remarks))
    return Written(portrait, None, remarks=[f"`id` {refused['id']}"])


def _ours(portrait: Portrait) -> Written:
    """The entry with the definition; a field that the schema refuses is not managed, so that it stays as it is."""
    data = {"id": portrait.group.id, **{name: portrait.fields[name] for name in _ORDER if name in portrait.fields}}
    remarks = []
    refused = _refused(data, GroupPart)
    if "mixins" in data and not _reads_back(data["mixins"]):
        refused["mixins"] = "can't be written so that it reads back the same"
    for name, why in refused.items():
        if name in {"id", "name"}:
            return Written(portrait, None, remarks=[f"The definition is not managed: `{name}` {why}."])
        remarks.append(f"`{name}` is not managed: it {why}.")
        del data[name]
    return Written(portrait, data, remarks=remarks)


def _refused(data: Mapping[str, Any], part: type[GroupPart] | type[MatchPart]) -> dict[str, str]:
    """The keys whose values the schema refuses, and why."""
    try:
        part.model_validate(data)
    except ValidationError as failure:
        return {str(error["loc"][0]): _why(error) for error in failure.errors(include_url=False)}
    return {}


def _why(error: Any) -> str:
    return visible(str(error["msg"])) if error["type"] == "rule" else "has something in it that this file does not know"


def _reads_back(mixins: Mapping[str, Any]) -> bool:
    """Whether attributes of any form come back as they are: nesting and keys have limits in YAML."""
    try:
        text = "\n".join(pair("mixins", mixins, 0))
        root = Reader(Events("", text.encode(), [])).document(Shape({"mixins": Shape(typed=True)}))
    except (Unreadable, yaml.YAMLError, UnicodeEncodeError):
        return False
    return isinstance(root, Map) and same(plain(root).get("mixins"), mixins)


def _with_members(written: Written) -> Written:
    """The members, if all can be listed: who is left out of an exact list would be removed."""
    members, obstacle = written.portrait.members, written.portrait.obstacle
    odd = [user for user in members or () if suspicious(user) or user in _NO_IDS]
    if odd:
        named = ", ".join(map(quoted, odd[:MOST_NAMED])) + (" and more" if len(odd) > MOST_NAMED else "")
        members, obstacle = None, f"{len(odd)} can't be written as user ids: {named}"
    if obstacle:
        written.remarks.append(f"The members are not managed: {obstacle}.")
    written.members = members
    return written


def lines(written: Written, members: Mapping[str, Any], people: Mapping[str, str], column: int) -> list[str]:
    """The entry's lines, its keys in a column; ``members`` has the key and value for the members, if they are managed.

    ``people`` has the handles by user id.
    """
    lead = " " * column
    data = written.data or {}
    body = list(mapping(literal(data), column))
    if "match" in data and written.portrait.name:
        body[0] += f"  # {visible(written.portrait.name)}"
    body[1:1] = [f"{lead}# {remark}" for remark in written.remarks]
    for key, value in members.items():
        if isinstance(value, tuple) and value:
            body.append(f"{lead}{key}:")
            body += [f"{lead}  - {_member(user, people)}" for user in value]
        else:
            body += pair(key, value, column)
    return body


def _member(user: str, people: Mapping[str, str]) -> str:
    return f"person: {scalar(people[user])}" if user in people else scalar(literal(user))
