"""Any effects of a plan on access, whatever texts they are made of."""

from hypothesis import strategies as st

from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.model import Person


def effects(text: st.SearchStrategy[str]) -> st.SearchStrategy[Effects]:
    """Effects whose every text is drawn from ``text``, few or many; users have an id, and only gains are sensitive."""
    some = text.filter(bool)
    people = st.builds(Person, text, some, st.none() | some, text)
    rights = st.builds(Right, text, st.just("") | text)
    grants = st.lists(st.builds(Grant, rights, st.lists(text, min_size=1, max_size=3).map(tuple)), max_size=2)
    sides = grants.map(tuple)
    found = st.builds(Effect, st.lists(people, min_size=1, max_size=5).map(tuple), sides, sides, sides, sides)
    return st.builds(
        _sensitive,
        st.builds(lambda some, times: tuple(some * times), st.lists(found, max_size=3), st.sampled_from([1, 1, 12])),
        st.booleans(),
        st.integers(0, 10**6),
        st.dictionaries(text, text, max_size=2),
    )


def _sensitive(found: tuple[Effect, ...], all_of_it: bool, uncounted: int, names: dict[str, str]) -> Effects:
    """With all that is gained sensitive, or every second of it."""
    gained = sorted({grant.right for effect in found for grant in effect.gained})
    return Effects(found, frozenset(gained if all_of_it else gained[::2]), uncounted, names)
