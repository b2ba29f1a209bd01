"""The fewest removals, against trying everything."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.cover import cover

from .world import subsets

GROUPS, USERS = ["g1", "g2", "g3"], ["u1", "u2", "u3"]


@given(
    edges=st.sets(st.sampled_from(list(product(GROUPS, USERS)))),
    whole_groups=st.sets(st.sampled_from(GROUPS)),
    whole_users=st.sets(st.sampled_from(USERS)),
)
@settings(max_examples=250, deadline=None)
def test_the_cover_is_the_smallest_and_covers_exactly_the_edges(edges, whole_groups, whole_users) -> None:
    """No choice of whole groups, whole users and single removals does it with fewer requests."""
    chosen = cover(edges, whole_groups, whole_users)
    assert chosen.groups <= whole_groups
    assert chosen.users <= whole_users
    assert chosen.single <= edges
    assert all(g in chosen.groups or u in chosen.users or (g, u) in chosen.single for g, u in edges)
    fewest = min(
        len(groups) + len(users) + sum(1 for g, u in edges if g not in groups and u not in users)
        for groups in subsets(whole_groups)
        for users in subsets(whole_users)
    )
    assert len(chosen.groups) + len(chosen.users) + len(chosen.single) == fewest


def test_a_vertex_that_covers_one_edge_is_a_single_removal() -> None:
    """One removal is sent as one removal: it can't hit anything else."""
    chosen = cover({("g", "u")}, {"g"}, {"u"})
    assert (chosen.groups, chosen.users, chosen.single) == (frozenset(), frozenset(), frozenset({("g", "u")}))


def test_a_hundred_thousand_edges_are_no_trouble() -> None:
    """Twenty groups of five thousand, all leaving, are twenty requests."""
    edges = {(f"g{i}", f"u{j}") for i in range(20) for j in range(5000)}
    assert len(cover(edges, {g for g, _ in edges}, {u for _, u in edges}).groups) == 20
