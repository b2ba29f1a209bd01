"""The page of an access review in a real browser: filtered, printed, in the dark, and without its script."""

from collections.abc import Iterator

import pytest

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
    """Opens the small review, which must not complain about anything."""
    pages: list[Page] = []

    def open_review(**options: str | bool) -> Page:
        pages.append(opened("".join(f"{line}\n" for line in page(small())), **options))
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


def test_without_a_script_everything_is_there(review: Opens) -> None:
    """What only a script can do is not offered then."""
    found = review(scripts=False)
    assert found.value(SHOWN) == ["u2", "u3", "ana"]
    assert found.value("[...document.querySelectorAll('form, button')].every((one) => !one.getClientRects().length)")


def test_dark_and_narrow(review: Opens) -> None:
    """As the system wishes, turned by the button; on a narrow page only the tables scroll sideways."""
    found = review(prefers_color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert found.value(ground) == "rgb(15, 18, 22)"
    found.value("document.querySelector('#theme').click()")
    assert found.value(ground) == "rgb(246, 247, 249)"
    found.size(420, 900)
    assert found.value("document.documentElement.scrollWidth") == 420


def test_printed_it_has_all_rows_and_no_controls(review: Opens) -> None:
    """What a filter left out is missing on paper too, which has to say so."""
    found = review()
    found.ask("Emulation.setEmulatedMedia", media="print")
    assert found.value(SHOWN) == ["u2", "u3", "ana"]
    assert found.value("[...document.querySelectorAll('form, button')].every((one) => !one.getClientRects().length)")
    assert found.value("document.querySelector('#count').getClientRects().length")
