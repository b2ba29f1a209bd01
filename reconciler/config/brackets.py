"""What was read of the service for a file that is written in brackets, as JSON is: no comments, all on one line."""

from typing import Any

from reconciler.config.importing import Sheet
from reconciler.config.newfile import handles_and_people
from reconciler.config.portraying import Written
from reconciler.config.variables import literal
from reconciler.config.writing import flow, scalar


def people(sheet: Sheet) -> str:
    """Who is new, without the brackets."""
    return ", ".join(f"{handle}: {person}" for handle, person in handles_and_people(sheet))


def groups(sheet: Sheet, tenant: str) -> list[str]:
    """Each of a tenant's entries."""
    return [_entry(sheet, tenant, entry) for entry in sheet.groups[tenant] if entry.data]


def tenant(sheet: Sheet, name: str) -> str:
    """A whole tenant."""
    return f"{{tenant: {scalar(name)}, groups: [{', '.join(groups(sheet, name))}]}}"


def _entry(sheet: Sheet, name: str, entry: Written) -> str:
    return flow(
        {
            **literal(entry.data or {}),
            **{key: _listed(sheet, value) for key, value in sheet.members(name, entry).items()},
        }
    )


def _listed(sheet: Sheet, value: Any) -> Any:
    if isinstance(value, str):
        return value
    return [{"person": sheet.people[user]} if user in sheet.people else literal(user) for user in value]
