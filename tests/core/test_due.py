"""What is due: at every instant exactly what differs between just before and then."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.due import Due, What, due, has_dates, next_date
from reconciler.core.model import ALWAYS, Desired, DesiredGroup, DesiredTenant, Entry, Match, Period, Person
from reconciler.diagnostics import Source

AT = datetime(2026, 11, 24, tzinfo=UTC)
HERE = Source("a.yaml", 1, 1)
days = st.none() | st.integers(-3, 3).map(lambda day: AT + timedelta(days=day))
periods = st.just(ALWAYS) | st.builds(Period, start=days, end=days)
people = st.sampled_from(
    [Person("ana", id="00uA"), Person(id="00uA"), Person("bo", email="B@x.y"), Person(email="b@x.y")]
)
entries = st.lists(st.builds(Entry, person=people, source=st.just(HERE), period=periods), max_size=4)


def who(entry: Entry) -> str:
    return entry.person.id or entry.person.mail


@given(listed=entries, forever=st.booleans())
def test_it_is_what_changes_at_each_instant(listed: list[Entry], forever: bool) -> None:
    members = {"00uA": HERE} if forever else {}
    group = DesiredGroup(HERE, id="g", members=members, entries=tuple(listed))
    desired = Desired((DesiredTenant("acmeprod", HERE, (group,)),))

    def inside(when: datetime) -> set[str]:
        return {who(entry) for entry in listed if entry.period.holds(when)} | members.keys()

    expected = []
    for number in range(1, 5):
        when = AT + timedelta(days=number)
        before, then = inside(when - timedelta(seconds=1)), inside(when)
        expected += [(when, user, What.JOINS) for user in then - before]
        expected += [(when, user, What.LEAVES) for user in before - then]
    found = due(desired, AT)
    assert sorted((item.when, item.person.id or item.person.mail, item.what) for item in found) == sorted(expected)
    assert next_date(desired.tenants, AT) == (found[0].when if found else None)
    assert due(desired, AT, AT + timedelta(days=2)) == tuple(i for i in found if i.when <= AT + timedelta(days=2))


def test_leaving_for_good_is_due_as_well() -> None:
    """In every tenant, once each; what has begun is not due any more."""
    ana = Person("ana", id="00uA")
    later, past = AT + timedelta(days=1), AT - timedelta(days=1)
    offboarded = (Entry(ana, HERE, Period(start=later), reason="R"), Entry(ana, HERE, Period(start=past)))
    desired = Desired((DesiredTenant("acmeprod", HERE, offboarded=(*offboarded, Entry(ana, HERE))),))
    assert due(desired, AT) == (Due(later, "acmeprod", "", ana, What.OFFBOARDED, HERE, "R"),)
    assert has_dates(desired.tenants)


def test_a_matched_group_is_told_by_its_criteria() -> None:
    bound = Source("a.yaml", 2, 2)
    entry = Entry(Person(id="00uA"), HERE, Period(end=AT + timedelta(days=1), bound=bound))
    group = DesiredGroup(HERE, match=Match(code="BO_MANAGER"), members={}, entries=(entry,))
    (item,) = due(Desired((DesiredTenant("acmeprod", HERE, (group,)),)), AT)
    assert (item.group, item.source) == ("{code: BO_MANAGER}", bound)


def test_without_dates_nothing_depends_on_the_day() -> None:
    group = DesiredGroup(HERE, id="g", members={}, entries=(Entry(Person(id="00uA"), HERE),))
    tenants = (DesiredTenant("acmeprod", HERE, (group,)),)
    assert not has_dates(tenants)
    assert next_date(tenants, AT) is None


def test_bounds_that_change_nothing_are_passed_over() -> None:
    """Five people are in for good by another entry; only the sixth's end is a date."""
    lasting = [Entry(Person(str(n), id=str(n)), HERE) for n in range(5)]
    timed = [Entry(Person(str(n), id=str(n)), HERE, Period(end=AT + timedelta(days=n + 1))) for n in range(6)]
    for count, expected in ((2, None), (5, None), (6, AT + timedelta(days=6))):
        group = DesiredGroup(HERE, id="g", members={}, entries=(*lasting, *timed[:count]))
        assert next_date((DesiredTenant("acmeprod", HERE, (group,)),), AT) == expected
