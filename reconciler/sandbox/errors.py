"""The answers that say no, in the shapes the vendor publishes.

IAM errors are `{resourceId?, code, status, message, details[]}` (spec: ErrorResponse), the gateway's 401 is
`{"fault": ...}` (spec: Unauthorized_401). Both live here so that no call can invent a third shape.
"""

from http import HTTPStatus
from typing import Any


class SeedError(ValueError):
    """A seed that cannot be loaded; the message says where."""


class Refusal(Exception):
    """A request that is answered with an error: raising it anywhere also rolls the call's writes back."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def error_body(status: int, message: str, *details: str, resource: str | None = None) -> dict[str, Any]:
    """Body of an IAM error; `resourceId` and `details` appear only when known (spec: ErrorResponse)."""
    body: dict[str, Any] = {} if resource is None else {"resourceId": resource}
    body |= {"code": status, "status": HTTPStatus(status).phrase, "message": message}
    return body | {"details": list(details)} if details else body


def customer_error_body(body: dict[str, Any]) -> dict[str, Any]:
    """The same error in the words of the customer service, which names no scopes (customer spec: 403_forbidden)."""
    if body["code"] == 403:
        return {"status": 403, "type": "forbidden", "message": "User not authorized."}
    kind = body["status"].lower().replace(" ", "_")
    details = [{"type": kind, "message": detail} for detail in body.get("details", ())]
    return {"status": body["code"], "type": kind, "message": body["message"], "details": details}


def fault_body(message: str, code: str) -> dict[str, Any]:
    """Body of an error that the gateway in front answers itself (spec: Unauthorized_401)."""
    return {"fault": {"faultstring": message, "detail": {"errorcode": code}}}


def bad_request(message: str, *details: str, resource: str | None = None) -> Refusal:
    """400: the request is malformed or breaks a rule of the service."""
    return Refusal(400, error_body(400, message, *details, resource=resource))


def broken_rule(detail: str, resource: str) -> Refusal:
    """400 for a well-formed request that a rule forbids (spec: DELETE group, POST group users)."""
    return bad_request("Constraint validation failed", detail, resource=resource)


def unsupported_user_type(value: object, resource: str) -> Refusal:
    """400 with the vendor's unusual `status` for this one mistake (spec: PUT group user, 400 example)."""
    body = error_body(400, f"'{value}' is not supported", resource=resource)
    return Refusal(400, body | {"status": "Constraint validation failed"})


def unauthorized(
    message: str = "Invalid Access Token", code: str = "keymanagement.service.invalid_access_token"
) -> Refusal:
    """401: no token, an expired one, or one of another tenant."""
    return Refusal(401, fault_body(message, code))


def forbidden(*missing: str) -> Refusal:
    """403: the details name the scopes that would do, because that is what a user has to add."""
    scopes = ",".join(missing)
    return Refusal(403, error_body(403, "Scope validation failed", f"Missing required scopes '[{scopes}]'"))


def not_found(kind: str, resource: str) -> Refusal:
    """404 for a thing that the path names."""
    detail = f"{kind.capitalize()} with id '{resource}' not found"
    return Refusal(404, error_body(404, f"Error while getting {kind}", detail, resource=resource))


def user_not_found(resource: str) -> Refusal:
    """404 of the assignment calls, which have no details (spec: POST group users)."""
    return Refusal(404, error_body(404, "User not found", resource=resource))


def duplicate(kind: str, resource: str) -> Refusal:
    """409: a POST names an id that is taken (spec: Conflict_409)."""
    detail = f"{kind.capitalize()} with id '{resource}' already exists"
    return Refusal(409, error_body(409, "Duplicated key", detail, resource=resource))


def stale(resource: str, given: int, stored: int) -> Refusal:
    """409: `metadata.version` is not the stored one.

    The spec lists no status for it; 409 is what the vendor's services answer to a failed optimistic lock.
    """
    detail = f"Version {given} was sent, version {stored} is stored"
    return Refusal(409, error_body(409, "Optimistic locking failed", detail, resource=resource))
