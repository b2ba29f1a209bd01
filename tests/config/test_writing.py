"""What is written reads the same to us, to editors, and to whoever still reads YAML 1.1."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.document import Reader, Shape
from reconciler.config.events import Events
from reconciler.config.handles import Handles
from reconciler.config.nodes import plain
from reconciler.config.portraying import write
from reconciler.config.writing import flow, mapping, scalar
from reconciler.core.model import Account, Entry, LiveGroup, Person, UserType
from reconciler.core.portrait import Portrait
from reconciler.diagnostics import Source
from tests.config.editor import as_editors_read

MAIL = "ana@acme.example"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


def ours(text: str, *, typed: bool) -> Any:
    problems: list[Any] = []
    root = Reader(Events("", text.encode(), problems)).document(Shape({"key": Shape(typed=typed)}))
    assert root is not None and problems == []
    return plain(root)


@given(TEXTS)
def test_text_is_text_to_everybody(text: str) -> None:
    for written in (f"key: {scalar(text)}\n", f"key: [{scalar(text)}]\n", f"key: {{{scalar(text)}: {scalar(text)}}}\n"):
        read = ours(written, typed=True)
        assert read == ours(written, typed=False) == yaml.safe_load(written) == as_editors_read(written)
        (found,) = read["key"] if isinstance(read["key"], list | dict) else [read["key"]]
        assert found == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("00u4ukqvzlEP31sCk417", "00u4ukqvzlEP31sCk417"), ("5ac869fc-d548-4ec8", "5ac869fc-d548-4ec8"),
        ("Catalog managers", "Catalog managers"), ("a@b.example", "a@b.example"), ("R&D (new)", "R&D (new)"),
        ("34751075", '"34751075"'), ("00123", '"00123"'), ("1e5", '"1e5"'), ("no", '"no"'), ("Null", '"Null"'),
        ("0x1F", '"0x1F"'), ("0o17", '"0o17"'), ("1_000", '"1_000"'), ("12:30", '"12:30"'),
        ("2026-12-31", '"2026-12-31"'),
        ("", '""'), ("a: b", '"a: b"'), ("end ", '"end "'), ("\x07\u2028\U000e0001", '"\\u0007\\u2028\\U000e0001"'),
        ("1e999", '"1e999"'), ("9" * 400, f'"{"9" * 400}"'),
    ],
)  # fmt: skip
def test_quotes_stand_where_they_are_needed(text: str, written: str) -> None:
    assert scalar(text) == written


NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
KEYS = st.text(st.characters(codec="utf-8"), max_size=5)
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, DATA, max_size=4))
def test_data_of_any_form_comes_back(data: dict[str, Any]) -> None:
    for written in (flow({"key": data}), "\n".join(mapping({"key": data}, 0))):
        assert repr(ours(written, typed=True)) == repr({"key": data})


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


def portrait(members: frozenset[str] = frozenset(), **fields: Any) -> Portrait:
    found = {"userType": "EMPLOYEE", "name": {"en": "Group"}, **fields}
    return Portrait(LiveGroup("g", found, UserType.EMPLOYEE, members=members))


@pytest.mark.parametrize("mixins", [nested(200), {"k" * 2000: 1}], ids=["depth", "key"])
def test_attributes_that_do_not_read_back_are_left_to_the_service(mixins: dict[str, Any]) -> None:
    written = write(portrait(mixins=mixins))
    assert written.remarks == ["`mixins` is not managed: it can't be written so that it reads back the same."]
    assert written.data is not None and "mixins" not in written.data


def test_what_a_company_has_besides_is_left_to_the_service() -> None:
    written = write(portrait(b2b={"legalEntityId": "X", "level": "2"}))
    assert written.remarks == ["`b2b` is not managed: it has something in it that this file does not know."]


def test_a_list_with_an_id_that_can_not_be_written_is_not_managed() -> None:
    """Whoever is left out of an exact list would be removed."""
    written = write(portrait(frozenset({"good", "a b", "..", "a/b", "x@y"})))
    named = '"..", "a b", "a/b" and more'
    assert written.members is None
    assert written.remarks == [f"The members are not managed: 4 can't be written as user ids: {named}."]


def named(accounts: list[Account], *people: Person, taken: tuple[str, ...] = ()) -> dict[str, str]:
    handles = Handles.of([Entry(person, Source("", 1, 1)) for person in people], [*taken, *(p.handle for p in people)])
    handles.name({account.id: account for account in accounts})
    return handles.by_id


def account(user: str, email: str, name: str = "") -> Account:
    return Account(user, UserType.EMPLOYEE, email, name)


def test_people_are_called_as_their_e_mails_begin() -> None:
    accounts = [
        account("1", "Marta.Ruiz@acme.example"), account("2", "marta.ruiz@x.example"), account("3", "ops@acme.example"),
        account("4", "a!b'c@acme.example"), account("5", "..@acme.example"), account("6", "no mail"), account("7", ""),
    ]  # fmt: skip
    assert named(accounts, taken=("ops",)) == {
        "1": "marta.ruiz", "2": "marta.ruiz-2", "3": "ops-2", "4": "a-b-c", "5": "person",
    }  # fmt: skip


def test_whoever_has_a_name_keeps_it() -> None:
    assert named([account("1", MAIL)], Person("silva", id="1")) == {"1": "silva"}
    assert named([account("1", "ANA@acme.example")], Person("silva", email=MAIL)) == {"1": "silva"}
    twice = named([account("1", MAIL), account("2", MAIL)], Person("silva", email=MAIL))
    assert twice == {"1": "ana", "2": "ana-2"}, "an e-mail that leads to two accounts names neither"


def test_a_name_with_hidden_characters_is_left_out() -> None:
    handles = Handles()
    handles.name({"1": account("1", MAIL, "Ana\u202eavliS")})
    assert handles.made == {"ana": {"id": "1", "email": MAIL}}
