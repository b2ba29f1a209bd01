"""What can go wrong, and where: source positions, diagnostics and the tree of errors.

::

    ReconcilerError            exit 1   anything this tool says no to
    |-- ConfigurationError     exit 1   the YAML, with every problem at once
    |-- ServiceError           exit 1   Emporix did not answer, or not as documented
    |   `-- RequestRefused     exit 1   Emporix said no: status, message, details, missing scope
    |-- CredentialsError       exit 1   no credentials, or not this tenant's
    |-- PlanError              exit 1   a plan that can't be made, read or applied
    |-- StateError             exit 1   the lockfile: unreadable, foreign, or changed meanwhile
    |   `-- LockHeld           exit 5   somebody else works on it
    |-- ForgeError             exit 1   GitHub or GitLab did not answer, or said no
    `-- GuardRefusal           exit 3   a guard refused the plan

Every error carries its exit code, so that the command line never has to guess one (DESIGN section 7).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """What the process answers to its caller: pipelines branch on it, so a failure is never 0."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    REFUSED = 3
    PARTIAL = 4
    LOCKED = 5


class Source(NamedTuple):
    """A place in a file, line and column counted from 1: a tuple, because a million members have one each."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class Severity(StrEnum):
    """Whether a diagnostic stops the work: a warning is shown and the work goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, where it is and what to do next.

    ``message`` says what is wrong in one sentence; ``remedy`` what would be right; ``related`` names further places,
    such as the first of two duplicates; ``address`` the tenant, group or member it concerns; ``rule`` the guard or the
    service's rule behind it. The line's text is not kept: whoever prints reads it from ``source``.
    """

    message: str
    source: Source | None = None
    remedy: str = ""
    related: tuple[tuple[str, Source], ...] = ()
    address: str = ""
    rule: str = ""
    severity: Severity = Severity.ERROR


class ReconcilerError(Exception):
    """The root of what this tool raises on purpose: anything else that escapes is a bug."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        diagnostics: Iterable[Diagnostic] = (),
        source: Source | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.source = source
        self.diagnostics = tuple(diagnostics)

    @property
    def reason(self) -> str:
        """What is wrong in one line, for whoever is shown nothing else: the message and the first of its problems."""
        first = next((f": {item.source}: {item.message}" for item in self.diagnostics if item.source), "")
        return f"{self.message}{first}"


class ConfigurationError(ReconcilerError):
    """The configuration is wrong; ``diagnostics`` holds all of its problems, so that one run shows them all."""


class CredentialsError(ReconcilerError):
    """There are no credentials for a tenant, or the token belongs to another one."""


class ServiceError(ReconcilerError):
    """Emporix did not answer, or answered with something that its documentation does not know."""


class RequestRefused(ServiceError):
    """Emporix refused a request; it keeps what the service said, so that the message can be exact.

    ``status`` is the HTTP status, ``details`` the service's own lines, ``scopes`` the missing scopes of a 403.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        details: Iterable[str] = (),
        scopes: Iterable[str] = (),
        remedy: str = "",
        source: Source | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, source=source)
        self.status = status
        self.details = tuple(details)
        self.scopes = tuple(scopes)


class PlanError(ReconcilerError):
    """A plan can't be made, read or applied: what it rests on is impossible, damaged or has moved."""


class StateError(ReconcilerError):
    """The lockfile can't be read or written, or somebody wrote it meanwhile."""


class LockHeld(StateError):
    """Somebody else holds the lock; the message says who and since when."""

    exit_code = ExitCode.LOCKED


class ForgeError(ReconcilerError):
    """GitHub or GitLab did not answer, said no, or has no such request for review."""


class GuardRefusal(ReconcilerError):
    """A guard refused the plan; ``diagnostics`` has one entry for each refusal."""

    exit_code = ExitCode.REFUSED
