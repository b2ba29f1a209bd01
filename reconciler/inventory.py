"""Takes stock of a tenant, to write it down, and tells the plan that what was written would have.

Reading is all it does: one request for each page of groups, for each chosen group's members, and for names.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.core.match import bind
from reconciler.core.model import Account, Desired, DesiredTenant, LiveGroup, UserType, mail_key
from reconciler.core.portrait import Portrait, portray
from reconciler.diagnostics import ConfigurationError, Severity
from reconciler.emporix.iam import Iam
from reconciler.emporix.memberships import NOBODY, Memberships
from reconciler.planning import Part, Scope, plan_tenant
from reconciler.state.lockfile import new

Choose = Callable[[Mapping[str, LiveGroup]], Collection[str]]
"""Which of all groups, by id, to write down."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was read of one tenant: all ``groups``, with the members of those that ``portraits`` show, and who they are.

    It answers a plan in the place of the service (:class:`.Reader`), with the very state that was written down.
    """

    tenant: str
    groups_by_id: Mapping[str, LiveGroup]
    portraits: tuple[Portrait, ...]
    people: Mapping[str, Account] = field(default_factory=dict)

    def groups(self) -> dict[str, LiveGroup]:
        """All groups."""
        return dict(self.groups_by_id)

    def members(self, groups: Iterable[LiveGroup]) -> dict[str, LiveGroup]:
        """The same groups, whose members were read already."""
        return {group.id: group for group in groups}

    def memberships(self, _: Mapping[str, UserType], __: Mapping[str, UserType] = NOBODY) -> Memberships:
        """Nothing: what adopts needs nobody's other groups."""
        return Memberships({}, frozenset())

    def missing_customers(self, _: Iterable[str]) -> frozenset[str]:
        """Nobody: whoever is in a group is not about to be added."""
        return frozenset()

    def accounts(
        self, emails: Mapping[UserType, Collection[str]]
    ) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        """Those of the people who have such an e-mail."""
        found: defaultdict[tuple[UserType, str], list[Account]] = defaultdict(list)
        for account in self.people.values():
            found[account.user_type, mail_key(account.email)].append(account)
        asked = {(kind, mail_key(mail)) for kind, wanted in emails.items() for mail in wanted}
        return {key: tuple(found[key]) for key in asked}

    def default_language(self, _: Mapping[str, LiveGroup]) -> None:
        """Not known: texts are written with their languages."""

    def access_controls(self) -> None:
        """Not known: no definition is about to be changed."""

    def templates(self) -> None:
        """Not known either."""


def take_stock(tenant: str, iam: Iam, choose: Choose, *, with_people: bool) -> Inventory:
    """Read a tenant's groups, the members of those chosen, and with ``with_people`` who these are."""
    groups = iam.groups()
    chosen = iam.members([groups[name] for name in sorted(choose(groups))])
    ids = {user: group.user_type for group in chosen.values() for user in group.members or ()}
    people = iam.people(ids) if with_people and ids else {}
    return Inventory(tenant, {**groups, **chosen}, tuple(portray(chosen.values(), groups)), people)


def covered(desired: DesiredTenant | None, groups: Mapping[str, LiveGroup]) -> frozenset[str]:
    """The groups that a configuration has entries for. Raises ConfigurationError if it can't be told which."""
    if desired is None:
        return frozenset()
    bound, problems = bind(desired, groups)
    problems = [problem for problem in problems if problem.severity is Severity.ERROR]
    if problems:
        raise ConfigurationError(
            f"{desired.name}: the configuration that is there does not fit the service", diagnostics=problems
        )
    return frozenset(group.id or "" for group in bound.groups)


def first_plan(desired: Desired, inventory: Inventory, at: datetime) -> Part:
    """What a first plan would find in the groups that were written down, had nothing happened since."""
    groups = inventory.groups_by_id
    tenant = next(each for each in desired.tenants if each.name == inventory.tenant)
    shown = {portrait.group.id for portrait in inventory.portraits}
    bound, _ = bind(tenant, groups)
    mine = replace(tenant, groups=tuple(group for group in bound.groups if group.id in shown), offboarded=())
    return plan_tenant(mine, desired.people, new(""), inventory, Scope(at=at))
