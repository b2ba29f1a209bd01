"""Packages that only some places need: asked for when they are needed, and by name when they are missing."""

from importlib import import_module
from typing import Any

from reconciler.diagnostics import ReconcilerError


def required(module: str, extra: str, what: str, failure: type[ReconcilerError]) -> Any:
    """The module, or a failure that says with which extra it is installed; ``what`` is what needs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise failure(
            f"{what} needs the Python package {error.name or module}, which can't be imported",
            remedy=f"pip install 'emporix-reconciler[{extra}]'",
        ) from error
