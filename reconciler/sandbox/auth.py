"""Tokens: who gets one, and what a request must show (oauth spec; FACTS, Authentication)."""

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs

from reconciler.sandbox.call import Answer, encoded
from reconciler.sandbox.errors import Refusal, fault_body, forbidden, unauthorized
from reconciler.sandbox.store import Store, Token

# Everything that the two specs and FACTS mention: what a client gets unless the seed gives it less.
ALL_SCOPES = (
    "iam.access_manage",
    "iam.access_read",
    "iam.assignment_manage",
    "iam.group_manage",
    "iam.group_read",
    "iam.permission_read",
    "iam.resource_read",
    "iam.role_read",
    "iam.scope_manage",
    "iam.scope_read",
    "iam.template_read",
    "iam.user_create",
    "iam.user_delete",
    "iam.user_read",
    "iam.user_update",
    "customer.customer_read",
)
FORM = "application/x-www-form-urlencoded"


def issue(store: Store, headers: Mapping[str, str], body: bytes, lifetime: int) -> Answer:
    """POST /oauth/token: an opaque bearer token with the scopes asked for that the client may have."""
    form = _form(headers, body)
    if form.get("grant_type") != "client_credentials":
        raise Refusal(400, fault_body("grant_type must be client_credentials", "unsupported_grant_type"))
    allowed = store.client(form.get("client_id", ""), form.get("client_secret", ""))
    if allowed is None:
        raise unauthorized("Invalid client identifier or secret", "oauth.v2.InvalidClientIdentifier")
    token = allowed._replace(scopes=_granted(allowed, form.get("scope", "")))
    text = secrets.token_urlsafe(24)
    store.add_token(text, token, lifetime)
    answer = {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "session_idle_time": 120,
        "refresh_token": "",
        "refresh_token_expires_in": 0,
        "scope": " ".join([f"tenant={token.tenant}", *sorted(token.scopes)]),
    }
    return Answer(200, encoded(answer), (("Cache-Control", "no-store"),))


def _form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal(400, fault_body(f"Content-Type must be {FORM}", "invalid_request"))
    try:
        return {key: values[-1] for key, values in parse_qs(body.decode("ascii")).items()}
    except ValueError:
        raise Refusal(400, fault_body("The form is not readable", "invalid_request")) from None


def _granted(allowed: Token, scope: str) -> frozenset[str]:
    words = scope.split()
    tenants = {word.removeprefix("tenant=") for word in words if word.startswith("tenant=")}
    if tenants - {allowed.tenant}:
        raise Refusal(400, fault_body("The client is not one of this tenant", "invalid_scope"))
    asked = {word for word in words if not word.startswith("tenant=")}
    return allowed.scopes & asked if asked else allowed.scopes


def authenticate(store: Store, headers: Mapping[str, str], tenant: str) -> Token:
    """The token of a request, valid for the tenant of its path, or 401.

    A service's token needs no `Emporix-Tenant`, but the header must not name another tenant; the token of a
    person is checked against it and refused without it (FACTS, Authentication).
    """
    scheme, _, text = headers.get("authorization", "").partition(" ")
    token = store.token(text.strip()) if scheme.lower() == "bearer" else None
    named = headers.get("emporix-tenant")
    if token is None or token.tenant != tenant:
        raise unauthorized()
    if named != tenant and (named is not None or token.user_id is not None):
        raise unauthorized("Emporix-Tenant does not match the token", "oauth.v2.InvalidTenant")
    return token


def authorize(token: Token, scopes: tuple[str, ...]) -> None:
    """403 unless the token has all scopes that the operation needs."""
    missing = [scope for scope in scopes if scope not in token.scopes]
    if missing:
        raise forbidden(*missing)
