"""The order of steps that wait for each other, and what to look at when they wait in a circle."""

from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush


def in_order(after: Sequence[Collection[int]]) -> list[int]:
    """The steps, each after those it waits for and otherwise as they stand; none may wait in a circle."""
    if _is_in_order(after):
        return list(range(len(after)))
    waiting, followers = [len(before) for before in after], _reversed(after)
    ready = [index for index, count in enumerate(waiting) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        index = heappop(ready)
        order.append(index)
        for follower in followers[index]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heappush(ready, follower)
    return order


def knot(after: Sequence[Collection[int]]) -> set[int]:
    """The steps on a circle or between two: what is left when steps at either end are taken away again and again."""
    if _is_in_order(after):
        return set()
    followers = _reversed(after)
    return _left(after, followers) & _left(followers, after)


def _left(before: Sequence[Collection[int]], followers: Sequence[Collection[int]]) -> set[int]:
    """What is left when the steps before which nothing is left are taken away again and again."""
    waiting = [len(others) for others in before]
    ready = [index for index, count in enumerate(waiting) if not count]
    for index in ready:  # grows while it is read
        for follower in followers[index]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    return {index for index, count in enumerate(waiting) if count}


def _is_in_order(after: Sequence[Collection[int]]) -> bool:
    """Whether each step stands after those it waits for: so do most plans, and then nothing has to be sorted."""
    return all(not before or max(before) < index for index, before in enumerate(after))


def _reversed(after: Sequence[Collection[int]]) -> list[list[int]]:
    followers: list[list[int]] = [[] for _ in after]
    for index, before in enumerate(after):
        for other in before:
            followers[other].append(index)
    return followers
