"""What was read of the service, put into a file that is there: no byte of what stands in it changes."""

from collections.abc import Sequence

from reconciler.config import brackets
from reconciler.config.edit.pieces import LIST, Piece
from reconciler.config.edit.splices import Splice, Text, append, colon, insert, set_value
from reconciler.config.importing import Sheet
from reconciler.config.newfile import (
    group_entries,
    groups_section,
    handles_and_people,
    people_section,
    tenant_entry,
    tenants_section,
)


def add(data: bytes, sheet: Sheet, tenants: Sequence[str], *, with_people: bool) -> bytes:
    """The file with the groups of these tenants, and with who is new if it is the file for that.

    How unusual ways of writing come out is for the caller to check, by loading the result.
    """
    file = Text(data)
    if file.root is None:
        section = people_section(sheet, 0) if with_people and sheet.newcomers else []
        section += tenants_section(sheet, tenants, 0) if tenants else []
        lead = "" if not file.text or file.text.endswith(("\n", "\r")) else file.newline
        return file.changed([Splice(len(file.text), len(file.text), lead + _joined(file, section) + file.newline)])
    splices = _tenants(file, file.root, sheet, tenants)
    if with_people and sheet.newcomers:
        there = file.root.get("people")
        if there is not None and there.pairs:
            # Where both are at the file's end, the people come first, as what follows may be a new key.
            splices = _people(file, there, sheet) + splices
        else:
            lines = people_section(sheet, 0)
            splices += _filled(file, file.root, "people", lines, f"{{{brackets.people(sheet)}}}")
    return file.changed(splices)


def _people(file: Text, there: Piece, sheet: Sheet) -> list[Splice]:
    if not there.flow:
        return [
            splice for handle, person in handles_and_people(sheet) for splice in insert(file, there, handle, person)
        ]
    handle, _, rest = brackets.people(sheet).partition(": ")
    return insert(file, there, handle, rest)


def _joined(file: Text, lines: Sequence[str]) -> str:
    return file.newline.join(lines)


def _filled(file: Text, owner: Piece, key: str, lines: Sequence[str], short: str) -> list[Splice]:
    """A value for a mapping's key that is missing, null or empty.

    ``lines`` are for a block, the first of them the key's; ``short`` is the value for a mapping in brackets.
    """
    value = owner.get(key)
    if owner.flow:
        return insert(file, owner, key, short) if value is None else [set_value(file, owner.key(key), value, short)]
    if value is None:
        return insert(file, owner, key, "\n".join(["", *lines[1:]]))
    name = owner.key(key)
    lead = file.newline + " " * (name.column - 1)
    end = file.line_end(max(name.end, value.end))
    emptied = [Splice(colon(file, name) + 1, value.end, "")] if value.start < value.end else []
    return [*emptied, Splice(end, end, "".join(lead + line for line in lines[1:]))]


def _tenants(file: Text, root: Piece, sheet: Sheet, tenants: Sequence[str]) -> list[Splice]:
    listed = root.get("tenants")
    items = listed.items if listed is not None and listed.kind == LIST else []
    there = {name.value: item for item in items if (name := item.get("tenant")) is not None}
    new = [tenant for tenant in tenants if tenant not in there]
    splices = [splice for name in tenants if name in there for splice in _groups(file, there[name], sheet, name)]
    if not new:
        return splices
    short = [brackets.tenant(sheet, tenant) for tenant in new]
    if listed is None or not items:
        lines = tenants_section(sheet, new, 0)
        return [*splices, *_filled(file, root, "tenants", lines, f"[{', '.join(short)}]")]
    if listed.flow:
        return [*splices, *append(file, listed, short)]
    return [*splices, *append(file, listed, ["\n".join(tenant_entry(sheet, tenant, 0)) for tenant in new])]


def _groups(file: Text, tenant: Piece, sheet: Sheet, name: str) -> list[Splice]:
    listed, short = tenant.get("groups"), brackets.groups(sheet, name)
    if listed is None or not listed.items:
        lines = groups_section(sheet, name, 0)
        return _filled(file, tenant, "groups", lines, f"[{', '.join(short)}]")
    if listed.flow:
        return append(file, listed, short)
    return append(file, listed, ["\n".join(entry) for entry in group_entries(sheet, name, 0)])


def names_in(data: bytes) -> set[str]:
    """All names of people and teams that a file gives."""
    root = Text(data).root
    parts = [root.get(key) for key in ("people", "teams")] if root is not None else []
    return {name.value for part in parts if part is not None for name, _ in part.pairs if name.value is not None}
