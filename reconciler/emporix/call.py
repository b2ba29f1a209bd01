"""One request as a value, and what came of one try: the words that the rest of this room is written in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

T_co = TypeVar("T_co", covariant=True)

OK = frozenset({200})
WRITTEN = frozenset({201, 204})


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One request.

    ``kind`` is what it is counted as, ``purpose`` what a message says it was for (``add user 00u1 to group acme/x``).
    ``target`` is path and query, quoted, without host. ``done`` are the statuses that mean success, ``judged`` further
    ones that the caller judges itself; ``decode`` makes a value of a successful answer's body. ``writes`` tells whether
    the world may have changed although no answer came. ``scope`` is the one that the documentation asks for, told where
    a 403 does not name any.
    """

    kind: str
    purpose: str
    method: str
    target: str
    decode: Callable[[bytes], T_co]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    done: frozenset[int] = OK
    judged: frozenset[int] = frozenset()
    writes: bool = False
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """What the service answered: ``value`` is None for a judged status, ``refusal`` says then what it said.

    ``total`` is ``X-Total-Count``. ``doubtful``: an earlier try of the same call got no answer that says what became
    of it, so it may have done the work already.
    """

    status: int
    value: T_co | None = None
    total: int | None = None
    doubtful: bool = False
    refusal: "Refusal | None" = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the service said with a status that is no success: its message, its further lines and missing scopes."""

    status: int
    message: str
    details: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that brought no usable answer, so that another one may.

    ``certain``: the service has surely not done what was asked. ``crowded``: it asked for fewer requests, or was too
    slow. ``retry_after``: seconds that it asked us to wait.
    """

    reason: str
    certain: bool = False
    crowded: bool = False
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.reason


def target(*segments: str, **query: str | int) -> str:
    """Path and query with every segment quoted whole, because ids are opaque and may hold ``/``, ``?`` or ``..``.

    An empty segment is a mistake of ours that must not reach the wire: without its last segment, the deletion of one
    member is the deletion of all (iam.openapi.yml, DELETE groups/{groupId}/users).
    """
    if not all(segments):
        raise ValueError("an id must not be empty")
    path = "/" + "/".join(map(_segment, segments))
    return f"{path}?{urlencode(query)}" if query else path


def _segment(text: str) -> str:
    # quote() keeps dots, and every URL library drops a segment that is nothing but one or two of them.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")
