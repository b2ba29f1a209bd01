"""The rules of membership and of access, as functions of values (FACTS, rules 1 to 5).

Each answers None or one sentence saying what forbids it, so that a call can refuse with it and a seed can
report it.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

UserType = Literal["CUSTOMER", "EMPLOYEE"]
USER_TYPES = ("CUSTOMER", "EMPLOYEE")
# One of these per legal entity; CONTACT is free (FACTS, rule 4).
COMPANY_CODES = frozenset({"ADMIN", "BUYER", "REQUESTER"})


class Company(msgspec.Struct, frozen=True):
    """The `b2b` of a group."""

    legalEntityId: str | None = None


class GroupFacts(msgspec.Struct, frozen=True):
    """The few fields of a group that rules look at."""

    id: str
    userType: UserType
    vendorId: str | None = None
    code: str | None = None
    b2b: Company | None = None

    @property
    def company_role(self) -> str | None:
        """The legal entity of which this is a predefined, exclusive group, or None."""
        if self.code not in COMPANY_CODES or self.userType != "CUSTOMER" or self.b2b is None:
            return None
        return self.b2b.legalEntityId


_decoder = msgspec.json.Decoder(GroupFacts)


def facts(body: str) -> GroupFacts:
    """The facts of a stored group."""
    return _decoder.decode(body)


def why_not_member(group: GroupFacts, user_type: UserType, others: Iterable[GroupFacts]) -> str | None:
    """Why a user of this type, who is in the other groups, may not be in the group."""
    if group.vendorId is not None and user_type != "EMPLOYEE":
        return f"Group '{group.id}' belongs to a vendor and takes users of type 'EMPLOYEE' only"
    if group.userType != user_type:
        return f"Group '{group.id}' takes users of type '{group.userType}', not '{user_type}'"
    check = why_not_vendor if user_type == "EMPLOYEE" else why_not_company
    return next((reason for other in others if (reason := check(group, other))), None)


def why_not_vendor(group: GroupFacts, other: GroupFacts) -> str | None:
    """All groups of an employee share one vendor identifier, and none counts as one (rule 2)."""
    if group.vendorId == other.vendorId:
        return None
    return f"Groups '{group.id}' and '{other.id}' do not share the same vendor identifier"


def why_not_company(group: GroupFacts, other: GroupFacts) -> str | None:
    """A customer has one of Admin, Buyer and Requester of one legal entity (rule 4)."""
    if group.company_role is None or group.company_role != other.company_role or group.id == other.id:
        return None
    return f"The user is already in group '{other.id}' of legal entity '{group.company_role}'"


def why_not_type(group: GroupFacts) -> str | None:
    """A vendor's group is made for employees (rule 3)."""
    if group.vendorId is None or group.userType == "EMPLOYEE":
        return None
    return f"Group '{group.id}' has a vendorId and must have the userType 'EMPLOYEE'"


def why_not_attached(control: dict[str, Any], user_type: str) -> str | None:
    """An access control may be restricted to one type of group (rule 5)."""
    only = control.get("restrictedTo")
    if only is None or only == user_type:
        return None
    return f"Access control '{control['id']}' is restricted to groups of type '{only}'"
