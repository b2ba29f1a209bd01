"""What a tenant's credentials are good for: valid, whose, and with which scopes."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.emporix import calls
from reconciler.emporix.client import Client

NEEDED_SCOPES: Mapping[str, str] = {
    "iam.group_read": "read groups, and the groups of a user",
    "iam.group_manage": "create, change and delete groups",
    "iam.user_read": "read the members of groups and the dashboard users",
    "iam.assignment_manage": "add and remove members, and delete groups that have any",
    "iam.access_read": "tell what access controls grant, and to which groups they may be attached",
    "iam.template_read": "tell which access controls templates bring",
    "customer.customer_read": "find customers by e-mail, and check that they exist",
}
"""Every scope that this tool uses, and what for (FACTS, "Authentication"); a tenant may do without some."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found out about the credentials of ``tenant``, which the service accepts.

    ``granted`` are the token's scopes, None if the service does not say. ``skew`` is by how many seconds the service's
    clock is ahead of ours: a large one makes dates such as ``until`` end early or late.
    """

    tenant: str
    granted: frozenset[str] | None
    skew: float | None

    @property
    def missing(self) -> dict[str, str]:
        """The needed scopes that the token lacks, as far as is known, and what they are needed for."""
        granted = NEEDED_SCOPES.keys() if self.granted is None else self.granted
        return {scope: use for scope, use in NEEDED_SCOPES.items() if scope not in granted}


def examine(client: Client) -> Standing:
    """Proves the credentials with one small request; raises CredentialsError if they are refused.

    An issued token comes with its scopes. A ready one is asked for them, which works for users' tokens only (spec:
    GET users/me/scopes); the smallest list of groups then at least shows that it is valid for this tenant.
    """
    client.tokens.current()
    granted = client.tokens.scopes
    if granted is None:
        said = client.send(calls.own_scopes(client.tenant)).value
        granted = None if said is None else said.granted
    client.send(calls.probe(client.tenant))
    return Standing(client.tenant, granted, client.skew)
