"""One way to write a configuration and read it back."""

from pathlib import Path
from textwrap import indent

import pytest

from reconciler.config import Loaded, load
from reconciler.core.model import DesiredGroup
from reconciler.diagnostics import ConfigurationError
from tests.config.rendering import render

HEAD = "tenants:\n  - tenant: acmeprod\n    groups:\n"


def of_groups(text: str) -> str:
    """A file with one tenant whose groups are given."""
    return HEAD + indent(text, "      ")


def read(path: Path, text: str | bytes) -> Loaded:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load([path])


def one_group(path: Path, text: str) -> DesiredGroup:
    """The group of a configuration that has just this one."""
    (tenant,) = read(path, of_groups(text)).desired.tenants
    (group,) = tenant.groups
    return group


def refusal(*paths: Path) -> str:
    """What is said about a configuration that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        load(list(paths))
    return render(caught.value.diagnostics)
