"""The service's JSON, checked where it enters: only the fields we need, under the service's own names.

Structs of plain values can't be part of a cycle, so the garbage collector need not know them: a page of assignments
decodes three times as fast as into dicts (PERFORMANCE, "JSON pages and the lockfile").
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.core.model import LOCALIZED, Control, Fields, LiveGroup, UserType, normalise

Texts = dict[str, str | None]


class Assignment(msgspec.Struct, gc=False):
    """A member of a group (iam.openapi.yml, AssignmentQueryDocument)."""

    userId: str
    userType: UserType


class Metadata(msgspec.Struct, gc=False):
    """The version that optimistic locking compares (iam.openapi.yml, GroupsMetadataQueryDocument)."""

    version: int | None = None


class Group(msgspec.Struct, gc=False):
    """A group's definition (iam.openapi.yml, GroupsQueryDocument); EMPLOYEE is the documented default type."""

    id: str
    name: Texts | None = None
    description: Texts | None = None
    userType: UserType | None = None
    accessControls: list[str] | None = None
    templates: list[str] | None = None
    restrictions: list[str] | None = None
    b2b: dict[str, Any] | None = None
    vendorId: str | None = None
    mixins: dict[str, Any] | None = None
    code: str | None = None
    metadata: Metadata | None = None


class GroupTexts(msgspec.Struct, gc=False):
    """A group's texts in one language (iam.openapi.yml, trait_acceptLanguage_header)."""

    id: str
    name: str | None = None
    description: str | None = None


class GroupId(msgspec.Struct, gc=False):
    """A group of which only the id matters."""

    id: str


class Employee(msgspec.Struct, gc=False):
    """A dashboard user with its groups (iam.openapi.yml, UserResponse)."""

    id: str
    groupIds: list[str]


class Customer(msgspec.Struct, gc=False):
    """A customer of whom only the existence matters (customer.openapi.yml, CustomerForSellerDto)."""

    id: str


class EmployeeAccount(msgspec.Struct, gc=False):
    """A dashboard user as a person (iam.openapi.yml, UserResponse), lenient where the documentation is not."""

    id: str
    contactEmail: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    isAccountLocked: bool | None = None
    status: str | None = None


class CustomerAccount(msgspec.Struct, gc=False):
    """A customer as a person (customer.openapi.yml, CustomerForSellerDto, where nothing is required)."""

    id: str
    contactEmail: str | None = None
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    active: bool | None = None
    onHold: bool | None = None


class AccessControl(msgspec.Struct, gc=False):
    """What it grants, and what groups it may be attached to (iam.openapi.yml, AccessControlQueryDocument)."""

    id: str
    name: str | Texts | None = None
    scopes: list[str] | None = None
    restrictedTo: UserType | None = None
    restrictionAware: bool | None = None


class Template(msgspec.Struct, gc=False):
    """What access controls it stands for (iam.openapi.yml, TemplateQueryDocument)."""

    id: str
    accessControls: list[str] | None = None


class Scopes(msgspec.Struct, gc=False):
    """The scopes of one user (iam.openapi.yml, UserScopesResponse)."""

    scopes: str = ""

    @property
    def granted(self) -> frozenset[str]:
        """The scopes without what stands among them, such as ``tenant=acmeprod``."""
        return frozenset(word for word in self.scopes.split() if "=" not in word)


class Token(msgspec.Struct, gc=False):
    """An issued token (oauth.openapi.yml, AccessToken)."""

    access_token: str
    expires_in: float | None = None
    scope: str = ""

    def __repr__(self) -> str:
        return f"Token(expires_in={self.expires_in})"


assignments = msgspec.json.Decoder(list[Assignment]).decode
group = msgspec.json.Decoder(Group).decode
groups = msgspec.json.Decoder(list[Group]).decode
group_texts = msgspec.json.Decoder(list[GroupTexts]).decode
group_ids = msgspec.json.Decoder(list[GroupId]).decode
employee = msgspec.json.Decoder(Employee).decode
employees = msgspec.json.Decoder(list[Employee]).decode
customer = msgspec.json.Decoder(Customer).decode
customers = msgspec.json.Decoder(list[Customer]).decode
employee_accounts = msgspec.json.Decoder(list[EmployeeAccount]).decode
customer_account = msgspec.json.Decoder(CustomerAccount).decode
customer_accounts = msgspec.json.Decoder(list[CustomerAccount]).decode
templates = msgspec.json.Decoder(list[Template]).decode
access_controls = msgspec.json.Decoder(list[AccessControl]).decode
scopes = msgspec.json.Decoder(Scopes).decode
token = msgspec.json.Decoder(Token).decode
_anything = msgspec.json.Decoder().decode


def nothing(body: bytes) -> None:
    """A body that says nothing we need; but a page of HTML is no answer of the service, whatever its status says."""
    if body.strip():
        _anything(body)


def control(document: AccessControl) -> Control:
    """The access control as the rest of the tool knows it; of several translations of its name the first."""
    named = document.name
    texts = named.values() if isinstance(named, dict) else (named,)
    return Control(
        document.id,
        tuple(sorted(set(document.scopes or ()))),
        document.restrictedTo,
        bool(document.restrictionAware),
        next(filter(None, texts), ""),
    )


def live(document: Group) -> LiveGroup:
    """The group as the rest of the tool knows it, without translations that are null."""
    fields = msgspec.structs.asdict(document)
    for name in LOCALIZED:
        fields[name] = {language: text for language, text in (fields[name] or {}).items() if text is not None}
    user_type = document.userType or UserType.EMPLOYEE
    return LiveGroup(
        id=document.id,
        fields=normalise(fields | {"userType": user_type.value}),
        user_type=user_type,
        version=document.metadata.version if document.metadata else None,
        code=document.code,
    )


def definition(fields: Fields, version: int | None) -> bytes:
    """The body that writes a group: a field that is left out is emptied, as a PUT replaces all.

    ``accessControls`` and ``templates`` are always there, as the documentation calls them required and null allowed
    (iam.openapi.yml, GroupUpdateRequest).
    """
    document: dict[str, Any] = {"accessControls": [], "templates": [], **_present(fields)}
    if version is not None:
        document["metadata"] = {"version": version}
    return msgspec.json.encode(document)


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
