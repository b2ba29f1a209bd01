"""Errors of the service in words: what was tried, what came back, and what would help."""

from reconciler.diagnostics import ReconcilerError, RequestRefused, ServiceError
from reconciler.emporix.call import Call, Failure, Refusal


class OutcomeUnknown(ServiceError):
    """A write was sent and no answer came: it may have been carried out, so it has to stay ``pending``.

    Every other error of a write is certain: the service did not do it.
    """


class Interrupted(ServiceError):
    """The run was interrupted before the call had an answer; a write of which this is raised was surely not done."""


def interrupted(call: Call[object], last: Failure | None, tries: int) -> Interrupted:
    """A call that an interruption ended: whether it was sent at all, and what came of it."""
    where = f"{call.method} {call.target}"
    times = "once" if tries == 1 else f"{tries} times"
    story = (
        f"{where} was not sent" if last is None else f"{where} was tried {times}, and the last came to: {last.reason}"
    )
    return Interrupted(
        f"Could not {call.purpose}: the run was interrupted; {story}",
        remedy="Run again: what was done already is found, and only the rest is sent.",
    )


def gave_up(call: Call[object], last: Failure, tries: int, seconds: float) -> ServiceError:
    """After the last try: how often and how long it was tried, and what came last."""
    times = "once" if tries == 1 else f"{tries} times in {seconds:.0f} s"
    return ServiceError(
        f"Could not {call.purpose}: {call.method} {call.target} was tried {times}, and the last came to: {last.reason}",
        remedy="Run again later, or with less parallelism if the service is overloaded.",
    )


def unknown(error: ReconcilerError) -> OutcomeUnknown:
    """The end of a write of which at least one try may have been carried out."""
    if isinstance(error, OutcomeUnknown):
        return error
    return OutcomeUnknown(
        f"{error.message}. It may have been carried out nevertheless",
        remedy="Run again: what was done already is found, and only the rest is sent.",
    )


def unreachable(call: Call[object], reason: str) -> ServiceError:
    """No connection that can be trusted; trying again would not change that."""
    return ServiceError(
        f"Could not {call.purpose}: {reason}",
        remedy="Check EMPORIX_API_URL, the proxy (HTTPS_PROXY) and the trusted certificates (SSL_CERT_FILE).",
    )


def misshapen(call: Call[object], reason: str) -> ServiceError:
    """JSON or a header that the documentation does not know, with call and field; it leaves a write in doubt."""
    error = ServiceError(
        f"Could not {call.purpose}: the answer to {call.method} {call.target} is not as documented: {reason}",
        remedy="The service may have changed: look for a newer version of this tool, or report this.",
    )
    return unknown(error) if call.writes else error


def too_large(call: Call[object], reason: str) -> ServiceError:
    """An answer that was not read to its end, whatever it says; it leaves a write in doubt."""
    error = ServiceError(
        f"Could not {call.purpose}: the answer to {call.method} {call.target} is {reason}",
        remedy="No answer of the service is as large: check EMPORIX_API_URL and what stands between.",
    )
    return unknown(error) if call.writes else error


def refused(call: Call[object], said: Refusal) -> RequestRefused:
    """The service said no: its words, and what would make it say yes where that is known."""
    words = ": ".join(filter(None, [said.message, "; ".join(said.details)])) or "without a reason"
    return RequestRefused(
        f"Emporix refused to {call.purpose} ({said.status}): {words}",
        status=said.status,
        details=said.details,
        scopes=_scopes(call, said),
        remedy=_remedy(call, said),
    )


def _scopes(call: Call[object], said: Refusal) -> tuple[str, ...]:
    """The scopes that are missing; the customer service does not name them (customer.openapi.yml, 403_forbidden)."""
    return said.scopes or ((call.scope,) if said.status == 403 and call.scope else ())


def _remedy(call: Call[object], said: Refusal) -> str:
    if scopes := _scopes(call, said):
        return f"Give the API key the scopes {', '.join(scopes)}; `reconciler doctor` lists all that are needed."
    if said.status == 403:
        return "The API key lacks a scope; `reconciler doctor` lists all that are needed."
    if said.status == 404:
        return "Something named here is not there, or no longer: check the ids and plan again."
    if said.status == 409:
        return "It was changed meanwhile: plan again."
    return ""
