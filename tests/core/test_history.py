"""Records: what is asked for is found by every name, and no record can be changed, removed or moved unseen."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.chain import Chain, hint
from reconciler.core.document_access import to_effects
from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.history import (
    FORMAT,
    Fate,
    Link,
    Record,
    deed,
    encode,
    foreseen,
    is_intact,
    line,
    link,
    objection,
    read,
)
from reconciler.core.inquiry import Question, also_called, configured, owned, recorded
from reconciler.core.model import Desired, DesiredGroup, DesiredTenant, Entry, KnownGroup, Match, Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Diagnostic, Source

AT = datetime(2026, 11, 24, 10, 41, 7, tzinfo=UTC)
HERE = Source("access.yaml", 12, 9)


def change(user: str | None = "00uM", **more: Any) -> Change:
    told = {"tenant": "acmeprod", "group": "catalog", "user": user, **more}
    return Change(action=Action.CREATE, reason=Reason.NEW, user_type=UserType.EMPLOYEE, source=HERE, **told)


def record(*changes: Change, **more: Any) -> Record:
    told: dict[str, Any] = {
        "format": FORMAT, "time": AT, "who": "ana@laptop", "tool": "1", "service": "https://api", "lineage": "l",
        "serial": 2, "fingerprint": "5f1c", "summary": {"create": 1}, **more,
    }  # fmt: skip
    return Record(changes=tuple(deed(each, Fate.DONE) for each in changes), **told)


def chained(records: Sequence[Record]) -> list[bytes]:
    lines: list[bytes] = []
    for each in records:
        lines.append(line(each, link(lines[-1]) if lines else None))
    return lines


def flaws(lines: Sequence[bytes], kept: str = "") -> list[tuple[int, str]]:
    chain = Chain(kept)
    found = [(chain.lines, flaw) for each in lines for flaw in chain.follow(each)]
    return found + ([] if chain.met or not kept else [(0, "cut off")])


texts = st.text(max_size=8)
records = st.builds(
    lambda user, note, who: record(change(user or "u", note=note, person=Person(email=who)), who=who),
    texts, texts, texts,
)  # fmt: skip
many = st.lists(records, min_size=2, max_size=6).map(chained)


@given(many)
def test_a_chain_as_written_is_whole(lines: list[bytes]) -> None:
    """No record is found fault with, whatever stands in it, also where a checkout wrote other line ends."""
    assert flaws(lines, kept=link(lines[-1]).hash) == []  # type: ignore[union-attr]
    assert flaws([each[:-1] + b"\r\n" for each in lines]) == []
    assert [read(each).number for each in lines] == list(range(1, len(lines) + 1))


@given(many, st.data())
def test_any_single_damage_is_found(lines: list[bytes], data: st.DataObject) -> None:
    """A byte changed, a record removed before the last, moved, or put in twice: each is found in its place."""
    place = data.draw(st.integers(0, len(lines) - 1))
    kind = data.draw(st.sampled_from(["byte", "removed", "swapped", "twice", "forged"]))
    damaged = list(lines)
    if kind == "byte":
        text = bytearray(lines[place])
        spot = data.draw(st.integers(0, len(text) - 2))
        text[spot] ^= data.draw(st.integers(1, 255))
        damaged[place] = bytes(text)
    elif kind == "removed":
        place = min(place, len(lines) - 2)
        del damaged[place]
    elif kind == "swapped":
        place = min(place, len(lines) - 2)
        damaged[place], damaged[place + 1] = damaged[place + 1], damaged[place]
    elif kind == "twice":
        damaged.insert(place, lines[place])
    else:
        place = min(place, len(lines) - 2)
        mine = msgspec.structs.replace(read(lines[place]), who="somebody else")
        damaged[place] = line(mine, link(lines[place - 1]) if place else None)
    found = flaws(damaged)
    assert found
    assert found[0][0] in {place + 1, place + 2}


@given(many)
def test_the_end_is_missed_only_by_who_kept_its_hash(lines: list[bytes]) -> None:
    """Records cut off at the end leave a whole chain: nothing in the file can tell."""
    last = link(lines[-1])
    assert last is not None
    assert flaws(lines[:-1]) == []
    assert flaws(lines[:-1], kept=last.hash) == [(0, "cut off")]
    assert flaws(lines, kept=last.hash[:8]) == []


def test_what_is_said_of_damage() -> None:
    """Each kind in words that say what happened."""
    lines = chained([record(change(str(number))) for number in range(5)])
    assert flaws(lines[1:]) == [(1, "record 1 is missing before record 2")]
    assert flaws([lines[0], lines[3]]) == [(2, "records 2 to 3 are missing before record 4")]
    assert flaws([lines[0], lines[0]]) == [(2, "record 1 stands after record 1: it was moved, or stands twice")]
    other = line(record(who="eve"), link(lines[0]))
    assert flaws([lines[0], other, lines[2]]) == [
        (3, "record 3 does not follow the record before it: one of the two was replaced")
    ]
    assert flaws([lines[0].replace(b"ana@", b"eve@")]) == [
        (1, "record 1 was changed: its content does not have the hash that it says")
    ]
    assert flaws([lines[0], b"\n", lines[1]]) == [(2, "this line is no record")]
    assert flaws([lines[0], lines[1][:40]]) == [
        (2, "this line is no record, perhaps one that a run was writing when it died")
    ]
    assert flaws([lines[0][:-1]]) == [
        (1, "record 1 has no line end: a run died while it wrote it, or the file was edited")
    ]


def test_the_lockfile_is_a_hint() -> None:
    """Its serial may say that something was written after the last record, or that it is an older one."""
    assert hint(4, 4) == hint(0, 0) == ""
    assert hint(4, 0).startswith("The lockfile was written (serial 4) and no record is of it: ")
    assert "(serial 6 and 4)" in hint(6, 4)
    assert "can't be told apart" in hint(6, 4)
    assert "older than the last record (serial 4)" in hint(3, 4)


def test_a_line_is_canonical() -> None:
    """Sorted keys without white space, so that anybody can find the hash again."""
    told = record(change(None, before={"name": {"en": "A"}}, after={"name": {"en": "B"}}, version=3, owned=True))
    text = line(told, Link(6, "9e0d"))
    found = json.loads(text)
    assert list(found) == [*sorted(found.keys() - {"hash"}), "hash"]
    assert found["number"] == 7
    assert found["previous"] == "9e0d"
    assert found["changes"] == [
        {
            "action": "create", "address": "acmeprod/catalog", "group": "catalog", "outcome": "done",
            "before": {"name": {"en": "A"}}, "after": {"name": {"en": "B"}},
            "reason": "new in configuration", "source": {"file": "access.yaml", "line": 12, "column": 9},
            "tenant": "acmeprod", "userType": "EMPLOYEE",
        }
    ]  # fmt: skip
    assert read(text).changes[0].change == change(None, before={"name": {"en": "A"}}, after={"name": {"en": "B"}})
    assert is_intact(text.rstrip())
    assert json.loads(encode(read(text))) == found


def test_records_of_other_versions() -> None:
    """What a later version adds is left alone; what it wrote in a format of its own is not read, but stays a link."""
    told = json.loads(line(record(change()), None))
    more = json.dumps({**told, "weather": "fine"}).encode()
    assert read(more).who == "ana@laptop"
    newer = json.dumps({**told, "format": FORMAT + 1, "who": {}}).encode()
    with pytest.raises(ValueError, match=r"format|object"):
        read(newer)
    with pytest.raises(ValueError, match="format 2 is not known"):
        read(json.dumps({**told, "format": FORMAT + 1}).encode())
    assert link(newer) == Link(1, told["hash"], "", "l", 2)
    assert link(b"[" * 100_000) is None


OLD = (
    b'{"changes":[{"action":"create","address":"acmeprod/catalog/00uM","group":"catalog","outcome":"done","reason":'
    b'"new in configuration","source":{"column":9,"file":"access.yaml","line":12},"tenant":"acmeprod","user":"00uM",'
    b'"userType":"EMPLOYEE"}],"fingerprint":"5f1c","format":1,"lineage":"l","number":1,"serial":2,"service":'
    b'"https://api","summary":{"create":1},"time":"2026-11-24T10:41:07Z","tool":"1","who":"ana@laptop","hash":'
    b'"16723c6418ef733c2e63ce05790448ccb0a37ed7b472a33ed6ef3723665d0e79"}\n'
)


def test_records_from_before_there_was_more_to_tell() -> None:
    """They are read, are intact, and would be written byte by byte as they were."""
    assert line(record(change()), None) == line(msgspec.structs.replace(read(OLD), hash=""), None) == OLD
    assert is_intact(OLD.rstrip())
    old = read(OLD)
    assert (old.expected, old.accepted, old.actor, old.access, old.changes[0].after) == ("", (), "", (), None)


WAS = {"userType": "EMPLOYEE", "name": {"en": "A"}, "accessControls": ["old", "both"], "vendorId": "v"}
WILL = {"userType": "EMPLOYEE", "name": {"en": "A"}, "accessControls": ["new", "both"], "restrictions": ["DE"]}


@pytest.mark.parametrize(
    ("action", "before", "after", "was", "will"),
    [
        (Action.UPDATE, WAS, WILL, {"accessControls": ["old", "both"], "vendorId": "v"},
         {"accessControls": ["new", "both"], "restrictions": ["DE"]}),
        (Action.UPDATE, {"userType": "EMPLOYEE"}, {"userType": "EMPLOYEE", "b2b": {}}, None, {"b2b": {}}),
        (Action.REPLACE, WAS, {**WAS, "userType": "CUSTOMER"}, {"userType": "EMPLOYEE"}, {"userType": "CUSTOMER"}),
        (Action.CREATE, None, WILL, None, WILL),
        (Action.DELETE, WAS, None, WAS, None),
        (Action.ADOPT, WAS, None, None, None),
        (Action.FORGET, WAS, None, None, None),
        (Action.UPDATE, None, WILL, None, None),
    ],
)  # fmt: skip
def test_what_differs_in_a_definition_is_recorded(action: Action, before: Any, after: Any, was: Any, will: Any) -> None:
    """Each field whole, and no other; nothing where it stays as it is, or where nobody knows what it was."""
    made = Change("t", "g", None, action, Reason.DIFFERS, UserType.EMPLOYEE, before=before, after=after)
    told = deed(made, Fate.DONE)
    assert (told.before, told.after) == (was, will)


SCOPES = (Grant(Right("order.read"), ("catalog",)),)
TWO = Effects(
    (
        Effect((Person("marta", "00uM", "Marta@acme.example"), Person(id="00uX")), gained=SCOPES),
        Effect((Person(id="00uY"),), lost=SCOPES),
    ),
    uncounted=3,
    names={"catalog": "Catalog"},
)


def affected(told: Record | None) -> list[str]:
    """The users of whom a record tells what they gain or lose."""
    return [user.user for part in told.access for each in part.effects for user in each.users] if told else []


def test_who_gains_or_loses_by_a_plan_is_found() -> None:
    """By each name, though no change is theirs; who has the same effect is left out, and the record has all of it."""
    plan = Plan(effects={"acmeprod": TWO, "acmedev": replace(TWO, effects=TWO.effects[1:])})
    told = record(change(None), access=foreseen(plan))
    again = read(line(told, None))
    assert to_effects(again.access) == plan.effects
    assert not any(part.summary for part in again.access)
    for name in ("marta", "00uM", "MARTA@acme.example"):
        found = Question(also_called(name, ())).answer(again)
        assert found is not None
        assert (affected(found), found.changes, found.access[0].uncounted) == (["00uM"], (), 0)
    assert affected(Question(frozenset({"00uY"})).answer(again)) == ["00uY", "00uY"]
    assert affected(Question(frozenset({"00uY"}), frozenset({"acmedev"})).answer(again)) == ["00uY"]
    assert affected(Question(frozenset({"acmeprod"})).answer(again)) == ["00uM", "00uX", "00uY"]
    assert affected(Question(frozenset({"catalog"})).answer(again)) == []
    assert Question(frozenset({"eve"})).answer(again) is None
    assert {"marta", "00uM", "marta@acme.example", "00uY", "acmeprod/catalog"} <= set(recorded(again))


def test_names_of_configuration_and_lockfile() -> None:
    """All by which a record could be asked for: whoever types one of them made no mistake."""
    groups = (
        DesiredGroup(HERE, id="a", members={"00uA": HERE}, entries=(Entry(Person(email="B@x.y"), HERE),)),
        DesiredGroup(HERE, match=Match(id="b")),
        DesiredGroup(HERE, match=Match(code="C")),
    )
    tenant = DesiredTenant("t", groups=groups, offboarded=(Entry(Person(id="00uO"), HERE),))
    people = (Entry(Person("marta", "00uM", "M@x.y"), HERE),)
    assert set(configured(Desired((tenant,), people=people))) == {
        "marta", "00uM", "m@x.y", "t", "00uO", "a", "t/a", "00uA", "b@x.y", "b", "t/b",
    }  # fmt: skip
    known = {"t": {"g": KnownGroup(True, UserType.EMPLOYEE, frozenset({"00uA"}), emails={"00uA": "A@x.y"})}}
    assert set(owned(known)) == {"t", "g", "t/g", "00uA", "t/g/00uA", "a@x.y"}


def test_what_was_overruled_is_part_of_the_record() -> None:
    """The rule, what it said and about what; not where it stood nor what could have been done instead."""
    refusal = Diagnostic("would lose 3 of 4", HERE, "list them", address="acmeprod/catalog", rule="maxRemovals")
    text = line(record(change(), expected="5f1c", accepted=(objection(refusal),)), None)
    assert json.loads(text)["accepted"] == [
        {"address": "acmeprod/catalog", "message": "would lose 3 of 4", "rule": "maxRemovals"}
    ]
    assert (read(text).expected, read(text).accepted) == ("5f1c", (objection(refusal),))


MARTA = change("00uM", email="Marta@acme.example", person=Person("marta", "00uM", "marta@acme.example"))
NAMES = ["00uM", "marta", "marta@acme.example", "MARTA@acme.example", "catalog", "acmeprod/catalog", "acmeprod"]


@pytest.mark.parametrize("name", [*NAMES, "acmeprod/catalog/00uM"])
def test_a_change_is_found_by_each_name(name: str) -> None:
    """Id, handle, e-mail in any case, group, tenant and address; the other changes of the record are left out."""
    told = record(MARTA, change("00uX", group="other", tenant="acmedev"))
    found = Question(also_called(name, ())).answer(told)
    assert found is not None
    assert [each.user for each in found.changes] == ["00uM"]


@pytest.mark.parametrize("name", ["00UM", "Marta", "eve", "acme", "acmeprod/catalog/00u", ""])
def test_and_by_no_other(name: str) -> None:
    """Ids and handles are compared as they are written, and never in part."""
    assert Question(also_called(name, ())).answer(record(MARTA)) is None


def test_tenants_dates_and_what_was_settled() -> None:
    """Each narrows what is shown; a change that was settled later is one like the others."""
    told = record(change(), settled=(deed(MARTA, Fate.UNDONE),))
    assert Question().answer(told) is told
    assert Question(since=AT).answer(told) is told
    assert Question(since=AT + timedelta(seconds=1)).answer(told) is None
    assert Question(tenants=frozenset({"acmedev"})).answer(told) is None
    assert Question(frozenset({"catalog"}), frozenset({"acmedev"})).answer(told) is None
    found = Question(frozenset({"marta"}), frozenset({"acmeprod"})).answer(told)
    assert found is not None
    assert (found.changes, found.settled) == ((), told.settled)


def test_the_configuration_knows_other_names() -> None:
    """Who has a handle by now is found in records from before; nobody else's names are taken along."""
    people = [Entry(Person("marta", None, "M@x.y"), HERE), Entry(Person("ana", "00uA"), HERE)]
    assert also_called("marta", people) == {"marta", "m@x.y"}
    assert also_called("M@X.y", people) == {"M@X.y", "m@x.y", "marta"}
    assert also_called("00uA", people) == {"00uA", "ana"}
    assert also_called("bo", people) == {"bo"}


def test_who_has_sha256sum_can_check_it(tmp_path: Any) -> None:
    """The line without its hash, closed again, has that hash: no tool of ours is needed."""
    text = line(record(change(note="Ä € 😀 \u2028")), None)
    body, _, rest = text.partition(b',"hash":"')
    (tmp_path / "body").write_bytes(body + b"}")
    told = subprocess.run(["sha256sum", tmp_path / "body"], capture_output=True, check=True).stdout
    assert told.split()[0] == rest[:64]
