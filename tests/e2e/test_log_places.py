"""The audit file wherever a lockfile can be, sealed where that is: it outlives the machine, and no record is lost."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest

from tests.e2e.command import Result, Running, Spawner, Workplace
from tests.e2e.proxy import Answer, Proxy, Request, honest
from tests.e2e.test_interrupted import PEOPLE
from tests.e2e.test_log import fates, passes, plain, records
from tests.e2e.test_sealed import KEY, OTHER
from tests.e2e.world import World, configuration, group
from tests.state.http_server import StateServer
from tests.state.place_buckets import BUCKET, MotoPlace
from tests.state.place_http import environment

BESIDE = {"audit": "beside"}
FILE = "reconciler.audit.jsonl"


@pytest.fixture
def place() -> Iterator[MotoPlace]:
    found = MotoPlace()
    yield found
    found.close()


@pytest.fixture
def store(place: MotoPlace) -> Iterator[Proxy]:
    """The way to the object store."""
    with Proxy(place.environment["AWS_ENDPOINT_URL"]) as found:
        yield found


def machine(folder: Path, work: Workplace, place: MotoPlace, store: Proxy, spawner: Spawner) -> Workplace:
    """A folder of its own, with nothing in it that another run has left."""
    folder.mkdir()
    more = {**place.environment, "AWS_ENDPOINT_URL": store.url, "RECONCILER_LEASE": "2s"}
    return Workplace(folder, work.url, more, spawner)


@pytest.fixture
def machines(
    work: Workplace, between: Proxy, world: World, place: MotoPlace, store: Proxy, tmp_path: Path, spawner: Spawner
) -> list[Workplace]:
    """Two that share an object store, and a lockfile there."""
    found = [machine(tmp_path / name, work, place, store, spawner) for name in ("one", "two")]
    for each in found:
        each.more["RECONCILER_STATE"] = place.url
    return found


def audit_of(place: MotoPlace) -> str:
    return place.url.replace("reconciler.lock", FILE)


def content(place: MotoPlace, key: str) -> bytes:
    return bytes(obstore.get(place.store(), key).bytes())


def test_a_record_outlives_the_machine(machines: list[Workplace], place: MotoPlace, store: Proxy, world: World) -> None:
    """Beside a lockfile that RECONCILER_STATE names, under its seal: read elsewhere, with the key and never without."""
    one, two = machines
    for each, members in ((one, ["ana"]), (two, ["ana", "ben"])):
        each.more["RECONCILER_STATE_KEY"] = KEY
        each.configure(configuration(group("ours", members), **BESIDE))
        store.seen.clear()
        assert f"Recorded in {audit_of(place)}: record " in passes(each.apply()).err
        assert [request.method for request in store.seen if request.path.endswith(FILE)] == ["GET", "PUT"]
        assert each.files == ["reconciler.yaml"]
    assert [list(fates(each)) for each in records(one)] == [
        ["acmeprod/ours", "acmeprod/ours/ana"],
        ["acmeprod/ours/ben"],
    ]
    assert f"{audit_of(place)}, which begin" in passes(one.run("access")).out
    assert plain(passes(one.run("log", "--verify")).out) == "2 records, 0 flaws; the last one has the hash DIGITS\n"
    written = content(place, place.key.replace("reconciler.lock", FILE))
    assert [set(json.loads(line)) >= {"sealed", "ciphertext"} for line in written.splitlines()] == [True, True]
    assert not any(word in written for word in (b"ana", b"ours", b"acmeprod"))
    for how in (("log",), ("log", "--verify")):
        other = one.run(*how, RECONCILER_STATE_KEY=OTHER)
        assert other.code == 1
        assert f"{audit_of(place)}:1 is sealed with key" in other.err
    del one.more["RECONCILER_STATE_KEY"]
    assert "neither RECONCILER_STATE_KEY nor RECONCILER_STATE_PASSPHRASE_FILE is set" in one.run("log").err


def test_two_lockfiles_share_a_place(machines: list[Workplace], place: MotoPlace, between: Proxy) -> None:
    """While one works the other writes a record: the first one's follows it, though it had looked before."""
    one, two = machines
    two.more["RECONCILER_STATE"] = "reconciler.lock"
    for each, mine in ((one, group("ours", ["ana"])), (two, group("theirs", ["ben"]))):
        each.configure(configuration(mine, audit={"url": audit_of(place)}))
    ended: list[Result] = []
    once = threading.Lock()

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if request.writes and once.acquire(blocking=False):
            with two.start("apply", "--auto-approve") as running:
                ended.append(running.end())
        return forward()

    between.rule = rule
    passes(one.apply())
    passes(ended[0])
    assert [min(fates(each)) for each in records(one)] == ["acmeprod/theirs", "acmeprod/ours"]
    assert "2 records, 0 flaws" in passes(two.run("log", "--verify")).out


@pytest.mark.parametrize("is_written", [False, True])
def test_killed_while_the_record_is_written(
    machines: list[Workplace], place: MotoPlace, store: Proxy, is_written: bool
) -> None:
    """Before the store has it or behind: what is there is whole, and the next run waits for the dead one's lock."""
    one, two = machines
    for each, members in ((one, ["ana"]), (two, ["ana", "ben"])):
        each.configure(configuration(group("ours", members), **BESIDE))
    running: list[Running] = []

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if request.method == "PUT" and request.path.endswith(FILE):
            if is_written:
                forward()
            running[0].signal(signal.SIGKILL)
            return None
        return forward()

    store.rule = rule
    running.append(one.start("apply", "--auto-approve"))
    with running[0] as command:
        assert command.end().code == -signal.SIGKILL
    store.rule = honest
    done = passes(two.apply("--lock-timeout", "1m"))
    assert "Waiting for the lock of" in done.err
    assert f"{1 + is_written} record{'s' * is_written}, 0 flaws" in passes(two.run("log", "--verify")).out


def test_a_store_that_refuses_the_record(machines: list[Workplace], store: Proxy, world: World) -> None:
    """What was done is told and in the lockfile, and is no success; the next record follows those that are there."""
    one, two = machines
    for count, each in enumerate((one, two, one), 1):
        each.configure(configuration(group("ours", PEOPLE[:count]), **BESIDE))

        def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
            is_audit = request.method == "PUT" and request.path.endswith(FILE)
            return Answer(403, [], b"<Error><Code>AccessDenied</Code></Error>") if is_audit else forward()

        store.rule = rule if each is two else honest
        result = each.apply()
        assert result.code == (4 if each is two else 0), result.everything
        assert ("This run left no record in the audit file: can't write s3:" in result.out) is (each is two)
    assert world.members("ours") == set(PEOPLE[:3])
    store.rule = honest
    assert "2 records, 0 flaws" in passes(one.run("log", "--verify")).out


def test_what_is_there_already_stops_the_apply(machines: list[Workplace], place: MotoPlace, world: World) -> None:
    """Something else, or the lockfile itself: nothing is changed by an apply whose record could not be written."""
    one, _ = machines
    place.put(b"something else")
    for url, says in (
        (audit_of(place), "has no record of an apply in it"),
        (place.url, "can't be where the lockfile is"),
    ):
        obstore.put(place.store(), audit_of(place).partition(f"{BUCKET}/")[2], b"something else")
        one.configure(configuration(group("ours", ["ana"]), audit={"url": url}))
        world.clear()
        result = one.apply()
        assert result.code == 1, result.everything
        assert says in result.err
        assert world.writes == []
    assert one.run("validate").code == 1


def test_beside_any_lockfile(work: Workplace, world: World) -> None:
    """Whichever way that was named: by an option, a saved plan, the configuration, or not at all."""
    members = iter(range(1, 6))

    def grow(**more: Any) -> None:
        work.configure(configuration(group("ours", PEOPLE[: next(members)]), **BESIDE, **more))

    grow()
    passes(work.apply())
    passes(work.run("--sandbox", "apply", "--auto-approve"))
    assert len(records(work)) == 1
    passes(work.run("state", "migrate", "file:reconciler.lock", "file:other.lock"))
    grow()
    passes(work.run("--state", "other.lock", "apply", "--auto-approve"))
    grow()
    passes(work.run("--state", "other.lock", "plan", "-o", "x.plan"))
    passes(work.run("apply", "x.plan"))
    assert [len(records(work, *where)) for where in ((), ("--state", "other.lock"))] == [1, 2]
    assert {FILE, "other.audit.jsonl"} <= set(work.files)
    grow(state={"url": "file:third.lock"})
    passes(work.run("state", "migrate", "file:other.lock", "file:third.lock"))
    passes(work.apply())
    assert len((work.folder / "third.audit.jsonl").read_text().splitlines()) == 1
    assert len(records(work, "--sandbox")) == 1


def test_a_server_of_terraforms_protocol(work: Workplace, world: World) -> None:
    """Its lock is taken for a moment, and what it keeps is a document with a serial."""
    server = StateServer()
    work.more.update(environment())
    work.configure(configuration(group("ours", ["ana"]), audit={"url": server.url}))
    passes(work.apply())
    assert server.state.lock is None
    assert json.loads(server.state.content or b"")["serial"] == 1
    assert "1 record, 0 flaws" in passes(work.run("log", "--verify")).out
    server.close()


def test_from_plain_to_sealed(work: Workplace, world: World) -> None:
    """Records from before stay as they are; what somebody without the key puts behind sealed ones is found."""
    work.configure(configuration(group("ours", ["ana"]), **BESIDE))
    passes(work.apply())
    work.more["RECONCILER_STATE_KEY"] = KEY
    passes(work.run("state", "encrypt"))
    for count in (2, 3):
        work.configure(configuration(group("ours", PEOPLE[:count]), **BESIDE))
        passes(work.apply())
    audit = work.folder / FILE
    first, second, third = audit.read_text().splitlines(keepends=True)
    assert json.loads(first)["number"] == 1
    assert "3 records, 0 flaws" in passes(work.run("log", "--verify")).out
    assert len(records(work)) == 3
    for wrong, says in (
        (first + second[:-9] + "AAAAA" + second[-4:] + third, f"{FILE}:2: this record was changed after it was sealed"),
        (first + second + third + first, f"{FILE}:4: this record is not sealed, and one before it is"),
        (first + third, f"{FILE}:2: record 2 is missing before record 3"),
    ):
        audit.write_text(wrong)
        result = work.run("log", "--verify")
        assert result.code == 1
        assert says in result.out
        result = work.run("log")
        assert (result.code, says in result.err) == (1, True)
