"""YAML as editors read it before they hold it against the schema: the 1.2 core types, keys as text."""

import re
from typing import Any, ClassVar

import yaml


class CoreLoader(yaml.SafeLoader):
    """The core schema of YAML 1.2.2 (10.3.2), which yaml-language-server uses."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for tag, pattern, first in (
    ("null", r"^(null|Null|NULL|~|)$", [*"nN~", ""]),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", [*"tTfF"]),
    ("int", r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", [*"-+0123456789"]),
    ("float", r"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|nan))$", [*"-+.0123456789"]),
    ("merge", r"^<<$", ["<"]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: -1 if node.value[0] == "-" else 1)
CoreLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: 0.5)
CoreLoader.add_constructor("tag:yaml.org,2002:merge", lambda loader, node: node.value)


def as_editors_read(text: str) -> Any:
    """The document's data; numbers are some number, because only their type matters to the schema."""
    return _with_text_keys(yaml.load(text, Loader=CoreLoader))


def _with_text_keys(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _with_text_keys(value) for key, value in data.items()}
    return [_with_text_keys(item) for item in data] if isinstance(data, list) else data
