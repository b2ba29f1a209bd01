"""Members that don't stand in their group's own list: in a file of members, or in a template."""

from reconciler.config.edit.edits import Edit, by_hand
from reconciler.config.edit.pieces import Piece
from reconciler.config.edit.splices import Splice, Text, without_lines
from reconciler.config.edit.whom import Target, Who
from reconciler.config.values import LIST_ENDINGS
from reconciler.core.model import Entry
from reconciler.diagnostics import ConfigurationError, Source

_ROWS = (".csv", ".txt")


def is_row(source: Source) -> bool:
    """Whether a member is a row of a file, which can be taken out; objects of JSON are left to the programs there."""
    return source.path.endswith(_ROWS)


def without_row(file: Text, source: Source) -> list[Splice]:
    """Take a row out: its line, and in CSV the lines after it as long as a quote is open."""
    start = 0
    for _ in range(source.line - 1):
        start = file.after_break(start)
    end = file.line_end(start)
    while source.path.endswith(".csv") and file.text.count('"', start, end) % 2:
        end = file.line_end(file.after_break(end))
    return without_lines(file, [(start, end)])


def template_of(edit: Edit, group: Piece, key: str) -> tuple[str, Source] | None:
    """The template that a group has a key from, and where that says it."""
    seen, named = set(), group.get("extends")
    while named is not None and named.value and named.value not in seen:
        name = named.value
        seen.add(name)
        named = None
        for path, file in edit.texts():
            templates = file.root.get("templates") if file.root else None
            template = templates.get(name) if templates else None
            if template is None:
                continue
            if template.get(key):
                place = template.key(key)
                return name, Source(path, place.line, place.column)
            named = template.get("extends")
    return None


def elsewhere(edit: Edit, whom: Who, target: Target, entry: Entry) -> ConfigurationError:
    """The refusal to edit an entry, with the place that it has."""
    if entry.source.path.endswith(LIST_ENDINGS):
        message = f"{whom.given} stands in a file of members of {target.address}"
        return by_hand(message, entry.source, "edit this line by hand")
    mapping = edit.mapping(target.group.source)
    found = None if mapping.get("members") else template_of(edit, mapping, "members")
    if found:
        message = f"{whom.given} comes into {target.address} through the template `{found[0]}`"
        return by_hand(message, entry.source, "edit it by hand there, for every group that extends the template")
    return by_hand(f"the entry of {whom.given} is not in the list of {target.address}", entry.source)
