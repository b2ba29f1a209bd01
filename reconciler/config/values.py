"""The kinds of values that the file holds: what each may look like, for the models and for schema.json.

Scalars arrive as written, as text or None. Editors check the file with YAML typing of their own, so in the JSON Schema
texts and ids may also look like numbers or booleans (``34751075``, ``1e5``, ``true``).
"""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PlainValidator, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from reconciler.config.dates import is_moment, zone
from reconciler.config.nodes import described
from reconciler.core.model import Membership, UserType

TEXT: Final = "(text)"
MAPPING: Final = "(mapping)"
LIST: Final = "(list)"
"""The names of alternatives in pydantic's locations; in parentheses, because no key of the file looks like that."""

SETTINGS: Final = ("audit", "guards", "people", "policy", "state", "teams", "templates", "vars")
"""What a file may be allowed to say for all others besides tenants."""

BESIDE: Final = "beside"
"""What stands for the URL of an audit file that is beside the lockfile, wherever that is: no URL is written so."""

LIST_ENDINGS: Final = (".csv", ".txt", ".json")
"""How the name of a file that lists members ends: the ending tells its format."""

MARK: Final = "${"
"""How what is to be filled in begins in a text; see :mod:`reconciler.config.variables`."""

_VARIABLE: Final = "[A-Za-z_][A-Za-z0-9_-]*"
_EMAIL: Final = r"[^\s@/]+@[^\s@/]+"
_TENANT: Final = "[a-z][a-z0-9]{2,15}"
_LANGUAGE: Final = "[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*"

_UNWRITTEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What no text is written with: control characters, and those that make text read other than it is stored.

Joiners and marks stay allowed, because Persian, Hebrew or emoji can't be written without them.
"""


def wrong(predicate: str, remedy: str = "") -> PydanticCustomError:
    """A complaint without its subject, which :mod:`reconciler.config.wording` knows and puts in front."""
    return PydanticCustomError("rule", "{predicate}", {"predicate": predicate, "remedy": remedy})


def never(predicate: str, remedy: str) -> PydanticCustomError:
    """The same about what is wrong whatever its value, be it one that is still to be filled in."""
    return PydanticCustomError("never", "{predicate}", {"predicate": predicate, "remedy": remedy})


def quoted(value: Any) -> str:
    """A value in a message: as written, or what it is."""
    return f"`{value}`" if isinstance(value, str) else described(value)


def written(value: Any) -> str:
    """Whatever is a text."""
    if not isinstance(value, str):
        raise wrong(f"must be text, not {described(value)}")
    return value


def _without(character: str) -> PydanticCustomError:
    return wrong(f"can't have the character U+{ord(character):04X}", "remove it: a reviewer can't see it")


def _prose(value: str) -> str:
    if found := _UNWRITTEN.search(value):
        raise _without(found[0])
    return value


def _phrase(value: str) -> str:
    if not value.strip():
        raise wrong("can't be empty")
    return _prose(value)


def word(value: str) -> str:
    """A text that a reader sees whole: no blanks around it, and no characters that can't be seen."""
    if not value:
        raise wrong("can't be empty")
    if value != value.strip():
        raise wrong(f"can't start or end with a blank: `{value.strip()}`")
    if not value.isprintable():
        raise _without(next(character for character in value if not character.isprintable()))
    return value


def _id(value: str) -> str:
    word(value)
    if value in {".", ".."}:
        raise wrong(f"can't be `{value}`", "an id is part of a web address, where dots alone mean something else")
    if " " in value:
        raise wrong(f"can't have a blank in it: `{value}`", "are these two entries that lost a line break or a dash?")
    if "/" in value:
        raise wrong(f"can't have a slash in it: `{value}`")
    return value


def _user_id(value: str) -> str:
    if "@" in value:
        raise wrong(
            f"can't be an e-mail: `{value}`", "an e-mail is given as `email: …`, or as plain text in a member list"
        )
    return _id(value)


def _email(value: str) -> str:
    if not re.fullmatch(_EMAIL, word(value)):
        raise wrong(f"can't be `{value}`", "an e-mail looks like `ana@acme.example`")
    return value


def _user(value: str) -> str:
    return _email(value) if "@" in value else _id(value)


def _handle(value: str) -> str:
    if "@" in _id(value):
        raise wrong(f"can't be `{value}`", "the name of a person or a team has no `@`: that is how e-mails are told")
    return value


def _moment(value: Any) -> str:
    if not isinstance(value, str) or not is_moment(value):
        raise wrong(
            f"must be a date or a timestamp, not {quoted(value)}", "write `2026-12-31` or `2026-12-31T18:00:00Z`"
        )
    return value


def _timezone(value: str) -> str:
    if zone(value) is None:
        raise wrong(f"can't be `{value}`", "write a name of the time zone database, such as `Europe/Berlin` or `UTC`")
    return value


def _tenant(value: str) -> str:
    if not re.fullmatch(_TENANT, word(value)):
        raise wrong(
            f"can't be `{value}`", "a tenant has 3 to 16 lower-case letters and digits and starts with a letter"
        )
    return value


def _tenants(value: list[str]) -> list[str]:
    if not value:
        raise wrong("can't be empty", "name at least one tenant")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch(_VARIABLE, value):
        raise wrong("is no name of a variable", "use letters, digits, `_` and `-`, and start with a letter or `_`")
    return value


def _variable_text(value: str) -> str:
    if MARK in _prose(value):
        raise wrong(f"can't have `{MARK}` in it", "it is taken as it is: put both variables where it is used")
    return value


def _no_default(_: Any) -> None:
    raise never("can't be a default", "say it in the groups, or in a template that they extend")


def _file_pattern(value: str) -> str:
    word(value)
    if "\\" in value or value.startswith("/") or "" in value.split("/"):
        raise wrong(f"can't be `{value}`", "write a path from this file's folder, such as `teams/catalog/*.yaml`")
    return value


def _group_pattern(value: str) -> str:
    if word(value).count("/") != 1 or "" in value.split("/"):
        raise wrong(f"can't be `{value}`", "write `tenant/group`, such as `acmeprod/catalog-*`")
    return value


def _list_file(value: str) -> str:
    if not word(value).endswith(LIST_ENDINGS):
        raise wrong(f"can't be `{value}`", "name a file that ends in `.csv`, `.txt` or `.json`")
    return value


def _setting(value: str) -> str:
    if value not in SETTINGS:
        raise wrong(f"can't be `{value}`", f"write one of {', '.join(f'`{name}`' for name in SETTINGS)}")
    return value


def _beside(value: str) -> str:
    if value != BESIDE:
        raise wrong(f"can't be `{value}`", f"write `{BESIDE}`, for a place beside the lockfile, or `{{url: {value}}}`")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(_LANGUAGE, value):
        raise wrong("is not a language", "write a code such as `en` or `de-AT`")
    return value


def _filled(value: Any) -> Any:
    if value is None or value in ("", {}):
        raise wrong("can't be empty", "the service requires a name of every group")
    if isinstance(value, dict) and "" in value.values():
        raise wrong("can't be empty in any language", "leave the language out")
    return value


def alternative(value: Any) -> str:
    """Which of the two forms of a value was meant: a mapping or plain text."""
    return MAPPING if isinstance(value, dict) else TEXT


def list_or_mapping(value: Any) -> str:
    """Which of the two forms of a value was meant: a mapping or a list."""
    return MAPPING if isinstance(value, dict) else LIST


def one_or_many(value: Any) -> str:
    """Which of the two forms of a value was meant: a list or plain text."""
    return LIST if isinstance(value, list) else TEXT


def fillable(schema: dict[str, Any]) -> WithJsonSchema:
    """The schema, and texts that become what it asks for when they are filled in."""
    return WithJsonSchema({"anyOf": [schema, {"type": "string", "pattern": r"\$\{"}]})


def shown(description: str = "", **schema: Any) -> WithJsonSchema:
    """The schema of a text, which an editor may have typed as something else."""
    noted = {"description": description} if description else {}
    return WithJsonSchema({"type": ["string", "number", "boolean"], **noted, **schema})


Text = TypeAliasType("Text", Annotated[str, BeforeValidator(written), AfterValidator(_prose), shown()])
Phrase = Annotated[str, BeforeValidator(written), AfterValidator(_phrase), shown(minLength=1)]
Word = TypeAliasType(
    "Word",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(word),
        shown("Taken as written: `00123` and `no` stay what they are.", minLength=1),
    ],
)
Id = TypeAliasType(
    "Id",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_id),
        shown("An id, taken as written: `00123` stays what it is.", pattern=r"^[^\s/]+$"),
    ],
)
UserId = TypeAliasType(
    "UserId",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_user_id),
        shown("A user's id (not an e-mail), taken as written.", pattern=r"^[^\s/@]+$"),
    ],
)
Email = TypeAliasType(
    "Email",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_email),
        WithJsonSchema(
            {
                "type": "string",
                "pattern": rf"^{_EMAIL}$|\$\{{",
                "description": "An e-mail; its case does not matter.",
            }
        ),
    ],
)
User = TypeAliasType(
    "User",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_user),
        shown("A user's id, or an e-mail if it has an `@`.", pattern=r"^[^\s/]+$"),
    ],
)
Beside = Annotated[str, BeforeValidator(written), AfterValidator(_beside), WithJsonSchema({"const": BESIDE})]
Handle = TypeAliasType(
    "Handle",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_handle),
        shown("The name of a person under `people` or of a team under `teams`.", pattern=r"^[^\s/@]+$"),
    ],
)
TeamMate = TypeAliasType(
    "TeamMate",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_user),
        shown("The name of a person or of another team, or an e-mail if it has an `@`.", pattern=r"^[^\s/]+$"),
    ],
)
Moment = TypeAliasType(
    "Moment",
    Annotated[
        str,
        PlainValidator(_moment),
        WithJsonSchema(
            {
                "type": "string",
                "description": "A date, which means that whole day, or a timestamp; in the file's `timezone`, or UTC.",
                "pattern": r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$|\$\{",
            }
        ),
    ],
)
TimeZone = Annotated[str, BeforeValidator(written), AfterValidator(_timezone), shown(minLength=1)]
FilePattern = TypeAliasType(
    "FilePattern",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_file_pattern),
        shown("A pattern of paths: `*` and `?` within a folder, `**` across folders.", minLength=1),
    ],
)
GroupPattern = TypeAliasType(
    "GroupPattern",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_group_pattern),
        shown("A pattern of `tenant/group`.", pattern="^[^/]+/[^/]+$"),
    ],
)
ListFile = Annotated[
    str, BeforeValidator(written), AfterValidator(_list_file), shown(pattern=r"\.(csv|txt|json)$|\$\{")
]
Setting = Annotated[str, BeforeValidator(written), AfterValidator(_setting), WithJsonSchema({"enum": list(SETTINGS)})]
TenantName = Annotated[str, BeforeValidator(written), AfterValidator(_tenant), shown(pattern=f"^{_TENANT}$")]
TenantNames = Annotated[
    Annotated[TenantName, Tag(TEXT)] | Annotated[list[TenantName], AfterValidator(_tenants), Tag(LIST)],
    Discriminator(one_or_many),
]
Variable = Annotated[str, AfterValidator(_variable), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE}$"})]
VariableText = TypeAliasType(
    "VariableText",
    Annotated[str, BeforeValidator(written), AfterValidator(_variable_text), shown("A text, taken as it is written.")],
)
Variables = Annotated[dict[Variable, VariableText], Field(json_schema_extra={"additionalProperties": False})]
NoDefault = Annotated[Any, PlainValidator(_no_default)]
Language = Annotated[str, AfterValidator(_language), WithJsonSchema({"type": "string", "pattern": f"^{_LANGUAGE}$"})]
Translations = Annotated[dict[Language, Text], Field(json_schema_extra={"additionalProperties": False})]
Localized = TypeAliasType(
    "Localized",
    Annotated[Annotated[Text, Tag(TEXT)] | Annotated[Translations, Tag(MAPPING)], Discriminator(alternative)],
)
Name = Annotated[Localized, BeforeValidator(_filled), Field(json_schema_extra={"minLength": 1, "minProperties": 1})]
KindOfUser = Annotated[UserType, fillable({"enum": [each.value for each in UserType]})]
KindOfMembership = Annotated[Membership, fillable({"enum": [each.value for each in Membership]})]
FreeData = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
