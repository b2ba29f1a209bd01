"""Makes a plan from configuration and lockfile alone: no credentials, no token, no request."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.core import offline, people
from reconciler.core.model import Account, Desired, KnownGroup, LiveGroup, UserType, mail_key
from reconciler.emporix.memberships import NOBODY, Memberships
from reconciler.engine import Outlook, make_plan
from reconciler.planning import Scope
from reconciler.state.lockfile import Lockfile


@dataclass(frozen=True, slots=True)
class Memory:
    """What the lockfile says of one tenant, in the place of the service: it answers what it knows, and else nothing."""

    known: Mapping[str, KnownGroup]

    def groups(self) -> dict[str, LiveGroup]:
        """All groups that the lockfile has."""
        return offline.remembered(self.known)

    def members(self, groups: Iterable[LiveGroup]) -> dict[str, LiveGroup]:
        """The same groups: their members are known as far as they are ours."""
        return {group.id: group for group in groups}

    def memberships(self, _: Mapping[str, UserType], __: Mapping[str, UserType] = NOBODY) -> Memberships:
        """Nothing: whatever groups a user is in besides ours, and whether there is such a user, is not known."""
        return Memberships({}, frozenset())

    def groups_of(self, user: str) -> frozenset[str]:
        """The groups in which the user is by us."""
        return frozenset(name for name, group in self.known.items() if user in group.members)

    def people(self, ids: Mapping[str, UserType]) -> Mapping[str, Account]:
        """Who the lockfile remembers with an e-mail."""
        pinned = people.pins(self.known)
        accounts = (Account(user, kind, email) for (kind, email), users in pinned.items() for user in users)
        return {account.id: account for account in accounts if ids.get(account.id) is account.user_type}

    def missing_customers(self, _: Iterable[str]) -> frozenset[str]:
        """Nobody is known to be missing."""
        return frozenset()

    def accounts(
        self, emails: Mapping[UserType, Collection[str]]
    ) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        """The accounts that the lockfile remembers of e-mails, as if each still led there."""
        pinned = people.pins(self.known)
        return {
            key: tuple(Account(user, key[0], key[1]) for user in sorted(pinned[key]))
            for key in ((kind, mail_key(email)) for kind, wanted in emails.items() for email in wanted)
            if key in pinned
        }

    def default_language(self, _: Mapping[str, LiveGroup]) -> str | None:
        """The language that texts in the lockfile tell, if they do."""
        return offline.language(self.known)

    def access_controls(self) -> None:
        """Not known, so the rule is not checked."""

    def templates(self) -> None:
        """Not known either."""


def plan_offline(desired: Desired, lockfile: Lockfile, place: str, scope: Scope) -> Outlook:
    """The plan as it would be if nothing had happened since the lockfile was written, with all that is not known.

    ``place`` is what messages call the lockfile's place.
    """
    known = lockfile.known
    parts = {tenant.name: offline.sure(tenant, known.get(tenant.name, {})) for tenant in desired.tenants}
    outlook = make_plan(
        replace(desired, tenants=tuple(part.desired for part in parts.values())),
        replace(lockfile, pending=()),
        lambda tenant: Memory(known.get(tenant, {})),
        scope,
    )
    plan = outlook.plan
    warnings = [*offline.basis(place, lockfile.serial, lockfile.written_at, lockfile.pending)]
    for tenant in plan.tenants:
        warnings += parts[tenant].warnings if tenant in parts else ()
        warnings += offline.doubts(tenant, plan.changes)
        warnings += offline.unjudged(parts[tenant].desired, plan.changes) if tenant in parts else ()
    return replace(outlook, plan=replace(plan, offline=True, warnings=(*warnings, *plan.warnings)))
