"""The JSON Schema of the plan document: its structure from the structs that read it, and what each field means.

``reconciler schema --plan`` prints it, ``reconciler/schemas`` has a copy for tools that fetch it. A field without a
description here fails a test, so the schema is also the format's documentation.
"""

from typing import Any, Final

import msgspec

from reconciler.core.document import FORMAT
from reconciler.core.document_forms import Definition, Document
from reconciler.core.drift import DRIFT_FORMAT, DriftDocument

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

MEANINGS: Final = {
    "Document": "A plan: what will be done, what it was computed from, and what guards have against it.",
    "Document.format": "Version of this format; a reader refuses one that it does not know.",
    "Document.kind": "Always `plan`.",
    "Document.fingerprint": "A digest of what will happen, equal for plans that do the same: for `apply --expect`.",
    "Document.checksum": "SHA-256 of the document with an empty checksum; the file must not be edited by hand.",
    "Document.lineage": "Identity of the lockfile that the plan was made with.",
    "Document.serial": "Version of that lockfile.",
    "Document.service": "The host of the service, or `sandbox`; the plan is applied nowhere else.",
    "Document.state": "URL of the lockfile; that of a file is relative to the plan file.",
    "Document.tenants": "The tenants that were planned.",
    "Document.summary": "How many changes there are of each action.",
    "Document.changes": "All changes, sorted by tenant, group and user; a definition comes before its members.",
    "Document.groups": "Every group with a change, as guards judge it.",
    "Document.unchanged": "How many addresses are as they should be.",
    "Document.failures": "Tenants that could not be planned, with the reason.",
    "Document.left": "Members of additive groups that are left alone, by group address.",
    "Document.orphaned": "Tenants that the lockfile knows and the configuration no longer names.",
    "Document.takeOver": "Whether members that were never ours may be removed on first contact.",
    "Document.offline": "Whether it was planned against the lockfile, without asking the service: it can't be applied.",
    "Document.targets": "The addresses that the plan was limited to; empty if it is whole.",
    "Document.refusals": "What guards and policy have against the plan; they are asked again where they can be.",
    "Document.warnings": "Remarks for the reader that stop nothing.",
    "Document.at": "The instant for which entries with a time were judged; left out where no entry has one.",
    "Document.nextDate": "The next instant at which an entry begins or ends.",
    "Document.access": "What the changes come to for users, by tenant: left out where it was not asked.",
    "Document.accessGuards": "Guards on access that are judged again, by what is live then, before it is carried out.",
    "Document.accessLimit": "Of how many customers these guards may ask the other groups, at most.",
    "AccessGuards": "The guards on access of one tenant that are judged again before the plan is carried out.",
    "AccessGuards.tenant": "The tenant's name.",
    "AccessGuards.sensitive": "Patterns of scopes that are sensitive.",
    "AccessGuards.requires": "What an entry has to carry that gives one of them.",
    "AccessGuards.separation": "Pairs of patterns of scopes of which nobody may have both.",
    "AccessGuards.keep": "Who must go on having a scope, by scope.",
    "Keep": "Who must go on having a scope.",
    "Keep.minMembers": "How many users must have it.",
    "Keep.protected": "Users who must not lose it.",
    "Access": "What the plan changes in what the users of one tenant may do.",
    "Access.tenant": "The tenant's name.",
    "Access.summary": "How many users gain and lose each scope, sensitive gains first.",
    "Access.effects": "What changes for whom; users for whom nothing changes are not in it.",
    "Access.uncounted": "How many users were not asked about, because there were more than the limit of requests.",
    "Access.names": "Names of the groups that grants mention, by id.",
    "Total": "How many users gain and lose a scope.",
    "Total.scope": "The scope.",
    "Total.company": "The company (`legalEntityId`) in which it holds; left out where it holds everywhere.",
    "Total.gained": "How many users gain it.",
    "Total.lost": "How many users lose it.",
    "Total.sensitive": "Whether it is gained and the configuration calls it sensitive.",
    "Effect": "What the plan changes for users, the same for each of them.",
    "Effect.users": "The users.",
    "Effect.gained": "What they have only afterwards.",
    "Effect.lost": "What they had only before.",
    "Effect.kept": "What a group does not give them any more while other groups still do.",
    "Effect.had": "What a group gives them from now on while other groups gave it already.",
    "User": "A user by id, and who that is.",
    "User.user": "The user's id.",
    "User.person": "Who it is, as far as the configuration, the lockfile or the service told.",
    "Grant": "A scope, and the groups through which it comes.",
    "Grant.scope": "The scope.",
    "Grant.company": "The company (`legalEntityId`) in which it holds; left out where it holds everywhere.",
    "Grant.through": "Ids of the groups through which it comes; of what is lost, through which it came; of what they "
    "had, through which they have it already.",
    "Grant.sensitive": "Whether it is gained and the configuration calls it sensitive.",
    "Change": "One difference and what will be done about it.",
    "Change.address": "`tenant/group` or `tenant/group/user`.",
    "Change.tenant": "The tenant's name.",
    "Change.group": "The group's id.",
    "Change.user": "The user's id; left out for the group's definition.",
    "Change.action": "What happens. Adopt and forget change the lockfile only, the others are requests.",
    "Change.reason": "Why.",
    "Change.userType": "Who the members of the group are.",
    "Change.source": "The line of the configuration that asked for it.",
    "Change.note": "The file's own reason for a member.",
    "Change.before": "The live definition, under the API's own names; groups only.",
    "Change.after": "The whole definition that will be sent, unmanaged fields with their live values; groups only.",
    "Change.version": "The live `metadata.version` that the change was computed from.",
    "Change.owned": "Whether the definition is ours afterwards.",
    "Change.email": "The e-mail that led to the user's id; remembered with the membership.",
    "Change.person": "Who the user is, as far as the configuration, the lockfile or the service told.",
    "Change.teams": "The teams through which the user is a member, outermost first.",
    "Change.until": "When the membership ends, or ended.",
    "Person": "Somebody by name.",
    "Person.handle": "The name under `people`.",
    "Person.email": "The e-mail.",
    "Person.name": "The person's own name.",
    "Definition": "A group's definition under the API's own names; what is empty is left out.",
    "Definition.userType": "Who the members of the group are.",
    "Definition.name": "The name by language.",
    "Definition.description": "The description by language.",
    "Definition.accessControls": "Ids of access controls, sorted.",
    "Definition.templates": "Ids of templates, sorted.",
    "Definition.restrictions": "The restrictions, sorted.",
    "Definition.b2b": "The company (`legalEntityId`) that a company group belongs to.",
    "Definition.vendorId": "The vendor that the group belongs to.",
    "Definition.mixins": "Fields of the tenant's own, by mixin.",
    "Group": "What guards and readers need to know of a group that the plan changes.",
    "Group.tenant": "The tenant's name.",
    "Group.group": "The group's id.",
    "Group.live": "How many members it has now; 0 if it is new.",
    "Group.desired": "How many it has afterwards, those that are left alone included.",
    "Group.membership": "Whether members that are not listed are removed (exact) or left alone (additive).",
    "Group.guards": "The limits in force.",
    "Group.firstContact": "It exists, and the lockfile does not know it yet.",
    "Group.emptied": "The configuration lists nobody.",
    "Group.vanished": "Members that were ours are no longer listed at all, because their list left the configuration.",
    "Group.unlisted": "Its members are not managed.",
    "Group.leaves": "The whole group left the configuration.",
    "Group.movedTo": "Its members go to the group with this id; left out if they do not.",
    "Group.name": "Its name, for readers.",
    "Group.source": "Where the configuration has it.",
    "Guards": "The limits of one group after file, tenant and group level are merged; what is left out is not set.",
    "Guards.maxRemovals": "At most so many members may be removed at once: a number, a share such as `25%`, or both.",
    "Guards.minMembers": "At least so many members must be left.",
    "Guards.protected": "Users who must not lose a membership.",
    "Remark": "What a guard has against the plan, or a warning.",
    "Remark.message": "What it is, in one sentence.",
    "Remark.rule": "The guard, or the service's rule, behind it.",
    "Remark.address": "The tenant, group or member that it concerns.",
    "Remark.remedy": "What would be right.",
    "Remark.source": "Where it is.",
    "Remark.related": "Further places.",
    "Place": "A place with what is there.",
    "Place.label": "What is there.",
    "Place.source": "Where it is.",
    "Source": "A place in a file of the configuration.",
    "Source.file": "The file's path as it was given.",
    "Source.line": "Counted from 1.",
    "Source.column": "Counted from 1.",
    "Action": "What happens to an address.",
    "Reason": "Why a change is there.",
    "Requirement": "What an entry has to carry: a `reason`, an `until`, either or both.",
    "Membership": "Whether members that are not listed are removed (exact) or left alone (additive).",
    "UserType": "Who a user is to the service.",
    "DriftDocument": "What was changed outside since the last apply, whatever the configuration says.",
    "DriftDocument.format": "Version of this format.",
    "DriftDocument.kind": "Always `drift`.",
    "DriftDocument.tenants": "The tenants that were looked at.",
    "DriftDocument.failures": "Tenants that could not be read, with the reason.",
    "DriftDocument.drift": "All differences, sorted by tenant, group and user.",
    "Drifted": "One difference between the lockfile and the service.",
    "Drifted.address": "`tenant/group` or `tenant/group/user`.",
    "Drifted.drift": "What happened to it: added, changed or removed outside.",
    "Drifted.userType": "Who the members of the group are.",
    "Drifted.known": "What the lockfile says: a group's definition as it was last applied (only `userType` if it was "
    "never ours), or a member's `userType`; null if it is not there.",
    "Drifted.live": "What the service says: a group's definition, or a member's `userType`; null if it is not there.",
}
"""What each part of the two documents means, by the name of the part and of its field."""


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of the plan document; what it says of definitions is checked apart when one is read."""
    found = _schema(Document, "plan", FORMAT, Definition)
    change = found["$defs"]["Change"]["properties"]
    for side in ("before", "after"):
        change[side]["anyOf"] = [{"$ref": "#/$defs/Definition"}, {"type": "null"}]
    return found


def drift_schema() -> dict[str, Any]:
    """The JSON Schema of the drift document."""
    return _schema(DriftDocument, "drift", DRIFT_FORMAT)


def _schema(document: type[msgspec.Struct], kind: str, version: int, *others: type[msgspec.Struct]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components((document, *others), ref_template="#/$defs/{name}")
    name = document.__name__.lstrip("_")
    parts = {part.lstrip("_"): _described(part.lstrip("_"), _renamed(schema)) for part, schema in found.items()}
    whole = parts.pop(name)
    whole["properties"]["format"] = {**whole["properties"]["format"], "const": version}
    whole["properties"]["kind"] = {**whole["properties"]["kind"], "const": kind}
    head = {"$schema": DRAFT, "$id": f"urn:emporix-reconciler:{kind}:{version}"}
    return {**head, **whole, "title": f"The {kind} document of reconciler, format {version}", "$defs": parts}


def _described(part: str, schema: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _told(f"{part}.{name}", inner) for name, inner in schema.get("properties", {}).items()}
    return _told(part, {**schema, "title": part} | ({"properties": properties} if properties else {}))


def _told(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its meaning, which says more than the docstring of a struct that is meant for us."""
    return {**schema, "description": MEANINGS[name]} if name in MEANINGS else schema


def _renamed(schema: Any) -> Any:
    """The schema with the names of its parts as readers see them."""
    if isinstance(schema, list | tuple):
        return [_renamed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: inner.replace("/_", "/") if key == "$ref" else _renamed(inner) for key, inner in schema.items()}
