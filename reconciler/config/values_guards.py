"""The kinds of values that guards have: numbers, shares, and patterns of scopes."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from reconciler.config.values import MARK, fillable, never, quoted, shown, word, written, wrong
from reconciler.core.limits import Limit, Requirement

_COUNT: Final = "[0-9]{1,9}"
_SHARE: Final = r"[0-9]{1,3}(\.[0-9]{1,3})?%"
_WILD: Final = frozenset("*?[")


def _count(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_COUNT, value):
        raise wrong(f"must be a whole number, not {quoted(value)}", "write a number such as `1`")
    return value


def _number(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_COUNT, value) or not int(value):
        raise wrong(f"must be a whole number from 1 on, not {quoted(value)}", "write a number such as `2`")
    return value


def _limit(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(f"{_COUNT}|{_SHARE}", value):
        remedy = "write a number such as `10` or a share such as `25%`"
        raise wrong(f"must be a number or a share, not {quoted(value)}", remedy)
    if value.endswith("%") and limit(value).amount > 100:
        raise wrong(f"can't be more than everybody: `{value}`", "write a share of at most `100%`")
    return value


def limit(value: str) -> Limit:
    """The limit that a good text such as ``10`` or ``25%`` stands for."""
    return Limit(float(value.rstrip("%")), percent=value.endswith("%"))


def _pattern(value: str) -> str:
    if " " in word(value):
        raise wrong(f"can't have a blank in it: `{value}`", "write each scope or pattern as an entry of its own")
    return value


def _scope(value: str) -> str:
    if MARK in _pattern(value):
        raise wrong(f"can't have `{MARK}` in it", "a key is taken as it is: write the scope")
    if _WILD.intersection(value):
        raise wrong("can't be a pattern", "`keep` takes exact scopes only, such as `iam.group_manage`")
    return value


def _two(value: Any) -> Any:
    size = len(value) if isinstance(value, list) else None
    if size != 2:
        given = quoted(value) if size is None else f"a list of {size}"
        raise wrong(f"must be a pair of patterns, not {given}", "write `[order.order_manage, payment.payment_manage]`")
    return value


def _different(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise wrong(f"can't have the same pattern twice: `{value[0]}`", "name two that nobody may have together")
    return value


def _said(value: Any) -> Any:
    if value == {}:
        raise wrong("says nothing", "give it `minMembers` or `protected`, or write a number alone")
    return value


def _not_of_a_group(_: Any) -> None:
    raise never("can't be a guard of a single group", "say it in the `guards` of the tenant or of the file")


def _counted(least: int, pattern: str) -> WithJsonSchema:
    number = {"type": "integer", "minimum": least}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": rf"^({pattern})$|\$\{{"}]})


Count = Annotated[str, PlainValidator(_count), _counted(0, _COUNT)]
Number = Annotated[str, PlainValidator(_number), _counted(1, "0{0,8}[1-9][0-9]{0,8}")]
MostRemovals = Annotated[str, PlainValidator(_limit), _counted(0, f"{_COUNT}|{_SHARE}")]
ScopePattern = TypeAliasType(
    "ScopePattern",
    Annotated[
        str,
        BeforeValidator(written),
        AfterValidator(_pattern),
        shown(
            "A scope or a pattern of scopes, such as `order.*`; without a suffix such as `--DE` it means every "
            "restriction.",
            pattern=r"^\S+$",
        ),
    ],
)
Pair = Annotated[
    list[ScopePattern],
    BeforeValidator(_two),
    AfterValidator(_different),
    Field(json_schema_extra={"minItems": 2, "maxItems": 2}),
]
Scope = Annotated[str, AfterValidator(_scope), WithJsonSchema({"type": "string", "pattern": r"^[^\s*?\[]+$"})]
Required = Annotated[Requirement, fillable({"enum": [each.value for each in Requirement]})]
SaysSomething = BeforeValidator(_said)
NotOfGroup = Annotated[Any, PlainValidator(_not_of_a_group)]
