"""The form of a seed: the API's documents, in which only ids are required.

An unknown key is an error, because a misspelt field would otherwise be a default in silence.
"""

from typing import Any

import msgspec

from reconciler.sandbox.rules import UserType

Translations = dict[str, str] | str


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Something in a seed; what is left out is left out of the document too."""


class SeedMetadata(_Entry):
    """`metadata` of a document, to make one that is already at some version."""

    version: int = 1
    createdAt: str | None = None
    modifiedAt: str | None = None


class _Document(_Entry):
    id: str
    name: Translations | None = None
    description: Translations | None = None


class SeedAccessControl(_Document):
    """An access control (spec: AccessControlQueryDocument)."""

    scopes: list[str] = []
    domains: list[str] | None = None
    roleId: str | None = None
    resourceId: str | None = None
    restrictionAware: bool | None = None
    restrictedTo: UserType | None = None
    predefined: bool | None = None
    vendorAware: bool | None = None
    metadata: SeedMetadata | None = None


class SeedTemplate(_Document):
    """A template (spec: TemplateQueryDocument)."""

    accessControls: list[str] = []


class SeedCompany(_Entry):
    """`b2b` of a group."""

    legalEntityId: str | None = None


class SeedGroup(_Document):
    """A group (spec: GroupsQueryDocument)."""

    userType: UserType = "EMPLOYEE"
    vendorId: str | None = None
    code: str | None = None
    accessControls: list[str] = []
    templates: list[str] = []
    restrictions: list[str] | None = None
    b2b: SeedCompany | None = None
    mixins: dict[str, Any] | None = None
    metadata: SeedMetadata | None = None


class SeedScope(_Document):
    """A scope (spec: CustomScopeQueryDocument)."""

    domain: str | None = None
    predefined: bool | None = None
    metadata: SeedMetadata | None = None


class SeedRole(_Document):
    """A role (spec: RoleQueryDocument)."""

    permissions: list[dict[str, Any]] | None = None
    metadata: SeedMetadata | None = None


class SeedResource(_Document):
    """A resource (spec: ResourceQueryDocument)."""

    code: str | None = None
    metadata: SeedMetadata | None = None


class SeedPermission(_Document):
    """A permission (spec: PermissionQueryDocument)."""

    code: str | None = None
    applicableResources: list[str] | None = None
    metadata: SeedMetadata | None = None


class SeedEmployee(_Entry):
    """A dashboard user (spec: UserExtendedResponse); `groupIds` are assignments said the other way round."""

    id: str
    firstName: str | None = None
    lastName: str | None = None
    backofficeUserNumber: str | None = None
    preferredSite: str | None = None
    preferredCurrency: str | None = None
    preferredLanguage: str | None = None
    department: str | None = None
    validFrom: str | None = None
    isAccountLocked: bool | None = None
    contactEmail: str | None = None
    status: str | None = None
    lastLogin: str | None = None
    groupIds: list[str] = []


class SeedCustomer(_Entry):
    """A shopper (customer spec: CustomerForSellerDto)."""

    id: str
    customerNumber: str | None = None
    contactEmail: str | None = None
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    active: bool | None = None
    onHold: bool | None = None
    businessModel: str | None = None
    b2b: dict[str, Any] | None = None
    metadataCreatedAt: str | None = None


class SeedAssignment(_Entry):
    """Who is in which group; `userType` is the group's unless it says otherwise."""

    groupId: str
    userId: str
    userType: UserType | None = None


class SeedClient(_Entry):
    """Credentials of a tenant; with a `userId` its tokens are those of that dashboard user."""

    client_id: str
    client_secret: str
    scopes: list[str] | None = None
    userId: str | None = None


class SeedTenant(_Entry):
    """One tenant; its first language is the default one."""

    tenant: str
    languages: list[str] = msgspec.field(default_factory=lambda: ["en"])
    clients: list[SeedClient] | None = None
    accessControls: list[SeedAccessControl] = []
    templates: list[SeedTemplate] = []
    scopes: list[SeedScope] = []
    roles: list[SeedRole] = []
    resources: list[SeedResource] = []
    permissions: list[SeedPermission] = []
    groups: list[SeedGroup] = []
    employees: list[str | SeedEmployee] = []
    customers: list[str | SeedCustomer] = []
    assignments: list[SeedAssignment] = []


class SeedFile(_Entry):
    """A whole seed."""

    tenants: list[SeedTenant]
