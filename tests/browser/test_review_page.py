"""The page of an access review in a real browser: filtered, printed, in the dark, and without its script."""

from collections.abc import Iterator

import pytest

from reconciler.core.limits import AccessGuards
from reconciler.core.model import KnownGroup, UserType
from reconciler.core.past import Past
from reconciler.render.review import Report
from reconciler.render.review_html import page
from tests.browser.chromium import Page
from tests.browser.conftest import Opens
from tests.render.test_review import small

SHOWN = """[...document.querySelectorAll("tbody tr")].filter((row) => row.getClientRects().length)
    .map((row) => row.cells[0].textContent.split(" ")[0])"""
COUNT = "document.querySelector('#count').textContent"
HEADINGS = """[...document.querySelectorAll("h3")].filter((one) => one.getClientRects().length)
    .map((one) => one.textContent.split(" ")[0])"""


@pytest.fixture
def review(opened: Opens) -> Iterator[Opens]:
    """Opens the small review, or another, which must not complain about anything."""
    pages: list[Page] = []

    def open_review(report: Report | None = None, **options: str | bool) -> Page:
        pages.append(opened("".join(f"{line}\n" for line in page(report or small())), **options))
        return pages[-1]

    yield open_review
    assert [complaint for found in pages for complaint in found.complaints] == []


def test_filter(review: Opens) -> None:
    """By words of any column, in any case; parts without a row go, and emptying it brings all back."""
    found = review()
    assert (found.value(SHOWN), found.value(COUNT)) == (["u2", "u3", "ana"], "3 memberships shown")
    found.value("document.querySelector('#wanted').focus()")
    found.type("OPS a.write SILVA")
    assert (found.value(SHOWN), found.value(COUNT)) == (
        ["ana"],
        "1 of 3 memberships shown, filtered by: OPS a.write SILVA",
    )
    assert found.value(HEADINGS) == ["Listed"]
    found.type(" nobody")
    assert (found.value(SHOWN), found.value("document.querySelector('#nothing').hidden")) == ([], False)
    found.value("document.querySelector('#find').reset()")
    found.type(" ")
    assert found.value(SHOWN) == ["u2", "u3", "ana"]
    found.value("document.querySelector('#wanted').value = ''")
    found.type("dormant")
    assert found.value(SHOWN) == ["u2"]


def test_what_is_gone_is_counted_apart_and_findings_are_filtered(review: Opens) -> None:
    """The heading counts what is there, so that the filter does; a finding goes with what it is about."""
    past = Past("old", 1, {"acme": {"odd": KnownGroup(True, UserType.EMPLOYEE, frozenset({"u4"}))}})
    found = review(small(AccessGuards(separation=(("a.read", "a.write"),)), past))
    assert found.value(COUNT) == "3 memberships and 1 removed shown"
    assert found.value(HEADINGS) == ["Conflicts", "Removed", "Dormant", "Unmanaged", "Listed"]
    found.value("document.querySelector('#wanted').focus()")
    found.type("silva")
    assert found.value(COUNT) == "1 of 3 memberships and 0 of 1 removed shown, filtered by: silva"
    findings = "[...document.querySelectorAll('.findings li')].filter((one) => one.getClientRects().length).length"
    assert (found.value(HEADINGS), found.value(findings)) == (["Conflicts", "Listed"], 1)


def test_without_a_script_everything_is_there(review: Opens) -> None:
    """What only a script can do is not offered then."""
    found = review(scripts=False)
    assert found.value(SHOWN) == ["u2", "u3", "ana"]
    assert found.value("[...document.querySelectorAll('form, button')].every((one) => !one.getClientRects().length)")


def test_dark_and_narrow(review: Opens) -> None:
    """As the system wishes, turned by the button; on a narrow page each membership is a block, and nothing scrolls."""
    found = review(prefers_color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert found.value(ground) == "rgb(15, 18, 22)"
    found.value("document.querySelector('#theme').click()")
    assert found.value(ground) == "rgb(246, 247, 249)"
    found.size(420, 900)
    assert found.value("document.documentElement.scrollWidth") == 420
    assert found.value("[...document.querySelectorAll('.standing')].every((one) => one.scrollWidth <= one.clientWidth)")
    assert found.value("getComputedStyle(document.querySelector('tbody td:nth-child(3)'), '::before').content") == (
        '"Scopes"'
    )


def test_no_day_is_broken_in_two(review: Opens) -> None:
    """Where columns stand side by side, however narrow."""
    found = review()
    found.size(1000, 900)
    assert found.value("[...document.querySelectorAll('td span')].map((one) => one.getClientRects().length)") == [
        1,
        1,
        1,
    ]


def test_printed_it_has_all_rows_and_no_controls(review: Opens) -> None:
    """What a filter left out is missing on paper too, which has to say so."""
    found = review()
    found.ask("Emulation.setEmulatedMedia", media="print")
    assert found.value(SHOWN) == ["u2", "u3", "ana"]
    assert found.value("[...document.querySelectorAll('form, button')].every((one) => !one.getClientRects().length)")
    assert found.value("document.querySelector('#count').getClientRects().length")
