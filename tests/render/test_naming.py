"""Who somebody is and how long they stay, in words that nobody can take for more than they are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.model import Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.render.brief import Row, rows
from reconciler.render.dates import instants, lasts
from reconciler.render.layout import GroupPart
from reconciler.render.naming import about, who

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
SOMEBODY = Change("acme", "g", "00u1", Action.CREATE, Reason.NEW, UserType.EMPLOYEE)
MARTA = Person("marta", "00u1", "marta@acme.example", "Marta Ruiz")


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (MARTA, "marta, Marta Ruiz <marta@acme.example>"),
        (replace(MARTA, handle=""), "Marta Ruiz <marta@acme.example>"),
        (replace(MARTA, handle="", name=""), "marta@acme.example"),
        (replace(MARTA, email=None), "marta, Marta Ruiz"),
        (replace(MARTA, handle="marta@acme.example", name="marta@acme.example"), "marta@acme.example"),
        (replace(MARTA, name="marta"), "marta <marta@acme.example>"),
        (Person("", "00u1"), ""),
        (None, ""),
        (Person("eve", None, "eve@x.example", "ana, Ana <ana@acme.example>"),
         'eve, "ana, Ana <ana@acme.example>" <eve@x.example>'),
        (Person("# acme/g/00u1", None, None, "will be destroyed"), "\\x23 acme/g/00u1, will be destroyed"),
    ],
)  # fmt: skip
def test_somebody_is_called_as_mail_programs_write_it(person: Person | None, said: str) -> None:
    """Each name once; a name that looks like more than one stands in quotes, and none speaks for us."""
    assert who(replace(SOMEBODY, person=person)) == said


def test_an_e_mail_to_be_remembered_is_told_of_whoever_has_no_name() -> None:
    assert who(replace(SOMEBODY, email="marta@acme.example")) == "marta@acme.example"


def test_what_does_not_fit_on_a_line_stands_on_the_next() -> None:
    """A long name is cut, and hides neither the team nor the date."""
    change = replace(SOMEBODY, person=MARTA, teams=("catalog", "ops"), until=AT + timedelta(days=3))
    until = "expires in 3 days (2026-11-27 10:00 UTC)"
    assert list(about(change, AT)) == [f"marta, Marta Ruiz <marta@acme.example>, through team catalog > ops, {until}"]
    assert list(about(change, AT, 70)) == ["marta, Marta Ruiz <marta@acme.example>, through team catalog > ops", until]
    long = replace(change, person=replace(MARTA, name="x" * 1000))
    assert list(about(long, AT, 72)) == [f"marta, {'x' * 64}…", f"through team catalog > ops, {until}"]


@pytest.mark.parametrize(
    ("until", "action", "said"),
    [
        (timedelta(days=68, hours=14), Action.CREATE, "expires in 68 days (2027-02-01 00:00 UTC)"),
        (timedelta(minutes=59), Action.ADOPT, "expires in less than an hour (2026-11-24 10:59 UTC)"),
        (timedelta(), Action.DELETE, "ended less than an hour ago (2026-11-24 10:00 UTC)"),
        (-timedelta(hours=30), Action.DELETE, "ended 1 day ago (2026-11-23 04:00 UTC)"),
        (timedelta(days=7), Action.DELETE, "until 2026-12-01 10:00 UTC"),
    ],
)
def test_how_long_it_lasts_is_seen_from_the_plan(until: timedelta, action: Action, said: str) -> None:
    """Who is taken out before the end does not expire any more."""
    assert lasts(replace(SOMEBODY, until=AT + until, action=action), AT) == said


def test_without_an_instant_only_the_end_is_told() -> None:
    assert lasts(replace(SOMEBODY, until=AT), None) == "until 2026-11-24 10:00 UTC"
    assert lasts(SOMEBODY, AT) == ""


def test_a_plan_says_for_when_it_is_only_if_that_matters() -> None:
    assert list(instants(Plan())) == []
    assert [name for name, _ in instants(Plan(at=AT))] == ["Planned as of"]
    assert [told for _, told in instants(Plan(at=AT, next_date=AT + timedelta(days=2)))] == [
        "2026-11-24 10:00 UTC",
        "2026-11-26 10:00 UTC, in 2 days",
    ]


def test_a_table_has_the_shortest_name_beside_each_id() -> None:
    """In brackets, and in quotes within if it could end them."""
    people = [MARTA, Person("", None, "kim@acme.example"), Person("", None, None, "x) 00u9"), None]
    changes = [replace(SOMEBODY, user=f"00u{at}", person=person) for at, person in enumerate(people)]
    part = GroupPart("g", None, None, ((Action.CREATE, changes),), ())
    first, second = rows(part, lambda _: ("+", "will be created"), 60)
    assert isinstance(first, Row) and isinstance(second, Row)
    assert (first.says, second.says) == ("4 memberships will be created: new in configuration", "")
    assert first.names.split("  ") == ["00u0 (marta)", "00u1 (kim@acme.example)"]
    assert second.names.split("  ") == ['00u2 ("x) 00u9")', "00u3"]
