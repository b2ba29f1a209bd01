"""The models of the configuration file: the one source of its keys and their documentation, and of schema.json.

They check and describe; what the file says is then read from the nodes, because those also know where it stands. So the
models keep no values, and None as a default only means that a key may be left out.
"""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Discriminator, Field, Tag

from reconciler.config.schema_group import DefaultsPart, GroupPart, TemplatePart
from reconciler.config.schema_guards import GuardsPart
from reconciler.config.schema_people import LEFT_OUT, MovedPart, Offboarded, Part, Someone, TeamMember
from reconciler.config.values import (
    MAPPING,
    TEXT,
    Beside,
    FilePattern,
    GroupPattern,
    Handle,
    Id,
    Setting,
    TenantNames,
    TimeZone,
    Variables,
    Word,
    alternative,
)

IDENTIFIER: Final = "urn:emporix-reconciler:configuration:1"


class StatePart(Part):
    """Where the lockfile is: what the reconciler remembers of what it owns."""

    model_config = ConfigDict(title="State")

    url: Word = Field(
        title="Place of the lockfile",
        description="A URL without credentials: `file:`, `s3:`, `az:`, `gs:`, `https:` (Terraform's HTTP protocol) or "
        "`postgresql:`. A relative `file:` path starts at the folder of the file that says it.",
        examples=["file:reconciler.lock", "s3://acme-access/reconciler.lock", "postgresql://db.acme.example/access"],
    )


class AuditPart(Part):
    """Where each apply writes down what it did, for `reconciler log`."""

    model_config = ConfigDict(title="Audit")

    url: Word = Field(
        title="Place of the audit file",
        description="A URL without credentials, of any kind that a lockfile can have. A path starts at the folder of "
        "the file that says it. It is only ever appended to, one line of JSON for each apply.",
        examples=["file:reconciler.audit.jsonl", "s3://acme-audit/access.jsonl"],
    )


Audit = Annotated[
    Annotated[Beside, Tag(TEXT)] | Annotated[AuditPart, Tag(MAPPING)],
    Discriminator(alternative),
]


class TenantPart(Part):
    """A tenant, one Emporix customer environment, or several that have the same groups."""

    model_config = ConfigDict(title="Tenant")

    tenant: TenantNames = Field(
        title="Tenant",
        description="The tenant's name, or a list of them: each gets what stands here, with `${tenant}` as its name.",
        examples=["acmeprod", ["acmedev", "acmestage", "acmeprod"]],
    )
    vars: Variables | None = Field(
        default=LEFT_OUT,
        title="Variables",
        description="What `${var.NAME}` means for the tenant, in all of its entries; wins over the `vars` of a file.",
        examples=[{"buyers": "5ac869fc-d548-4ec8"}],
    )
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
        description="Which of `guards` and `vars` (for a file or a tenant), `audit`, `people`, `policy`, `state`, "
        "`teams` and `templates` these files may have; none if left out. Guards of a single group come with the group; "
        "whoever may state people may let them leave.",
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
    vars: Variables | None = Field(
        default=LEFT_OUT,
        title="Variables",
        description="What `${var.NAME}` means in the texts below `tenants`, `templates` and `defaults` of all files; "
        "`$${` is the text `${`. A tenant's own `vars` win, and `--var` and `--var-file` win over both.",
        examples=[{"domain": "acme.example"}],
    )
    templates: dict[Id, TemplatePart] | None = Field(
        default=LEFT_OUT,
        title="Templates",
        description="What groups have in common, by names: a group of any file that says `extends: NAME` takes over "
        "each key that it doesn't say itself; dates are those of the file that uses it. What a group has as "
        "`templates` of its own is something else: sets of access controls.",
        examples=[
            {"catalog": {"id": "catalog-managers", "name": "Catalog managers", "members": [{"team": "catalog"}]}}
        ],
    )
    defaults: DefaultsPart | None = Field(
        default=LEFT_OUT,
        title="Defaults",
        description="What holds for each group of this file that says nothing else itself or by its template; the "
        "definition only for groups with a `name`.",
        examples=[{"membership": "additive", "userType": "EMPLOYEE"}],
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
    audit: Audit | None = Field(
        default=LEFT_OUT,
        title="Audit",
        description="Where each apply writes down what it did and who ran it: `beside` the lockfile, wherever that is, "
        "or at a URL; nowhere if left out.",
        examples=["beside", {"url": "s3://acme-audit/access.jsonl"}],
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
