"""Faults to rehearse with: a small language for which requests fail, how, and when.

    METHOD PATH OUTCOME [OPTION=VALUE]...

METHOD is a glob (`PUT`, `*`). PATH is a glob in which `*` stays within a segment and `**` does not. OUTCOME is a
status code, or one of
  reset      the connection is reset without an answer
  truncate   the real answer, its body cut in half and the connection closed
  html       a page of HTML instead of JSON, status=502 unless told otherwise
  empty      an empty body, status=200
  hang       nothing for seconds=30, then the real answer
Options: `retry-after=` seconds or a quoted HTTP date; `effect=done` carries the request out before its answer is
lost (default `none`: it never reaches the service); `after=N` spares the first N matching requests, `every=N`
fails each Nth of the others, `times=N` stops after N failures. Rules are asked in order and the first that
fails the request ends it; later rules do not count it.

    PUT /iam/*/groups/*/users/** 503 every=7 retry-after=1
    POST /oauth/token 401 times=1
    DELETE /iam/** reset effect=done times=1
"""

import re
import shlex
from dataclasses import dataclass, field

OUTCOMES = ("reset", "truncate", "html", "empty", "hang")
OPTIONS = ("retry-after", "effect", "after", "every", "times", "status", "seconds")
DEFAULT_STATUS = {"html": "502", "empty": "200"}


class FaultError(ValueError):
    """A rule that cannot be read; the message quotes it."""


@dataclass(slots=True)
class Rule:
    """One rule and how often it has matched and failed a request so far."""

    text: str
    method: re.Pattern[str]
    path: re.Pattern[str]
    outcome: str
    status: int
    retry_after: str | None = None
    done: bool = False
    seconds: float = 30.0
    after: int = 0
    every: int = 1
    times: int | None = None
    matched: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)

    def fails(self, method: str, path: str) -> bool:
        """Whether this request fails now; counts it."""
        if not (self.method.fullmatch(method) and self.path.fullmatch(path)):
            return False
        self.matched += 1
        turn = self.matched - self.after
        if turn <= 0 or turn % self.every or (self.times is not None and self.failed >= self.times):
            return False
        self.failed += 1
        return True


def parse(text: str) -> Rule:
    """Read one rule, or raise FaultError saying what is wrong with it."""
    try:
        method, path, outcome, *rest = shlex.split(text)
        options = dict(_option(word) for word in rest)
        return Rule(
            text=text,
            method=_glob(method),
            path=_glob(path),
            outcome="status" if outcome.isdigit() else outcome,
            status=_status(outcome, options),
            retry_after=options.get("retry-after"),
            done=_done(options.get("effect", "none")),
            seconds=float(options.get("seconds", 30)),
            after=int(options.get("after", 0)),
            every=max(1, int(options.get("every", 1))),
            times=int(options["times"]) if "times" in options else None,
        )
    except ValueError as error:
        raise FaultError(f"fault '{text}': {error}; expected METHOD PATH OUTCOME [OPTION=VALUE]...") from None


def _status(outcome: str, options: dict[str, str]) -> int:
    code = outcome if outcome.isdigit() else options.get("status", DEFAULT_STATUS.get(outcome, "200"))
    if re.fullmatch(r"[2-5][0-9]{2}", code) is None:
        raise ValueError(f"'{code}' is not a status code")
    if not outcome.isdigit() and outcome not in OUTCOMES:
        raise ValueError(f"'{outcome}' is neither a status code nor one of {', '.join(OUTCOMES)}")
    return int(code)


def _done(effect: str) -> bool:
    if effect not in ("none", "done"):
        raise ValueError("effect must be none or done")
    return effect == "done"


def _option(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or name not in OPTIONS:
        raise ValueError(f"'{word}' is not an option ({', '.join(OPTIONS)})")
    return name, value


def _glob(text: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*|\*)", text)
    wild = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(wild.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
