"""The models of a group, and of what groups can share: templates and defaults."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from reconciler.config.schema_guards import GroupGuardsPart
from reconciler.config.schema_people import LEFT_OUT, Member, Part
from reconciler.config.values import (
    FreeData,
    Id,
    KindOfMembership,
    KindOfUser,
    ListFile,
    Localized,
    Name,
    NoDefault,
    Phrase,
    Word,
)
from reconciler.core.model import FIELD_NAMES

_NEEDED: Final[dict[str, Any]] = {**{name: ["name"] for name in FIELD_NAMES}, "name": ["id"]}


class MatchPart(Part):
    """How to find a group that exists already: every criterion must fit, and exactly one group may."""

    model_config = ConfigDict(title="Match", json_schema_extra={"minProperties": 1})

    id: Id = Field(default=LEFT_OUT, title="Id", description="The group's id.", examples=["5ac869fc-d548-4ec8"])
    code: Word = Field(
        default=LEFT_OUT, title="Code", description="The code of a predefined group.", examples=["BO_MANAGER"]
    )
    name: Phrase = Field(
        default=LEFT_OUT, title="Name", description="The group's name in any of its languages.", examples=["Buyer"]
    )
    legal_entity_id: Word = Field(
        default=LEFT_OUT,
        title="Legal entity",
        description="The id of the company that the group belongs to.",
        examples=["0149b1314144a01491314z128"],
    )
    vendor_id: Word = Field(
        default=LEFT_OUT,
        title="Vendor",
        description="The id of the vendor that the group belongs to.",
        examples=["acme"],
    )


class CompanyPart(Part):
    """What makes a group one of a company."""

    model_config = ConfigDict(title="Company")

    legal_entity_id: Word | None = Field(
        default=LEFT_OUT,
        title="Legal entity",
        description="The id of the company; null empties it.",
        examples=["0149b1314144a01491314z128"],
    )


class GroupPart(Part):
    """A group: ours if it has a `name`; otherwise somebody else's, and only its members are ours."""

    model_config = ConfigDict(
        title="Group",
        json_schema_extra={
            "if": {"required": ["extends"]},
            "then": {"not": {"required": ["id", "match"]}},
            "else": {"oneOf": [{"required": ["id"]}, {"required": ["match"]}], "dependentRequired": _NEEDED},
        },
    )

    extends: Id = Field(
        default=LEFT_OUT,
        title="Extends",
        description="The template that says whatever is not said here, key by key.",
        examples=["catalog-managers"],
    )
    id: Id = Field(default=LEFT_OUT, title="Id", description="The group's id.", examples=["catalog-managers"])
    match: MatchPart = Field(
        default=LEFT_OUT,
        title="Criteria",
        description="Finds somebody else's group by what it is; none of its definition can be given here.",
        examples=[{"code": "BO_MANAGER"}, {"name": "Buyer", "legalEntityId": "0149b1314144a01491314z128"}],
    )
    name: Name = Field(
        default=LEFT_OUT,
        title="Name",
        description="Makes the group ours; a text in the tenant's language, or a mapping of languages to texts.",
        examples=["Catalog managers", {"en": "Catalog managers", "de": "Katalogmanager"}],
    )
    description: Localized | None = Field(
        default=LEFT_OUT,
        title="Description",
        description="A text in the tenant's language, or a mapping of languages to texts; null empties it.",
        examples=[{"en": "Maintain the catalog"}],
    )
    user_type: KindOfUser = Field(
        default=LEFT_OUT,
        title="User type",
        description="Whom the group takes; EMPLOYEE if left out. To change it, the group is made anew.",
        examples=["EMPLOYEE"],
    )
    access_controls: list[Word] | None = Field(
        default=LEFT_OUT,
        title="Access controls",
        description="Ids of what the group grants; null or an empty list empties it.",
        examples=[["5ac869fc-d548-4ec8-8e06-c01491314101"]],
    )
    templates: list[Word] | None = Field(
        default=LEFT_OUT,
        title="Templates",
        description="Ids of named sets of access controls; null or an empty list empties it.",
        examples=[["2ac869fc-d548-4ec8-8e06-c01491314144"]],
    )
    restrictions: list[Word] | None = Field(
        default=LEFT_OUT,
        title="Restrictions",
        description="Values that narrow what the group sees; null or an empty list empties it.",
        examples=[["DE", "FR"]],
    )
    b2b: CompanyPart | None = Field(
        alias="b2b",
        default=LEFT_OUT,
        title="Company",
        description="The company that the group belongs to; null empties it.",
        examples=[{"legalEntityId": "0149b1314144a01491314z128"}],
    )
    vendor_id: Word | None = Field(
        default=LEFT_OUT,
        title="Vendor",
        description="The vendor that the group belongs to; can only be set when the group is created.",
        examples=["acme"],
    )
    mixins: FreeData | None = Field(
        default=LEFT_OUT,
        title="Mixins",
        description="Attributes of your own, any JSON; here true, null and 1.5 have their YAML 1.2 meaning.",
        examples=[{"costCentre": {"number": 4711, "active": True}}],
    )
    membership: KindOfMembership = Field(
        default=LEFT_OUT,
        title="Membership",
        description="exact: members not listed here are removed; additive: they are left and reported.",
        examples=["exact"],
    )
    members: list[Member] | None = Field(
        default=LEFT_OUT,
        title="Members",
        description="User ids or e-mails, or mappings with one of `id`, `email`, `person` and `team`; empty means "
        "nobody, left out means not managed.",
        examples=[["00u4ukqvzlEP31sCk417", {"team": "catalog"}, {"person": "ana", "until": "2026-12-31"}]],
    )
    members_from: ListFile = Field(
        default=LEFT_OUT,
        title="Members from a file",
        description="A long list in a file of its own, beside or instead of `members`. `.csv`: the first line names "
        "the columns, `id` or `email` and perhaps `until`, `from`, `reason` and `name`, which is for readers; `.txt`: "
        "an id or e-mail a line; `.json`: a list of texts, or of objects with the columns as keys. A relative path "
        "starts at the folder of the file that says it.",
        examples=["buyers.csv"],
    )
    guards: GroupGuardsPart | None = Field(
        default=LEFT_OUT, title="Guards", description="Limits for this group.", examples=[{"minMembers": 1}]
    )


class TemplatePart(GroupPart):
    """What several groups have in common: any keys of a group, which those that say `extends` take over."""

    model_config = ConfigDict(title="Template", json_schema_extra={})


def _without_identity(schema: dict[str, Any]) -> None:
    for key in ("extends", "guards", "id", "match", "members", "membersFrom", "name"):
        del schema["properties"][key]


class DefaultsPart(GroupPart):
    """What holds for each group of this file that says nothing else itself or by its template."""

    model_config = ConfigDict(title="Defaults", json_schema_extra=_without_identity)

    extends: NoDefault = LEFT_OUT
    guards: NoDefault = LEFT_OUT
    id: NoDefault = LEFT_OUT
    match: NoDefault = LEFT_OUT
    members: NoDefault = LEFT_OUT
    members_from: NoDefault = LEFT_OUT
    name: NoDefault = LEFT_OUT
