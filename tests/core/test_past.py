"""Since when memberships are there, by each kind of record, and what has come and gone since an earlier lockfile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.core.history import FORMAT, Deed, Fate, Record, deed
from reconciler.core.model import Known, KnownGroup, LiveGroup, UserType
from reconciler.core.past import Event, History, Past, Regrant, Trail, Turn
from reconciler.core.plan import Action, Change, Reason

START = datetime(2026, 11, 24, tzinfo=UTC)
CREATE, ADOPT, REPLACE, DELETE, FORGET = (
    Action.CREATE, Action.ADOPT, Action.REPLACE, Action.DELETE, Action.FORGET,
)  # fmt: skip


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def done(action: Action, user: str | None = "u", outcome: Fate = Fate.DONE, reason: Reason = Reason.NEW) -> Deed:
    return deed(Change("acme", "g", user, action, reason, UserType.EMPLOYEE), outcome)


def trail(*deeds: Deed | tuple[Deed, ...], settled: bool = False, service: str = "here") -> Trail:
    """What records of one day after the other say, each with one change or several."""
    found = Trail("here")
    for number, each in enumerate(deeds):
        changes = each if isinstance(each, tuple) else (each,)
        parts = {"changes": (), "settled": changes} if settled else {"changes": changes}
        found.follow(
            Record(
                format=FORMAT, number=number + 1, time=day(number), who=f"who{number}", commit="9f1c",
                job="job", tool="1", service=service, lineage="l", serial=7, fingerprint="f", summary={}, **parts,
            )
        )  # fmt: skip
    return found


def exact(number: int, *, is_member: bool = True) -> Event:
    return Event(day(number), is_member, False, f"who{number}", "9f1c", "job", "", number + 1, 7)


def adopted(number: int) -> Event:
    return Event(day(number), True, True, f"who{number}", "9f1c", "job", "", number + 1, 7)


def bound(number: int, *, is_member: bool = True) -> Event:
    return Event(day(number), is_member, is_bound=True, record=number + 1, serial=7)


@pytest.mark.parametrize(
    ("deeds", "event"),
    [
        ([done(CREATE)], exact(0)),
        ([done(CREATE, outcome=Fate.SATISFIED)], bound(0)),
        *[([done(CREATE, outcome=fate)], None) for fate in (Fate.FAILED, Fate.UNSURE, Fate.SKIPPED, Fate.UNDONE)],
        ([done(ADOPT)], adopted(0)),
        ([done(REPLACE)], adopted(0)),
        ([done(CREATE), done(ADOPT, reason=Reason.PINNED)], exact(0)),
        ([done(CREATE), done(REPLACE)], exact(0)),
        ([done(CREATE), done(DELETE)], exact(1, is_member=False)),
        ([done(CREATE), done(DELETE, outcome=Fate.FAILED)], exact(0)),
        ([done(CREATE), done(DELETE), done(ADOPT)], adopted(2)),
        ([done(CREATE), done(CREATE, reason=Reason.DRIFT_REMOVED)], exact(1)),
        ([done(CREATE), done(FORGET, reason=Reason.GONE)], bound(1, is_member=False)),
        ([done(CREATE), done(FORGET, reason=Reason.LET_GO)], exact(0)),
        ([done(CREATE), done(DELETE, None)], exact(1, is_member=False)),
        ([done(CREATE), done(FORGET, None, reason=Reason.GONE)], bound(1, is_member=False)),
        ([done(CREATE), done(FORGET, None, reason=Reason.LET_GO)], exact(0)),
        ([done(CREATE), done(DELETE), done(DELETE, None)], exact(1, is_member=False)),
        ([done(CREATE), done(Action.UPDATE, None)], exact(0)),
        ([(done(REPLACE, None), done(REPLACE))], adopted(0)),
        ([done(CREATE, "other")], None),
    ],
)
def test_what_records_say(deeds: list[Deed], event: Event | None) -> None:
    """The last word counts, but whoever is adopted or made anew was there since the first."""
    found = trail(*deeds)
    assert found.begins == START
    assert [found.of("acme", "g", "u", is_member=fits) for fits in (True, False)] == (
        [None, None] if event is None else [event if event.is_member is fits else None for fits in (True, False)]
    )
    assert found.of("acme", "other", "u") is None and found.of("other", "g", "u") is None


def test_what_a_run_that_was_killed_did() -> None:
    """When it was is not known, nor by whom; what it did not do is nothing."""
    assert trail(done(CREATE), settled=True).of("acme", "g", "u") == bound(0)
    assert trail(done(CREATE, outcome=Fate.UNDONE), settled=True).of("acme", "g", "u") is None


def test_another_service_is_not_meant() -> None:
    """Two services may have tenants and groups of the same names, and one audit file."""
    found = trail(done(CREATE), service="there")
    assert (found.begins, found.of("acme", "g", "u")) == (None, None)


def known(**groups: str) -> dict[str, KnownGroup]:
    """Groups of ours, each with one member, or none."""
    return {name: KnownGroup(True, UserType.EMPLOYEE, frozenset(users.split())) for name, users in groups.items()}


def live(name: str, users: str = "") -> LiveGroup:
    return LiveGroup(name, {}, UserType.EMPLOYEE, members=frozenset(users.split()))


def history(event: Event | None, now: str, then: Known | None, at: datetime | None = START) -> History:
    found = Trail("here")
    if event:
        found.events["acme", "g"]["u"] = event
    return History("acme", found, known(g=now), None if then is None else Past("old", 1, then, at))


@pytest.mark.parametrize(
    ("event", "now", "then", "at", "turn"),
    [
        (None, "", None, START, Turn.SAME),
        (exact(1), "u", {"acme": known(g="u")}, START, Turn.SAME),
        (None, "", {"acme": known(g="u")}, START, Turn.SAME),
        (exact(1), "u", {}, START, Turn.ADDED),
        (exact(1), "", {"acme": known(g="other")}, START, Turn.ADDED),
        (exact(1), "u", {"acme": known(other="u")}, None, Turn.ADDED),
        (None, "u", {}, START, Turn.ADDED),
        (exact(0), "u", {}, START, Turn.ADDED),
        (exact(0), "u", {}, day(1), Turn.ADOPTED),
        (adopted(1), "u", {}, START, Turn.ADOPTED),
        (exact(0), "", {}, day(1), Turn.UNCLEAR),
        (adopted(1), "", {}, START, Turn.UNCLEAR),
        (None, "", {}, START, Turn.UNCLEAR),
    ],
)
def test_turns(event: Event | None, now: str, then: Known | None, at: datetime | None, turn: Turn) -> None:
    """Only what is ours now and was not then can be said to have come, and what a record says has come since."""
    assert history(event, now, then, at).turn(live("g", "u"), "u") == (turn, event)
    assert history(event, now, then, at).turn(LiveGroup("g", {}, UserType.EMPLOYEE), "u") == (turn, event)


def test_who_is_gone() -> None:
    """Told by the record of going, never by one of coming; of groups that are gone the lockfile tells."""
    left = exact(1, is_member=False)
    then = {"acme": known(g="u v", lost="u")}
    then["acme"]["lost"] = KnownGroup(
        True, UserType.CUSTOMER, frozenset("u"), {"name": {"en": "Lost"}}, emails={"u": "u@acme.example"}
    )
    found = history(left, "", then)
    here, lost = live("g", "v"), LiveGroup("lost", {"name": {"en": "Lost"}}, UserType.CUSTOMER, members=frozenset())
    assert found.gone({"g": here, "more": live("more", "w")}) == [("u", here), ("u", lost)]
    assert found.turn(here, "u") == (Turn.REMOVED, left)
    assert found.turn(lost, "u") == (Turn.REMOVED, None)
    assert history(exact(0), "", then).turn(here, "u") == (Turn.REMOVED, None)
    assert found.emails == {"u": "u@acme.example"}
    bare = {"acme": {"g": KnownGroup(False, UserType.EMPLOYEE, frozenset("u"))}}
    assert history(None, "", bare).gone({}) == [("u", live("g"))]
    assert history(None, "", None).gone({"g": here}) == []
    unread = LiveGroup("g", {}, UserType.EMPLOYEE)
    assert history(None, "", bare).gone({"g": unread}) == [("u", unread)]


def test_who_is_gone_and_was_never_ours() -> None:
    """What records say that applies removed since the lockfile, of live groups and of others, and nothing else."""
    gone = exact(2, is_member=False)
    found = trail(done(CREATE, "x"), done(DELETE), done(DELETE, "again"), service="here")
    found.events["acme", "g"] |= {"u": gone, "back": gone, "ours": gone}
    found.events["acme", "lost"]["v"], found.kinds["acme", "lost"] = gone, UserType.CUSTOMER
    found.events["other", "g"]["w"] = gone
    here = live("g", "back")
    then = {"acme": known(g="ours")}
    lost = LiveGroup("lost", {}, UserType.CUSTOMER, members=frozenset())

    def told(past: Past | None) -> list[tuple[str, LiveGroup]]:
        return History("acme", found, {}, past).gone({"g": here})

    assert told(Past("old", 1, then, day(2))) == [("ours", here), ("again", here), ("u", here), ("v", lost)]
    assert told(Past("old", 1, {}, day(1)))[:2] == [("again", here), ("ours", here)]
    assert told(Past("old", 1, then, day(3))) == [("ours", here)], "before that lockfile was written"
    assert told(Past("old", 7, then, day(2))) == [("ours", here)], "by the apply that wrote that lockfile"
    assert told(Past("old", 1, then, None)) == [("ours", here)]
    assert told(None) == []
    history = History("acme", found, {}, Past("old", 1, then, day(2)))
    assert history.turn(here, "u") == (Turn.REMOVED, gone)
    assert (history.was_ours("g", "u"), history.was_ours("g", "ours")) == (False, True)


ORDERS = {"accessControls": ["orders"], "restrictions": ["DE"]}


@pytest.mark.parametrize(
    ("then", "now", "added", "taken"),
    [
        (ORDERS, {**ORDERS, "name": {"en": "New"}}, None, None),
        (None, ORDERS, None, None),
        (ORDERS, {**ORDERS, "accessControls": ["orders", "pay"]}, {"accessControls": ("pay",)}, {}),
        (ORDERS, {"accessControls": ["pay"], "templates": ["office"]},
         {"accessControls": ("pay",), "templates": ("office",)},
         {"accessControls": ("orders",), "restrictions": ("DE",)}),
        ({"b2b": {"legalEntityId": "X"}}, {"b2b": {"legalEntityId": "Y"}}, {"company": ("Y",)}, {"company": ("X",)}),
        ({}, {"b2b": {"legalEntityId": "Y"}}, {"company": ("Y",)}, {}),
    ],
)  # fmt: skip
def test_groups_that_grant_otherwise(
    then: dict[str, Any] | None, now: dict[str, Any], added: dict[str, Any] | None, taken: dict[str, Any]
) -> None:
    """By what is attached only now, and only was then; a group whose definition is not ours can't be compared."""
    group = LiveGroup("g", now, UserType.EMPLOYEE)
    ours = {"acme": {"g": KnownGroup(then is not None, UserType.EMPLOYEE, fields=then), "gone": known(g="u")["g"]}}
    found = History("acme", Trail(), {}, Past("old", 1, ours)).regranted({"g": group})
    assert found == ({} if added is None else {"g": Regrant(group, added, taken)})
