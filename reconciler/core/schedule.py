"""From a plan to requests: the fewest that do exactly the planned, with ``after`` edges for what must wait (DESIGN 8).

Groups are written before their members are added. A user who moves is added before being removed, so that nobody is
without access in between, except where the service forbids holding both (FACTS, rules 2 and 4): there the addition
waits for the removal. Deleting or emptying a group removes many users in one request, which then waits for whatever
any of them waits for. Only such requests can wait in a circle, for each other; then some are taken apart.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.cover import Edge, cover
from reconciler.core.edges import Edges
from reconciler.core.model import Fields, Snapshot, UserType
from reconciler.core.order import in_order, knot
from reconciler.core.plan import Action, Plan

WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE})


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

    A change is fulfilled when all steps that name it are done: a replacement is a removal and an addition. ``version``
    turns on the service's optimistic locking; ``force`` deletes a group together with its members.
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


def schedule(plan: Plan, live: Mapping[str, Snapshot]) -> tuple[Step, ...]:
    """All requests of the plan, every step after those that it waits for, given what is live in each tenant."""
    by_tenant: defaultdict[str, list[int]] = defaultdict(list)
    for index, change in enumerate(plan.changes):
        by_tenant[change.tenant].append(index)
    steps: list[Step] = []
    for tenant, indices in by_tenant.items():
        edges = Edges(plan.changes, indices, live.get(tenant, Snapshot(tenant)))
        moved = {group: of.moved_to for (name, group), of in plan.touched.items() if name == tenant and of.moved_to}
        requests = _without_circles(edges, moved)
        steps += requests.numbered(len(steps))
    return tuple(steps)


def _without_circles(edges: Edges, moved: Mapping[str, str]) -> "_Requests":
    """The requests, with as few groups taken apart as it takes for none to wait in a circle.

    That ends: with all groups apart, a circle would have to be one user's alone, and there is none of these.
    """
    apart: set[str] = set()
    requests = _Requests(edges, apart, moved)
    while tied := knot(requests.after):
        apart |= requests.to_take_apart(tied)
        requests = _Requests(edges, apart, moved)
    return requests


_Draft = tuple[Call, str, str, str, UserType, Fields | None, int | None, bool, tuple[int, ...]]
"""A step without ``after``, which is known only when all steps are in order."""


class _Requests:
    """One tenant's requests, not yet in order, and by index what each waits for.

    ``apart`` are groups that are not to remove all their members in one request that waits for something and is waited
    for: an emptied one is left one by one, a deleted one is left first by those whose leaving others wait for, and a
    replaced one does not wait (its members lose it in any case). ``moved`` has the new id of groups that go on under
    another one.
    """

    def __init__(self, edges: Edges, apart: Set[str], moved: Mapping[str, str]) -> None:
        self.edges, self.apart, self.moved, self.tenant = edges, apart, moved, edges.live.tenant
        self.drafts: list[_Draft] = []
        self.after: list[tuple[int, ...]] = []
        self.deleted: dict[str, int] = {}
        self.put: dict[str, int] = {}
        self.emptied: dict[str, int] = {}
        self.ended: dict[Edge, int] = {}
        self._write_definitions()
        self.begun = {edge: self._write_single(Call.ADD, edge, index) for edge, index in edges.begins.items()}
        self._write_removals()
        for group in sorted(edges.leaving):
            self._write_deletion(group)
        self._wait()

    def numbered(self, offset: int) -> list[Step]:
        """The steps in an order in which each comes after what it waits for, numbered from ``offset``."""
        order = in_order(self.after)
        place = {index: offset + number for number, index in enumerate(order)}
        renumbered = {after: tuple(sorted({place[other] for other in after})) for after in set(self.after)}
        return [Step(*self.drafts[index], renumbered[self.after[index]]) for index in order]

    def to_take_apart(self, tied: Collection[int]) -> set[str]:
        """Of the groups that wait in a circle, the smaller half of the kind that costs least to take apart.

        One more would do at times, but half at once bounds the number of rounds by the logarithm of the groups.
        """
        leaving = {group: self.deleted[group] for group in self.edges.leaving}
        by_kind = (
            [group for group, step in steps.items() if step in tied and group not in self.apart]
            for steps in (self.emptied, leaving, self.deleted)
        )
        found = next(filter(None, by_kind))
        found.sort(key=lambda group: (len(self.edges.lost_in[group]), group))
        return {found[0], *found[: len(found) // 2]}

    def _write(
        self,
        call: Call,
        group: str,
        changes: tuple[int, ...],
        user: str = "",
        user_type: UserType = UserType.EMPLOYEE,
        fields: Fields | None = None,
        version: int | None = None,
        force: bool = False,
    ) -> int:
        self.drafts.append((call, self.tenant, group, user, user_type, fields, version, force, changes))
        self.after.append(())
        return len(self.drafts) - 1

    def _write_single(self, call: Call, edge: Edge, index: int) -> int:
        return self._write(call, edge[0], (index,), edge[1], self.edges.changes[index].user_type)

    def _write_definitions(self) -> None:
        for group, index in self.edges.definitions.items():
            change = self.edges.changes[index]
            if group in self.edges.replaced:
                self._write_deletion(group)
            if change.action in WRITES:
                version = change.version if change.action is Action.UPDATE else None
                kind, fields = change.user_type, change.after
                self.put[group] = self._write(Call.PUT_GROUP, group, (index,), "", kind, fields, version)

    def _write_deletion(self, group: str) -> None:
        """Delete a group and, with it, the memberships that have no removal of their own: one request for all."""
        live = self.edges.live.groups.get(group)
        edges = [(group, user) for user in self.edges.lost_in.get(group, ())]
        together = [edge for edge in edges if edge not in self.ended]
        changes = (self.edges.definitions[group], *map(self.edges.ends.__getitem__, together))
        force = bool(live and live.members)
        step = self._write(Call.DELETE_GROUP, group, changes, force=force)
        self.after[step] = tuple(self.ended[edge] for edge in edges if edge in self.ended)
        self.ended.update(dict.fromkeys(together, step))
        self.deleted[group] = step

    def _write_removals(self) -> None:
        """Whole groups, whole users and single memberships, whichever is least (see :mod:`reconciler.core.cover`)."""
        edges, ends = self.edges, self.edges.ends
        removed = {edge for edge in ends if edge[0] not in self.deleted and edge[0] not in edges.leaving}
        removed |= self._leaving_first()
        chosen = cover(removed, edges.whole_groups - self.apart, edges.whole_users)
        for group in sorted(chosen.groups):
            mine = [(group, user) for user in edges.lost_in[group]]
            self.emptied[group] = self._write(Call.EMPTY_GROUP, group, tuple(map(ends.__getitem__, mine)))
            self.ended.update(dict.fromkeys(mine, self.emptied[group]))
        for user in sorted(chosen.users):
            mine = [(group, user) for group in edges.lost_by[user]]
            mine = [edge for edge in mine if edge in removed and edge not in self.ended]
            kind = edges.changes[ends[mine[0]]].user_type
            step = self._write(Call.REMOVE_USER, "", tuple(map(ends.__getitem__, mine)), user, kind)
            self.ended.update(dict.fromkeys(mine, step))
        for edge in sorted(chosen.single):
            self.ended[edge] = self._write_single(Call.REMOVE, edge, ends[edge])

    def _leaving_first(self) -> set[Edge]:
        """The memberships of groups to be deleted, but taken apart, whose end lets somebody join another group."""
        apart = self.edges.leaving & self.apart
        return {edge for awaited in self.edges.before_joining.values() for edge in awaited if edge[0] in apart}

    def _wait(self) -> None:
        """Note what each step waits for; a group is written, and emptied of the old members, before anybody joins."""
        for group in self.edges.replaced:
            self.after[self.put[group]] = (self.deleted[group],)
        regrouped = [self.put[group] for group in self.edges.regrouped]
        gates = {
            group: (*regrouped, *(steps[group] for steps in (self.put, self.emptied) if group in steps))
            for group in {group for group, _ in self.begun}
        }
        for edge, step in self.begun.items():
            first = self.edges.before_joining.get(edge)
            self.after[step] = (*gates[edge[0]], *map(self.ended.__getitem__, first)) if first else gates[edge[0]]
        bridges: defaultdict[int, set[int]] = defaultdict(set)
        for edge, awaited in self.edges.before_leaving.items():
            if not (edge[0] in self.edges.replaced and edge[0] in self.apart):
                bridges[self.ended[edge]].update(map(self.begun.__getitem__, awaited))
        for old in self.moved.keys() & self.deleted.keys():
            new = self.moved[old]
            if new in self.put and new not in self.edges.replaced:  # it waits for nothing, so it closes no circle
                bridges[self.deleted[old]].add(self.put[new])
        for step, waits in bridges.items():
            self.after[step] += tuple(waits)
