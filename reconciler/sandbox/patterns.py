"""Regular expressions of the q language, compiled once each."""

import functools
import re

from reconciler.sandbox.errors import bad_request


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as the service would search for it: anywhere in the text, case matters."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise bad_request("Query parameter validation failed", f"Bad regex '{pattern}': {error}") from None


def matches(pattern: str, text: object) -> bool:
    """SQLite's `text REGEXP pattern`."""
    return isinstance(text, str) and compiled(pattern).search(text) is not None
