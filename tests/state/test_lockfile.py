"""The format: what is written, what is read, and how damage is told."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import KnownGroup, UserType
from reconciler.core.plan import Action, Change, Reason
from reconciler.diagnostics import Source, StateError
from reconciler.state import Lockfile, decode, encode, new
from reconciler.state.lockfile import FORMAT, UPGRADES, upgrade

GOLDEN = Path(__file__).with_name("lockfile.json").read_bytes()
OLDER = Path(__file__).with_name("lockfile.1.json").read_bytes()

EXAMPLE = Lockfile(
    lineage="6f1c7a52-0d0e-4a54-9a3b-0d6f8a6f9f5e",
    serial=7,
    known={
        "bmart": {"g2": KnownGroup(False, UserType.CUSTOMER)},
        "acmeprod": {
            "catalog-managers": KnownGroup(
                owned=True,
                user_type=UserType.EMPLOYEE,
                members=frozenset({"00u4ukrqkmEP1opFf417", "00u4ukqvzlEP31sCk417", "00012345", 'ü"\\\n'}),
                fields={
                    "userType": "EMPLOYEE",
                    "name": {"en": "Catalog managers", "de": "Katalogmanager"},
                    "accessControls": ["5ac869fc-d548-4ec8-8e06-c01491314101", "9f0e"],
                    "b2b": {"legalEntityId": "0149b1314144a01491314z128"},
                    "mixins": {"limits": {"max": 1.5, "on": True, "none": None}},
                },
                version=3,
            ),
            "buyers": KnownGroup(
                False, UserType.CUSTOMER, frozenset({"40012", "40014"}), emails={"40014": "Marta@acme.example"}
            ),
        },
        "empty": {},
    },
    pending=(
        Change("acmeprod", "buyers", "40013", Action.CREATE, Reason.NEW, UserType.CUSTOMER, email="bo@acme.example"),
        Change(
            "acmeprod",
            "catalog-managers",
            None,
            Action.UPDATE,
            Reason.DRIFT,
            UserType.EMPLOYEE,
            after={"userType": "EMPLOYEE", "name": {"en": "Managers"}},
            version=4,
            owned=True,
        ),
    ),
    written_by="ana@laptop",
    written_at="2026-11-23T10:00:00Z",
)

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
fields = st.none() | st.dictionaries(texts, values, max_size=4)
versions = st.none() | st.integers(0, 10**6)
mails = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
groups = st.dictionaries(texts, st.none() | mails, max_size=6).flatmap(
    lambda members: st.builds(
        KnownGroup,
        owned=st.booleans(),
        user_type=st.sampled_from(UserType),
        members=st.just(frozenset(members)),
        fields=fields,
        version=versions,
        emails=st.just({user: email for user, email in members.items() if email}),
    )
)
changes = st.builds(
    Change,
    tenant=texts,
    group=texts,
    user=st.none() | texts,
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    user_type=st.sampled_from(UserType),
    source=st.none(),
    note=st.just(""),
    before=st.none(),
    after=fields,
    version=versions,
    owned=st.booleans(),
    email=texts,
    person=st.none(),
    teams=st.just(()),
    until=st.none(),
)
lockfiles = st.builds(
    Lockfile,
    lineage=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    serial=st.integers(0, 10**9),
    known=st.dictionaries(texts, st.dictionaries(texts, groups, max_size=3), max_size=3),
    pending=st.lists(changes, max_size=3).map(tuple),
    written_by=texts,
    written_at=texts,
)


@contextmanager
def refused(*parts: str, at: tuple[int, int] | None = None) -> Iterator[None]:
    """It is refused as a lockfile named L, in these words, at this line and column, with a way out."""
    with pytest.raises(StateError) as caught:
        yield
    message = str(caught.value)
    assert message.startswith("L")
    assert all(part in message for part in parts), message
    assert caught.value.remedy
    assert caught.value.source == (Source("L", *at) if at else None)


def edited(old: str, new: str) -> bytes:
    """The golden file after a person's edit."""
    text = GOLDEN.decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def test_the_format_is_pinned() -> None:
    """Byte for byte: whoever changes what is written has to raise the format version and write an upgrade."""
    assert encode(EXAMPLE) == GOLDEN
    assert decode(GOLDEN, "L") == EXAMPLE


def test_it_is_json() -> None:
    """Other tools can read it."""
    found = json.loads(GOLDEN)
    assert (found["format"], found["serial"]) == (FORMAT, 7)
    assert found["tenants"]["acmeprod"]["buyers"]["members"] == [
        {"id": "40012", "userType": "CUSTOMER"},
        {"id": "40014", "userType": "CUSTOMER", "email": "Marta@acme.example"},
    ]


def test_a_member_who_comes_is_one_line() -> None:
    """A reviewer sees exactly who was added, unless it is the last one, whose neighbour gets a comma."""
    buyers = EXAMPLE.known["acmeprod"]["buyers"]
    tenants = dict(EXAMPLE.known) | {
        "acmeprod": dict(EXAMPLE.known["acmeprod"])
        | {"buyers": replace(buyers, members=frozenset({"40012", "40014", "30000"}))}
    }
    before, after = GOLDEN.splitlines(), encode(replace(EXAMPLE, known=tenants)).splitlines()
    assert [line for line in after if line not in before] == [
        b'          {"id": "30000", "userType": "CUSTOMER"},',
    ]
    assert len(after) == len(before) + 1


@given(lockfiles)
def test_what_is_written_is_read(lockfile: Lockfile) -> None:
    """Decoding what was encoded gives the same lockfile, whatever stands in ids and definitions."""
    assert decode(encode(lockfile), "L") == lockfile


def turned(value: Any) -> Any:
    """An equal value whose mappings were made in the opposite order."""
    if isinstance(value, Mapping):
        return {key: turned(value[key]) for key in reversed(list(value))}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(lockfiles)
def test_equal_lockfiles_give_equal_bytes(lockfile: Lockfile) -> None:
    """The order in which tenants, groups, members and fields were met leaves no trace."""
    known = {
        tenant: {
            name: replace(
                group,
                members=frozenset(sorted(group.members, reverse=True)),
                fields=turned(group.fields),
            )
            for name, group in reversed(found.items())
        }
        for tenant, found in reversed(lockfile.known.items())
    }
    other = replace(lockfile, known=known)
    assert other == lockfile
    assert encode(other) == encode(lockfile)


@given(lockfiles)
def test_every_line_has_one_thing(lockfile: Lockfile) -> None:
    """Each member stands on a line of its own, and each pending change does, whatever characters they have."""
    lines = encode(lockfile).split(b"\n")
    members = sum(len(group.members) for found in lockfile.known.values() for group in found.values())
    assert sum(line.startswith(b'          {"id": ') for line in lines) == members
    assert sum(line.startswith(b'    {"tenant":') for line in lines) == len(lockfile.pending)


def test_long_lists_are_written_like_short_ones() -> None:
    """Members and changes are encoded in batches; the seams between them can't be seen."""
    members = frozenset(f"{number:06}" for number in range(25_000))
    known = {"t": {"g": KnownGroup(False, UserType.CUSTOMER, members)}}
    pending = tuple(replace(EXAMPLE.pending[0], user=user) for user in sorted(members))
    lockfile = Lockfile("one", 1, known, pending)
    data = encode(lockfile)
    assert decode(data, "L") == lockfile
    lines = data.splitlines()
    assert sum(line.startswith(b'          {"id": "') and line.endswith(b'"},') for line in lines) == 24_999
    assert sum(line.startswith(b'    {"tenant":') and line.endswith(b"},") for line in lines) == 24_999


def test_a_pending_change_keeps_what_settling_needs() -> None:
    """Where it was asked for, the file's own reason and the state before are not written: no rule of settling asks."""
    change = replace(EXAMPLE.pending[1], source=Source("a.yaml", 1, 2), note="OPS-42", before={"name": {"en": "Old"}})
    assert decode(encode(replace(EXAMPLE, pending=(change,))), "L").pending == (EXAMPLE.pending[1],)


def test_a_new_lockfile_owns_nothing() -> None:
    """Serial 0, to be raised by the first write."""
    assert new("one") == Lockfile(lineage="one", serial=0, known={}, pending=())
    assert decode(encode(new("one")), "L") == new("one")


def test_no_truncation_is_read() -> None:
    """Half a lockfile would make us forget the other half; only the newline at the end may be missing."""
    for length in range(len(GOLDEN) - 1):
        with pytest.raises(StateError, match=r"^L is (empty|no lockfile)"):
            decode(GOLDEN[:length], "L")
    assert decode(GOLDEN[:-1], "L") == EXAMPLE


def test_the_end_of_a_truncated_file_is_told() -> None:
    """The line and column where the text ends."""
    with refused("cut off", at=(3, 5)):
        decode(b'{\n  "format": 2,\n    ', "L")


@given(st.integers(0, len(GOLDEN) - 1), st.binary(max_size=3))
def test_damage_is_never_a_traceback(place: int, bytes_: bytes) -> None:
    """Whatever overwrites a few bytes, the lockfile is refused in words or still is one."""
    data = GOLDEN[:place] + bytes_ + GOLDEN[place + len(bytes_) :]
    try:
        assert isinstance(decode(data, "L"), Lockfile)
    except StateError as error:
        assert error.remedy


@given(st.binary(max_size=50))
def test_garbage_is_never_a_traceback(data: bytes) -> None:
    """Nothing that was made by chance is a lockfile."""
    with pytest.raises(StateError):
        decode(data, "L")


def test_nothing_is_no_lockfile() -> None:
    """An empty file was not written by us: what stood in it is lost and has to be restored."""
    with refused("L is empty"):
        decode(b" \n", "L")


def test_text_in_another_encoding_is_refused() -> None:
    """The byte that is no UTF-8 is told."""
    with refused("UTF-8", at=(8, 10)):
        decode(GOLDEN.replace(b'"buyers"', b'"buy\xffers"', 1).replace(b'    "acmeprod"', b'    "acme\xff"', 1), "L")


def test_malformed_json_is_told_with_its_place() -> None:
    """Line and column, as an editor counts them."""
    with refused("malformed", at=(4, 13)):
        decode(edited('"serial": 7', '"serial": ,'), "L")


def test_endless_nesting_is_refused() -> None:
    """A decoder's limit is no traceback of ours."""
    deep = "[" * 100_000 + "]" * 100_000
    with refused("nested too deep"):
        decode(edited('"max": 1.5', f'"max": {deep}'), "L")


@pytest.mark.parametrize(
    "data",
    [b"null", b"[]", b"{}", b'{"version": 4, "terraform_version": "1.11.4"}', b'{"format": "1"}', b'{"format": 1}'],
)
def test_foreign_json_is_refused(data: bytes) -> None:
    """Another tool's file is not taken for an empty lockfile."""
    with refused("no lockfile"):
        decode(data, "L")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"members"', '"menbers"'),
        ('"serial": 7', '"serial": -1'),
        ('"serial": 7', '"serial": "7"'),
        ('"owned": true', '"owned": 1'),
        ('"userType": "CUSTOMER"', '"userType": "PARTNER"'),
        ('{"id": "40012", ', '{"id": 40012, '),
        ('{"id": "40012", ', '{"id": "40012", "token": "x", '),
        ('"action":"create"', '"action":"destroy"'),
        ('"lineage": "6f1c7a52-0d0e-4a54-9a3b-0d6f8a6f9f5e"', '"lineage": ""'),
    ],
)
def test_what_we_do_not_write_is_not_read(old: str, new: str) -> None:
    """A misspelt key would lose members in silence, so nothing unknown is passed over."""
    with refused("no lockfile"):
        decode(edited(old, new), "L")


@pytest.mark.parametrize(
    ("markers", "line"),
    [
        ('<<<<<<< HEAD\n  "serial": 7,\n=======\n  "serial": 8,\n>>>>>>> topic\n', 4),
        ('  "serial": 7,\n=======\n  "serial": 8,\n', 5),
        ('<<<<<<< a\r\n  "serial": 7,\r\n||||||| b\r\n=======\r\n>>>>>>> c\r\n', 4),
    ],
)
def test_a_merge_conflict_is_told_as_one(markers: str, line: int) -> None:
    """Git's markers have a message and a way out of their own, even if only one of them was overlooked."""
    with refused("unresolved merge conflict", at=(line, 1)):
        decode(edited('  "serial": 7,\n', markers), "L")


def test_other_line_ends_and_spaces_are_read() -> None:
    """A checkout with carriage returns, or another tool's pretty printing, changes no meaning."""
    assert decode(GOLDEN.replace(b"\n", b"\r\n"), "L") == EXAMPLE
    assert decode(msgspec.json.format(GOLDEN, indent=-1), "L") == EXAMPLE


def test_members_in_another_order_are_read() -> None:
    """A merge that put two people the wrong way round lost nobody."""
    first = '          {"id": "00012345", "userType": "EMPLOYEE"},\n'
    second = '          {"id": "00u4ukqvzlEP31sCk417", "userType": "EMPLOYEE"},\n'
    assert decode(edited(first + second, second + first), "L") == EXAMPLE


def test_a_member_twice_is_refused() -> None:
    """Both sides of a merge were kept; the lines are told."""
    line = '          {"id": "00012345", "userType": "EMPLOYEE"},\n'
    number = GOLDEN[: GOLDEN.index(line.encode())].count(b"\n") + 1
    with refused("acmeprod/catalog-managers/00012345 twice", f"lines {number}, {number + 1}"):
        decode(edited(line, line + line), "L")


def test_a_group_twice_is_refused() -> None:
    """A decoder would keep the last of the two in silence, and the first one's members were ours no more."""
    group = '      "g2": {\n        "owned": false,\n        "userType": "CUSTOMER",\n        "members": []\n      }'
    with refused("'g2' twice", "(see lines "):
        decode(edited(group, group + ",\n" + group), "L")


@pytest.mark.parametrize("key", ['  "serial": 7,\n', '        "version": 3,\n', '  "format": 2,\n'])
def test_a_key_twice_is_refused(key: str) -> None:
    """At every level: nobody can tell which of the two was meant."""
    with refused("twice"):
        decode(edited(key, key + key), "L")


def test_a_key_twice_that_is_written_in_two_ways_is_refused() -> None:
    """An escape hides no duplicate; no line is told where the text has none."""
    with refused("'owned' twice in one object"):
        decode(edited('"owned": true', '"owned": true, "own\\u0065d": false'), "L")


def test_a_member_of_another_type_is_refused() -> None:
    """All members of a group have its userType (FACTS, rule 1), so the file was edited or merged wrongly."""
    with refused("acmeprod/buyers/40012", "EMPLOYEE", "CUSTOMER"):
        decode(edited('{"id": "40012", "userType": "CUSTOMER"}', '{"id": "40012", "userType": "EMPLOYEE"}'), "L")


def test_a_newer_format_is_refused_by_its_number() -> None:
    """Whatever it contains: an older tool must not write over what it does not understand."""
    with refused("format 3", "up to 2"):
        decode(b'{"format": 3, "lineage": {"new": "shape"}}', "L")


@pytest.mark.parametrize("version", [0, -1, -(10**30)])
def test_an_older_format_that_never_was_is_refused(version: int) -> None:
    """There is no format before the first."""
    with refused(f"format {version}", "never existed"):
        decode(b'{"format": %d}' % version, "L")


def test_upgrades_are_taken_one_after_the_other() -> None:
    """A file of format 1 becomes one of format 3 by the step to 2 and the step to 3."""
    steps = {1: lambda found: {**found, "two": True}, 2: lambda found: {**found, "three": found["two"]}}
    assert upgrade({"one": True}, "L", 1, steps, 3) == {"one": True, "two": True, "three": True}
    with refused("format 1"):
        upgrade({}, "L", 1, {2: steps[2]}, 3)


def test_format_1_is_read() -> None:
    """It had no e-mails; what it says is all there, and the next write makes it the present format."""
    found = decode(OLDER, "L")
    buyers = replace(EXAMPLE.known["acmeprod"]["buyers"], members=frozenset({"40012"}), emails={})
    known = {**EXAMPLE.known, "acmeprod": {**EXAMPLE.known["acmeprod"], "buyers": buyers}}
    assert found == replace(EXAMPLE, known=known, pending=(replace(EXAMPLE.pending[0], email=""), EXAMPLE.pending[1]))
    assert decode(encode(found), "L") == found


def test_every_older_format_can_be_read() -> None:
    """There is a step from each format that was ever written."""
    assert sorted(UPGRADES) == list(range(1, FORMAT))
