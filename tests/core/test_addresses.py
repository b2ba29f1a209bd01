"""Listing what is ours, letting go of it, and following a rename: by hand, and at random against a plain oracle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.addresses import addresses, is_under, moved, without
from reconciler.core.model import Known, KnownGroup, UserType
from reconciler.diagnostics import PlanError

E, C = UserType.EMPLOYEE, UserType.CUSTOMER
KNOWN: Known = {
    "acme": {
        "clerks": KnownGroup(True, E, frozenset({"ana", "ben"}), {"name": {"en": "Clerks"}}, 3),
        "guests": KnownGroup(False, E, frozenset({"cleo"})),
        "buyers": KnownGroup(False, C, frozenset({"ana"})),
    },
    "bmart": {"clerks": KnownGroup(False, E, frozenset({"ana"}))},
}


def test_every_group_stands_before_its_members() -> None:
    """Sorted, so that a list is the same each time."""
    assert list(addresses(KNOWN)) == [
        "acme/buyers",
        "acme/buyers/ana",
        "acme/clerks",
        "acme/clerks/ana",
        "acme/clerks/ben",
        "acme/guests",
        "acme/guests/cleo",
        "bmart/clerks",
        "bmart/clerks/ana",
    ]


def test_what_belongs_to_an_address() -> None:
    """A longer name is no part of a shorter one."""
    assert is_under("acme/clerks/ana", "acme/clerks")
    assert is_under("acme", "acme")
    assert not is_under("acme/clerks2", "acme/clerks")
    assert not is_under("acme/clerks", "acme/clerks/ana")


names = st.sampled_from(["a", "b", "c"])
users = st.sampled_from(["x", "y", "z/1"])
groups = st.builds(KnownGroup, st.booleans(), st.sampled_from(UserType), st.frozensets(users))
worlds = st.dictionaries(names, st.dictionaries(names, groups, min_size=1, max_size=3), min_size=1, max_size=3)


@given(worlds, st.data())
def test_letting_go_takes_exactly_what_is_under_the_address(known: Known, data: st.DataObject) -> None:
    """All else stays as it was, and nothing empty of a tenant remains."""
    wanted = data.draw(st.sampled_from([*known, *addresses(known)]))
    after = without(known, wanted)
    assert list(addresses(after)) == [found for found in addresses(known) if not is_under(found, wanted)]
    assert all(after.values())


@given(worlds, st.data())
def test_a_rename_changes_the_address_and_nothing_else(known: Known, data: st.DataObject) -> None:
    """Each address under the old one is under the new one, all others stay; or it is refused, and moving back is the
    way back."""
    old = data.draw(st.sampled_from([*known, *addresses(known)]))
    parts = old.split("/", 2)
    new = "/".join(
        data.draw(st.sampled_from(["a", "b", "n"] if place < 2 else ["x", "n"])) for place in range(len(parts))
    )
    try:
        after = moved(known, old, new)
    except PlanError:
        taken = {*known, *addresses(known)}
        target = known.get(new.split("/")[0], {}).get((*new.split("/"), "")[1])
        assert new in taken or (
            len(parts) == 3 and (target is None or target.user_type is not known[parts[0]][parts[1]].user_type)
        )
        return
    expected = [new + found[len(old) :] if is_under(found, old) else found for found in addresses(known)]
    assert list(addresses(after)) == sorted(expected, key=lambda found: found.split("/", 2))
    assert moved(after, new, old) == known


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("acme/clerks", "acme", "not both"),
        ("acme", "new/clerks", "not both"),
        ("acme/clerks", "acme/", "not both"),
        ("acme/clerks", "acme/guests", "already"),
        ("acme", "bmart", "already"),
        ("acme/clerks/ana", "acme/nowhere/ana", "as a group of EMPLOYEE"),
        ("acme/clerks/ana", "acme/buyers/ben", "as a group of EMPLOYEE"),
    ],
)
def test_what_can_not_be_renamed(old: str, new: str, why: str) -> None:
    """Nothing is merged, and no member changes its type; each refusal has a remedy."""
    with pytest.raises(PlanError, match=why) as caught:
        moved(KNOWN, old, new)
    assert caught.value.remedy


def test_what_is_let_go_takes_its_e_mail_along() -> None:
    """Or the e-mail would stand for somebody who is not ours any more."""
    group = KnownGroup(False, UserType.EMPLOYEE, frozenset({"a", "b"}), emails={"a": "a@x.y", "b": "b@x.y"})
    assert without({"acme": {"g": group}}, "acme/g/a")["acme"]["g"].emails == {"b": "b@x.y"}


def test_a_member_moves_into_another_group_of_ours() -> None:
    """Beside those who are there, and out of the group that it was in."""
    moved_on = moved(KNOWN, "acme/guests/cleo", "acme/clerks/cleo")
    assert (moved_on["acme"]["clerks"].members, moved_on["acme"]["guests"].members) == ({"ana", "ben", "cleo"}, set())
