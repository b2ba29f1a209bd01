"""From a plan to requests: the fewest that do exactly the planned, with ``after`` edges for what must wait (DESIGN 8).

Groups are written before their members are added. A user who moves is added before being removed, so that nobody is
without access in between, except where the service forbids holding both (FACTS, rules 2 and 4): there the addition
waits for the removal. Three facts keep the graph free of cycles: a replaced group is deleted first of all; an
addition that waits for a removal is waited for by nothing; a group with newcomers is emptied at once only if nobody
in it moves.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.cover import cover
from reconciler.core.model import Fields, Snapshot, UserType
from reconciler.core.plan import Action, Change, Plan

COMPANY_CODES = frozenset({"ADMIN", "BUYER", "REQUESTER"})
"""Codes of the predefined company groups of which a customer may be in one per company (FACTS, rule 4)."""


class Call(StrEnum):
    """The requests that change something, all idempotent, so that each may be sent again (FACTS, "calls")."""

    PUT_GROUP = "put group"
    DELETE_GROUP = "delete group"
    ADD = "add member"
    REMOVE = "remove member"
    EMPTY_GROUP = "empty group"
    REMOVE_USER = "remove user from all groups"


@dataclass(frozen=True, slots=True)
class Step:
    """One request: the changes that it fulfils and the steps that must be done before, both by index.

    ``version`` turns on the service's optimistic locking; ``force`` deletes a group together with its members.
    """

    call: Call
    tenant: str
    group: str = ""
    user: str = ""
    user_type: UserType = UserType.EMPLOYEE
    fields: Fields | None = None
    version: int | None = None
    force: bool = False
    changes: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides whether a user may be in two groups at once: the vendor, and for predefined groups the company."""

    vendor: str | None
    company: str | None

    def forbids(self, other: "Terms", user_type: UserType) -> bool:
        """Whether the service refuses a user of this type in both groups (FACTS, rules 2 and 4)."""
        if user_type is UserType.EMPLOYEE:
            return self.vendor != other.vendor
        return self.company is not None and self.company == other.company


def terms(fields: Fields, code: str | None) -> Terms:
    """A group's terms from its definition and its code; only predefined company groups are bound to a company."""
    company = fields.get("b2b", {}).get("legalEntityId") if code in COMPANY_CODES else None
    return Terms(fields.get("vendorId"), company)


def schedule(plan: Plan, live: Mapping[str, Snapshot]) -> tuple[Step, ...]:
    """All requests of the plan, every step after those that it waits for, given what is live in each tenant."""
    steps: list[Step] = []
    by_tenant: defaultdict[str, list[int]] = defaultdict(list)
    for index, change in enumerate(plan.changes):
        by_tenant[change.tenant].append(index)
    for tenant, indices in by_tenant.items():
        _Tenant(plan.changes, indices, live.get(tenant, Snapshot(tenant)), steps).schedule()
    return tuple(steps)


class _Tenant:
    """The scheduling of one tenant: changes sorted by kind, and the steps written so far."""

    def __init__(self, changes: tuple[Change, ...], indices: list[int], live: Snapshot, steps: list[Step]) -> None:
        self.changes, self.live, self.steps = changes, live, steps
        self.groups = [index for index in indices if changes[index].user is None]
        self.added = [i for i in indices if changes[i].user and changes[i].action in {Action.CREATE, Action.REPLACE}]
        self.removed = [i for i in indices if changes[i].user and changes[i].action is Action.DELETE]
        self.leaving = {changes[i].group for i in self.groups if changes[i].action is Action.DELETE}
        self.replaced = {changes[i].group for i in self.groups if changes[i].action is Action.REPLACE}
        self.written: dict[str, int] = {}
        self.waiting_for: defaultdict[str, list[int]] = defaultdict(list)
        self.removal: dict[tuple[str, str], int] = {}
        self.removals_of = self._grouped(self.removed, lambda change: change.user or "")
        self.removals_in = self._grouped(self.removed, lambda change: change.group)
        self.after = {changes[i].group: changes[i].after for i in self.groups}
        self.retyped = {i for i in self.added if changes[i].action is Action.REPLACE}
        self.late = {i for i in self.added if i not in self.retyped and self._clashes(i)}
        self.emptied: dict[str, int] = {}

    def _grouped(self, indices: Iterable[int], name: Callable[[Change], str]) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for index in indices:
            found[name(self.changes[index])].append(index)
        return found

    def _terms(self, group: str, after: Fields | None = None) -> Terms:
        live = self.live.groups.get(group)
        return terms(after or (live.fields if live else {}), live.code if live else None)

    def _clashes(self, addition: int) -> list[int]:
        """The removals of the same user that must come before this addition."""
        change = self.changes[addition]
        removals = self.removals_of.get(change.user or "")
        if not removals:
            return []
        mine = self._terms(change.group, self.after.get(change.group))
        return [i for i in removals if mine.forbids(self._terms(self.changes[i].group), change.user_type)]

    def schedule(self) -> None:
        """Write the steps in an order in which each comes after what it waits for."""
        self._write_groups()
        movers = {self.changes[i].user for i in self.added if i not in self.late and i not in self.retyped}
        whole_groups, renewed = self._whole_groups(movers)
        edges = {
            (change.group, change.user or ""): i
            for i, change in ((i, self.changes[i]) for i in self.removed)
            if change.group not in self.leaving | self.replaced
        }
        chosen = cover(edges, whole_groups, self._whole_users())
        for group in sorted(chosen.groups & renewed):
            self._empty(group)
        self._add(i for i in self.added if i not in self.late)
        for group in sorted(chosen.groups - renewed):
            self._empty(group)
        self._remove(chosen.users, chosen.single, edges)
        self._delete_groups()
        self._add(i for i in self.added if i in self.late)

    def _step(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def _write_groups(self) -> None:
        for index in self.groups:
            change = self.changes[index]
            after: tuple[int, ...] = ()
            if change.action is Action.REPLACE:
                after = (self._delete_group(index, ()),)
            if change.action in {Action.CREATE, Action.UPDATE, Action.REPLACE}:
                version = change.version if change.action is Action.UPDATE else None
                self.written[change.group] = self._step(
                    Step(
                        Call.PUT_GROUP,
                        change.tenant,
                        change.group,
                        user_type=change.user_type,
                        fields=change.after,
                        version=version,
                        changes=(index,),
                        after=after,
                    )
                )

    def _delete_group(self, index: int, after: tuple[int, ...]) -> int:
        """Delete a group and, with it, all memberships whose removal is planned: one request whatever their number."""
        change = self.changes[index]
        members = self.removals_in.get(change.group, [])
        live = self.live.groups.get(change.group)
        step = self._step(
            Step(
                Call.DELETE_GROUP,
                change.tenant,
                change.group,
                force=bool(live and live.members),
                changes=(index, *members),
                after=after,
            )
        )
        for i in members:
            self.removal[change.group, self.changes[i].user or ""] = step
        return step

    def _whole_groups(self, movers: set[str | None]) -> tuple[set[str], set[str]]:
        """Groups that lose every live member, and those of them that get new members afterwards."""
        joined = {self.changes[i].group for i in self.added}
        whole, renewed = set[str](), set[str]()
        for group, indices in self.removals_in.items():
            users = {self.changes[i].user for i in indices}
            live = self.live.groups.get(group)
            if live is None or live.members is None or set(live.members) != users:
                continue
            if group not in joined:
                whole.add(group)
            elif not users & movers:
                whole.add(group)
                renewed.add(group)
        return whole, renewed

    def _whole_users(self) -> set[str]:
        """Users who lose every live membership and gain none; only those all of whose groups are known."""
        gaining = {self.changes[i].user for i in self.added}
        return {
            user
            for user, indices in self.removals_of.items()
            if len(indices) > 1
            and user not in gaining
            and groups_of(user, self.live) == frozenset(self.changes[i].group for i in indices)
        }

    def _empty(self, group: str) -> None:
        mine = self.removals_in[group]
        step = Step(Call.EMPTY_GROUP, self.live.tenant, group, changes=tuple(mine), after=self._movers_of(mine))
        self.emptied[group] = self._step(step)
        for i in mine:
            self.removal[group, self.changes[i].user or ""] = self.emptied[group]

    def _movers_of(self, removals: Iterable[int]) -> tuple[int, ...]:
        """The additions, by step, that must be done before these users are removed."""
        return tuple(sorted({step for i in removals for step in self.waiting_for.get(self.changes[i].user or "", ())}))

    def _add(self, additions: Iterable[int]) -> None:
        for index in additions:
            change = self.changes[index]
            user = change.user or ""
            after = [self.written[change.group]] if change.group in self.written else []
            if change.group in self.emptied:
                after.append(self.emptied[change.group])
            if index in self.late:
                after += [self.removal[self.changes[i].group, user] for i in self._clashes(index)]
            if index in self.retyped and change.group not in self.replaced:
                after = [self._step(self._single(Call.REMOVE, change, index, after))]
            step = self._step(self._single(Call.ADD, change, index, sorted(set(after))))
            if index not in self.late:
                self.waiting_for[user].append(step)

    @staticmethod
    def _single(call: Call, change: Change, index: int, after: Iterable[int]) -> Step:
        return Step(
            call,
            change.tenant,
            change.group,
            change.user or "",
            change.user_type,
            changes=(index,),
            after=tuple(after),
        )

    def _remove(
        self, users: Iterable[str], single: Iterable[tuple[str, str]], edges: Mapping[tuple[str, str], int]
    ) -> None:
        for user in sorted(users):
            mine = [i for i in self.removals_of[user] if (self.changes[i].group, user) not in self.removal]
            self._step(Step(Call.REMOVE_USER, self.live.tenant, user=user, changes=tuple(mine)))
        for edge in sorted(single):
            index = edges[edge]
            after = self.waiting_for.get(edge[1], ())
            self.removal[edge] = self._step(self._single(Call.REMOVE, self.changes[index], index, after))

    def _delete_groups(self) -> None:
        for index in self.groups:
            change = self.changes[index]
            if change.action is Action.DELETE:
                self._delete_group(index, self._movers_of(self.removals_in.get(change.group, ())))


def groups_of(user: str, live: Snapshot) -> frozenset[str] | None:
    """All groups of a user, if they are known: the user was asked about, or every group of the tenant was read."""
    if user in live.memberships:
        return live.memberships[user]
    if any(group.members is None for group in live.groups.values()):
        return None
    return frozenset(group.id for group in live.groups.values() if group.members and user in group.members)
