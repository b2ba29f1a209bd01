"""Foreign text can't move the cursor, hide, reorder, add a line or speak as this tool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.text import INVISIBLE, columns, head, plural, quoted, safe, safe_address, tail

ANYTHING = st.text(st.characters(), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Katalog Ä é 目録 👩", "Katalog Ä é 目録 👩"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\tc\x00", "a\\nb\\r\\tc\\x00"),
        ("\x9b2J", "\\x9b2J"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("ze\u200bro\ufeff", "ze\\u200bro\\ufeff"),
        ("fill\u3164er", "fill\\u3164er"),
        ("hid\U000e0141den", "hid\\U000e0141den"),
        ("line\u2028end", "line\\u2028end"),
        ("half\ud800", "half\\ud800"),
        ("a\u00a0b", "a\\xa0b"),
        ("::stop-commands::x", "\\x3a:stop-commands::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("a ##[error]b", "a \\x23#[error]b"),
        ("##vso[task.x]", "\\x23#vso[task.x]"),
        ("Team # 1 ## two", "Team # 1 ## two"),
        ("# a/b will be created", "\\x23 a/b will be created"),
        ("Plan: 1 to add", "Plan\\x3a 1 to add"),
        ("\nPlan: 1 to add", "\\nPlan\\x3a 1 to add"),
        ("Resources: 1 added", "Resources\\x3a 1 added"),
        ("Plan: Gold", "Plan: Gold"),
    ],
)
def test_what_is_not_plainly_visible_is_written_out(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(ANYTHING)
def test_safe_text_is_printable_encodable_and_stays_as_it_is(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert not INVISIBLE & set(shown)
    assert shown.encode().decode() == shown
    assert safe(shown) == shown


def test_an_address_keeps_its_spaces_unless_it_speaks() -> None:
    assert safe_address("acme/order desk/ana") == "acme/order desk/ana"
    assert safe_address("acme/g/x must be replaced") == "acme/g/x\\x20must\\x20be\\x20replaced"
    assert safe_address("acme/g/x # y") == "acme/g/x\\x20#\\x20y"


def test_a_quote_does_not_end_a_quoted_text() -> None:
    assert quoted('a" -> "b\\') == '"a\\" -> \\"b\\\\"'
    assert quoted("Aufträge\x7f") == '"Aufträge\\x7f"'


IGNORABLE = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip
"""Default_Ignorable_Code_Point as in DerivedCoreProperties.txt of Unicode 16."""


def test_all_that_unicode_lets_programs_ignore_is_written_out() -> None:
    """Whatever Python takes for printable; and the few more that are drawn as nothing."""
    hidden = {chr(code) for first, last in IGNORABLE for code in range(first, last + 1)}
    assert {char for char in hidden if safe(char) == char} == set()
    assert {f"{ord(char):X}" for char in INVISIBLE - hidden} == {"1107F", "1D159", "2800", "2D7F", "16FE4"}
    assert safe("a\U0001d159b") == "a\\U0001d159b"


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("目録", 4),
        ("e\u0301", 1),
        ("", 0),
        ("\u1112\u1161\u11ab", 2),
        ("👍🏽", 2),
        ("ﾊﾝ", 2),
        ("\uff21\uff22", 4),
    ],
)
def test_columns_are_counted_as_a_terminal_does(text: str, width: int) -> None:
    assert columns(text) == width


def test_a_cut_never_puts_an_accent_on_its_own_mark() -> None:
    assert tail("abcde\u0301f", 2) == "…f"
    assert head("e\u0301abc", 2) == "e\u0301…"


@given(st.text("ab目é\u0301", max_size=30), st.integers(1, 40))
def test_what_is_cut_fits_and_says_so(text: str, room: int) -> None:
    for part, ends in ((head(text, room), str.endswith), (tail(text, room), str.startswith)):
        assert columns(part) <= room
        assert part == text or ends(part, "…")


def test_head_keeps_the_beginning_and_tail_the_end() -> None:
    assert (head("abcdef", 4), tail("abcdef", 4), head("abcd", 4), tail("abcd", 4)) == ("abc…", "…def", "abcd", "abcd")


def test_one_is_not_many() -> None:
    assert (plural(1, "change"), plural(0, "change")) == ("1 change", "0 changes")
    assert plural(50_000, "change") == "50,000 changes"
