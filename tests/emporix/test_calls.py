"""What exactly is sent: paths in which ids stay whole, and the headers that the documentation asks for."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import UserType
from reconciler.core.schedule import Call, Step
from reconciler.emporix.call import target
from reconciler.emporix.client import Client
from reconciler.emporix.iam import Iam
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, StandIn, standin

ODD = [
    "a/b",
    "a?b",
    "a#b",
    "a%b",
    "a%2Fb",
    "a b",
    "ä/ö",
    "..",
    ".",
    "../..",
    "a+b",
    "a&b=c",
    "a;b",
    "a:b",
    "日本",
    "\U0001f600",
]
EMPLOYEE = UserType.EMPLOYEE


def answers(asked: Asked) -> Reply:
    if asked.path == "/oauth/token":
        return Reply(0)
    return Reply(204) if asked.method in {"PUT", "DELETE"} else Reply(200, [], {"X-Total-Count": "0"})


def last(service: StandIn) -> Asked:
    return service.asked[-1]


@pytest.mark.parametrize("odd", ODD)
def test_ids_stay_whole_on_the_wire(odd: str) -> None:
    """Whatever an id holds, it is one segment of the path that arrives."""
    with standin(answers) as service, world.client(service.url) as client:
        Iam(client).remove_member(odd, odd)
    sent = last(service).target.split("/")
    assert sent[:4] == ["", "iam", "acme", "groups"]
    assert len(sent) == 7
    assert sent[4] == sent[6]
    assert unquote(sent[4]) == odd


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_id_is_one_segment(text: str) -> None:
    """No text leaves its segment, and none is a segment that means another folder."""
    path = target("iam", text, "end")
    assert path.isascii()
    assert path.count("/") == 3
    assert not set("?# \r\n") & set(path)
    assert path.split("/")[2] not in {".", ".."}


def test_ids_reach_the_sandbox(iam: Iam) -> None:
    """A group under an odd id is created, read and deleted under exactly that id."""
    for odd in ("a/b", "..", "a%2Fb", "ä ö", "a?b#c"):
        assert iam.put_group(odd, {"userType": "EMPLOYEE", "name": {"en": "Odd"}}, None) == "created"
        live = iam.group(odd)
        assert live is not None
        assert live.id == odd
        iam.add_member(odd, EMPLOYEE, "ana")
        assert iam.members([live])[odd].members == {"ana"}
        iam.delete_group(odd, force=True)
        assert iam.group(odd) is None
    assert len(iam.groups()) == 4


def test_an_empty_id_is_not_sent(iam: Iam, client: Client) -> None:
    """Removing nobody must not become removing everybody."""
    with pytest.raises(ValueError, match="empty"):
        iam.remove_member("catalog", "")
    assert not client.sent


def test_headers_of_every_request() -> None:
    """Tenant, token, and who we are stand on every request."""
    with standin(answers) as service, world.client(service.url) as client:
        Iam(client).groups()
        Iam(client).remove_user("ana")
    for asked in service.asked[1:]:
        assert asked.headers["Emporix-Tenant"] == "acme"
        assert asked.headers["Authorization"] == "Bearer t0k3n"
        assert asked.headers["Accept"] == "application/json"
        assert asked.headers["User-Agent"].startswith("emporix-reconciler/")
    assert "Authorization" not in service.asked[0].headers


def test_headers_of_reading() -> None:
    """Lists ask for their count, groups for every language, and for the default one by leaving the header out."""
    with standin(answers) as service, world.client(service.url) as client:
        iam = Iam(client)
        iam.groups()
        assert last(service).headers["Accept-Language"] == "*"
        assert last(service).headers["X-Total-Count"] == "true"
        assert last(service).query == {"pageNumber": "1", "pageSize": "1000"}
        iam.default_language({})
        assert "Accept-Language" not in last(service).headers


def test_headers_of_writing() -> None:
    """A group is written in every language at once, and empty lists are said."""
    with standin(answers) as service, world.client(service.url) as client:
        Iam(client).put_group("g", {"name": {"en": "G"}, "mixins": None}, 3)
    assert last(service).headers["Content-Language"] == "*"
    assert last(service).headers["Content-Type"] == "application/json"
    assert last(service).body == b'{"accessControls":[],"templates":[],"name":{"en":"G"},"metadata":{"version":3}}'


def test_an_own_user_agent() -> None:
    """Somebody else may name himself."""
    with standin(answers) as service, world.client(service.url, user_agent="pipeline/7") as client:
        Iam(client).groups()
    assert last(service).headers["User-Agent"] == "pipeline/7"


@pytest.mark.parametrize(
    ("step", "method", "path"),
    [
        (Step(Call.PUT_GROUP, "acme", "g", fields={"name": {"en": "G"}}), "PUT", "/iam/acme/groups/g"),
        (Step(Call.DELETE_GROUP, "acme", "g"), "DELETE", "/iam/acme/groups/g"),
        (Step(Call.DELETE_GROUP, "acme", "g", force=True), "DELETE", "/iam/acme/groups/g?forceDelete=true"),
        (Step(Call.ADD, "acme", "g", "u", UserType.CUSTOMER), "PUT", "/iam/acme/groups/g/users/CUSTOMER/u"),
        (Step(Call.REMOVE, "acme", "g", "u"), "DELETE", "/iam/acme/groups/g/users/u"),
        (Step(Call.EMPTY_GROUP, "acme", "g"), "DELETE", "/iam/acme/groups/g/users"),
        (Step(Call.REMOVE_USER, "acme", user="u"), "DELETE", "/iam/acme/users/u/groups"),
    ],
)
def test_steps(step: Step, method: str, path: str) -> None:
    """Every step is exactly one request."""
    with standin(answers) as service, world.client(service.url) as client:
        Iam(client).perform(step)
    assert [(asked.method, asked.target) for asked in service.asked[1:]] == [(method, path)]
