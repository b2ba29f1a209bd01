"""The fewest requests that remove exactly the planned memberships: one user, a whole group, or a user's all at once.

Memberships are edges between groups and users. A single removal covers one edge; emptying a group, or removing a user
from everything, covers all edges of that vertex, and is open only to a vertex whose every live edge is to go. The
fewest requests are then a minimum vertex cover, which in such a graph equals a maximum matching (König's theorem).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

Edge = tuple[str, str]
"""(group, user)."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Which removals to send: whole groups, whole users, and the single memberships that remain."""

    groups: frozenset[str]
    users: frozenset[str]
    single: frozenset[Edge]


def cover(edges: Iterable[Edge], whole_groups: Collection[str], whole_users: Collection[str]) -> Cover:
    """The smallest cover of ``edges``; a vertex that would cover one edge only is sent as that single removal.

    ``whole_groups`` and ``whole_users`` are the vertices that may be removed at once because that is exactly the plan.
    """
    left = set(edges)
    groups = {group for group, user in left if group in whole_groups and user not in whole_users}
    users = {user for group, user in left if user in whole_users and group not in whole_groups}
    open_edges = {(group, user) for group, user in left if group in whole_groups and user in whole_users}
    open_edges = {(group, user) for group, user in open_edges if group not in groups and user not in users}
    more_groups, more_users = _vertex_cover(open_edges)
    groups |= more_groups
    users |= more_users
    return _prefer_single(left, groups, users)


def _vertex_cover(edges: Iterable[Edge]) -> tuple[set[str], set[str]]:
    """König: from a maximum matching, groups not reachable by alternating paths and users that are."""
    neighbours: defaultdict[str, list[str]] = defaultdict(list)
    for group, user in sorted(edges):
        neighbours[group].append(user)
    matched = _maximum_matching(neighbours)
    free = set(neighbours) - set(matched.values())
    reached_groups, reached_users = set(free), set[str]()
    queue = list(free)
    while queue:
        for user in neighbours[queue.pop()]:
            if user not in reached_users:
                reached_users.add(user)
                reached_groups.add(matched[user])
                queue.append(matched[user])
    return set(neighbours) - reached_groups, reached_users


def _maximum_matching(neighbours: dict[str, list[str]]) -> dict[str, str]:
    """User to group, by augmenting paths from each group: breadth first, because recursion has a limit."""
    matched: dict[str, str] = {}
    holds: dict[str, str] = {}
    for start in neighbours:
        came_from: dict[str, str] = {}
        queue = [start]
        end = None
        for group in queue:
            for user in neighbours[group]:
                if user not in came_from:
                    came_from[user] = group
                    if user not in matched:
                        end = user
                        break
                    queue.append(matched[user])
            if end is not None:
                break
        while end is not None:
            group = came_from[end]
            previous = holds.get(group)
            matched[end], holds[group] = group, end
            end = previous
    return matched


def _prefer_single(edges: set[Edge], groups: set[str], users: set[str]) -> Cover:
    """One edge covered by a whole vertex costs the same as a single removal, which can't hit anything else."""
    covered_by_group: defaultdict[str, list[Edge]] = defaultdict(list)
    covered_by_user: defaultdict[str, list[Edge]] = defaultdict(list)
    single = set[Edge]()
    for edge in edges:
        if edge[0] in groups:
            covered_by_group[edge[0]].append(edge)
        elif edge[1] in users:
            covered_by_user[edge[1]].append(edge)
        else:
            single.add(edge)
    for covered in (covered_by_group, covered_by_user):
        for vertex in [vertex for vertex, of_it in covered.items() if len(of_it) == 1]:
            single.update(covered.pop(vertex))
    return Cover(frozenset(covered_by_group), frozenset(covered_by_user), frozenset(single))
