"""Localized fields: which languages a request reads or writes, and the documents in them.

Stored documents always carry maps of translations; `Accept-Language` decides how they are answered
(spec: trait_acceptLanguage_header) and `Content-Language` how a body is read (trait_contentLanguage_header).
"""

import re
from collections.abc import Sequence
from typing import Any

from reconciler.sandbox.errors import Refusal, bad_request

LOCALIZED = ("name", "description")
RANGE = re.compile(r"(\*|[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?")
HEADER_ERROR = "Language header validation failed"


def _unsupported(languages: Sequence[str]) -> Refusal:
    quoted = ", ".join(f"'{language}'" for language in languages)
    return bad_request(HEADER_ERROR, f"Following languages are not supported: {quoted}")


def _ranges(header: str) -> list[str]:
    """Language codes of a header, the most wanted first."""
    found = [RANGE.fullmatch(part.strip()) for part in header.split(",")]
    if not all(found):
        raise bad_request(HEADER_ERROR, f"'{header}' is not a list of languages")
    weighted = [(float(match.group(2) or 1), match.group(1)) for match in found if match]
    return [code for weight, code in sorted(weighted, key=lambda pair: -pair[0]) if weight > 0]


def _checked(codes: list[str], languages: Sequence[str]) -> list[str]:
    unknown = [code for code in codes if code not in languages and code != "*"]
    if unknown:
        raise _unsupported(unknown)
    return codes


def accepted(header: str | None, languages: Sequence[str]) -> list[str] | None:
    """Languages to answer in, best first, or None for maps of all translations (header `*`)."""
    codes = _checked(_ranges(header), languages) if header and header.strip() else []
    if codes == ["*"]:
        return None
    # After a wildcard any language will do, and the tenant's own order is the natural one.
    return [code for wanted in codes for code in (languages if wanted == "*" else [wanted])] or [languages[0]]


def localized(value: Any, wanted: Sequence[str]) -> Any:
    """The value with each localized map, however deep, replaced by its text in the best wanted language.

    A field without a translation in any of them is left out: the service cannot make one up.
    """
    if isinstance(value, list):
        return [localized(item, wanted) for item in value]
    if not isinstance(value, dict):
        return value
    answer = {}
    for key, item in value.items():
        if key in LOCALIZED and isinstance(item, dict):
            text = next((item[code] for code in wanted if code in item), None)
            if text is not None:
                answer[key] = text
        else:
            answer[key] = item if key == "mixins" else localized(item, wanted)
    return answer


def content_languages(header: str | None, languages: Sequence[str]) -> list[str]:
    """Languages that a body is written in, `["*"]` for maps; the header is required by the spec."""
    if header is None or not header.strip():
        raise bad_request(HEADER_ERROR, "Header 'Content-Language' is required")
    return _checked(_ranges(header), languages)


def translations(
    document: dict[str, Any], codes: Sequence[str], languages: Sequence[str], stored: dict[str, Any]
) -> dict[str, dict[str, str]]:
    """Localized fields of a body as maps.

    A single `Content-Language` may come with plain strings, which replace that one translation and keep the
    stored others; maps are taken as they are, since the spec's schema knows nothing else.
    """
    answer: dict[str, dict[str, str]] = {}
    for field in LOCALIZED:
        given = document.get(field)
        if isinstance(given, str):
            if len(codes) != 1 or codes == ["*"]:
                raise bad_request(HEADER_ERROR, f"'{field}' must be a map of translations")
            answer[field] = {**stored.get(field, {}), codes[0]: given}
        elif isinstance(given, dict):
            unknown = [code for code in given if code not in languages]
            if unknown:
                raise _unsupported(unknown)
            answer[field] = given
    return answer
