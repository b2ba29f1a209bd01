"""The order of steps that wait for each other, and what to look at when they wait in a circle."""

from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush


def in_order(after: Sequence[Collection[int]]) -> list[int]:
    """The steps, each after those it waits for and otherwise as they stand; without those that wait for a circle."""
    waiting = [len(before) for before in after]
    followers = _reversed(after)
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
    tied = set(range(len(after))) - set(in_order(after))
    if tied:
        tied -= set(in_order(_reversed(after)))
    return tied


def _reversed(after: Sequence[Collection[int]]) -> list[list[int]]:
    followers: list[list[int]] = [[] for _ in after]
    for index, before in enumerate(after):
        for other in before:
            followers[other].append(index)
    return followers
