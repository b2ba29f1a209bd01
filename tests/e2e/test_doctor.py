"""``doctor``: each thing that is needed for an apply is named as well or wrong; it changes nothing."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.test_interrupted import gate
from tests.e2e.world import World, configuration, group


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """Besides the usual credentials some that may do little, and some of a dashboard user."""
    seed["tenants"][0]["clients"] = [
        {"client_id": "acmeprod", "client_secret": "sandbox"},
        {"client_id": "reader", "client_secret": "sandbox", "scopes": ["iam.group_read", "iam.user_read"]},
    ]
    return seed


@pytest.fixture
def ready(work: Workplace, world: World) -> Workplace:
    work.configure(configuration(group("ours", ["ana"])))
    return work


def doctor(work: Workplace, *args: str, **env: str) -> Result:
    """Its answer; whatever is wrong, it is one line each and no traceback."""
    result = work.run(*args, "doctor", **env)
    assert "Traceback" not in result.everything
    assert "a bug in" not in result.everything
    assert all(re.match(r"(ok|wrong|note) +\S", line) for line in result.out.splitlines()), result.out
    assert result.code == (1 if re.search(r"^wrong", result.out, re.MULTILINE) else 0)
    return result


def test_all_is_well(ready: Workplace, world: World) -> None:
    """Before the first apply and after it: exit 0, and nothing was written there or here."""
    first = doctor(ready)
    assert first.code == 0, first.everything
    assert "does not exist yet; the first apply writes it" in first.out
    assert "reconciler.lock" not in ready.files
    assert ready.apply().code == 0
    before = ready.lockfile
    world.clear()
    second = doctor(ready)
    assert second.code == 0, second.everything
    for line in (
        "configuration: acmeprod",
        "lockfile: file:reconciler.lock, serial ",
        "lock: free",
        "acmeprod: the credentials are accepted, and are this tenant's",
        "acmeprod: all scopes that are needed are there",
        "acmeprod: the clocks agree",
    ):
        assert re.search(rf"^ok +{re.escape(line)}", second.out, re.MULTILINE), second.out
    assert world.writes == []
    assert ready.lockfile == before


def test_wrong_credentials(ready: Workplace) -> None:
    """A wrong secret, none at all, and no address: exit 1 and what to set."""
    assert re.search(r"^wrong +acmeprod: ", doctor(ready, EMPORIX_CLIENT_SECRET="wrong").out, re.MULTILINE)
    assert "EMPORIX_CLIENT_ID" in doctor(ready, EMPORIX_CLIENT_ID="", EMPORIX_CLIENT_SECRET="").out
    assert re.search(r"^wrong +service: ", doctor(ready, EMPORIX_API_URL="nowhere").out, re.MULTILINE)


def test_missing_scopes(ready: Workplace) -> None:
    """Each missing scope has its line with what it is needed for."""
    found = doctor(ready, EMPORIX_CLIENT_ID="reader")
    assert found.code == 1
    missing = re.findall(r"^wrong +acmeprod: scope (\S+) is missing, needed to \w+", found.out, re.MULTILINE)
    assert missing == [
        "iam.group_manage", "iam.assignment_manage", "iam.access_read", "iam.template_read",
        "customer.customer_read",
    ]  # fmt: skip


def test_a_token_that_tells_no_scopes(ready: Workplace, between: Proxy) -> None:
    """A ready token does not tell what it may: that is a remark, and nothing is wrong."""

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        if request.path == "/oauth/token":
            tokens.append(json.loads(answer.body)["access_token"])
        return answer

    tokens: list[str] = []
    between.rule = rule
    assert doctor(ready).code == 0
    found = doctor(ready, EMPORIX_ACCESS_TOKEN=tokens[0], EMPORIX_CLIENT_ID="", EMPORIX_CLIENT_SECRET="")
    assert found.code == 0, found.everything
    assert re.search(r"^note +acmeprod: the token does not tell its scopes", found.out, re.MULTILINE)


@pytest.mark.parametrize(("seconds", "word"), [(3600, "ahead of"), (-3600, "behind")])
def test_a_clock_that_is_wrong(ready: Workplace, between: Proxy, seconds: int, word: str) -> None:
    """The service's ``Date`` is an hour off: named with its direction, exit 1."""

    def rule(_: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        kept = [(name, value) for name, value in answer.headers if name.lower() != "date"]
        return Answer(answer.status, [*kept, ("Date", date)], answer.body)

    between.rule = rule
    found = doctor(ready)
    assert found.code == 1
    assert re.search(
        rf"^wrong +acmeprod: the service's clock is 3\d\d\d s {word} this machine's", found.out, re.MULTILINE
    )


def test_a_clock_that_is_not_told(ready: Workplace, between: Proxy) -> None:
    """A service without a ``Date`` is no reason to worry, and nothing is said of clocks."""

    def rule(_: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        return Answer(answer.status, [(k, v) for k, v in answer.headers if k.lower() != "date"], answer.body)

    between.rule = rule
    found = doctor(ready)
    assert found.code == 0, found.everything
    assert "clock" not in found.out


def test_a_lock_that_is_held(ready: Workplace, between: Proxy) -> None:
    """Somebody applies: that is a remark with the holder's name, and nothing is wrong."""
    with gate(between, lambda request: request.writes) as held, ready.start("apply", "--auto-approve") as first:
        held.wait_for(1)
        found = doctor(ready)
        held.is_open.set()
        assert first.end().code == 0
    assert found.code == 0, found.everything
    assert re.search(r"^note +lock: .*apply", found.out, re.MULTILINE)


def test_a_broken_lockfile(ready: Workplace, world: World) -> None:
    """It is named, and the rest is looked at nevertheless."""
    (ready.folder / "reconciler.lock").write_text("{")
    found = doctor(ready)
    assert found.code == 1
    assert re.search(r"^wrong +lockfile: .*reconciler\.lock", found.out, re.MULTILINE)
    assert "acmeprod: the credentials are accepted" in found.out


def test_what_a_broken_run_left(ready: Workplace, world: World) -> None:
    """Pending changes are a remark: the next run settles them."""
    assert ready.apply().code == 0
    lockfile = ready.lockfile
    change = {"tenant": "acmeprod", "group": "ours", "user": "ben", "action": "create"}
    lockfile["pending"] = [{**change, "reason": "new in configuration", "userType": "EMPLOYEE"}]
    (ready.folder / "reconciler.lock").write_text(json.dumps(lockfile))
    found = doctor(ready)
    assert found.code == 0, found.everything
    assert re.search(r"^note +lockfile: changes of an unfinished run are pending \(1\)", found.out, re.MULTILINE)


def test_an_unknown_tenant_and_a_wrong_configuration(ready: Workplace) -> None:
    """A tenant that is not in the configuration, and a configuration that is none: exit 1."""
    found = doctor(ready, "--tenant", "acmeus")
    assert found.code == 1
    assert re.search(r"^wrong +tenant acmeus is not in the configuration", found.out, re.MULTILINE)
    assert "acmeprod: the credentials" not in found.out
    ready.configure("tenants: [")
    found = doctor(ready)
    assert found.code == 1
    assert re.search(r"^wrong +configuration: .*`reconciler validate` shows all of it", found.out, re.MULTILINE)


def test_a_rehearsal_is_examined_too(ready: Workplace, world: World) -> None:
    """With --sandbox it is the embedded service, and the real one is not asked."""
    world.clear()
    found = doctor(ready, "--sandbox")
    assert found.code == 0, found.everything
    assert "service: embedded sandbox" in found.out
    assert world.log == []
