"""The service as a test sees and moves it: what is live, who was in between, which requests came."""

from collections.abc import Mapping
from typing import Any

import httpx

WRITES = {"PUT", "DELETE"}


class World:
    """One tenant of a sandbox, through its own HTTP interface with a token of its own."""

    def __init__(self, url: str, tenant: str = "acmeprod", secret: str = "sandbox") -> None:
        self.url, self.tenant = url, tenant
        self._http = httpx.Client(base_url=url, verify=False, timeout=30)
        form = {"grant_type": "client_credentials", "client_id": tenant, "client_secret": secret}
        token = self._http.post("/oauth/token", data=form).json()["access_token"]
        self._http.headers.update(
            {
                "Authorization": f"Bearer {token}",
                "Accept-Language": "*",
                "Content-Language": "*",
                "X-Total-Count": "true",
            }
        )
        self.clear()

    def close(self) -> None:
        self._http.close()

    def _send(self, method: str, path: str, **options: Any) -> Any:
        answer = self._http.request(method, f"/iam/{self.tenant}/{path}", **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """All group documents by id."""
        return {group["id"]: group for group in self._send("GET", "groups", params={"pageSize": 1000})}

    def members(self, group: str) -> set[str]:
        """The ids of a group's members."""
        rows = self._send("GET", f"groups/{group}/users", params={"pageSize": 1000})
        return {row["userId"] for row in rows}

    @property
    def everything(self) -> dict[str, set[str]]:
        """All members by group."""
        return {group: self.members(group) for group in self.groups}

    def scopes(self, user: str) -> set[str]:
        """What the service says that a user may do, without the tenant that everybody has."""
        said: str = self._send("GET", f"users/{user}/scopes")["scopes"]
        return {scope for scope in said.split() if not scope.startswith("tenant=")}

    def add(self, group: str, user: str, kind: str = "EMPLOYEE") -> None:
        """Somebody else adds a member."""
        self._send("PUT", f"groups/{group}/users/{kind}/{user}")

    def remove(self, group: str, user: str) -> None:
        """Somebody else removes a member."""
        self._send("DELETE", f"groups/{group}/users/{user}")

    def edit(self, group: str, **fields: Any) -> None:
        """Somebody else edits or makes a group."""
        self._send("PUT", f"groups/{group}", json=fields)

    def drop(self, group: str) -> None:
        """Somebody else deletes a group with its members."""
        self._send("DELETE", f"groups/{group}", params={"forceDelete": "true"})

    def clear(self) -> None:
        """Forget the requests so far."""
        self._http.delete("/sandbox/requests")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The requests since :meth:`clear`, those of the test among them."""
        found: list[dict[str, Any]] = self._http.get("/sandbox/requests").json()["requests"]
        return found

    @property
    def calls(self) -> list[str]:
        """The same as ``METHOD path``, the tenant's prefix left out."""
        return [f"{entry['method']} {entry['path'].removeprefix(f'/iam/{self.tenant}/')}" for entry in self.log]

    @property
    def writes(self) -> list[str]:
        """Those of them that change something, sorted."""
        return sorted(call for call in self.calls if call.split()[0] in WRITES)

    def fail(self, *rules: str) -> None:
        """Let requests fail as the rules say from now on (reconciler.sandbox.faults)."""
        assert self._http.post("/sandbox/faults", json=list(rules)).status_code == 200


def tenant(name: str = "acmeprod", **content: Any) -> dict[str, Any]:
    """One tenant of a seed or of a configuration."""
    return {"tenant": name, **content}


def group(group_id: str, members: list[Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """A group of ours in a configuration: with a name, so created, updated and deleted by us."""
    listed = {} if members is None else {"members": members}
    return {"id": group_id, "name": {"en": group_id.capitalize()}, "userType": "EMPLOYEE", **fields, **listed}


def configuration(*groups: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A configuration of one tenant."""
    return {"tenants": [tenant(groups=list(groups))], **more}
