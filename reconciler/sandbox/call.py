"""One authenticated request, and the answers to it: what every call of the API is a function of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import msgspec

from reconciler.sandbox import language
from reconciler.sandbox.errors import bad_request, not_found
from reconciler.sandbox.query import Listing, Page, read_page
from reconciler.sandbox.store import Store, Token

T = TypeVar("T")
QUERY_ERROR = "Query parameter validation failed"


class Answer(NamedTuple):
    """A response before it is sent; `body` is JSON text, None means no content."""

    status: int
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


NO_CONTENT = Answer(204)


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token has been checked: everything that an operation may look at."""

    store: Store
    page_cap: int | None
    token: Token
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def tenant(self) -> str:
        """The tenant of the token, which is also that of the path."""
        return self.token.tenant

    @property
    def languages(self) -> list[str]:
        """Languages of the tenant, the default one first."""
        return self.store.languages(self.tenant)

    def accepted(self) -> list[str] | None:
        """Languages to answer in, or None for maps (`Accept-Language`)."""
        header = self.headers.get("accept-language")
        return None if header == "*" else language.accepted(header, self.languages)

    def page(self) -> Page:
        """The page asked for."""
        return read_page(self.query, self.page_cap)

    def wants_total(self) -> bool:
        """Whether `X-Total-Count: true` was sent: the count is never answered otherwise."""
        return flag(self.headers.get("x-total-count"), "X-Total-Count")

    def expands(self, *allowed: str) -> frozenset[str]:
        """What `expand` names; a value that the spec does not list is refused."""
        text = self.query.get("expand")
        if text is None:
            return frozenset()
        names = text.split(",")
        if not set(names) <= set(allowed) or len(names) != len(set(names)):
            raise bad_request(QUERY_ERROR, f"expand must be of {', '.join(allowed)}, not '{text}'")
        return frozenset(names)

    def read(self, kind: type[T]) -> T:
        """The JSON body, checked against the request schema."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise bad_request("Request body is not readable", f"Content-Type '{media}' is not supported")
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise bad_request("Request body is not readable", str(error)) from None

    def find(self, kind: str, name: str, key: str) -> dict[str, Any]:
        """A document that the path names, or 404."""
        document = self.store.get(self.tenant, kind, key)
        if document is None:
            raise not_found(name, key)
        return document

    # Answers

    def document(self, document: dict[str, Any], wanted: Sequence[str] | None) -> Answer:
        """200 with one document."""
        return Answer(200, encoded(document if wanted is None else language.localized(document, wanted)))

    def documents(self, bodies: Sequence[str], wanted: Sequence[str] | None, total: Callable[[], int]) -> Answer:
        """200 with a page of documents that are JSON text already, decoded only to be localized."""
        text = f"[{','.join(bodies)}]".encode()
        if wanted is not None and bodies:
            text = encoded(language.localized(msgspec.json.decode(text), wanted))
        return self.rows(text, total)

    def rows(self, text: bytes, total: Callable[[], int]) -> Answer:
        """200 with a JSON array and, if asked for, its total count."""
        headers = (("X-Total-Count", str(total())),) if self.wants_total() else ()
        return Answer(200, text, headers)

    def listing(self, listing: Listing, wanted: Sequence[str] | None) -> Answer:
        """200 with the wanted page of a listing."""
        return self.documents(listing.page(self.page()), wanted, listing.total)

    def sliced(self, bodies: Sequence[str], wanted: Sequence[str] | None) -> Answer:
        """200 with the wanted page of documents that are in hand."""
        page = self.page()
        window = bodies[page.offset : page.offset + page.size]
        return self.documents(window, wanted, lambda: len(bodies))


def flag(text: str | None, name: str) -> bool:
    """A boolean parameter; anything but true and false is refused, as the spec's schema says."""
    if text is None or text.lower() == "false":
        return False
    if text.lower() != "true":
        raise bad_request(QUERY_ERROR, f"{name} must be true or false, not '{text}'")
    return True


def created(key: str) -> Answer:
    """201 with the id of the new resource."""
    return Answer(201, encoded({"id": key}))


def encoded(value: object) -> bytes:
    """JSON of a value."""
    return msgspec.json.encode(value)
