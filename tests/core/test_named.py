"""What changes say of people: who it is, through whom, how long, and why somebody goes."""

from datetime import UTC, datetime

from reconciler.core.diff import diff
from reconciler.core.model import (
    DesiredGroup,
    DesiredTenant,
    Entry,
    KnownGroup,
    LiveGroup,
    Membership,
    Period,
    Person,
    Snapshot,
    UserType,
)
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Source

HERE, BOUND, LINE = Source("a.yaml", 1, 1), Source("a.yaml", 2, 9), Source("a.yaml", 2, 2)
END = datetime(2027, 1, 1, tzinfo=UTC)
TYPE = UserType.EMPLOYEE
MARTA = Person("marta", email="Marta@x.y")


def changes(
    group: DesiredGroup | None,
    live: set[str],
    known: KnownGroup | None,
    people: dict[str, Person] | None = None,
) -> dict[str, Change]:
    tenant = DesiredTenant("acme", HERE, (group,) if group else (), people=people or {})
    snapshot = Snapshot("acme", {"g": LiveGroup("g", {"userType": TYPE.value}, TYPE, members=frozenset(live))})
    found = diff(tenant, snapshot, {"g": known} if known else {})
    return {change.user: change for change in found.changes if change.user}


def wish(**more: object) -> DesiredGroup:
    return DesiredGroup(HERE, id="g", **{"members": {}, **more})  # type: ignore[arg-type]


def ours(*users: str, **emails: str) -> KnownGroup:
    return KnownGroup(False, TYPE, frozenset(users), emails=emails)


def test_who_comes_is_told_by_name() -> None:
    entry = Entry(MARTA, LINE, Period(end=END), ("shop", "catalog"), "R")
    group = wish(members={"m": LINE, "b": HERE}, reasons={"m": "R"}, named={"m": entry})
    known_as = Person("marta", "m", "Marta@x.y", "Marta Ruiz")
    found = changes(group, set(), ours(), {"m": known_as})
    assert found["m"] == Change(
        "acme", "g", "m", Action.CREATE, Reason.NEW, TYPE, LINE, "R",
        email="Marta@x.y", person=known_as, teams=("shop", "catalog"), until=END,
    )  # fmt: skip
    assert (found["b"].person, found["b"].email) == (None, "")
    assert changes(group, set(), ours())["m"].person == MARTA


def test_who_has_an_id_is_not_remembered_by_e_mail() -> None:
    entry = Entry(Person("ana", "a", "a@x.y"), LINE)
    found = changes(wish(members={"a": LINE}, named={"a": entry}), set(), ours())
    assert (found["a"].email, found["a"].person) == ("", entry.person)


def test_who_goes_by_date_is_told_why() -> None:
    """Ours or not; the line is the one with the date, and what has not begun says so."""
    ended = Entry(Person(id="e"), LINE, Period(end=END, bound=BOUND), reason="R")
    upcoming = Entry(Person(id="u"), LINE, Period(start=END))
    group = wish(ended={"e": ended, "f": ended}, upcoming={"u": upcoming})
    found = changes(group, {"e", "f", "u", "x"}, ours("e", "u", "x"))
    assert {user: (c.reason, c.source, c.note, c.until) for user, c in found.items()} == {
        "e": (Reason.EXPIRED, BOUND, "R", END),
        "f": (Reason.EXPIRED, BOUND, "R", END),
        "u": (Reason.UPCOMING, LINE, "", None),
        "x": (Reason.REMOVED, HERE, "", None),
    }
    assert changes(group, set(), ours("e"))["e"].reason is Reason.GONE


def test_who_was_led_to_is_told_even_when_all_are_gone_from_the_file() -> None:
    """The lockfile still knows the e-mail."""
    found = changes(None, {"m", "b"}, ours("m", "b", m="Marta@x.y"))
    assert (found["m"].person, found["b"].person) == (Person(id="m", email="Marta@x.y"), None)
    assert changes(wish(), {"m"}, ours("m", m="Marta@x.y"))["m"].person == Person(id="m", email="Marta@x.y")


def test_an_e_mail_is_remembered_once() -> None:
    """With the id unchanged that is all that changes, and it is a change of the fingerprint."""
    group = wish(members={"m": LINE, "b": HERE}, named={"m": Entry(MARTA, LINE)}, membership=Membership.EXACT)
    found = changes(group, {"m", "b"}, ours("m", "b"))
    assert {user: (c.action, c.reason, c.email) for user, c in found.items()} == {
        "m": (Action.ADOPT, Reason.PINNED, "Marta@x.y")
    }
    assert not changes(group, {"m", "b"}, ours("m", "b", m="marta@X.y"))
    (change,) = found.values()
    other = Change("acme", "g", "m", Action.ADOPT, Reason.PINNED, TYPE)
    assert Plan((change,)).fingerprint != Plan((other,)).fingerprint
