"""How fast a browser opens the HTML page of a large plan and answers a keystroke in its search.

Run ``python -m tests.benchmarks.open_page [CHANGES]`` in the checkout, with Chromium installed. A first plan has its
changes in 250 groups, a second one all in one group, a third one five in each group. Times are milliseconds.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from reconciler.core.plan import Plan
from reconciler.render import html
from tests.benchmarks.render_text import world
from tests.browser.chromium import Chromium, Page, browser

# The first key pays for reading the page, unless the browser was idle before.
KEYS = ("0", "00u", "ops-4999", "destroyed", "no such thing", "")
OPENED = """(() => {
  const [navigation] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint.startTime, navigation.domContentLoadedEventEnd, document.getElementsByTagName("*").length];
})()"""
TYPED = """(async () => {
  const search = document.querySelector("#search");
  const begin = performance.now();
  search.value = KEY;
  search.dispatchEvent(new Event("input", {bubbles: true}));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - begin;
})()"""


def spread(plan: Plan, groups: int) -> Plan:
    """The same changes in so many groups."""
    touched = next(iter(plan.touched.values()))
    members = [change for change in plan.changes if change.user]
    changes = [
        replace(change, tenant=f"tenant{index % groups % 5}", group=f"group-{index % groups:05}")
        for index, change in enumerate(members)
    ]
    changes.sort(key=lambda change: change.key)
    return replace(plan, changes=tuple(changes), touched={change.key[:2]: touched for change in changes})


def measured(chromium: Chromium, folder: Path, name: str, plan: Plan) -> str:
    file = folder / "page.html"
    file.write_text("\n".join(html.plan(plan)), encoding="utf-8")
    page = Page(chromium, file.as_uri())
    paint, ready, elements = page.value(OPENED)
    typed = [page.value(TYPED.replace("KEY", repr(key))) for key in KEYS]
    page.close()
    keys = "".join(f"{milliseconds:15.0f}" for milliseconds in typed)
    return f"{name:14}{file.stat().st_size / 1e6:6.1f} MB{elements:9}{paint:12.0f}{ready:8.0f}{keys}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    path = browser()
    assert path, "there is no Chromium on this machine"
    plan = world(count)
    plans = {"250 groups": plan, "1 group": spread(plan, 1), f"{count // 5} groups": spread(plan, count // 5)}
    titles = "".join(f"{key or 'cleared':>15}" for key in KEYS)
    print(f"{'':14}{'size':>9}{'elements':>9}{'first paint':>12}{'ready':>8}{titles}")
    with tempfile.TemporaryDirectory() as folder:
        chromium = Chromium(path, Path(folder, "profile"))
        for name, shape in plans.items():
            print(measured(chromium, Path(folder), name, shape), flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
