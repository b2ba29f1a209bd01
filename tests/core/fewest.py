"""The least number of requests, by trying every sequence: what the schedule is measured against on small worlds."""

from collections import deque
from collections.abc import Iterator, Mapping

from .world import Edge

State = tuple[frozenset[str], frozenset[Edge]]
"""The groups that exist, and who is in which."""


def fewest(
    live: Mapping[str, frozenset[str]], wanted: Mapping[str, frozenset[str]], first: Mapping[Edge, frozenset[Edge]]
) -> int:
    """The length of the shortest sequence of requests from one state to the other.

    No request may add an unwanted membership or remove a wanted one; ``first`` has for a membership that ends those
    that must be there before it does.
    """
    start, goal = _state(live), _state(wanted)
    distance = {start: 0}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        if state == goal:
            return distance[state]
        for after in _requests(state, goal):
            if after not in distance and all(first.get(edge, frozenset()) <= after[1] for edge in state[1] - after[1]):
                distance[after] = distance[state] + 1
                queue.append(after)
    raise AssertionError("there is no way")


def _state(groups: Mapping[str, frozenset[str]]) -> State:
    return frozenset(groups), frozenset((group, user) for group, users in groups.items() for user in users)


def _requests(state: State, goal: State) -> Iterator[State]:
    groups, edges = state
    for group in goal[0] - groups:
        yield groups | {group}, edges
    for edge in goal[1] - edges:
        if edge[0] in groups:
            yield groups, edges | {edge}
    surplus = edges - goal[1]
    for edge in surplus:
        yield groups, edges - {edge}
    for group in groups:
        mine = frozenset(edge for edge in edges if edge[0] == group)
        if mine <= surplus:
            yield groups, edges - mine
            if group not in goal[0]:
                yield groups - {group}, edges - mine
    for user in {user for _, user in surplus}:
        mine = frozenset(edge for edge in edges if edge[1] == user)
        if mine <= surplus:
            yield groups, edges - mine
