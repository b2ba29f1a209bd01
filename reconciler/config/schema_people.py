"""The models of everybody that the file names: people, teams, members, and who left."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.alias_generators import to_camel

from reconciler.config.values import (
    MAPPING,
    TEXT,
    Email,
    Handle,
    Id,
    KindOfUser,
    Moment,
    TeamMate,
    Text,
    User,
    UserId,
    alternative,
)

LEFT_OUT: Final[Any] = None
"""The default of what may be left out; the models keep no values, so it is never looked at."""


class Part(BaseModel):
    """What all mappings of the file have in common: no unknown keys, and names as in the service's own API."""

    # Built when first used: only the file's own model ever is, and start-up time counts.
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, defer_build=True)


class _Timed(Part):
    from_: Moment = Field(
        alias="from",
        default=LEFT_OUT,
        title="From",
        description="The first day, or the instant, from which this counts.",
        examples=["2026-12-01"],
    )
    until: Moment = Field(
        default=LEFT_OUT,
        title="Until",
        description="The last day, or the instant, until which this counts.",
        examples=["2026-12-31", "2026-12-31T18:00:00Z"],
    )
    reason: Text | None = Field(
        default=LEFT_OUT,
        title="Reason",
        description="Why; shown in the plan.",
        examples=["OPS-42"],
    )


class _One(_Timed):
    id: UserId = Field(
        default=LEFT_OUT, title="User id", description="The user's id.", examples=["00u4ukqvzlEP31sCk417"]
    )
    email: Email = Field(
        default=LEFT_OUT,
        title="E-mail",
        description="The user's e-mail; the id that it leads to is found while planning, and remembered.",
        examples=["marta@acme.example"],
    )


class MemberPart(_One):
    """A member: exactly one of `id`, `email`, `person` and `team`, and perhaps a time and a reason."""

    model_config = ConfigDict(
        title="Member",
        json_schema_extra={"oneOf": [{"required": [key]} for key in ("id", "email", "person", "team")]},
    )

    person: Handle = Field(
        default=LEFT_OUT, title="Person", description="Somebody's name under `people`.", examples=["ana"]
    )
    team: Handle = Field(
        default=LEFT_OUT, title="Team", description="A team's name under `teams`: all of its people.", examples=["ops"]
    )


class OffboardedPart(_One):
    """Somebody who is to be in no group: exactly one of `id`, `email` and `person`."""

    model_config = ConfigDict(
        title="Offboarded user",
        json_schema_extra={"oneOf": [{"required": [key]} for key in ("id", "email", "person")]},
    )

    person: Handle = Field(
        default=LEFT_OUT, title="Person", description="Somebody's name under `people`.", examples=["ana"]
    )


class PersonPart(_One):
    """A person: at least one of `id` and `email`; with both, the id counts and the e-mail is for readers."""

    model_config = ConfigDict(
        title="Person", json_schema_extra={"anyOf": [{"required": ["id"]}, {"required": ["email"]}]}
    )

    name: Text = Field(default=LEFT_OUT, title="Name", description="For readers.", examples=["Ana Silva"])
    user_type: KindOfUser = Field(
        default=LEFT_OUT,
        title="User type",
        description="Whether the person is an employee or a customer; of the group's type if left out.",
        examples=["EMPLOYEE"],
    )
    left: Moment = Field(
        default=LEFT_OUT,
        title="Left",
        description="The day, or the instant, from which the person is in no group of any tenant.",
        examples=["2026-11-30"],
    )


class MovedPart(Part):
    """What goes on under another name."""

    model_config = ConfigDict(title="Moved")

    from_: Id = Field(alias="from", title="From", description="The old id or name.", examples=["catalog-team"])
    to: Id = Field(title="To", description="The new id or name.", examples=["catalog-managers"])


Member = Annotated[
    Annotated[User, Tag(TEXT)] | Annotated[MemberPart, Tag(MAPPING)],
    Discriminator(alternative),
]
TeamMember = Annotated[
    Annotated[TeamMate, Tag(TEXT)] | Annotated[MemberPart, Tag(MAPPING)],
    Discriminator(alternative),
]
Offboarded = Annotated[
    Annotated[User, Tag(TEXT)] | Annotated[OffboardedPart, Tag(MAPPING)],
    Discriminator(alternative),
]
Someone = Annotated[
    Annotated[User, Tag(TEXT)] | Annotated[PersonPart, Tag(MAPPING)],
    Discriminator(alternative),
]
