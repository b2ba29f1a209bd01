"""What a plan comes to for users, as parts of a page: sensitive gains for its top, and a section for each tenant.

All of it is there. What would be too much to read is summed up by scope and unfolds to its users.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.core.effects import Effect, Effects
from reconciler.core.model import Person
from reconciler.render.effects import (
    SENSITIVE,
    Gain,
    Line,
    already,
    asides,
    concerned,
    gained,
    is_long,
    lines,
    summed,
    totals,
    uncounted,
    who,
)
from reconciler.render.html_text import foreign, shown
from reconciler.render.layout import fold
from reconciler.render.naming import called
from reconciler.render.style import Look
from reconciler.render.text import number, plural

CLASSES: Final = {Look.ADD: "add", Look.REMOVE: "destroy", Look.DIM: "kept"}
BADGE: Final = f" <small>{SENSITIVE}</small>"


def gains(found: Sequence[Gain]) -> Iterator[str]:
    """Who gains something sensitive: the first ones open to the eye, the rest a key away."""
    if not found:
        return
    yield '<section class="remarks gains" aria-labelledby="gains">'
    yield f'<h2 id="gains">{gained(found)}</h2>'
    told = summed(found)
    first, hidden = fold(told, full=False)
    yield from _gains(first)
    if hidden:
        yield f"<details><summary>{number(hidden)} more</summary>"
        yield from _gains(told[len(first) :])
        yield "</details>"
    yield "</section>"


def _gains(found: Iterable[Gain]) -> Iterator[str]:
    yield "<ul>"
    for gain in found:
        who_gains = f"{foreign(gain.tenant)}: <b>{shown(who(gain.users))}</b> {gain.verb}"
        yield f"<li>{_unfolded(gain.users, f'{who_gains} {gain.what(_code, shown)}')}</li>"
    yield "</ul>"


def access(effects: Effects) -> Iterator[str]:
    """What the changes come to for the users of a tenant; nothing if they come to nothing."""
    if effects.is_empty:
        return
    yield '<section class="access"><details open>'
    yield f"<summary><h3>Access</h3> <span>{_extent(effects)}</span></summary>"
    if is_long(effects):
        yield from _totals(effects)
        yield f"<details><summary>User by user ({plural(concerned(effects), 'user')})</summary>"
        yield from _effects(effects)
        yield "</details>"
    else:
        yield from _effects(effects)
    if unknown := uncounted(effects):
        yield f"<p>{unknown}</p>"
    yield "</details></section>"


def _code(text: str) -> str:
    return f"<code>{shown(text)}</code>"


def _extent(effects: Effects) -> str:
    """How many users it concerns, and how many scopes are gained and lost by anybody."""
    first = [plural(concerned(effects), "user")] if effects.effects else []
    counted = (("add", len(effects.gained), "gained"), ("destroy", len(effects.lost), "lost"))
    told = (f'<b class="{look}">{_different(count)} {word}</b>' for look, count, word in counted if count)
    return ", ".join([*first, *told])


def _different(count: int) -> str:
    return "1 scope" if count == 1 else f"{number(count)} different scopes"


def _totals(effects: Effects) -> Iterator[str]:
    yield "<table><thead><tr><th>Scope</th><th>Gained</th><th>Lost</th></tr></thead><tbody>"
    for total in totals(effects):
        badge = BADGE if total.is_sensitive else ""
        cells = "".join(
            '<td class="{}">{}</td>'.format(*cell) for cell in zip(("add", "destroy"), total.numbers, strict=True)
        )
        yield f'<tr><th scope="row">{shown(total.scope)}{badge}</th>{cells}</tr>'
    yield "</tbody></table>"
    yield from (f"<p>{aside}</p>" for aside in asides(effects))


def _effects(effects: Effects) -> Iterator[str]:
    for effect in effects.effects:
        heading = f"<h4>{shown(who(effect.users))}</h4>"
        yield f'<div class="effect">{_unfolded(effect.users, heading)}'
        yield from _scopes(effect, effects)
        yield "</div>"


def _unfolded(users: Sequence[Person], heading: str) -> str:
    """What is said of users; where they are several, it unfolds to their names."""
    if len(users) == 1:
        return heading
    names = "".join(f"<li>{foreign(called(user))}</li>" for user in users)
    return f'<details><summary>{heading}</summary><ul class="names">{names}</ul></details>'


def _scopes(effect: Effect, effects: Effects) -> Iterator[str]:
    yield "<ul>"
    had, folded = already(effect, effects)
    for line in (*lines(effect, effects), *(had[:-1] if folded else had)):
        yield _line(line, _code(line.scope))
    if folded:
        rest = "".join(f"<li>{_code(line.scope)} {shown(line.way)}</li>" for line in folded)
        unfolding = f'<details><summary>{had[-1].scope}</summary><ul class="names">{rest}</ul></details>'
        yield _line(had[-1], unfolding)
    yield "</ul>"


def _line(line: Line, what: str) -> str:
    badge = BADGE if line.is_sensitive else ""
    return f'<li class="{CLASSES[line.look]}"><b>{line.sign}</b> {what} <span>{shown(line.way)}{badge}</span></li>'
