"""How long something may last, as people write it: ``90``, ``90s``, ``5m``, ``1h``."""

import re

import click

from reconciler.diagnostics import ConfigurationError

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


MOST = 10 * 365 * 86400
"""Ten years: what is longer was not meant, and dates end."""


class Duration(click.ParamType[float]):
    """An option's value in seconds; where days are usual, a number alone would be taken for them and so is refused."""

    name = "duration"

    def __init__(self, examples: str = "30s, 5m or 1h", *, with_unit: bool = False) -> None:
        self.examples, self.with_unit = examples, with_unit

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See :class:`click.ParamType`."""
        found = seconds(str(value))
        if found is None or found > MOST or (self.with_unit and str(value).strip()[-1].isdigit()):
            self.fail(f"{value!r} is no duration; write it like {self.examples}", param, ctx)
        return found


def seconds(text: str) -> float | None:
    """The seconds that the text says, or None if it is no duration."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhdw]?)", text.strip())
    return float(found[1]) * SECONDS[found[2]] if found else None


def seconds_in(variable: str, text: str, *, least: float) -> float:
    """The seconds that an environment variable says; raises ConfigurationError if that is nothing to work with."""
    found = seconds(text)
    if found is None or found < least:
        raise ConfigurationError(
            f"{variable}={text} is no duration that can be used", remedy=f"write it like 30s or 2m, {least:g}s at least"
        )
    return found
