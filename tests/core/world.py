"""A service small enough to be obviously right: groups and members as sets, the rules of FACTS as a few ifs.

It obeys steps as the real service does and refuses what that refuses, so that exhaustive tests of the table and of the
schedule need no network. The sandbox, written from the vendor's spec by other hands, says the same over real HTTP.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

from reconciler.core.diff import diff
from reconciler.core.known import advance
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, LiveGroup, Membership, Snapshot, UserType
from reconciler.core.plan import Plan
from reconciler.core.schedule import Call, Step
from reconciler.diagnostics import Source

HERE = Source("desired.yaml", 1, 1)
ROLES = {"ADMIN", "BUYER", "REQUESTER"}
Edge = tuple[str, str]


def definition(user_type: str = "EMPLOYEE", vendor: str | None = None, company: str | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = {"userType": user_type, "name": {"en": "Group"}}
    if vendor:
        fields["vendorId"] = vendor
    if company:
        fields["b2b"] = {"legalEntityId": company}
    return fields


EMPLOYEES: Mapping[str, Any] = definition()
CUSTOMERS: Mapping[str, Any] = definition("CUSTOMER")


class Refused(Exception):
    """The service said no."""


@dataclass
class World:
    """One tenant of the service: definitions, codes and members by group id.

    ``mistyped`` are assignments whose userType is not their group's; ``kinds`` the userType of each user, if the test
    cares. ``gaps`` collects the users of ``watched`` who were without any group for a moment.
    """

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    mistyped: dict[Edge, UserType] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    watched: frozenset[str] = frozenset()
    gaps: set[str] = field(default_factory=set)

    def copy(self) -> "World":
        members = {group: set(users) for group, users in self.members.items()}
        return World(
            dict(self.groups), members, dict(self.codes), dict(self.mistyped), self.kinds, self.watched, set(self.gaps)
        )

    def snapshot(self, tenant: str = "acme") -> Snapshot:
        groups = {
            name: LiveGroup(
                name,
                fields,
                UserType(fields["userType"]),
                1,
                self.codes.get(name),
                frozenset(self.members[name]),
                {user: kind for (group, user), kind in self.mistyped.items() if group == name},
            )
            for name, fields in self.groups.items()
        }
        return Snapshot(tenant, groups)

    @property
    def edges(self) -> set[Edge]:
        return {(group, user) for group, users in self.members.items() for user in users}

    def groups_of(self, user: str) -> set[str]:
        return {group for group, members in self.members.items() if user in members}

    def perform(self, step: Step) -> None:
        """Do what the service does; a request that changes nothing was one too many."""
        group, before = step.group, (dict(self.groups), self.edges, dict(self.mistyped))
        if step.call not in {Call.PUT_GROUP, Call.REMOVE_USER} and group not in self.groups:
            raise Refused(f"there is no group {group}")
        match step.call:
            case Call.PUT_GROUP:
                self._put(group, dict(step.fields or {}))
            case Call.DELETE_GROUP:
                if self.members[group] and not step.force:
                    raise Refused("the group has members")
                self._leave(group, self.members[group])
                del self.groups[group], self.members[group]
                self.codes.pop(group, None)
            case Call.ADD:
                self._add(step)
            case Call.REMOVE:
                self._leave(group, {step.user})
            case Call.EMPTY_GROUP:
                self._leave(group, self.members[group])
            case Call.REMOVE_USER:
                for each in self.members:
                    self._leave(each, {step.user})
        assert before != (self.groups, self.edges, self.mistyped), f"{step} was not needed"
        self.gaps |= {user for user in self.watched if not self.groups_of(user)}

    def _leave(self, group: str, users: Iterable[str]) -> None:
        for user in users:
            self.mistyped.pop((group, user), None)
        self.members[group] = self.members[group] - set(users)

    def _put(self, group: str, fields: dict[str, Any]) -> None:
        before = self.groups.get(group, fields)
        for name in ("userType", "vendorId"):
            if before.get(name) != fields.get(name):
                raise Refused(f"the {name} of a group can't change")
        if not fields.get("name"):
            raise Refused("name is required")
        if fields["userType"] == "CUSTOMER" and "vendorId" in fields:
            raise Refused("rule 3")
        self.groups[group] = fields
        self.members.setdefault(group, set())

    def _add(self, step: Step) -> None:
        mine = self.groups[step.group]
        if mine["userType"] != step.user_type or self.kinds.get(step.user, step.user_type) != step.user_type:
            raise Refused("rule 1")
        for other in self.groups_of(step.user) - {step.group}:
            theirs = self.groups[other]
            if theirs["userType"] == mine["userType"] == "EMPLOYEE" and theirs.get("vendorId") != mine.get("vendorId"):
                raise Refused("rule 2")
            if self._company(other) and self._company(other) == self._company(step.group):
                raise Refused("rule 4")
        self.members[step.group].add(step.user)

    def _company(self, group: str) -> str | None:
        if self.codes.get(group) not in ROLES or self.groups[group]["userType"] != "CUSTOMER":
            return None
        entity: str | None = self.groups[group].get("b2b", {}).get("legalEntityId")
        return entity


def run(steps: Iterable[Step], world: World) -> None:
    """Perform the steps in their order, which must be an order in which each comes after what it waits for."""
    done: set[int] = set()
    for index, step in enumerate(steps):
        assert set(step.after) <= done, f"step {index} comes before what it waits for"
        world.perform(step)
        done.add(index)


def subsets(things: Iterable[str]) -> Iterator[frozenset[str]]:
    listed = sorted(things)
    for size in range(len(listed) + 1):
        for chosen in combinations(listed, size):
            yield frozenset(chosen)


def group_states(users: Iterable[str]) -> list[frozenset[str] | None]:
    """A group is absent, or present with any set of members."""
    return [None, *subsets(users)]


State = Mapping[str, frozenset[str]]


def tenant_states(groups: Iterable[str], users: Iterable[str]) -> list[dict[str, frozenset[str]]]:
    names = sorted(groups)
    found = [zip(names, state, strict=True) for state in product(group_states(users), repeat=len(names))]
    return [{name: members for name, members in state if members is not None} for state in found]


def group(name: str, members: Iterable[str], fields: Mapping[str, Any] | None = EMPLOYEES, **more: Any) -> DesiredGroup:
    return DesiredGroup(HERE, id=name, fields=fields, members=dict.fromkeys(sorted(members), HERE), **more)


def desired(state: State, membership: Membership = Membership.EXACT, owned: bool = True, **more: Any) -> DesiredTenant:
    fields = EMPLOYEES if owned else None
    groups = (group(name, members, fields, membership=membership, **more) for name, members in state.items())
    return DesiredTenant("acme", HERE, tuple(groups))


def live(state: State) -> World:
    return World({name: dict(EMPLOYEES) for name in state}, {name: set(members) for name, members in state.items()})


def known(state: State, owned: bool = True) -> dict[str, KnownGroup]:
    return {
        name: KnownGroup(owned, UserType.EMPLOYEE, members, EMPLOYEES if owned else None, 1)
        for name, members in state.items()
    }


def plan_of(
    want: DesiredTenant, have: World | Snapshot, ours: Mapping[str, KnownGroup], take_over: bool = True
) -> Plan:
    snapshot = have.snapshot() if isinstance(have, World) else have
    found = diff(want, snapshot, ours)
    changes = tuple(found.changes)
    return Plan(changes, ("acme",), found.touched, unchanged=found.unchanged, left=found.left, take_over=take_over)


def steps_of(plan: Plan, world: World) -> Sequence[Step]:
    from reconciler.core.schedule import schedule

    return schedule(plan, {"acme": world.snapshot()})


def recorded(plan: Plan, world: World, ours: Mapping[str, KnownGroup]) -> Mapping[str, KnownGroup]:
    return advance({"acme": ours}, plan.changes, {"acme": world.snapshot()}).get("acme", {})
