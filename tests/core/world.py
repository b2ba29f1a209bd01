"""A service small enough to be obviously right: groups and members as sets, the rules of FACTS as five ifs.

It obeys steps as the real service does and refuses what that refuses, so that exhaustive tests of the table and of the
schedule need no network. The sandbox, written from the vendor's spec by other hands, says the same over real HTTP.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

from reconciler.core.diff import diff
from reconciler.core.known import advance
from reconciler.core.model import DesiredGroup, DesiredTenant, KnownGroup, LiveGroup, Membership, Snapshot, UserType
from reconciler.core.plan import Plan
from reconciler.core.schedule import COMPANY_CODES, Call, Step
from reconciler.diagnostics import Source

HERE = Source("desired.yaml", 1, 1)
EMPLOYEES: Mapping[str, Any] = {"userType": "EMPLOYEE", "name": {"en": "Group"}}


class Refused(Exception):
    """The service said no."""


@dataclass
class World:
    """One tenant of the service: definitions, codes and members by group id."""

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    without_access: set[str] = field(default_factory=set)

    def snapshot(self, tenant: str = "acme") -> Snapshot:
        groups = {
            name: LiveGroup(
                name,
                fields,
                UserType(fields["userType"]),
                1,
                self.codes.get(name),
                frozenset(self.members.get(name, ())),
            )
            for name, fields in self.groups.items()
        }
        return Snapshot(tenant, groups)

    def perform(self, step: Step) -> None:
        self.requests += 1
        match step.call:
            case Call.PUT_GROUP:
                before = self.groups.get(step.group)
                if before and before["userType"] != step.fields["userType"]:
                    raise Refused("the userType of a group can't change")
                self.groups[step.group] = dict(step.fields)
                self.members.setdefault(step.group, set())
            case Call.DELETE_GROUP:
                if self.members.get(step.group) and not step.force:
                    raise Refused("the group has members")
                self.groups.pop(step.group, None)
                self.members.pop(step.group, None)
            case Call.ADD:
                self._add(step)
            case Call.REMOVE:
                self.members.get(step.group, set()).discard(step.user)
            case Call.EMPTY_GROUP:
                self.members[step.group] = set()
            case Call.REMOVE_USER:
                for members in self.members.values():
                    members.discard(step.user)
        self.without_access |= {user for user in self.watched if not self.groups_of(user)}

    watched: frozenset[str] = frozenset()

    def groups_of(self, user: str) -> set[str]:
        return {group for group, members in self.members.items() if user in members}

    def _add(self, step: Step) -> None:
        if step.group not in self.groups:
            raise Refused("no such group")
        mine = self.groups[step.group]
        if mine["userType"] != step.user_type:
            raise Refused("rule 1")
        for other in self.groups_of(step.user) - {step.group}:
            theirs = self.groups[other]
            if theirs["userType"] == mine["userType"] == "EMPLOYEE" and theirs.get("vendorId") != mine.get("vendorId"):
                raise Refused("rule 2")
            if self._company(other) and self._company(other) == self._company(step.group):
                raise Refused("rule 4")
        self.members[step.group].add(step.user)

    def _company(self, group: str) -> str | None:
        if self.codes.get(group) not in COMPANY_CODES:
            return None
        return self.groups[group].get("b2b", {}).get("legalEntityId")


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


def tenant_states(groups: Iterable[str], users: Iterable[str]) -> list[dict[str, frozenset[str]]]:
    names = sorted(groups)
    states = product(group_states(users), repeat=len(names))
    return [{name: members for name, members in zip(names, state, strict=True) if members is not None} for state in states]


def desired(
    state: Mapping[str, frozenset[str]], membership: Membership = Membership.EXACT, owned: bool = True, **guards: Any
) -> DesiredTenant:
    groups = tuple(
        DesiredGroup(
            HERE,
            id=name,
            fields=EMPLOYEES if owned else None,
            membership=membership,
            members=dict.fromkeys(sorted(members), HERE),
            **guards,
        )
        for name, members in state.items()
    )
    return DesiredTenant("acme", HERE, groups)


def live(state: Mapping[str, frozenset[str]]) -> World:
    return World({name: dict(EMPLOYEES) for name in state}, {name: set(members) for name, members in state.items()})


def known(state: Mapping[str, frozenset[str]], owned: bool = True) -> dict[str, KnownGroup]:
    return {
        name: KnownGroup(owned, UserType.EMPLOYEE, members, EMPLOYEES if owned else None, 1)
        for name, members in state.items()
    }


def plan_of(want: DesiredTenant, world: World, ours: Mapping[str, KnownGroup], take_over: bool = True) -> Plan:
    found = diff(want, world.snapshot(), ours)
    return Plan(
        tuple(found.changes), ("acme",), found.touched, unchanged=found.unchanged, left=found.left, take_over=take_over
    )


def recorded(plan: Plan, world: World, ours: Mapping[str, KnownGroup]) -> Mapping[str, KnownGroup]:
    return advance({"acme": ours}, plan.changes, {"acme": world.snapshot()}).get("acme", {})
