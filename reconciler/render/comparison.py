"""What two plans do not share, as lines for a terminal: the words and signs of a plan, for a reader of both.

No line has the ``# ADDRESS will be created`` of a plan, because tools would take it for something about to be done.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.compare import Aspect, Comparison, Twins
from reconciler.core.plan import Change
from reconciler.render.dates import stamp
from reconciler.render.fields import ABSENT, Leaf, changed
from reconciler.render.layout import ORDER, fold
from reconciler.render.naming import subject, through, who
from reconciler.render.style import Look, painter
from reconciler.render.terminal import NARROWEST, Page
from reconciler.render.text import number, plural, safe
from reconciler.render.words import PLANNED

SAME: Final = "Both plans do the same."
WORDS: Final = {"user_type": "userType"}


def comparison(
    found: Comparison, *, names: tuple[str, str], color: bool, width: int, full: bool = False
) -> Iterator[str]:
    """The differences line by line, ended by how many there are and both fingerprints, or by "Both plans do the same."

    ``names`` is what the reader calls the plans. What differs in plans that do the same is shown all the same: another
    reason for the same change, or another serial of the lockfile.
    """
    page = _Pair(Page(painter(color), max(width, NARROWEST), full, PLANNED), (safe(names[0]), safe(names[1])))
    yield from page.single(0, found.only_first)
    yield from page.single(1, found.only_second)
    yield from page.twins(found.twins, found.same)
    yield from page.aspects(found.aspects)
    yield from page.summary(found)


class _Pair:
    """How two plans are written on one page."""

    def __init__(self, page: Page, names: tuple[str, str]) -> None:
        self.page, self.names = page, names

    def single(self, side: int, changes: Sequence[Change]) -> Iterator[str]:
        """What only one of the plans does, whoever loses access first."""
        if not changes:
            return
        yield self.heading(f"Only in {self.names[side]}: {plural(len(changes), 'change')}")
        ordered = sorted(changes, key=lambda change: (change.tenant, ORDER.index(change.action), change.key))
        shown, hidden = fold(ordered, self.page.full)
        for change in shown:
            yield f"{self.line(change)}  {change.reason}"
            yield from self.page.definition(change)
        yield from self.more(hidden)

    def twins(self, twins: Sequence[Twins], same: bool) -> Iterator[str]:
        """What both do at the same address, but not in the same way; or, if they do the same, what they say of it."""
        if not twins:
            return
        how = "The same in both, but told otherwise" if same else "In both, but not the same"
        yield self.heading(f"{how}: {plural(len(twins), 'change')} ({' -> '.join(self.names)})")
        shown, hidden = fold(twins, self.page.full)
        for each in shown:
            is_same_action = each.first.action is each.second.action
            yield self.line(each.second) if is_same_action else f"  {subject(each.second)}"
            yield from self.parts(each)
        yield from self.more(hidden)

    def parts(self, twins: Twins) -> Iterator[str]:
        simple = [name for name in twins.parts if name not in {"before", "after"}]
        leaves = [self.leaf(name, _told(twins.first, name), _told(twins.second, name)) for name in simple]
        yield from self.page.fields(leaves, signed=True)
        for name, told in (("before", "the definition before it"), ("after", "the definition after it")):
            if name in twins.parts:
                yield f"    {told}:"
                differing = changed(getattr(twins.first, name), getattr(twins.second, name))
                yield from self.page.fields(list(differing), signed=True)

    def leaf(self, name: str, first: object, second: object) -> Leaf:
        sides = (ABSENT if side in (None, "") else side for side in (first, second))
        return Leaf(WORDS.get(name, name), *sides)

    def aspects(self, aspects: Sequence[Aspect]) -> Iterator[str]:
        """What the plans are for or were made from, where that is not the same."""
        if not aspects:
            return
        yield self.heading(f"Besides the changes ({' -> '.join(self.names)}):")
        yield from self.page.fields([leaf for aspect in aspects for leaf in _of_aspect(aspect)], signed=True)
        yield ""

    def summary(self, found: Comparison) -> Iterator[str]:
        if found.same:
            yield self.page.paint(SAME, Look.ADD)
            yield f"Fingerprint: {found.first.fingerprint}"
            return
        counts = (
            f"{plural(len(found.only_first), 'change')} only in {self.names[0]}",
            f"{number(len(found.only_second))} only in {self.names[1]}",
            f"{number(len(found.twins))} not the same in both",
        )
        yield f"The plans differ: {', '.join(counts)}."
        prints = zip((found.first.fingerprint, found.second.fingerprint), self.names, strict=True)
        yield f"Fingerprints: {', '.join(f'{fingerprint} ({name})' for fingerprint, name in prints)}."

    def heading(self, text: str) -> str:
        return self.page.paint(text, Look.STRONG)

    def line(self, change: Change) -> str:
        phrase = self.page.reading.phrases[change.action]
        return f"  {self.page.paint(phrase.sign, phrase.look)} {subject(change)} {phrase.says}"

    def more(self, hidden: int) -> Iterator[str]:
        if hidden:
            yield f"  {number(hidden)} more; --full shows all"
        yield ""


def _told(change: Change, name: str) -> object:
    """One part of a change as a plan tells it."""
    if name == "person":
        return who(change)
    if name == "teams":
        return through(change)
    return stamp(change.until) if name == "until" and change.until else getattr(change, name)


def _of_aspect(aspect: Aspect) -> Iterator[Leaf]:
    """One value that became another, or each that only one of the plans has."""
    if len(aspect.first) == len(aspect.second) == 1:
        yield Leaf(aspect.name, aspect.first[0], aspect.second[0])
        return
    yield from (Leaf(aspect.name, value, ABSENT) for value in aspect.first if value not in aspect.second)
    yield from (Leaf(aspect.name, ABSENT, value) for value in aspect.second if value not in aspect.first)
