"""Rehearsals: faults, latency, the rate limit, and the log of requests."""

import time

import httpx
import pytest

from reconciler.sandbox.faults import FaultError, parse


def set_faults(api, *rules):
    return api.post("/sandbox/faults", json=list(rules))


def statuses(api, count, path="groups"):
    return [api.get(path).status_code for _ in range(count)]


def test_every_request_is_logged_in_order(api):
    """Method, path as it was sent, query and status; the control calls are not logged."""
    api.delete("/sandbox/requests")
    api.get("groups", params={"pageSize": 1})
    api.put("groups/a%20b", json={"name": {"en": "x"}})
    api.get("groups/none")
    assert api.get("/sandbox/requests").json() == {
        "count": 3,
        "requests": [
            {"method": "GET", "path": "/iam/acmeprod/groups", "query": "pageSize=1", "status": 200},
            {"method": "PUT", "path": "/iam/acmeprod/groups/a%20b", "query": "", "status": 201},
            {"method": "GET", "path": "/iam/acmeprod/groups/none", "query": "", "status": 404},
        ],
    }
    assert api.delete("/sandbox/requests").status_code == 204
    assert api.get("/sandbox/requests").json() == {"count": 0, "requests": []}


def test_a_status_comes_instead_of_the_answer(api):
    """The service does not see the request, and the log says which rule it was."""
    rule = "DELETE /iam/*/groups/*/users 503 retry-after=2"
    set_faults(api, rule)
    answer = api.delete("groups/clerks/users")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "fault" in answer.json()
    assert api.log()[-1]["fault"] == rule
    assert len(api.get("groups/clerks/users").json()) == 1


def test_effect_done_loses_only_the_answer(api):
    """The request is carried out, as when a connection breaks on the way back."""
    set_faults(api, "DELETE ** 502 effect=done")
    assert api.delete("groups/clerks/users").status_code == 502
    assert api.get("groups/clerks/users").json() == []


def test_a_date_may_follow_retry_after(api):
    """Quotes hold a value with spaces together."""
    set_faults(api, 'GET ** 429 "retry-after=Wed, 21 Oct 2026 07:28:00 GMT"')
    assert api.get("groups").headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("", [503, 503, 503, 503, 503, 503]),
        ("times=2", [503, 503, 200, 200, 200, 200]),
        ("after=4", [200, 200, 200, 200, 503, 503]),
        ("every=3", [200, 200, 503, 200, 200, 503]),
        ("after=1 every=2 times=1", [200, 200, 503, 200, 200, 200]),
    ],
)
def test_when_a_rule_fails_requests(api, when, expected):
    """after, every and times, alone and together."""
    set_faults(api, f"GET /iam/*/groups 503 {when}")
    assert statuses(api, 6) == expected


@pytest.mark.parametrize(
    ("pattern", "fails"),
    [
        ("GET /iam/acmeprod/groups", True),
        ("* /iam/*/groups", True),
        ("G* **", True),
        ("PUT **", False),
        ("GET /iam/*", False),
        ("GET /iam/**", True),
        ("GET /iam/*/group", False),
        ("GET /iam/*/gro*s", True),
    ],
)
def test_which_requests_a_rule_is_about(api, pattern, fails):
    """One star stays within a segment, two do not."""
    set_faults(api, f"{pattern} 500")
    assert api.get("groups").status_code == (500 if fails else 200)


def test_the_first_rule_that_fails_a_request_wins(api):
    """Rules are asked in order, and say how often they matched and failed."""
    set_faults(api, "GET ** 500 every=2", "GET ** 503")
    assert statuses(api, 3) == [503, 500, 503]
    assert api.get("/sandbox/faults").json() == [
        {"fault": "GET ** 500 every=2", "matched": 3, "failed": 1},
        {"fault": "GET ** 503", "matched": 2, "failed": 2},
    ]
    assert set_faults(api).json() == []
    assert statuses(api, 1) == [200]


def test_a_reset_connection_has_no_answer(api):
    """The client sees a broken connection, and the log has no status."""
    set_faults(api, "PUT ** reset times=1")
    with pytest.raises(httpx.ReadError):
        api.put("groups/new", json={"name": {"en": "x"}})
    assert api.log()[-1]["status"] is None
    assert api.get("groups/new").status_code == 404


def test_a_reset_may_come_after_the_effect(api):
    """What a client cannot know is whether the request was carried out."""
    set_faults(api, "PUT ** reset effect=done times=1")
    with pytest.raises(httpx.TransportError):
        api.put("groups/new", json={"name": {"en": "x"}})
    assert api.put("groups/new", json={"name": {"en": "x"}}).status_code == 204


def test_a_truncated_answer_ends_before_its_length(api):
    """The headers are real and the body is not all there."""
    set_faults(api, "GET /iam/*/groups truncate")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        api.get("groups")


def test_an_answer_without_a_body_is_truncated_to_nothing(api):
    """There is no half of nothing, so the connection is reset after the effect."""
    set_faults(api, "DELETE ** truncate")
    with pytest.raises(httpx.TransportError):
        api.delete("groups/clerks/users")
    assert api.get("groups/clerks/users").json() == []


@pytest.mark.parametrize(("option", "status"), [("", 502), ("status=200", 200)])
def test_a_page_of_html_may_stand_for_json(api, option, status):
    """Gateways say 502 and sometimes even 200."""
    set_faults(api, f"GET ** html {option}")
    answer = api.get("groups")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert answer.text.startswith("<html>")


def test_a_body_may_be_empty(api):
    """200 and nothing in it; a status without an error has no body either, and 204 no length."""
    set_faults(api, "GET /iam/*/groups empty", "GET /iam/*/users 204")
    assert (api.get("groups").status_code, api.get("groups").content) == (200, b"")
    assert "Content-Length" not in api.get("users").headers


def test_a_hanging_request_is_answered_late(api):
    """After the seconds the real answer comes, carried out then or at once."""
    set_faults(api, "PUT ** hang seconds=0.05", "DELETE ** hang seconds=0.05 effect=done")
    begin = time.monotonic()
    assert api.put("groups/new", json={"name": {"en": "x"}}).status_code == 201
    assert api.delete("groups/new").status_code == 204
    assert time.monotonic() - begin >= 0.1


def test_a_client_that_gives_up_has_changed_nothing(api):
    """Unless the effect was done before the hanging."""
    set_faults(api, "DELETE **/clerks/users hang", "DELETE **/managers/users hang effect=done")
    for group in ("clerks", "managers"):
        with pytest.raises(httpx.ReadTimeout):
            api.delete(f"groups/{group}/users", timeout=0.05)
    assert len(api.get("groups/clerks/users").json()) == 1
    assert api.get("groups/managers/users").json() == []


def test_a_server_can_be_closed_while_requests_hang(launch, login):
    """Nobody waits for thirty seconds."""
    sandbox = launch()
    api = login(sandbox)
    set_faults(api, "GET ** hang")
    with pytest.raises(httpx.ReadTimeout):
        api.get("groups", timeout=0.05)
    begin = time.monotonic()
    sandbox.close()
    assert time.monotonic() - begin < 5


def test_the_token_call_fails_too(launch):
    """Faults are given at the start, as on the command line."""
    sandbox = launch(faults=("POST /oauth/token 401 times=1", "POST /oauth/token html"))
    assert httpx.post(f"{sandbox.url}/oauth/token").json()["fault"]
    assert httpx.post(f"{sandbox.url}/oauth/token").text.startswith("<html>")


@pytest.mark.parametrize(
    "text",
    ["", "GET", "GET /x", "GET /x explode", "GET /x 99", "GET /x 503 often", "GET /x 503 sometimes=1",
     "GET /x 503 effect=half", "GET /x 503 every=x", "GET /x html status=999", 'GET /x 503 "a', "GET /x 5033"],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_quoted(text):
    """The message says what a rule looks like."""
    with pytest.raises(FaultError, match="expected METHOD PATH OUTCOME") as error:
        parse(text)
    assert f"'{text}'" in str(error.value)


def test_wrong_rules_are_refused_over_http_and_at_the_start(api, launch):
    """The old rules stay."""
    set_faults(api, "GET ** 500")
    for wrong in ('["GET"]', "{", "1", "[1]"):
        answer = api.post("/sandbox/faults", content=wrong)
        assert (answer.status_code, answer.json()["message"]) == (400, "Fault validation failed")
    assert statuses(api, 1) == [500]
    with pytest.raises(FaultError):
        launch(faults=("nonsense",))


def test_above_the_rate_limit_the_answer_is_429(launch, login):
    """A burst of N passes, then the answer says when to come back; the token call counts."""
    api = login(launch(rate_limit=3))
    answers = [api.get("groups") for _ in range(4)]
    assert [answer.status_code for answer in answers][:2] == [200, 200]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_limit_lets_requests_through_again(launch, login):
    """The bucket refills with time, so whoever keeps asking gets an answer in the end."""
    api = login(launch(rate_limit=20))
    while api.get("groups").status_code != 429:
        pass
    while api.get("groups").status_code == 429:
        pass
    assert [entry["status"] for entry in api.log()][-2:] == [429, 200]


def test_latency_delays_every_answer(launch, login):
    """Also that of the token."""
    begin = time.monotonic()
    login(launch(latency_ms=30)).get("groups")
    assert time.monotonic() - begin >= 0.06
