"""The small world that the tests of this room read and write, and clients that need not wait."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from reconciler.core.model import LiveGroup, UserType
from reconciler.emporix.client import Client, Exchange, Settings
from reconciler.emporix.credentials import Credentials
from reconciler.sandbox import Sandbox

TENANT = "acme"
READY = Credentials(access_token="r34dy-t0k3n")
CREDENTIALS = Credentials(client_id="robot", client_secret="s3cr3t-of-robot")
SEED: dict[str, Any] = {
    "tenants": [
        {
            "tenant": TENANT,
            "languages": ["en", "de"],
            "clients": [{"client_id": "robot", "client_secret": "s3cr3t-of-robot"}],
            "accessControls": [
                {"id": "ac-any", "scopes": ["a.read"]},
                {"id": "ac-customer", "scopes": ["b.read"], "restrictedTo": "CUSTOMER"},
                {
                    "id": "ac-employee",
                    "scopes": ["c.write", "c.read"],
                    "restrictedTo": "EMPLOYEE",
                    "restrictionAware": True,
                    "name": {"en": "Desk", "de": "Pult"},
                },
            ],
            "templates": [{"id": "tp", "accessControls": ["ac-any"]}],
            "groups": [
                {"id": "catalog", "name": {"en": "Catalog", "de": "Katalog"}, "accessControls": ["ac-any"]},
                {"id": "orders", "name": {"en": "Orders", "de": "Bestellungen"}},
                {"id": "vendors", "name": {"en": "Vendors"}, "vendorId": "v1"},
                {
                    "id": "buyers",
                    "name": {"en": "Buyer"},
                    "userType": "CUSTOMER",
                    "code": "BUYER",
                    "b2b": {"legalEntityId": "le1"},
                },
            ],
            "employees": [{"id": "ana", "groupIds": ["catalog", "orders"]}, {"id": "ben"}, {"id": "eve"}],
            "customers": ["c1", "c2", "c3"],
            "assignments": [{"groupId": "buyers", "userId": "c1"}],
        },
        {"tenant": "other", "clients": [{"client_id": "stranger", "client_secret": "s3cr3t-of-stranger"}]},
    ]
}


class Clock:
    """A clock that moves only when somebody sleeps, and remembers for how long."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(
    url: str,
    clock: Clock | None = None,
    credentials: Credentials = CREDENTIALS,
    on_request: Callable[[Exchange], None] | None = None,
    **settings: Any,
) -> Client:
    """A client of the tenant whose waits take no time."""
    clock = clock or Clock()
    chosen = Settings(url=url, **({"parallelism": 4, "timeout": 5.0} | settings))
    return Client(
        TENANT, credentials, chosen, on_request=on_request, clock=clock, sleep=clock.sleep, chance=lambda: 0.5
    )


def real_client(url: str, **settings: Any) -> Client:
    """A client of the tenant that waits as it would in life."""
    return Client(TENANT, CREDENTIALS, Settings(url=url, **settings))


def group(key: str) -> LiveGroup:
    """A group as somebody read it before."""
    return LiveGroup(key, {"userType": "EMPLOYEE"}, UserType.EMPLOYEE)


def requests(sandbox: Sandbox) -> list[tuple[str, str]]:
    """What the sandbox was asked so far: method and path of each request, and forgets it."""
    with urllib.request.urlopen(f"{sandbox.url}/sandbox/requests") as answer:
        rows = json.load(answer)
    wipe = urllib.request.Request(f"{sandbox.url}/sandbox/requests", method="DELETE")
    urllib.request.urlopen(wipe).close()
    rows = rows["requests"] if isinstance(rows, dict) else rows
    return [(row["method"], row["path"]) for row in rows]
