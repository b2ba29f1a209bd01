"""What an HTTP answer means: a value, a refusal that the caller judges, or a failure after which to try again."""

import re
import ssl
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import msgspec

from reconciler.diagnostics import ServiceError
from reconciler.emporix import errors
from reconciler.emporix.bounds import TooLarge
from reconciler.emporix.call import Answer, Call, Failure, Refusal
from reconciler.emporix.retry import LONGEST_PAUSE
from reconciler.emporix.veil import Veil

T = TypeVar("T")

CROWDED = frozenset({429, 503})
UNTOUCHED = frozenset({408, 425, 429})
"""Statuses of requests that were surely not carried out."""

TOTAL = "X-Total-Count"
DIGITS = 15
"""Of a count that is believed: more rows there are nowhere."""

SILLIEST = 1e9
"""Seconds that a message still quotes."""

_SCOPES = re.compile(r"(?:Missing required scopes\s*'\[([^\]]*)\]'|Required scope\(s\):\s*(.*))")
_json = msgspec.json.Decoder()


def judge(
    call: Call[T], received: httpx.Response | httpx.RequestError, veil: Veil
) -> Answer[T] | Failure | ServiceError:
    """The answer to a call, why it is worth another try, or the error if another try would bring the same."""
    if isinstance(received, TooLarge):
        return errors.too_large(call, str(received))
    if isinstance(received, httpx.RequestError):
        return errors.unreachable(call, veil(str(received))) if _is_hopeless(received) else _lost(received, veil)
    try:
        return _answered(call, received, veil)
    except msgspec.ValidationError as error:
        return errors.misshapen(call, veil(str(error)))
    except RecursionError:
        return errors.misshapen(call, "it is nested too deeply")


def _answered(call: Call[T], response: httpx.Response, veil: Veil) -> Answer[T] | Failure:
    """Worth another try are 408, 425, 429 and 5xx, bodies that are not JSON, and successes that are not documented.

    501 ("not implemented") stays so; a success that is not documented is some gateway's page.
    """
    status = response.status_code
    if status in call.done:
        return _valued(call, response)
    if status in UNTOUCHED or (status >= 500 and status != 501):
        wait = retry_after(response)
        return Failure(_phrase(status) + _silly(wait), status in UNTOUCHED, status in CROWDED, wait)
    if status < 400:
        return Failure(f"{_phrase(status)}, which is not documented for this request")
    return Answer(status, refusal=_refusal(response, veil))


def _valued(call: Call[T], response: httpx.Response) -> Answer[T] | Failure:
    body = response.content
    try:
        value = call.decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        kind = "an empty body" if not body.strip() else "a body that is not JSON"
        return Failure(f"{_phrase(response.status_code)} with {kind}")
    return Answer(response.status_code, value, total=_total(response) if TOTAL in call.headers else None)


def _total(response: httpx.Response) -> int | None:
    text = response.headers.get(TOTAL)
    if text is None:
        return None
    if not _is_number(text):
        raise msgspec.ValidationError(f"{TOTAL} is {_excerpt(text)!r}, which is no count")
    return int(text)


def _is_number(text: str) -> bool:
    """Whether it is a number of seconds or rows; int() raises on some thousand digits, and takes other alphabets'."""
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


def _excerpt(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


def moment(text: str) -> datetime | None:
    """When a header's date is, None if it is none; one without a time zone is none, since it can't be compared."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):  # Overflow: a year or a zone of very many digits
        return None
    return None if found.tzinfo is None else found


def _silly(wait: float | None) -> str:
    if wait is None or wait <= LONGEST_PAUSE:
        return ""
    return f", asking to wait {wait:.0f} s" if wait < SILLIEST else ", asking to wait for years"


def retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait as ``Retry-After`` says; a date is taken against the service's own ``Date``, not our clock."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until, now = moment(text), moment(response.headers.get("Date", ""))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _lost(error: httpx.RequestError, veil: Veil) -> Failure:
    """Why no answer came; only a connection that was never made leaves no doubt that nothing happened."""
    untouched = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
    slow = isinstance(error, httpx.TimeoutException)
    said = veil(str(error))
    return Failure(f"{type(error).__name__}: {said}" if said else type(error).__name__, untouched, crowded=slow)


def _is_hopeless(error: httpx.RequestError) -> bool:
    """Whether no further try can help: what we would send is wrong, or the proxy or a certificate is refused."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return True
    if isinstance(error, httpx.ProxyError) and "407" in str(error):
        return True
    return any(isinstance(link, ssl.SSLCertVerificationError) for link in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refusal(response: httpx.Response, veil: Veil) -> Refusal:
    """What the service said, whichever of its shapes it used.

    Those are ``{message, details[]}``, the gateway's ``{"fault": {"faultstring"}}``, OAuth's ``{"error_description"}``,
    ``{}`` and pages that are no JSON (FACTS, "Errors common to all"). A detail is a line, or with customers
    ``{"message": line}`` (customer.openapi.yml, ErrorMessage).
    """
    try:
        body = _json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    said = body if isinstance(body, dict) else {}
    details = tuple(veil(line) for line in map(_line, _list(said.get("details"))) if isinstance(line, str))
    message = next(filter(None, _messages(said)), "")
    return Refusal(response.status_code, veil(message), details, tuple(_scopes((message, *details))))


def _messages(said: dict[str, Any]) -> Iterator[str]:
    fault = said.get("fault")
    found = (
        said.get("message"),
        fault.get("faultstring") if isinstance(fault, dict) else None,
        said.get("error_description"),
        said.get("error"),
    )
    yield from (text for text in found if isinstance(text, str))


def _line(detail: object) -> object:
    return detail.get("message") if isinstance(detail, dict) else detail


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _scopes(lines: tuple[str, ...]) -> Iterator[str]:
    for line in lines:
        for found in _SCOPES.finditer(line):
            yield from re.findall(r"[\w.=-]+", found[1] or found[2])


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
