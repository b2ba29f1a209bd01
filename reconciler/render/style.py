"""Colour with one meaning each: green adds, red removes, yellow changes, cyan adopts, dim tells where.

Colour repeats what signs and words say already, so that nothing is lost without it.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final


class Look(Enum):
    """What a piece of text means; how that looks is decided here alone."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"
    ADOPT = "adopt"
    DIM = "dim"
    STRONG = "strong"


STYLES: Final[dict[Look, dict[str, Any]]] = {
    Look.ADD: {"fg": "green"},
    Look.REMOVE: {"fg": "red"},
    Look.CHANGE: {"fg": "yellow"},
    Look.ADOPT: {"fg": "cyan"},
    Look.DIM: {"dim": True},
    Look.STRONG: {"bold": True},
}

Paint = Callable[[str, Look], str]
"""Gives text its look, or leaves it alone."""


def painter(color: bool) -> Paint:
    """What paints: click's ANSI styles, or nothing; click is imported only where there is colour."""
    if not color:
        return lambda text, _: text
    from click import style

    return lambda text, look: style(text, **STYLES[look])
