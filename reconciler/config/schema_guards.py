"""The models of guards: limits of groups, and of what the users of a tenant may do."""

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag

from reconciler.config.schema_people import LEFT_OUT, Part
from reconciler.config.values import LIST, MAPPING, TEXT, UserId, alternative, list_or_mapping
from reconciler.config.values_guards import (
    Count,
    MostRemovals,
    NotOfGroup,
    Number,
    Pair,
    Required,
    SaysSomething,
    Scope,
    ScopePattern,
)


class SensitivePart(Part):
    """Scopes that a reviewer sees first, and what has to be said of whoever gains one."""

    model_config = ConfigDict(title="Sensitive scopes")

    scopes: list[ScopePattern] | None = Field(
        default=LEFT_OUT,
        title="Scopes",
        description="Patterns of the scopes; those of all levels add up.",
        examples=[["iam.*", "*_manage"]],
    )
    requires: Required = Field(
        default=LEFT_OUT,
        title="Requires",
        description="What each entry has to carry by which a plan gives somebody such a scope, also a second time: a "
        "`reason`, a date in `until`, `either` or `both`; nothing if left out.",
        examples=["reason"],
    )


class KeepPart(Part):
    """Who must go on having a scope."""

    model_config = ConfigDict(title="Kept scope", json_schema_extra={"minProperties": 1})

    min_members: Number = Field(
        default=LEFT_OUT,
        title="Fewest users",
        description="How many users must have the scope itself after a plan; with a restriction, or at one company "
        "only, does not count.",
        examples=[2],
    )
    protected: list[UserId] | None = Field(
        default=LEFT_OUT,
        title="Protected users",
        description="User ids that no plan may take the scope from, whatever their groups.",
        examples=[["00uBREAKGLASS"]],
    )


Sensitive = Annotated[
    Annotated[list[ScopePattern], Tag(LIST)] | Annotated[SensitivePart, Tag(MAPPING)],
    Discriminator(list_or_mapping),
]
Kept = Annotated[
    Annotated[Number, Tag(TEXT)] | Annotated[KeepPart, SaysSomething, Tag(MAPPING)],
    Discriminator(alternative),
]
KeptScopes = Annotated[dict[Scope, Kept], Field(json_schema_extra={"additionalProperties": False})]


class GuardsPart(Part):
    """Limits that can refuse a plan: the innermost level that sets a key wins, lists of all levels add up."""

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
    sensitive: Sensitive | None = Field(
        default=LEFT_OUT,
        title="Sensitive scopes",
        description="Patterns of scopes whose gains stand first in every plan; as a mapping, the entry of whoever "
        "gains one can be required to have a `reason` or an `until`.",
        examples=[["iam.*", "*_manage"], {"scopes": ["iam.*"], "requires": "reason"}],
    )
    separation: list[Pair] | None = Field(
        default=LEFT_OUT,
        title="Separation of duties",
        description="Pairs of scopes, or patterns of scopes, that nobody may have together, at the same company where "
        "companies have groups of their own.",
        examples=[[["order.order_manage", "payment.payment_manage"]]],
    )
    keep: KeptScopes | None = Field(
        default=LEFT_OUT,
        title="Scopes to keep",
        description="Exact scopes that must not run out: how many users must have each after a plan, or a mapping that "
        "also protects single users.",
        examples=[
            {"iam.group_manage": 2},
            {"iam.group_manage": {"minMembers": 2, "protected": ["00uBREAKGLASS"]}},
        ],
    )


def _without_access(schema: dict[str, Any]) -> None:
    for key in ("keep", "sensitive", "separation"):
        del schema["properties"][key]


class GroupGuardsPart(GuardsPart):
    """Limits for one group: what is about the access of users can only be said of all groups of a tenant."""

    model_config = ConfigDict(title="Guards of a group", json_schema_extra=_without_access)

    sensitive: NotOfGroup = LEFT_OUT
    separation: NotOfGroup = LEFT_OUT
    keep: NotOfGroup = LEFT_OUT
