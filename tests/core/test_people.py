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
    mail_key,
)
from reconciler.core.oddities import claims, mistaken, overdue, unheard_of
from reconciler.core.people import IDENTITY, Accounts, Identified, emails, identify, pins, told
from reconciler.core.plan import Action, Change, Reason
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
        over = any(entry.period.is_over(AT) for entry in entries)
        coming = any(not entry.period.has_begun(AT) for entry in entries)
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


@pytest.mark.parametrize("listed", [Person(id="00uM"), Person(email="marta@acme.example")])
@pytest.mark.parametrize("known", [Person("marta", id="00uM"), MARTA])
def test_a_persons_end_holds_however_a_list_names_the_person(listed: Person, known: Person) -> None:
    """By id or e-mail, and however the person is known: as an entry, and as a plain id."""
    person = Entry(known, line(5), Period(end=AT, bound=line(6)))
    pinned = {(EMPLOYEE, "marta@acme.example"): frozenset({"00uM"})}
    entries = group(Entry(listed, line(2))), group(members={"00uM": line(3)}, id="plain")
    result = found(tenant(*entries), people=(person,), pinned=pinned)
    assert [(g.members, g.ended) for g in result.tenant.groups] == [({}, {"00uM": person})] * 2
    assert all(each.has_dates for each in result.tenant.groups)
    later = found(tenant(*entries), people=(replace(person, period=Period(start=AT + DAY)),), pinned=pinned)
    assert [set(each.upcoming) for each in later.tenant.groups] == [{"00uM"}, {"00uM"}]


def test_a_day_of_leaving_is_no_contradiction() -> None:
    """Whoever is listed by another name of the same user goes on that day, and nobody has to touch the lists."""
    leaving = (Entry(MARTA, line(8), Period(start=AT - DAY)), Entry(Person(id="00uX"), line(9), Period(start=AT)))
    groups = group(Entry(Person(id="00uM"), line(2)), members={"00uX": line(3)})
    result = found(tenant(groups, offboarded=leaving))
    assert (result.problems, result.tenant.groups[0].members) == ((), {})
    assert set(result.tenant.groups[0].ended) == {"00uM", "00uX"}


def test_an_e_mail_is_remembered_beside_an_id_of_the_same_user() -> None:
    """As a plain id, as a lasting entry, or before it: or a later owner of the address would join unseen."""
    by_mail, by_id = Entry(MARTA, line(2)), Entry(Person("m", id="00uM"), line(3))
    for one in (group(by_mail, members={"00uM": line(1)}), group(by_mail, by_id), group(by_id, by_mail)):
        (result,) = found(tenant(one)).tenant.groups
        assert set(result.members or {}) == {"00uM"}
        assert result.named["00uM"].person == MARTA


def test_what_a_killed_run_was_about_to_remember_counts() -> None:
    change = Change("acmeprod", "g", "00uM", Action.CREATE, Reason.NEW, EMPLOYEE, email="Marta@x.y")
    plain = Change("acmeprod", "g", "00uA", Action.CREATE, Reason.NEW, EMPLOYEE)
    assert pins({}, [change, plain]) == {(EMPLOYEE, "marta@x.y"): {"00uM"}}


def test_the_account_that_was_led_to_before_is_the_one() -> None:
    """A second one with the same e-mail must not keep the first from anything."""
    both = {(EMPLOYEE, "marta@acme.example"): (account("00uNEW"), account("00uM"))}
    pinned = {(EMPLOYEE, "marta@acme.example"): frozenset({"00uM"})}
    result = found(tenant(group(Entry(MARTA, line(4)))), both, pinned=pinned)
    assert (result.tenant.groups[0].members, result.problems, result.moved) == ({"00uM": line(4)}, (), ())


def test_letters_of_other_alphabets_are_other_addresses() -> None:
    assert mail_key("Ana@ACME.example") == mail_key("ana@acme.example")
    assert mail_key("ÄNNE@x.y") == mail_key("änne@x.y")
    assert (
        len({mail_key(text) for text in ("strasse@x.y", "straße@x.y", "k@x.y", "\u212a@x.y", "\u0130@x.y", "i@x.y")})
        == 6
    )


def test_who_left_and_is_nowhere_is_told_once() -> None:
    """In no tenant at all: a misspelt e-mail would keep somebody in."""
    entry, other = (
        Entry(Person("al", email="al@x.y"), line(8), Period(start=AT)),
        Entry(MARTA, line(9), Period(start=AT)),
    )
    (remark,) = unheard_of([frozenset({entry, other}), frozenset({entry})])
    assert (remark.message, remark.source) == (
        "al (al@x.y) left, and no account of any tenant has this e-mail",
        line(8),
    )
    assert list(unheard_of([])) == []
    assert found(tenant(offboarded=(entry,))).nowhere == {entry}


def test_an_id_whose_e_mail_is_anothers_is_refused() -> None:
    """A reviewer would let a stranger in under a name that is trusted; only where somebody joins is it asked."""
    wrong = Change(
        "acmeprod", "g", "00uX", Action.CREATE, Reason.NEW, EMPLOYEE, line(3), person=replace(MARTA, id="00uX")
    )
    others = (
        replace(wrong, user="00uM", person=replace(MARTA, id="00uM")),
        replace(wrong, action=Action.DELETE),
        replace(wrong, email="Marta@acme.example"),
        replace(wrong, person=None),
        replace(wrong, user="00uN", person=Person("n", "00uN")),
        replace(wrong, user="00uS", person=Person("s", "00uS", "secret@x.y")),
        replace(wrong, user="00uG", person=Person("g", "00uG", "gone@x.y")),
        replace(wrong, group="h"),
    )
    changes = (wrong, *others)
    assert claims(changes) == {EMPLOYEE: {"Marta@acme.example", "secret@x.y", "gone@x.y"}}
    stranger, gone = mistaken(changes, {**FOUND, (EMPLOYEE, "gone@x.y"): ()})
    assert (stranger.message, stranger.source, stranger.severity) == (
        "marta (Marta@acme.example, 00uX): the e-mail leads to 00uM, not to this id", line(3), Severity.ERROR,
    )  # fmt: skip
    assert (gone.message, gone.severity) == ("g (gone@x.y, 00uG): the e-mail leads to no account", Severity.WARNING)


def test_who_left_is_pointed_out_where_still_named() -> None:
    """The line of leaving is what keeps somebody out, so it stays."""
    ana = Person("ana", id="00uA")
    entries = (Entry(ana, line(2), Period(end=AT - DAY, bound=line(7))),)
    (remark,) = overdue([tenant(group(*entries), offboarded=(Entry(ana, line(7), Period(start=AT - DAY)),))], AT)
    assert remark.source == line(2)


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
    assert emails(desired, live, AT) == {
        EMPLOYEE: {"Marta@acme.example", "Gone@x.y", "known@x.y"},
        CUSTOMER: {"C@x.y", "Gone@x.y", "known@x.y", "told@x.y"},
    }
    unknown = tenant(replace(customers, id="nowhere"))
    assert emails(unknown, live, AT) == {EMPLOYEE: {"C@x.y"}}


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


def test_a_name_is_told_although_another_list_has_the_bare_e_mail() -> None:
    groups = group(Entry(MARTA, line(4))), group(Entry(Person(email="marta@acme.example"), line(5)), id="h")
    for order in (groups, groups[::-1]):
        assert found(tenant(*order)).tenant.people["00uM"].handle == "marta"
