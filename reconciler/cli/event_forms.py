"""The events of a run as structs: their fields are the format, their docstrings its documentation and its schema's.

Names are those of Terraform's machine-readable UI where they fit. A reader ignores types and fields that it does not
know: new ones do not raise ``format``.
"""

from typing import Any, Final

import msgspec

from reconciler.core.document_forms import Instant
from reconciler.core.model import UserType
from reconciler.core.plan import Action, Reason
from reconciler.diagnostics import ExitCode, Severity
from reconciler.run import Outcome

FORMAT: Final = 1
IDENTIFIER: Final = f"urn:emporix-reconciler:events:{FORMAT}"


class Place(msgspec.Struct, omit_defaults=True):
    """A place in a file; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int


class Person(msgspec.Struct, omit_defaults=True):
    """Somebody by name, as far as anything told it: ``handle`` is the name under ``people``."""

    handle: str = ""
    email: str = ""
    name: str = ""


class Event(msgspec.Struct, rename="camel", omit_defaults=True, tag_field="type"):
    """What every event has: its type, and the ``time`` in UTC as in RFC 3339."""

    time: str


class Version(Event, tag="version"):
    """The first line: the ``format`` of all that follow, the version of the ``reconciler``, and its ``command``."""

    format: int
    reconciler: str
    command: str


class PlannedChange(Event, tag="planned_change"):
    """One change of the plan.

    ``user`` is left out for a group's definition. ``source`` is the line that asked for it, ``note`` the file's own
    reason for a member. ``person`` is who the user is, ``teams`` are those through which it came, outermost first, and
    ``until`` is when the membership ends, or ended.
    """

    address: str
    action: Action
    reason: Reason
    tenant: str
    group: str
    user_type: UserType
    user: str | None = None
    source: Place | None = None
    note: str = ""
    person: Person | None = None
    teams: list[str] = []
    until: Instant | None = None


class Refusal(msgspec.Struct, omit_defaults=True):
    """What a guard, called ``rule``, has against the plan, and what would be right."""

    rule: str
    address: str
    message: str
    remedy: str = ""


class PlanSummary(Event, tag="plan_summary"):
    """The plan as a whole, after its changes.

    ``changes`` counts them by action, ``unchanged`` the addresses that are as they should be. ``failures`` are tenants
    that could not be planned, with the reason. A plan with ``refusals`` is not applied, unless they are accepted.
    ``at`` is the instant for which dates were judged, ``nextDate`` the next one at which anything begins or ends.
    """

    fingerprint: str
    changes: dict[str, int]
    unchanged: int
    refusals: list[Refusal]
    failures: dict[str, str]
    at: Instant | None = None
    next_date: Instant | None = None


class ApplyStart(Event, tag="apply_start"):
    """The intent is recorded and the first of so many requests (``steps``) goes out."""

    steps: int


class StepEnded(Event, tag="step"):
    """A request came to its end: the ``request`` in words, the ``outcome``, and ``why`` unless it is done.

    ``addresses`` are those of the changes that it fulfils, in whole or in part: deleting a group ends many memberships.
    ``unsure`` means that the service did not say whether it was carried out; ``skipped``, that it was not sent.
    """

    request: str
    outcome: Outcome
    addresses: list[str]
    why: str = ""


class Interrupted(Event, tag="interrupted"):
    """Somebody asked to stop: the ``running`` requests are finished and recorded, no new one is sent."""

    running: int


class Verifying(Event, tag="verifying"):
    """All requests have ended, and the touched groups are read again."""


class ApplyComplete(Event, tag="apply_complete"):
    """What became of one change, after verification; ``why`` unless it is done.

    ``outcome`` is done, failed, unsure or skipped; or satisfied, if a saved plan's change was so already.
    """

    address: str
    action: Action
    outcome: str
    why: str = ""


class Problem(Event, tag="diagnostic"):
    """What stands in the way: ``message``, ``remedy``, and where known ``address``, ``rule`` and ``source``."""

    severity: Severity
    message: str
    remedy: str = ""
    address: str = ""
    rule: str = ""
    source: Place | None = None


class Summary(Event, tag="summary"):
    """The last line, missing only if the run was killed: its ``exitCode`` and what it did.

    ``outcomes`` counts the changes by what became of them and ``done`` those done by action; both are empty where
    nothing was applied. ``verified`` of ``verifiable`` changes were found in place when read again.
    """

    exit_code: int
    outcomes: dict[str, int] = {}
    done: dict[str, int] = {}
    verified: int | None = None
    verifiable: int | None = None
    interrupted: bool = False


EVENTS: Final = (
    Version,
    PlannedChange,
    PlanSummary,
    Problem,
    ApplyStart,
    StepEnded,
    Interrupted,
    Verifying,
    ApplyComplete,
    Summary,
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one line."""
    schemas, parts = msgspec.json.schema_components(EVENTS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": IDENTIFIER,
        "title": f"An event of reconciler, format {FORMAT}",
        "description": "One line of what --events writes. Exit codes: "
        + ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
        + ".",
        "oneOf": list(schemas),
        "$defs": parts,
    }
