"""What the configuration has to keep to beyond the form of single values: what excludes what, and what may stand once.

The rules look at nodes, so that they also speak about files whose form is wrong elsewhere: a reader of messages wants
all of them at once.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.config.nodes import Map, Node, Scalar, maps, scalars, text
from reconciler.config.schema_group import GroupPart
from reconciler.config.wording import misspelt
from reconciler.core.model import FIELD_NAMES, Match
from reconciler.diagnostics import Diagnostic, Source

_DEFINITION: Final = [name for name in FIELD_NAMES if name != "name"]


def violations(roots: Sequence[Node]) -> Iterator[Diagnostic]:
    """What is wrong within each group, and which stands twice, within a file or across files."""
    for root in roots:
        for tenant in maps(root, "tenants"):
            for group in maps(tenant, "groups"):
                yield from _group(group)
    yield from _groups_once(roots)


def tenants_once(root: Node) -> Iterator[Diagnostic]:
    """A tenant that a file speaks of twice for no reason; besides an entry for several tenants it may have its own."""
    first: dict[str, Source] = {}
    for tenant in maps(root, "tenants"):
        named = tenant.get("tenant")
        within: dict[str, Source] = first if isinstance(named, Scalar) else {}
        for node in scalars(named):
            if (name := text(node)) is not None and within.setdefault(name, node.source) is not node.source:
                alone = within is first
                yield Diagnostic(
                    f"the tenant `{name}` stands twice in this " + ("file" if alone else "list"),
                    node.source,
                    "put its groups under one entry" if alone else "keep one of them",
                    (("first here", within[name]),),
                )


def _group(group: Map) -> Iterator[Diagnostic]:
    given = group.entries.keys() | misspelt(group, GroupPart)
    if "id" in given and "match" in given:
        yield Diagnostic(
            "a group has either `id` or `match`, not both",
            group.entries["match"].key if "match" in group.entries else group.source,
            "keep `id` for a group known by its id, `match` for one that is found by what it is",
        )
    elif "match" in given:
        yield from _matched(group)
    elif "id" not in given and "extends" not in given:
        yield Diagnostic(
            "this group has neither `id` nor `match`",
            group.source,
            "give it `id` and `name` to own it, or `match` to find somebody else's group",
        )
    elif "name" not in given and "extends" not in given:
        yield from _nameless(group)


def _matched(group: Map) -> Iterator[Diagnostic]:
    match = group.get("match")
    if isinstance(match, Map) and not match.entries:
        yield Diagnostic(
            "`match` says nothing", match.source, "give it `code`, `name`, `legalEntityId`, `vendorId` or `id`"
        )
    for name in FIELD_NAMES:
        if name in group.entries:
            yield Diagnostic(
                f"`{name}` can't be given for a matched group",
                group.entries[name].key,
                "a matched group is somebody else's, only its members are yours: give it `id` and `name` to own it",
                (("matched here", group.entries["match"].key),) if "match" in group.entries else (),
            )


def _nameless(group: Map) -> Iterator[Diagnostic]:
    """The service requires a name whenever a group is written (iam.openapi.yml, GroupUpdateRequest.required)."""
    for name in _DEFINITION:
        if name in group.entries:
            yield Diagnostic(
                f"`{name}` needs a `name` beside it",
                group.entries[name].key,
                "name is required by the service for a group we own; without it only the group's members are yours",
            )


def _groups_once(roots: Sequence[Node]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, str | Match], Source] = {}
    for root in roots:
        for tenant in maps(root, "tenants"):
            for group in maps(tenant, "groups"):
                name, identity = text(tenant.get("tenant")), identity_of(group)
                if name is None or identity is None:
                    continue
                place = first.setdefault((name, identity), group.source)
                if place is not group.source:
                    yield Diagnostic(
                        f"the group `{identity}` of {name} stands twice",
                        group.source,
                        "put its members under one entry",
                        (("first here", place),),
                    )


def identity_of(group: Map) -> str | Match | None:
    """What makes two entries the same group: the id, given or matched, or else all criteria of its match."""
    given = group.get("id")
    if given is not None:
        return text(given)
    match = match_of(group)
    return (match.id if match.id is not None else match) if match != Match() else None


def match_of(group: Map) -> Match:
    """The group's criteria."""
    node = group.get("match")
    given = {key: text(entry.node) for key, entry in node.entries.items()} if isinstance(node, Map) else {}
    return Match(
        id=given.get("id"),
        code=given.get("code"),
        name=given.get("name"),
        legal_entity_id=given.get("legalEntityId"),
        vendor_id=given.get("vendorId"),
    )
