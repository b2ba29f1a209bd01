"""Entries to members at an instant: exhaustively against an oracle, then each message."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from reconciler.core.model import (
    ALWAYS,
    Account,
    DesiredGroup,
    DesiredTenant,
    Entry,
    KnownGroup,
    LiveGroup,
    Period,
    Person,
    UserType,
)
from reconciler.core.people import IDENTITY, Accounts, Identified, emails, identify, overdue, pins, told
from reconciler.diagnostics import Diagnostic, Severity, Source

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PERIODS = [
    ALWAYS,
    Period(start=AT - DAY),
    Period(start=AT + DAY),
    Period(end=AT + DAY),
    Period(end=AT, bound=Source("a.yaml", 9, 9)),
    Period(AT - DAY, AT + DAY),
]
EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER
HERE = Source("a.yaml", 1, 1)


def line(number: int) -> Source:
    return Source("a.yaml", number, 3)


def group(*entries: Entry, **more: object) -> DesiredGroup:
    fields = {"userType": "EMPLOYEE", "name": {"en": "G"}}
    return replace(DesiredGroup(HERE, id="g", fields=fields, members={}, entries=entries), **more)  # type: ignore[arg-type]


def tenant(*groups: DesiredGroup, **more: object) -> DesiredTenant:
    return replace(DesiredTenant("acmeprod", HERE, groups), **more)  # type: ignore[arg-type]


def account(user: str, kind: UserType = EMPLOYEE, **more: str) -> Account:
    return Account(user, kind, **more)


MARTA = Person("marta", email="Marta@acme.example")
FOUND: Accounts = {(EMPLOYEE, "marta@acme.example"): (account("00uM", name="Marta Ruiz"),)}


def found(desired: DesiredTenant, accounts: Accounts = FOUND, **more: object) -> Identified:
    """Who is identified, with nothing live and nothing remembered unless said otherwise."""
    given = {"people": (), "live": {}, "pinned": {}, "at": AT, **more}
    return identify(desired, found=accounts, **given)  # type: ignore[arg-type]


def only(problems: tuple[Diagnostic, ...]) -> tuple[str, Source | None, Severity]:
    (problem,) = problems
    return problem.message, problem.source, problem.severity


def test_periods_meet_as_sets_of_instants_do() -> None:
    """What two periods have in common holds exactly when both do, at every instant around every bound."""
    instants = [AT + days * DAY for days in (-2, -1, 0, 1, 2)]
    for one, other in product(PERIODS, repeat=2):
        both = one.within(other)
        assert [both.holds(at) for at in instants] == [one.holds(at) and other.holds(at) for at in instants]


def test_somebody_is_a_member_while_any_entry_holds() -> None:
    """By id, by e-mail and by person at once: one that holds is enough, and the longest of them is told."""
    ways = (Person(id="00uM"), MARTA, Person("marta", id="00uM"))
    for periods in product(PERIODS, repeat=3):
        entries = [Entry(person, line(n), period) for n, (person, period) in enumerate(zip(ways, periods, strict=True))]
        (result,) = found(tenant(group(*entries))).tenant.groups
        ends = [entry.period.end for entry in entries if entry.period.holds(AT)]
        assert set(result.members or {}) == set(result.named) == ({"00uM"} if ends else set())
        if ends:
            lasting = None if None in ends else max(end for end in ends if end)
            assert result.named["00uM"].period.end == lasting
        over = any(entry.person.id and entry.period.is_over(AT) for entry in entries)
        coming = any(entry.person.id and not entry.period.has_begun(AT) for entry in entries)
        assert (set(result.ended), set(result.upcoming)) == (
            {"00uM"} if over and not ends else set(),
            {"00uM"} if coming and not ends else set(),
        )


def test_a_plain_id_is_a_member_whatever_its_entries_say() -> None:
    entries = (Entry(Person(id="00uA"), line(2), Period(end=AT), reason="R"),)
    (result,) = found(tenant(group(*entries, members={"00uA": line(1)}))).tenant.groups
    assert (result.members, result.named, result.ended) == ({"00uA": line(1)}, {}, {})


def test_a_plain_id_of_a_person_who_left_is_no_member() -> None:
    """Whoever wrote the id did not know; the person's own date is nearer to the truth."""
    ana = Entry(Person("ana", id="00uA"), line(5), Period(end=AT, bound=line(6)))
    soon = Entry(Person("bo", id="00uB"), line(7), Period(start=AT + DAY))
    both = {"00uA": line(1), "00uB": line(2), "00uC": line(3)}
    (result,) = found(tenant(group(members=both)), people=(ana, soon)).tenant.groups
    assert (result.members, result.ended, result.upcoming) == ({"00uC": line(3)}, {"00uA": ana}, {"00uB": soon})


def test_unmanaged_members_stay_so() -> None:
    ana = Entry(Person("ana", id="00uA"), line(5), Period(end=AT))
    (result,) = found(tenant(group(members=None)), people=(ana,)).tenant.groups
    assert result.members is None


def test_only_what_holds_is_looked_up() -> None:
    """By the group's type, also of a group of somebody else; who is to leave is looked up as both unless told."""
    customers = DesiredGroup(HERE, id="c", members={}, entries=(Entry(Person(email="C@x.y"), HERE),))
    live = {"c": LiveGroup("c", {}, CUSTOMER)}
    over = Entry(Person(email="over@x.y"), HERE, Period(end=AT))
    other = Entry(Person(email="other@x.y", user_type=CUSTOMER), HERE)
    leaving = (
        Entry(Person(email="Gone@x.y"), HERE),
        Entry(Person(email="known@x.y"), HERE),
        Entry(Person(email="told@x.y", user_type=CUSTOMER), HERE),
        Entry(Person(email="later@x.y"), HERE, Period(start=AT + DAY)),
        Entry(Person(id="00uX"), HERE),
    )
    desired = tenant(group(Entry(MARTA, HERE), over, other), customers, offboarded=leaving)
    pinned = {(EMPLOYEE, "known@x.y"): frozenset({"00uK"})}
    assert emails(desired, live, AT, pinned) == {
        EMPLOYEE: {"Marta@acme.example", "Gone@x.y", "known@x.y"},
        CUSTOMER: {"C@x.y", "Gone@x.y", "told@x.y"},
    }
    unknown = tenant(replace(customers, id="nowhere"))
    assert emails(unknown, live, AT, {}) == {EMPLOYEE: {"C@x.y"}}


def test_pins_are_gathered_over_all_groups() -> None:
    known = {
        "a": KnownGroup(True, EMPLOYEE, frozenset({"1", "2"}), emails={"1": "A@x.y"}),
        "b": KnownGroup(True, EMPLOYEE, frozenset({"3"}), emails={"3": "a@X.y"}),
        "c": KnownGroup(True, CUSTOMER, frozenset({"4"}), emails={"4": "a@x.y"}),
    }
    assert pins(known) == {(EMPLOYEE, "a@x.y"): {"1", "3"}, (CUSTOMER, "a@x.y"): {"4"}}


def test_an_email_that_leads_to_one_account_is_that_user() -> None:
    result = found(tenant(group(Entry(MARTA, line(4), reason="R"))))
    (members,) = result.tenant.groups
    assert members.members == {"00uM": line(4)}
    assert members.reasons == {"00uM": "R"}
    assert result.tenant.people == {"00uM": Person("marta", "00uM", "Marta@acme.example", "Marta Ruiz")}
    assert result.problems == () == result.moved


def test_nobody_has_the_email() -> None:
    entries = (Entry(MARTA, line(4)), Entry(MARTA, line(5)))
    message = "marta (Marta@acme.example): no EMPLOYEE account of acmeprod has this e-mail"
    assert only(found(tenant(group(*entries)), {}).problems) == (message, line(4), Severity.ERROR)
    pinned = {(EMPLOYEE, "marta@acme.example"): frozenset({"00uM"})}
    assert only(found(tenant(group(*entries)), {}, pinned=pinned).problems)[0] == f"{message}; it led to 00uM"


def test_two_have_the_email() -> None:
    twice = {(EMPLOYEE, "marta@acme.example"): (account("00uN"), account("00uM"))}
    message = "marta (Marta@acme.example): 2 EMPLOYEE accounts of acmeprod have this e-mail: 00uM, 00uN"
    assert only(found(tenant(group(Entry(MARTA, line(4)))), twice).problems) == (message, line(4), Severity.ERROR)


def test_beside_an_open_account_those_that_are_shut_do_not_count() -> None:
    """A dashboard keeps the blocked account of who left; of two open ones nobody can tell."""
    blocked = replace(account("00uOLD", problem="is inactive (status BLOCKED)"), shut=True)
    key = EMPLOYEE, "marta@acme.example"
    result = found(tenant(group(Entry(MARTA, line(4)))), {key: (blocked, account("00uM"))})
    assert (result.tenant.groups[0].members, result.problems) == ({"00uM": line(4)}, ())
    both = {key: (blocked, account("00uM"), account("00uN"))}
    assert "3 EMPLOYEE accounts" in only(found(tenant(group(Entry(MARTA, line(4)))), both).problems)[0]


def test_an_account_that_can_not_be_used_is_remarked_on() -> None:
    locked = {(EMPLOYEE, "marta@acme.example"): (account("00uM", problem="is locked"),)}
    result = found(tenant(group(Entry(MARTA, line(4)))), locked)
    message = "the account of marta (Marta@acme.example, 00uM) is locked"
    assert only(result.problems) == (message, line(4), Severity.WARNING)
    assert result.tenant.groups[0].members == {"00uM": line(4)}


def test_a_person_of_another_type_is_no_member() -> None:
    entry = Entry(replace(MARTA, user_type=CUSTOMER), line(4))
    result = found(tenant(group(entry)))
    message = "marta (Marta@acme.example) is of type CUSTOMER, but the group takes EMPLOYEE users"
    assert only(result.problems) == (message, line(4), Severity.ERROR)
    assert result.tenant.groups[0].members == {}


@pytest.mark.parametrize(
    ("before", "accepted", "stops"),
    [("00uM", (), False), ("00uOLD", (), True), ("00uOLD", ("marta@acme.example",), False), ("00uOLD", ("x",), True)],
)
def test_an_email_that_leads_to_somebody_else_stops(before: str, accepted: tuple[str, ...], stops: bool) -> None:
    """Once for all groups, with both ids; accepted by name it goes on."""
    pinned = {(EMPLOYEE, "marta@acme.example"): frozenset({before})}
    groups = group(Entry(MARTA, line(4))), group(Entry(MARTA, line(5)), id="h")
    result = found(tenant(*groups), pinned=pinned, accepted=accepted)
    assert len(result.moved) == stops
    for moved in result.moved:
        assert moved.message == ("marta (Marta@acme.example) led to 00uOLD when it was applied, and leads to 00uM now")
        assert (moved.source, moved.rule) == (line(4), IDENTITY)
        assert "--accept-identity Marta@acme.example" in moved.remedy


def test_whoever_is_to_leave_is_found_by_all_that_is_known() -> None:
    """Id, account now and account then: leaving takes them all; who is nowhere is worth a remark."""
    pinned = {(EMPLOYEE, "marta@acme.example"): frozenset({"00uOLD"})}
    leaving = (
        Entry(MARTA, line(4)),
        Entry(Person(id="00uX"), line(5)),
        Entry(Person(email="no@x.y"), line(6)),
        Entry(Person(id="00uLATER"), line(7), Period(start=AT + DAY)),
        Entry(Person("al", email="al@x.y"), line(8), Period(start=AT - DAY)),
    )
    result = found(tenant(offboarded=leaving), pinned=pinned)
    assert {user: entry.source.line for user, entry in result.leaving.items()} == {"00uM": 4, "00uOLD": 4, "00uX": 5}
    message = "no@x.y is offboarded, and no account of acmeprod has this e-mail"
    assert only(result.problems) == (message, line(6), Severity.WARNING)
    assert result.tenant.people["00uX"] == Person(id="00uX")


def test_offboarded_and_a_member_is_a_contradiction() -> None:
    """Also if one entry has the id and the other the e-mail: both lines are told."""
    desired = tenant(group(Entry(MARTA, line(4))), offboarded=(Entry(Person(id="00uM"), line(8)),))
    (problem,) = found(desired).problems
    assert problem.message == "00uM is offboarded, and a member of g"
    assert (problem.source, problem.related) == (line(4), (("offboarded here", line(8)),))


def test_what_is_over_is_pointed_out_once() -> None:
    """One remark for all lines, however many entries end there."""
    over = [Period(end=AT - DAY, bound=line(number)) for number in range(1, 9)]
    entries = [Entry(Person(id=str(period.bound)), HERE, period) for period in (*over, over[0])]
    (remark,) = overdue([tenant(group(*entries))], AT)
    assert remark.message == "the time of 8 lines of the configuration is over; 6 of them are shown"
    assert (remark.source, [place for _, place in remark.related]) == (line(1), [line(n) for n in range(2, 7)])
    (remark,) = overdue([tenant(group(*entries[:1]))], AT)
    assert (remark.message, remark.related) == ("the time of 1 line of the configuration is over", ())
    assert not list(overdue([tenant(group(*entries))], AT - 2 * DAY))


def test_somebody_is_told_by_all_names_once() -> None:
    assert told(MARTA, "00uM") == "marta (Marta@acme.example, 00uM)"
    assert told(Person(id="00uM"), "00uM") == "00uM"
    assert told(Person(email="a@x.y")) == "a@x.y"


def test_who_is_no_member_any_more_keeps_the_name() -> None:
    """An id is whose it is given as, and only then whose e-mail led to it; the type of account tells people apart."""
    pinned = {(EMPLOYEE, MARTA.mail): frozenset({"00uM", "00uOld"}), (CUSTOMER, "bo@acme.example"): frozenset({"00uB"})}
    people = (
        Entry(MARTA, line(1)),
        Entry(Person("ana", id="00uOld"), line(2)),
        Entry(Person("bo", email="bo@acme.example", user_type=EMPLOYEE), line(3)),
    )
    known = found(tenant(group()), people=people, pinned=pinned).tenant.people
    assert known == {"00uM": replace(MARTA, id="00uM"), "00uOld": people[1].person}
