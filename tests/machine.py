"""What tests may find on a machine or not: servers and browsers that no Python package brings."""

import os
from typing import NoReturn

import pytest


def unavailable(what: str) -> NoReturn:
    """Skip the test because this machine lacks it; in CI that is a failure, for there nothing may be left out."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is not on this machine")
