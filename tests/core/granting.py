"""A tenant in memory whose groups grant something, and plans of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.limits import ACCESS_LIMIT, AccessGuards
from reconciler.core.model import (
    Account,
    Control,
    DesiredGroup,
    DesiredTenant,
    Entry,
    KnownGroup,
    LiveGroup,
    Person,
    UserType,
    normalise,
)
from reconciler.diagnostics import RequestRefused, Source
from reconciler.emporix.memberships import NOBODY, Memberships
from reconciler.planning import Part, Scope, plan_tenant
from reconciler.state.lockfile import new

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER
HERE = Source("file.yaml", 1, 1)
CONTROLS = {
    "A": Control("A", ("a",)),
    "B": Control("B", ("b",)),
    "R": Control("R", ("r",), restriction_aware=True),
}
TEMPLATES = {"T": ("A",)}


FORBIDDEN = RequestRefused("no", status=403, remedy="ask for iam.access_read")


def definition(controls: str = "", kind: UserType = EMPLOYEE, **more: Any) -> dict[str, Any]:
    return normalise({"userType": kind.value, "name": {"en": "Name"}, "accessControls": list(controls), **more})


def wish(controls: str = "", kind: UserType = EMPLOYEE, **more: Any) -> dict[str, Any]:
    """The same as a file gives it: what is empty is to be emptied."""
    return {**definition(controls, kind, **more), "accessControls": list(controls)}


@dataclass
class Service:
    """A tenant in memory that answers what a plan asks, and remembers what that was."""

    definitions: dict[str, dict[str, Any]]
    sitting: dict[str, set[str]]
    kinds: dict[str, UserType] = field(default_factory=dict)
    failure: Exception | None = None
    unreadable: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def groups(self) -> dict[str, LiveGroup]:
        return {
            name: LiveGroup(name, fields, UserType(fields["userType"]), 1)
            for name, fields in sorted(self.definitions.items())
        }

    def members(self, groups: Iterable[LiveGroup]) -> dict[str, LiveGroup]:
        found = {group.id: replace(group, members=frozenset(self.sitting.get(group.id, ()))) for group in groups}
        self.asked += [f"members {name}" for name in found]
        return found

    def memberships(self, users: Mapping[str, UserType], bystanders: Mapping[str, UserType] = NOBODY) -> Memberships:
        if self.unreadable and (users or bystanders):
            raise self.unreadable
        wanted = sorted({**users, **bystanders})
        self.asked += [f"groups of {user}" for user in wanted]
        return Memberships(
            {user: frozenset(name for name, users in self.sitting.items() if user in users) for user in wanted},
            frozenset(),
        )

    def missing_customers(self, users: Iterable[str]) -> frozenset[str]:
        return frozenset()

    def accounts(self, emails: object) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        return {}

    def default_language(self, groups: object) -> str | None:
        return "en"

    def access_controls(self) -> Mapping[str, Control]:
        self.asked.append("access controls")
        if self.failure:
            raise self.failure
        return CONTROLS

    def templates(self) -> Mapping[str, tuple[str, ...]]:
        self.asked.append("templates")
        return TEMPLATES


def group(name: str, users: Iterable[str] | None, fields: dict[str, Any] | None = None, **more: Any) -> DesiredGroup:
    members = None if users is None else dict.fromkeys(users, HERE)
    return DesiredGroup(HERE, id=name, fields=fields, members=members, **more)


def planned(
    service: Service,
    *groups: DesiredGroup,
    ours: Iterable[str] = (),
    guards: AccessGuards = AccessGuards(),  # noqa: B008 - a value
    limit: int | None = 200,
    people: Mapping[str, Person] | None = None,
    offboarded: Iterable[str] = (),
) -> Part:
    """The plan of a tenant in which all members of the groups in ``ours`` are known as ours."""
    known = {
        name: KnownGroup(
            True, UserType(service.definitions[name]["userType"]), frozenset(service.sitting[name]),
            service.definitions[name], 1,
        )
        for name in ours
    }  # fmt: skip
    everybody = [Entry(person, HERE) for person in (people or {}).values()]
    leaving = tuple(Entry(Person(id=user), HERE) for user in offboarded)
    tenant = DesiredTenant("acme", HERE, groups, access=guards, offboarded=leaving)
    scope = Scope(tells_access=limit is not None, access_limit=ACCESS_LIMIT if limit is None else limit)
    lockfile = replace(new("lineage"), known={"acme": known})
    return plan_tenant(
        tenant,
        everybody,
        lockfile,
        service,
        scope,
    )
