"""A small world behind a real server, and a client that holds its token."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest

from reconciler.sandbox import Options, Sandbox, start

WORLD: dict[str, Any] = {
    "tenants": [
        {
            "tenant": "acmeprod",
            "languages": ["en", "de"],
            "accessControls": [
                {"id": "orders", "name": {"en": "Orders", "de": "Aufträge"}, "scopes": ["order.order_manage"],
                 "restrictionAware": True, "predefined": True, "roleId": "editor", "resourceId": "order"},
                {"id": "carts", "scopes": ["cart.cart_read"], "restrictedTo": "CUSTOMER"},
                {"id": "desk", "scopes": ["desk.open"], "restrictedTo": "EMPLOYEE", "resourceId": "desk"},
            ],
            "templates": [
                {"id": "shop", "name": {"en": "Shop"}, "accessControls": ["carts"]},
                {"id": "office", "name": {"en": "Office", "de": "Büro"}, "accessControls": ["orders", "desk"]},
            ],
            "scopes": [
                {"id": "order.order_manage", "predefined": True, "description": {"en": "Orders"}},
                {"id": "custom.one", "domain": "custom", "description": {"en": "One", "de": "Eins"}},
            ],
            "roles": [{"id": "editor", "name": {"en": "Editor"}, "permissions": [{"id": "write"}]}],
            "resources": [{"id": "order", "name": {"en": "Order"}, "code": "order.order"}],
            "permissions": [{"id": "write", "name": {"en": "Write"}, "code": "manage"}],
            "groups": [
                {"id": "managers", "name": {"en": "Managers", "de": "Leiter"}, "code": "BO_MANAGER",
                 "description": {"en": "They manage"}, "accessControls": ["orders"], "templates": ["office"],
                 "restrictions": ["DE", "FR"]},
                {"id": "clerks", "name": {"en": "Clerks"}},
                {"id": "vendor-a", "name": {"en": "Vendor A"}, "vendorId": "a"},
                {"id": "vendor-b", "name": {"en": "Vendor B"}, "vendorId": "b"},
                {"id": "shoppers", "name": {"en": "Shoppers"}, "userType": "CUSTOMER", "code": "CUSTOMER"},
                *[
                    {"id": f"{code}-{entity}".lower(), "name": {"en": code.title()}, "userType": "CUSTOMER",
                     "code": code, "b2b": {"legalEntityId": entity}}
                    for entity in ("X", "Y")
                    for code in ("ADMIN", "BUYER", "REQUESTER", "CONTACT")
                ],
            ],
            "employees": [
                {"id": "ana", "contactEmail": "ana@acme.example", "firstName": "Ana"},
                "ben",
                "cleo",
            ],
            "customers": ["kim", "lee", {"id": "mia", "contactEmail": "mia@shop.example"}],
            "assignments": [
                {"groupId": "managers", "userId": "ana"},
                {"groupId": "clerks", "userId": "ana"},
                {"groupId": "shoppers", "userId": "kim"},
            ],
            "clients": [
                {"client_id": "acmeprod", "client_secret": "sandbox"},
                {"client_id": "reader", "client_secret": "r", "scopes": ["iam.group_read"]},
                {"client_id": "ana", "client_secret": "a", "userId": "ana"},
                {"client_id": "manager", "client_secret": "m", "scopes": ["iam.group_manage"]},
            ],
        },
        {"tenant": "otherco", "groups": [{"id": "theirs"}]},
    ]
}  # fmt: skip


class Api(httpx.Client):
    """A client of one tenant: paths are relative to /iam/TENANT unless they start with a slash."""

    def __init__(self, url: str, client: str, secret: str, tenant: str, **headers: str) -> None:
        super().__init__(base_url=url, verify=False, timeout=20)
        self.tenant = tenant
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        self.token = self.post("/oauth/token", data=form).json()["access_token"]
        self.headers["Authorization"] = f"Bearer {self.token}"
        self.headers.update(headers)

    def request(self, method: str, url: Any, **options: Any) -> httpx.Response:
        path = str(url)
        return super().request(method, path if path.startswith("/") else f"/iam/{self.tenant}/{path}", **options)

    def ids(self, path: str, **params: Any) -> list[str]:
        """Ids of a listing."""
        answer = self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()]

    def log(self) -> list[dict[str, Any]]:
        """The requests that the server has seen."""
        return self.get("/sandbox/requests").json()["requests"]


@pytest.fixture
def world() -> dict[str, Any]:
    """A copy of the seed, to be changed."""
    return copy.deepcopy(WORLD)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens is closed when it ends."""
    with ExitStack() as open_things:
        yield open_things


@pytest.fixture
def launch(stack: ExitStack) -> Callable[..., Sandbox]:
    """Start a sandbox with options; it stops with the test."""

    def begin(seed: Any = WORLD, db: Any = None, **options: Any) -> Sandbox:
        return stack.enter_context(start(db, seed=seed, options=Options(**options)))

    return begin


@pytest.fixture
def login(stack: ExitStack) -> Callable[..., Api]:
    """A client with a token of a sandbox."""

    def enter(
        sandbox: Sandbox, client: str = "acmeprod", secret: str = "sandbox", tenant: str = "acmeprod", **more: str
    ) -> Api:
        return stack.enter_context(closing(Api(sandbox.url, client, secret, tenant, **more)))

    return enter


@pytest.fixture
def sandbox(launch: Callable[..., Sandbox]) -> Sandbox:
    """The small world, served from memory."""
    return launch()


@pytest.fixture
def api(sandbox: Sandbox, login: Callable[..., Api]) -> Api:
    """A client that may do everything in acmeprod and reads maps of translations."""
    return login(sandbox, **{"Accept-Language": "*", "Content-Language": "*"})
