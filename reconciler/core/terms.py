"""What decides whether one user may be in two groups at once: the vendor, and for company groups the company."""

from dataclasses import dataclass
from typing import Final

from reconciler.core.model import Fields, UserType

COMPANY_CODES: Final = frozenset({"ADMIN", "BUYER", "REQUESTER"})
"""Codes of the predefined company groups of which a customer may be in one per company (FACTS, rule 4)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A group's terms: whom it takes, its vendor, and its company if it is one of the company's predefined groups."""

    user_type: UserType
    vendor: str | None = None
    company: str | None = None

    def forbid(self, other: "Terms") -> bool:
        """Whether the service refuses one user in both groups (FACTS, rule 2 for employees, rule 4 for customers)."""
        if self.user_type is not other.user_type:
            return False
        if self.user_type is UserType.EMPLOYEE:
            return self.vendor != other.vendor
        return self.company is not None and self.company == other.company


def terms(fields: Fields, code: str | None) -> Terms:
    """A group's terms from its definition and its code; only predefined company groups are bound to a company."""
    company = fields.get("b2b", {}).get("legalEntityId") if code in COMPANY_CODES else None
    return Terms(UserType(fields.get("userType") or UserType.EMPLOYEE), fields.get("vendorId"), company)
