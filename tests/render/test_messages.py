"""Problems are told as compilers tell them: place, message, the line with a caret, the remedy, related places."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import (
    ConfigurationError,
    Diagnostic,
    ReconcilerError,
    RequestRefused,
    Severity,
    Source,
)
from reconciler.render.messages import diagnostics, error, no_line
from reconciler.render.text import columns

HERE = Source("reconciler.yaml", 12, 13)
MISSING = Diagnostic(
    "there is no EMPLOYEE 00uX in acmeprod",
    HERE,
    "correct the id, or create the user first; ids are case-sensitive",
    (("the first entry", Source("reconciler.yaml", 5, 3)),),
    rule="missing-user",
)


def told(item: Diagnostic, line: str | None = None, *, width: int = 120, color: bool = False) -> list[str]:
    return list(diagnostics([item], line_of=lambda _: line, color=color, width=width))


def text(problem: ReconcilerError, line_of: Callable[[Source], str | None] = no_line) -> str:
    return "".join(f"{line}\n" for line in error(problem, line_of=line_of, color=False))


def test_a_diagnostic_names_place_line_and_remedy() -> None:
    assert "\n".join(told(MISSING, "          - 00uX\r\n")) == (
        """\
reconciler.yaml:12:13: error: there is no EMPLOYEE 00uX in acmeprod  [missing-user]
   12 |           - 00uX
      |             ^
  correct the id, or create the user first; ids are case-sensitive
  reconciler.yaml:5:3: the first entry"""
    )


def test_without_its_line_the_rest_is_told() -> None:
    assert told(MISSING, None) == [line for line in told(MISSING, "- 00uX") if " | " not in line]


def test_a_warning_says_so() -> None:
    assert told(Diagnostic("look", HERE, severity=Severity.WARNING)) == ["reconciler.yaml:12:13: warning: look"]


def test_a_problem_without_a_place_says_what_it_is_about() -> None:
    assert told(Diagnostic("too many", address="acme/g")) == ["error: acme/g: too many"]
    assert told(Diagnostic("acme/g has too many", address="acme/g")) == ["error: acme/g has too many"]


@pytest.mark.parametrize(
    ("line", "column", "shown", "caret"),
    [
        ("\t- 00uX", 4, "    - 00uX", 6),
        ("\t- \t00uX", 5, "    -     00uX", 10),
        ("目録: x", 5, "目録: x", 6),
        ("a\x1bb", 3, "a\\x1bb", 5),
        ("short", 99, "short", 5),
        ("short", 0, "short", 0),
        ("", 1, "", 0),
    ],
)
def test_the_caret_stands_under_its_character(line: str, column: int, shown: str, caret: int) -> None:
    first, second = told(Diagnostic("x", Source("f", 7, column)), line)[1:]
    assert first == f"    7 | {shown}".rstrip()
    assert second == f"      | {' ' * caret}^"


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (1, "^bcdefghijklmnopqrstuvwxyz01234567890a…"),
        (50, "…567890abcdefghijkl^nopqrstuvwxyz01234…"),
        (108, "…7890abcdefghijklmnopqrstuvwxyz0123456^"),
    ],
)
def test_a_long_line_is_cut_around_the_caret(column: int, shown: str) -> None:
    line = ("abcdefghijklmnopqrstuvwxyz01234567890" * 3)[:108]
    first, second = told(Diagnostic("x", Source("f", 7, column)), line, width=47)[1:]
    at = second.index("^")
    assert first[:at] + "^" + first[at + 1 :] == f"    7 | {shown}"


@given(st.text("ab\t目\x1b#:[é", max_size=200), st.integers(0, 250), st.integers(0, 130))
def test_whatever_the_line_it_fits_and_smuggles_nothing(line: str, column: int, width: int) -> None:
    for shown in told(Diagnostic("x", Source("f", 7, column)), line, width=width):
        assert shown.isprintable()
        assert not re.search(r"##\w*\[", shown)
    assert columns(shown) <= max(width, 28)


def test_a_huge_line_costs_nothing() -> None:
    assert len(told(Diagnostic("x", Source("f", 1, 25_000_000)), "x" * 50_000_000)[1]) == 120


def test_colour_marks_severity_and_caret() -> None:
    coloured = told(MISSING, "          - 00uX", color=True)
    assert "\x1b[31merror:\x1b[0m" in coloured[0]
    assert "\x1b[32m^\x1b[0m" in coloured[2]
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == told(MISSING, "          - 00uX")


def test_an_error_ends_with_its_own_message() -> None:
    problem = ConfigurationError("2 problems in 1 file", remedy="nothing was read", diagnostics=(MISSING, MISSING))
    lines = text(problem).splitlines()
    assert lines[0].startswith("reconciler.yaml:12:13: error: there is no")
    assert lines[-2:] == ["error: 2 problems in 1 file", "  nothing was read"]


def test_an_error_shows_where_it_comes_from() -> None:
    assert text(ReconcilerError("no such tenant", source=HERE), lambda _: "  - tenant: acmf") == (
        "reconciler.yaml:12:13: error: no such tenant\n   12 |   - tenant: acmf\n      |             ^\n"
    )


def test_a_refused_request_shows_what_the_service_said() -> None:
    problem = RequestRefused(
        "acmeprod/orders/00uX could not be added",
        status=403,
        details=["insufficient\nscopes"],
        scopes=["iam.assignment_manage", "iam.group_read"],
        remedy="give the client these scopes",
    )
    assert text(problem) == (
        "error: acmeprod/orders/00uX could not be added\n"
        "  the service answered with status 403\n"
        "  insufficient\\nscopes\n"
        "  missing scopes: iam.assignment_manage, iam.group_read\n"
        "  give the client these scopes\n"
    )
    assert "missing scopes" not in text(RequestRefused("no", status=409))
