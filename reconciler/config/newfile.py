"""What was read of the service as the text of new files."""

from collections.abc import Iterable

from reconciler.config.importing import Sheet
from reconciler.config.portraying import lines
from reconciler.config.writing import flow, scalar, visible


def text(header: Iterable[str], sheet: Sheet, tenants: Iterable[str], *, people: bool) -> str:
    """A whole file: a comment, who is new if it shall have ``people``, and tenants with their groups."""
    sections = [[f"# {visible(line)}" for line in header]]
    if people and sheet.newcomers:
        sections.append(people_section(sheet, 0))
    if named := list(tenants):
        sections.append(tenants_section(sheet, named, 0))
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def people_section(sheet: Sheet, column: int) -> list[str]:
    """The lines of ``people`` with who is new, the key in a column."""
    lead = " " * column
    return [f"{lead}people:", *(f"{lead}  {handle}: {data}" for handle, data in handles_and_people(sheet))]


def handles_and_people(sheet: Sheet) -> list[tuple[str, str]]:
    """Who is new, by handle: handle and person, each as it is written."""
    return [(scalar(handle), flow(data)) for handle, data in sorted(sheet.newcomers.items())]


def tenants_section(sheet: Sheet, tenants: Iterable[str], column: int) -> list[str]:
    """The lines of ``tenants`` with those given, the key in a column."""
    found = [f"{' ' * column}tenants:"]
    for tenant in tenants:
        first, *rest = tenant_entry(sheet, tenant, column + 4)
        found += [f"{' ' * (column + 2)}- {first.lstrip()}", *rest]
    return found


def tenant_entry(sheet: Sheet, tenant: str, column: int) -> list[str]:
    """The lines of one tenant, its keys in a column."""
    lead = " " * column
    return [f"{lead}tenant: {scalar(tenant)}", *groups_section(sheet, tenant, column)]


def groups_section(sheet: Sheet, tenant: str, column: int) -> list[str]:
    """The lines of a tenant's ``groups``, the key in a column; those that can't stand there are named in comments."""
    lead = " " * column
    items = [
        f"{lead}  # The group {visible(entry.portrait.group.id)} is left out: {entry.remarks[0]}"
        for entry in sheet.groups[tenant]
        if not entry.data
    ]
    entries = group_entries(sheet, tenant, column + 4)
    for first, *rest in entries:
        items += [f"{lead}  - {first.lstrip()}", *rest]
    return [f"{lead}groups:" if entries else f"{lead}groups: []", *items]


def group_entries(sheet: Sheet, tenant: str, column: int) -> list[list[str]]:
    """The lines of each of a tenant's entries, their keys in a column."""
    return [
        lines(entry, sheet.members(tenant, entry), sheet.people, column) for entry in sheet.groups[tenant] if entry.data
    ]
