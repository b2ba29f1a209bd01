"""The models of the configuration file: the one source of its keys and their documentation, and of schema.json.

They check and describe; what the file says is then read from the nodes, because those also know where it stands. So the
models keep no values, and None as a default only means that a key may be left out.
"""

from typing import Any, Final

from pydantic import ConfigDict, Field

from reconciler.config.schema_people import LEFT_OUT, Member, MovedPart, Offboarded, Part, Someone, TeamMember
from reconciler.config.values import (
    Count,
    FilePattern,
    FreeData,
    GroupPattern,
    Handle,
    Id,
    KindOfMembership,
    KindOfUser,
    ListFile,
    Localized,
    MostRemovals,
    Name,
    Phrase,
    Setting,
    TenantName,
    TimeZone,
    UserId,
    Word,
)
from reconciler.core.model import FIELD_NAMES

IDENTIFIER: Final = "urn:emporix-reconciler:configuration:1"

_NEEDED: Final[dict[str, Any]] = {**{name: ["name"] for name in FIELD_NAMES}, "name": ["id"]}


class StatePart(Part):
    """Where the lockfile is: what the reconciler remembers of what it owns."""

    model_config = ConfigDict(title="State")

    url: Word = Field(
        title="Place of the lockfile",
        description="A URL without credentials: `file:`, `s3:`, `az:`, `gs:`, `https:` (Terraform's HTTP protocol) or "
        "`postgresql:`. A relative `file:` path starts at the folder of the file that says it.",
        examples=["file:reconciler.lock", "s3://acme-access/reconciler.lock", "postgresql://db.acme.example/access"],
    )


class GuardsPart(Part):
    """Limits that can refuse a plan: the innermost level that sets a key wins, protected ids of all levels add up."""

    model_config = ConfigDict(title="Guards")

    max_removals: MostRemovals = Field(
        default=LEFT_OUT,
        title="Most removals",
        description="How many members one plan may remove from a group: a number, or a share of its members.",
        examples=[10, "25%"],
    )
    min_members: Count = Field(
        default=LEFT_OUT,
        title="Fewest members",
        description="How many members a group must have after a plan.",
        examples=[1],
    )
    protected: list[UserId] | None = Field(
        default=LEFT_OUT,
        title="Protected users",
        description="User ids that no plan may remove from a group.",
        examples=[["00uBREAKGLASS"]],
    )


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
            "oneOf": [{"required": ["id"]}, {"required": ["match"]}],
            "dependentRequired": _NEEDED,
        },
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
    guards: GuardsPart | None = Field(
        default=LEFT_OUT, title="Guards", description="Limits for this group.", examples=[{"minMembers": 1}]
    )


class TenantPart(Part):
    """A tenant: one Emporix customer environment."""

    model_config = ConfigDict(title="Tenant")

    tenant: TenantName = Field(title="Tenant", description="The tenant's name.", examples=["acmeprod"])
    groups: list[GroupPart] | None = Field(
        default=LEFT_OUT,
        title="Groups",
        description="The tenant's groups that this file says something about.",
        examples=[[{"match": {"code": "BO_MANAGER"}, "members": ["00u4ukqvzlEP31sCk417"]}]],
    )
    moved: list[MovedPart] | None = Field(
        default=LEFT_OUT,
        title="Moved groups",
        description="Groups of yours that go on under a new id: made anew with all that the old one has, and everybody "
        "in both keeps access meanwhile. Take the line out once it was applied.",
        examples=[[{"from": "catalog-team", "to": "catalog-managers"}]],
    )
    offboarded: list[Offboarded] | None = Field(
        default=LEFT_OUT,
        title="Offboarded",
        description="Who is to be in no group of the tenant at all, not even one that is not managed here.",
        examples=[["00u4ukqvzlEP31sCk417", {"person": "ana", "reason": "OPS-42"}]],
    )
    guards: GuardsPart | None = Field(
        default=LEFT_OUT,
        title="Guards",
        description="Limits for the groups listed here.",
        examples=[{"maxRemovals": "25%"}],
    )


class OwnershipPart(Part):
    """What some files may touch: the first rule whose pattern fits a file is the file's."""

    model_config = ConfigDict(title="Ownership rule")

    files: FilePattern = Field(
        title="Files",
        description="Which files the rule is for: a path from the folder of the file that states `ownership`; `*` and "
        "`?` stay within a folder, `**` goes across folders.",
        examples=["teams/catalog/*.yaml", "**"],
    )
    may: list[GroupPattern] | None = Field(
        default=LEFT_OUT,
        title="May touch",
        description="The groups that these files may have entries for, as patterns of `tenant/group`; nothing if left "
        "out or empty. A group that is found by `match` without an id needs `tenant/*`.",
        examples=[["acmeprod/catalog-*", "acmestage/*"]],
    )
    settings: list[Setting] | None = Field(
        default=LEFT_OUT,
        title="May set",
        description="Which of `guards` (for a file or a tenant), `people`, `policy`, `state` and `teams` these files "
        "may have; none if left out. Guards of a single group come with the group; whoever may state people may let "
        "them leave.",
        examples=[["guards"]],
    )


class FilePart(Part):
    """Who is in which group of which tenant, as it should be."""

    model_config = ConfigDict(title="Configuration of reconciler")

    people: dict[Handle, Someone] | None = Field(
        default=LEFT_OUT,
        title="People",
        description="Names for people, so that a reviewer reads who it is: a user id, an e-mail, or a mapping.",
        examples=[{"ana": "00u4ukqvzlEP31sCk417", "marta": {"email": "marta@acme.example", "name": "Marta Ruiz"}}],
    )
    teams: dict[Handle, list[TeamMember] | None] | None = Field(
        default=LEFT_OUT,
        title="Teams",
        description="Names for lists of people, of other teams too.",
        examples=[{"catalog": ["ana", "marta"], "everybody": ["catalog", {"person": "bo", "until": "2026-12-31"}]}],
    )
    moved: list[MovedPart] | None = Field(
        default=LEFT_OUT,
        title="Moved names",
        description="People and teams that go on under a new name: whatever still has the old one means the new one.",
        examples=[[{"from": "marta", "to": "marta.ruiz"}]],
    )
    timezone: TimeZone = Field(
        default=LEFT_OUT,
        title="Time zone",
        description="Where the days of this file begin and end; UTC if left out.",
        examples=["Europe/Berlin"],
    )
    tenants: list[TenantPart] | None = Field(
        default=LEFT_OUT,
        title="Tenants",
        description="The tenants and their groups.",
        examples=[[{"tenant": "acmeprod", "groups": [{"id": "catalog-managers", "name": "Catalog managers"}]}]],
    )
    guards: GuardsPart | None = Field(
        default=LEFT_OUT,
        title="Guards",
        description="Limits for all groups of this file. Those of the file that states `ownership` hold for the groups "
        "of all files, which can only make them stricter.",
        examples=[{"maxRemovals": "25%", "minMembers": 1, "protected": ["00uBREAKGLASS"]}],
    )
    state: StatePart | None = Field(
        default=LEFT_OUT,
        title="State",
        description="Where the lockfile is; `reconciler.lock` beside the configuration if left out.",
        examples=[{"url": "file:reconciler.lock"}],
    )
    policy: list[Word] | None = Field(
        default=LEFT_OUT,
        title="Policy",
        description="Files or folders of rules in Rego that judge every plan: `deny` refuses it, `warn` remarks on it. "
        "A relative path starts at the folder of the file that says it; several files add up.",
        examples=[["policy/access.rego"]],
    )
    ownership: list[OwnershipPart] | None = Field(
        default=LEFT_OUT,
        title="Ownership",
        description="Which files may touch which groups, so that whoever may change one file can do nothing beyond it. "
        "The first rule that fits counts, and a file that none fits may touch nothing. Only one file may have it, and "
        "that file may say everything.",
        examples=[[{"files": "teams/catalog/*.yaml", "may": ["acmeprod/catalog-*"]}, {"files": "**", "may": []}]],
    )


def json_schema() -> dict[str, Any]:
    """The file's JSON Schema (2020-12), for editors; it accepts whatever the models accept, and a little more."""
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": IDENTIFIER}
    return {**draft, **_tidied(FilePart.model_json_schema(by_alias=True))}


def _tidied(schema: Any) -> Any:
    """The schema as every pydantic version should write it, so that schema.json depends on the models alone.

    ``default: null`` is left out, because it would tell editors that null means the same as leaving a key out.
    """
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied(value) for key, value in schema.items() if key != "default" or value is not None}
    match tidied:
        case {"allOf": [dict(only)], **others}:
            return {**only, **others}
    return tidied
