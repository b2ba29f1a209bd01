"""The page in a real browser: searched, filtered, folded, printed, by keyboard, in the dark, and without its script."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.model import UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.render import html
from tests.benchmarks.render_text import world
from tests.browser.chromium import Page
from tests.browser.conftest import Opens
from tests.render.golden import _line_of, cases, plan_of

ESCAPE, TAB, ENTER, SLASH = ("Escape", 27), ("Tab", 9), ("Enter", 13, "\r"), ("/", 191, "/")

SHOWN = """[...document.querySelectorAll(".group li")].filter((item) => item.getClientRects().length)
    .map((item) => item.querySelector("code")?.textContent ?? item.closest(".group").querySelector("h3").textContent)"""
COUNT = "document.querySelector('#count').textContent"
FOCUSED = "document.activeElement.id"
GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(246, 247, 249)", "rgb(15, 18, 22)"

SANDBOXED = "sandbox"
"""What forbids scripts: servers that show foreign files under their own name."""
BARE = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"
"""What Jenkins sends unless told otherwise: neither scripts nor styles."""


def page_of(name: str, **options: Any) -> str:
    case = next(case for case in cases() if case.name == name)
    return content(plan_of(case), line_of=_line_of(case), **options)


def content(plan: Plan, **options: Any) -> str:
    return "".join(f"{line}\n" for line in html.plan(plan, **options))


@pytest.fixture
def page(opened: Opens) -> Page:
    """The plan with every action, which must not complain about anything."""
    return opened(page_of("every-action"))


@pytest.fixture(autouse=True)
def quiet(opened: Opens) -> Any:
    """Names the pages of a test on which nothing may go wrong; checked at its end."""
    found: list[Page] = []
    yield found.append
    assert [complaint for page in found for complaint in page.complaints] == []


def choose(page: Page, selector: str, value: str) -> None:
    """Set a field as a person would: with its event."""
    page.value(
        f"(() => {{ const field = document.querySelector({selector!r}); field.value = {value!r};"
        " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    page.settle()


def click(page: Page, selector: str) -> None:
    page.value(f"document.querySelector({selector!r}).click()")
    page.settle()


def test_all_is_shown_at_first(page: Page, quiet: Callable[[Page], None]) -> None:
    quiet(page)
    assert page.value(COUNT) == "20 entries shown"
    assert len(page.value(SHOWN)) == 20


@pytest.mark.parametrize(
    ("search", "shown"),
    [
        ("ops-42", ["00u4ukqvzlEP31sCk417"]),
        ("ORDERS 00uBack", ["00uBack"]),
        ("acmeprod/orders/00uLeft", ["00uLeft"]),
        ("reconciler.yaml:34", ["00uTyped"]),
        ("order desk", ["orders"]),
        ("members left the", ["00u1"]),
        ("memberships must be replaced", []),
        ("membership must be replaced", ["00uTyped"]),
        ("no such thing", []),
    ],
)
def test_search_finds_every_word_anywhere(
    page: Page, quiet: Callable[[Page], None], search: str, shown: list[str]
) -> None:
    quiet(page)
    page.press(*SLASH)
    page.type(search)
    assert page.value(SHOWN) == shown
    assert page.value(COUNT) == f"{len(shown)} of 20 entries shown"
    assert page.value("document.querySelector('#nothing').hidden") == bool(shown)


@pytest.mark.parametrize(
    ("search", "user", "shown"),
    [
        ("marta", "", ["00u4ukqvzlEP31sCk417", "00u4ukqvzlEP31sCk417"]),
        ("MARTA@acme created", "", ["00u4ukqvzlEP31sCk417"]),
        ("blum ops", "", ["00u4ukqvzlEP31sCk418"]),
        ("expires 20 hours", "", ["00u4ukqvzlEP31sCk419"]),
        ("", "ruiz, jorge", ["00u4ukqvzlEP31sCk411"]),
        ("over", "lee@", ["00u4ukqvzlEP31sCk410"]),
    ],
)
def test_people_are_found_by_whatever_is_known_of_them(
    opened: Opens, quiet: Callable[[Page], None], search: str, user: str, shown: list[str]
) -> None:
    page = opened(page_of("people"))
    quiet(page)
    choose(page, "#search", search)
    choose(page, "#user", user)
    assert page.value(SHOWN) == shown


def test_what_changes_come_to_is_searched_and_filtered_with_them(opened: Opens, quiet: Callable[[Page], None]) -> None:
    """By scope, group, tenant and everybody's names, folded or not; it is no change, so no action asks for it."""
    page = opened(page_of("access"))
    quiet(page)
    shown = """[...document.querySelectorAll(".effect")].filter((one) => one.getClientRects().length)
        .map((one) => one.querySelector("h4").textContent.split(" (")[0])"""
    assert page.value(shown) == ["ana", "2 users", "12 users", "lea", "2 users"]
    for search, user, found in (
        ("price.price_manage", "", ["ana", "2 users"]),
        ("clerk12@acme", "", ["12 users"]),
        ("betashop buyers", "", ["2 users"]),
        ("", "jorge", ["2 users"]),
        ("no such thing", "", []),
    ):
        choose(page, "#search", search)
        choose(page, "#user", user)
        assert page.value(shown) == found
        assert page.value("document.querySelector('#nothing').hidden") == bool(found)
    choose(page, "#search", "")
    choose(page, "#tenant", "1")
    assert page.value(shown) == ["2 users"]
    choose(page, "#tenant", "")
    click(page, "input[value=create]")
    assert page.value(shown) == []


def test_filters_narrow_and_work_together(page: Page, quiet: Callable[[Page], None]) -> None:
    quiet(page)
    choose(page, "#tenant", "1")
    assert page.value(SHOWN) == ["disowned", "letgo", "theirs", "00u1"]
    click(page, "input[value=adopt]")
    assert page.value(SHOWN) == ["disowned", "theirs"]
    choose(page, "#group", "THEIR")
    assert page.value(SHOWN) == ["theirs"]
    choose(page, "#tenant", "0")
    choose(page, "#group", "order")
    assert page.value(SHOWN) == ["00uThere"]
    click(page, "input[value=delete]")
    choose(page, "#user", "00ul")
    assert page.value(SHOWN) == ["00uLeft"]
    assert page.value("[...document.querySelector('#tenant').options].map((one) => one.text)") == [
        "all",
        "acmeprod",
        "betashop",
    ]


def test_what_is_left_alone_is_found_too(opened: Opens, quiet: Callable[[Page], None]) -> None:
    page = opened(page_of("left-alone"))
    quiet(page)
    shown = "[...document.querySelectorAll('.left')].filter((one) => one.getClientRects().length).length"
    assert page.value(shown) == 2
    choose(page, "#search", "00uS7")
    assert (page.value(shown), page.value(COUNT)) == (1, "0 of 1 entry shown")
    click(page, "input[value=create]")
    choose(page, "#search", "")
    assert (page.value(shown), page.value(COUNT)) == (0, "1 entry shown")


def test_the_keyboard_is_enough(page: Page, quiet: Callable[[Page], None]) -> None:
    quiet(page)
    page.press(*TAB)
    assert page.value("document.activeElement.className") == "skip"
    assert page.value("document.activeElement.getBoundingClientRect().left") > 0
    page.press(*SLASH)
    assert page.value(FOCUSED) == "search"
    page.type("orders")
    page.press(*SLASH)
    assert page.value("document.activeElement.value") == "orders/"
    assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press(*ESCAPE)
    assert page.value("document.activeElement.value") == ""
    assert page.value(COUNT) == "20 entries shown"
    page.press(*TAB)
    assert page.value(FOCUSED) == "tenant"
    page.value("document.querySelector('summary').focus()")
    page.press(*ENTER)
    assert page.value("document.querySelector('details').open") is False


@pytest.mark.parametrize(("wished", "before", "after"), [("light", LIGHT, DARK), ("dark", DARK, LIGHT)])
def test_the_theme_is_the_systems_until_somebody_turns_it(
    opened: Opens, quiet: Callable[[Page], None], wished: str, before: str, after: str
) -> None:
    page = opened(page_of("no-changes"), prefers_color_scheme=wished)
    quiet(page)
    other = {"light": "Dark", "dark": "Light"}
    assert page.value(GROUND) == before
    assert page.value("document.querySelector('#theme').textContent") == other[wished]
    click(page, "#theme")
    assert page.value(GROUND) == after
    assert page.value("document.querySelector('#theme').textContent") == wished.title()
    click(page, "#theme")
    assert page.value(GROUND) == before


def test_groups_fold_and_are_open_in_print(page: Page, quiet: Callable[[Page], None]) -> None:
    quiet(page)
    folded = "document.querySelectorAll('details:not([open])').length"
    click(page, "#fold")
    assert page.value(folded) == 11
    page.value(f"addEventListener('beforeprint', () => {{ window.foldedInPrint = {folded}; }})")
    assert page.pdf().startswith(b"%PDF")
    assert (page.value("foldedInPrint"), page.value(folded)) == (0, 11)
    click(page, "#fold")
    assert page.value(folded) == 0
    page.ask("Emulation.setEmulatedMedia", media="print")
    assert page.value("getComputedStyle(document.querySelector('form')).display") == "none"


def test_what_was_looked_for_is_not_left_folded(page: Page, quiet: Callable[[Page], None]) -> None:
    quiet(page)
    click(page, "#fold")
    click(page, "input[value=delete]")
    assert page.value("document.querySelectorAll('details[open]').length") == 0
    choose(page, "#search", "stranger")
    assert page.value(SHOWN) == ["00uStranger"]
    assert page.value("[...document.querySelectorAll('h4[data-shown]')].map((one) => one.dataset.shown)") == ["1"]
    assert page.value("document.querySelector('#fold').ariaPressed") == "false"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["every-action", "refused", "warnings", "left-alone", "wide-and-long", "no-changes", "people", "access"]
)
def test_every_text_can_be_read(opened: Opens, quiet: Callable[[Page], None], theme: str, name: str) -> None:
    """A contrast of 4.5 to 1 at least, whatever is behind it."""
    page = opened(page_of(name), prefers_color_scheme=theme)
    quiet(page)
    assert page.value(FAINT) == []


FAINT = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (part) => (part /= 255, part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue);
  const ground = (element) => {
    const found = numbers(getComputedStyle(element).backgroundColor);
    return found.length < 4 || found[3] === 1 ? found : ground(element.parentElement);
  };
  const contrast = (element) => {
    const both = [numbers(getComputedStyle(element).color), ground(element)].map(luminance);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll("*:not(script)")].filter(hasText).filter((one) => contrast(one) < 4.5)
    .map((one) => [one.outerHTML.slice(0, 80), contrast(one)]);
})()"""


def test_a_narrow_screen_needs_no_scrolling_sideways(opened: Opens, quiet: Callable[[Page], None]) -> None:
    for name in ("every-action", "refused", "wide-and-long", "hostile", "access", "access-many"):
        page = opened(page_of(name))
        quiet(page)
        page.size(390, 800)
        assert page.value("document.documentElement.scrollWidth") <= 390, name


def test_whoever_does_not_see_finds_the_way(page: Page, quiet: Callable[[Page], None]) -> None:
    """Landmarks, a name for every control, and a count that is read out."""
    quiet(page)
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    roles = {role for role, _ in found}
    assert {"banner", "main", "search", "navigation", "region", "heading", "status"} <= roles
    controls = {"searchbox", "combobox", "checkbox", "button", "link", "DisclosureTriangle"}
    assert [role for role, name in found if role in controls and not name] == []
    assert {name for role, name in found if role == "searchbox"} == {"Search", "Group", "User"}


def test_without_scripts_all_is_there(opened: Opens, quiet: Callable[[Page], None]) -> None:
    page = opened(page_of("every-action"), scripts=False)
    quiet(page)
    assert len(page.value(SHOWN)) == 20
    assert page.value("[...document.querySelectorAll('form, #theme')].every((one) => !one.getClientRects().length)")
    assert page.value(GROUND) == LIGHT


@pytest.mark.parametrize(("policy", "is_styled"), [(SANDBOXED, True), (BARE, False)])
def test_under_a_servers_stricter_policy_all_is_there(opened: Opens, policy: str, is_styled: bool) -> None:
    page = opened(page_of("refused"), policy=policy)
    said = page.value("document.body.innerText")
    for words in ("Refused by guards for 4 reasons", "2 to destroy", "00uBREAKGLASS", "reconciler.yaml:4:11"):
        assert words in said
    assert "Search" not in said
    assert (page.value(GROUND) == LIGHT) == is_styled


def test_the_policy_forbids_what_the_page_does_not_name(opened: Opens) -> None:
    """The proof that the policy is in force: what anybody adds to the file neither runs nor is fetched."""
    added = "<script>document.title = 'owned'</script><img src=x.png onerror=\"document.title = 'owned'\">"
    page = opened(page_of("every-action").replace("<main>", f"<main>{added}"))
    assert page.value("document.title") != "owned"
    assert sum("Content Security Policy" in complaint for complaint in page.complaints) >= 2


def test_hostile_names_stay_names(opened: Opens, quiet: Callable[[Page], None]) -> None:
    eve = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'"
    changes = tuple(
        Change(eve, f"{eve}{number}", eve, Action.DELETE, Reason.REMOVED, UserType.EMPLOYEE, note=eve)
        for number in range(2)
    )
    touched = next(iter(plan_of(next(iter(cases()))).touched.values()))
    page = opened(content(Plan(changes, touched={change.key[:2]: touched for change in changes})))
    quiet(page)
    assert page.value(SHOWN) == [eve, eve]
    choose(page, "#tenant", "0")
    choose(page, "#group", eve + "1")
    assert page.value(SHOWN) == [eve]
    assert page.value("document.title") == "Plan: 0 to add, 0 to change, 2 to destroy."


def test_fifty_thousand_changes_are_searched_and_mostly_left_undrawn(
    opened: Opens, quiet: Callable[[Page], None]
) -> None:
    page = opened(content(replace(world(50_000), effects={})))
    quiet(page)
    is_drawn = "(one) => one.checkVisibility({contentVisibilityAuto: true})"
    drawn = f"[...document.querySelectorAll('.group li')].filter({is_drawn}).length"
    assert 0 < page.value(drawn) < 2000
    choose(page, "#search", "ops-4999")
    assert page.value(COUNT) == "11 of 50,025 entries shown"
    assert page.value(drawn) == 11
    choose(page, "#search", "")
    assert page.value(COUNT) == "50,025 entries shown"
