"""The routes, and the one way in which every request is answered.

A request is authenticated, authorized, carried out inside a transaction and answered, in this order, so that
an error is never told to somebody who may not know and never leaves half a write.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from reconciler.sandbox import access, assignments, auth, catalog, customers, faults, groups, users
from reconciler.sandbox.call import Answer, Call, encoded
from reconciler.sandbox.errors import Refusal, customer_error_body, error_body
from reconciler.sandbox.options import Options
from reconciler.sandbox.rehearsal import Rehearsal, read_body
from reconciler.sandbox.store import PERMISSIONS, RESOURCES, ROLES, Store


class Operation(NamedTuple):
    """What answers a method on a path, and the scopes it takes."""

    answer: Callable[[Call], Answer]
    scopes: tuple[str, ...] = ()


def _operation(answer: Callable[[Call], Answer], *scopes: str) -> Operation:
    return Operation(answer, scopes)


_ASSIGN, _GROUP, _USER = "iam.assignment_manage", "iam.group_read", "iam.user_read"
_MANAGE, _ACCESS, _SCOPE = "iam.group_manage", "iam.access_read", "iam.scope_read"
_CUSTOMER = "customer.customer_read"

# Scopes as in the `security` of each operation, except that writing groups takes iam.group_manage: so says the
# 403 example of POST and PUT, while their `security` names the scope to read. The `*_own` scopes are for
# tokens of customers, which the sandbox does not issue.
OPERATIONS: dict[str, dict[str, Operation]] = {
    "/iam/{tenant}/groups": {
        "GET": _operation(groups.list_groups, _GROUP),
        "POST": _operation(groups.create_group, _MANAGE),
    },
    "/iam/{tenant}/groups/{groupId}": {
        "GET": _operation(groups.get_group, _GROUP),
        "PUT": _operation(groups.upsert_group, _MANAGE),
        "DELETE": _operation(groups.delete_group, _MANAGE),
    },
    "/iam/{tenant}/groups/{groupId}/users": {
        "GET": _operation(assignments.list_members, _USER),
        "POST": _operation(assignments.add_member, _ASSIGN),
        "DELETE": _operation(assignments.remove_members, _ASSIGN),
    },
    "/iam/{tenant}/groups/{groupId}/users/{userType}/{userId}": {
        "PUT": _operation(assignments.put_member, _ASSIGN),
    },
    "/iam/{tenant}/groups/{groupId}/users/{userId}": {
        "DELETE": _operation(assignments.remove_member, _ASSIGN),
    },
    "/iam/{tenant}/groups/{groupId}/access-controls": {
        "GET": _operation(access.group_access_controls, _ACCESS),
    },
    "/iam/{tenant}/users": {
        "GET": _operation(users.list_users, _USER),
        "POST": _operation(users.create_user, "iam.user_create"),
    },
    "/iam/{tenant}/users/me": {"GET": _operation(users.get_me)},
    "/iam/{tenant}/users/me/scopes": {"GET": _operation(access.my_scopes)},
    "/iam/{tenant}/users/me/access-controls": {"GET": _operation(access.my_access_controls)},
    "/iam/{tenant}/users/vendors/{vendorId}": {"GET": _operation(users.list_vendor_users, _USER)},
    "/iam/{tenant}/users/{userId}": {
        "GET": _operation(users.get_user, _USER),
        "PUT": _operation(users.update_user, "iam.user_update"),
        "DELETE": _operation(users.delete_user, "iam.user_delete"),
    },
    "/iam/{tenant}/users/{userId}/groups": {
        "GET": _operation(users.list_user_groups, _GROUP),
        "DELETE": _operation(assignments.remove_from_all, _ASSIGN),
    },
    "/iam/{tenant}/users/{userId}/groups/{groupId}": {"GET": _operation(users.get_user_group, _GROUP)},
    "/iam/{tenant}/users/{userId}/scopes": {"GET": _operation(access.user_scopes, _SCOPE)},
    "/iam/{tenant}/users/{userId}/access-controls": {"GET": _operation(access.user_access_controls, _ACCESS)},
    "/iam/{tenant}/users/{userId}/access-controls/{resourceId}": {
        "GET": _operation(access.user_resource_controls, _ACCESS),
    },
    "/iam/{tenant}/users/{userId}/permissions/{resourceId}": {
        "GET": _operation(access.user_permissions, "iam.permission_read"),
    },
    "/iam/{tenant}/access-controls": {"GET": _operation(catalog.list_access_controls, _ACCESS)},
    "/iam/{tenant}/access-controls/{accessControlId}": {
        "GET": _operation(catalog.get_access_control, _ACCESS),
        "PUT": _operation(catalog.put_access_control, "iam.access_manage"),
        "DELETE": _operation(catalog.delete_access_control, "iam.access_manage"),
    },
    "/iam/{tenant}/templates": {"GET": _operation(catalog.list_templates, "iam.template_read")},
    "/iam/{tenant}/scopes": {"GET": _operation(catalog.list_scopes, _SCOPE)},
    "/iam/{tenant}/scopes/{scopeId}": {
        "GET": _operation(catalog.get_scope, _SCOPE),
        "PUT": _operation(catalog.put_scope, "iam.scope_manage"),
        "DELETE": _operation(catalog.delete_scope, "iam.scope_manage"),
    },
    "/iam/{tenant}/roles": {"GET": _operation(catalog.lister(ROLES), "iam.role_read")},
    "/iam/{tenant}/roles/{roleId}": {"GET": _operation(catalog.getter(ROLES, "role"), "iam.role_read")},
    "/iam/{tenant}/resources": {"GET": _operation(catalog.lister(RESOURCES), "iam.resource_read")},
    "/iam/{tenant}/resources/{resourceId}": {
        "GET": _operation(catalog.getter(RESOURCES, "resource"), "iam.resource_read"),
    },
    "/iam/{tenant}/permissions": {"GET": _operation(catalog.lister(PERMISSIONS), "iam.permission_read")},
    "/iam/{tenant}/permissions/{permissionId}": {
        "GET": _operation(catalog.getter(PERMISSIONS, "permission"), "iam.permission_read"),
    },
    "/customer/{tenant}/customers": {"GET": _operation(customers.list_customers, _CUSTOMER)},
    "/customer/{tenant}/customers/search": {"POST": _operation(customers.search_customers, _CUSTOMER)},
    "/customer/{tenant}/customers/{customerNumber}": {"GET": _operation(customers.get_customer, _CUSTOMER)},
}


class Endpoint:
    """All methods of one path, as an ASGI application."""

    def __init__(self, store: Store, options: Options, operations: dict[str, Operation]) -> None:
        self.store, self.options, self.operations = store, options, operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, answer it, send the answer."""
        body = await read_body(receive)
        try:
            answer = self.answer(scope, body)
        except Refusal as refusal:
            answer = Answer(refusal.status, encoded(self.refused(refusal)))
        await send_answer(send, answer)

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """Body of an error."""
        return refusal.body

    def answer(self, scope: Scope, body: bytes) -> Answer:
        """The answer to a request, or a Refusal."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = {name: unquote(value) for name, value in scope["path_params"].items()}
        token = auth.authenticate(self.store, headers, path["tenant"])
        # Starlette lets HEAD through wherever GET is; the server leaves its body out.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = self.operations[method]
        auth.authorize(token, operation.scopes)
        # A parameter without a value is as good as none: parse_qsl leaves it out.
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        call = Call(self.store, self.options.page_cap, token, path, query, headers, body)
        if method == "GET":
            return operation.answer(call)
        with self.store.writing():
            return operation.answer(call)


class CustomerEndpoint(Endpoint):
    """A path of the customer service, which words its errors differently."""

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """Body of an error (customer spec: ErrorMessage; its 401 is the gateway's, as everywhere)."""
        return refusal.body if refusal.status == 401 else customer_error_body(refusal.body)


class TokenEndpoint(Endpoint):
    """POST /oauth/token, the one call without a token."""

    def answer(self, scope: Scope, body: bytes) -> Answer:
        """The answer to a token request, or a Refusal."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return auth.issue(self.store, headers, body, self.options.token_lifetime)


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer as JSON."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    if answer.body is not None:
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body or b""})


def build(store: Store, options: Options) -> Rehearsal:
    """The whole application over an open store."""
    routes = [
        Route(path, _kind(path)(store, options, operations), methods=list(operations))
        for path, operations in OPERATIONS.items()
    ]
    token = Route("/oauth/token", TokenEndpoint(store, options, {}), methods=["POST"])
    control = Control()
    app = Starlette(routes=[*routes, token, *control.routes()], exception_handlers={HTTPException: _unrouted})
    control.rehearsal = Rehearsal(app, options)
    return control.rehearsal


def _kind(path: str) -> type[Endpoint]:
    return CustomerEndpoint if path.startswith("/customer/") else Endpoint


async def _unrouted(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, in the shape of all other errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None)
    return JSONResponse(error_body(status, f"{request.method} {request.url.path}"), status, headers)


class Control:
    """The calls below /sandbox/, for tests: which requests were sent, and which shall fail."""

    rehearsal: Rehearsal

    def routes(self) -> list[Route]:
        """Routes of the control surface."""
        return [
            Route("/sandbox/requests", self.requests, methods=["GET"]),
            Route("/sandbox/requests", self.forget, methods=["DELETE"]),
            Route("/sandbox/faults", self.faults, methods=["GET"]),
            Route("/sandbox/faults", self.replace, methods=["POST"]),
        ]

    async def requests(self, _request: Request) -> Response:
        """All requests since the start or the last DELETE, in the order of arrival."""
        log = list(self.rehearsal.log)
        return Response(encoded({"count": self.rehearsal.count, "requests": log}), 200, JSON)

    async def forget(self, _request: Request) -> Response:
        """Empty the log."""
        self.rehearsal.log.clear()
        self.rehearsal.count = 0
        return Response(status_code=204)

    async def faults(self, _request: Request) -> Response:
        """The rules, and how often each has matched and failed a request."""
        rules = [{"fault": rule.text, "matched": rule.matched, "failed": rule.failed} for rule in self.rehearsal.rules]
        return JSONResponse(rules)

    async def replace(self, request: Request) -> Response:
        """Replace all rules by a JSON list of texts; their counts start at zero."""
        try:
            texts: Any = json.loads(await request.body())
            self.rehearsal.rules = [faults.parse(text) for text in texts]
        except (TypeError, AttributeError, ValueError) as error:
            return JSONResponse(error_body(400, "Fault validation failed", str(error)), 400)
        return await self.faults(request)


JSON = {"content-type": "application/json"}
