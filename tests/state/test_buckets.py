"""What is special about a lockfile in an object store: conditions, leases that run out, history, credentials."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import obstore
import pytest

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state import LockInfo, StateConflict, Store, Stored, new, open_backend
from reconciler.state.objectstore import KEPT
from tests.e2e.proxy import Answer, Proxy, Request
from tests.state.actor import Actor
from tests.state.place_buckets import MotoPlace, SeaweedPlace

ME = LockInfo.mine("apply")


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> MotoPlace:
    place = MotoPlace()
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
def between(moto: MotoPlace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A network between the clients and the store; its rule decides about each request."""
    with Proxy(moto.environment["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


@pytest.mark.parametrize("ignored", [("if-match", "if-none-match"), ("if-match",), ("if-none-match",)])
def test_a_store_that_ignores_conditions_is_refused(moto: MotoPlace, between: Proxy, ignored: tuple[str, ...]) -> None:
    """Whichever condition it ignores, it is found out before anything is written, and nobody is locked out."""

    def careless(request: Request, forward: Callable[[], Answer]) -> Answer:
        for name in [name for name in request.headers if name.lower() in ignored]:
            del request.headers[name]
        return forward()

    between.rule = careless
    for act in (lambda: moto.open().lock(ME), lambda: moto.open().write(b"one", expected=None)):
        with pytest.raises(StateError, match="ignores the conditions") as caught:
            act()
        assert "If-Match" in caught.value.remedy
    assert moto.open().read() is None
    assert moto.open().holder() is None


def test_an_honest_store_is_asked_once(moto: MotoPlace, between: Proxy) -> None:
    """The proof costs two requests, once for each run; a plan reads with a single request."""
    backend = moto.open()
    backend.read()
    assert len(between.seen) == 1
    counts = []
    for _ in range(2):
        before = len(between.seen)
        backend.lock(ME).release()
        counts.append(len(between.seen) - before)
    assert counts == [6, 4]  # look, take, two that must fail the first time, the store's clock, release


def lose_the_answer(to: Callable[[Request], bool]) -> Callable[[Request, Callable[[], Answer]], Answer | None]:
    """A network that carries such a request to the store once and loses the answer."""
    lost = []

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        if to(request) and not lost:
            lost.append(request)
            return None
        return answer

    return rule


@pytest.mark.parametrize("suffix", ["reconciler.lock", "reconciler.lock.lck"])
def test_a_write_whose_answer_was_lost_is_done(moto: MotoPlace, between: Proxy, suffix: str) -> None:
    """What was tried twice is refused the second time, for the condition has gone with the first; it is ours all the
    same, whether it is the content or the lock."""
    between.rule = lose_the_answer(lambda request: request.writes and request.path.endswith(suffix))
    backend = moto.open()
    with backend.lock(ME) as lease:
        assert backend.holder() is not None
        version = backend.write(b"one", expected=None)
        version = backend.write(b"two", expected=version)
        lease.check()
    assert moto.open().read() == Stored(b"two", version)
    assert moto.open().holder() is None


def test_a_store_that_fails_for_good_is_told(moto: MotoPlace, between: Proxy) -> None:
    """After a few tries the status is said, without the store's own text, and the content is what it was."""
    backend = moto.open()
    version = backend.write(b"one", expected=None)
    with backend.lock(ME):
        between.rule = lambda request, forward: Answer(
            500, [], b"<Error><Code>Oops</Code><Message>s3cret</Message></Error>"
        )
        with pytest.raises(StateError, match=r"500 .*Oops") as caught:
            backend.write(b"two", expected=version)
        assert "s3cret" not in str(caught.value)
        between.rule = lambda request, forward: forward()
    assert moto.open().read() == Stored(b"one", version)


def test_who_is_stopped_for_too_long_comes_back_late(moto: MotoPlace) -> None:
    """A machine that slept through its lease finds it taken over: it can't write, and its check says so."""
    moto.lease = 2.0
    with Actor(moto.url, moto.lease) as sleeper:
        assert sleeper.ask("lock", name="sleeper") == "won"
        version = sleeper.ask("write", text="before", expected=None)
        sleeper.process.send_signal(signal.SIGSTOP)
        backend = moto.open()
        with backend.lock(ME, timeout=60) as lease:
            assert lease.took_over
            sleeper.process.send_signal(signal.SIGCONT)
            assert "was lost" in sleeper.ask("check")[1]
            assert "was lost" in sleeper.ask("write", text="late", expected=version)[1]
            assert sleeper.ask("release") == "released"
            lease.check()
            assert backend.write(b"after", expected=version)
    assert not moto.open().lock(ME).took_over


def test_a_lease_is_kept_up_for_as_long_as_it_is_needed(moto: MotoPlace) -> None:
    """Others who wait for several leases' time are refused, and the holder still writes."""
    moto.lease = 1.0
    backend = moto.open()
    with backend.lock(ME) as lease:
        before = lease.info.expires
        with pytest.raises(LockHeld):
            moto.open().lock(LockInfo.mine("other"), timeout=3)
        assert lease.info.expires > before
        assert backend.write(b"one", expected=None)


def test_a_network_that_breaks_costs_the_lease(moto: MotoPlace, between: Proxy) -> None:
    """A holder that can't renew stops by itself before the others may begin, whatever its own clock then says."""
    moto.lease = 1.0
    with moto.open().lock(ME) as lease:
        between.rule = lambda request, forward: None
        with pytest.raises(StateError, match="could not be renewed within"):
            while True:
                lease.check()


def test_the_lock_object_may_be_garbage(moto: MotoPlace) -> None:
    """What stands in its place and is no lock information is not guessed at."""
    obstore.put(moto.store(), f"{moto.key}.lck", b"<html>")
    for act in (lambda: moto.open().lock(ME), moto.open().holder, lambda: moto.open().unlock("1")):
        with pytest.raises(StateError, match="no lock information") as caught:
            act()
        assert "remove that object" in caught.value.remedy


def test_a_lock_without_a_date_is_respected(moto: MotoPlace) -> None:
    """Whoever made it, only ``state unlock`` ends it."""
    obstore.put(moto.store(), f"{moto.key}.lck", replace(ME, id="7").json())
    with pytest.raises(LockHeld, match=ME.who):
        moto.open().lock(ME)
    moto.open().unlock("7")
    moto.open().lock(ME).release()


def test_history_has_an_end(moto: MotoPlace) -> None:
    """Only the newest contents are kept, and a content that came back is not shown as an earlier one."""
    backend = moto.open()
    version = None
    with backend.lock(ME):
        for serial in range(KEPT + 5):
            version = Store(backend).save(replace(new("one"), serial=serial), version)
    kept = [Store(backend).decode(data).serial for data in Store(backend).history()]
    assert kept == list(range(KEPT + 4))[::-1][:KEPT]


def test_a_bucket_that_is_not_there_is_no_first_run(moto: MotoPlace) -> None:
    """A wrong name must not look like a lockfile that was not written yet: everything would be planned as new."""
    backend = open_backend("s3://elsewhere/reconciler.lock")
    for act in (backend.read, lambda: backend.lock(ME)):
        with pytest.raises(StateError, match="there is no such bucket"):
            act()


def test_profiles_of_the_command_line_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no key stands in the environment, the files and AWS_PROFILE name it, as everywhere in AWS."""
    place = SeaweedPlace()
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
        "[access]\naws_access_key_id = admin\naws_secret_access_key = admin-s3cret\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", place.environment["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(StateError, match="denied"):
        place.open().read()
    monkeypatch.setenv("AWS_PROFILE", "access")
    assert place.open().write(b"one", expected=None)
    monkeypatch.setenv("AWS_PROFILE", "unknown")
    with pytest.raises(StateError, match="profile can't be used") as caught:
        place.open().read()
    assert "AWS_PROFILE" in caught.value.remedy


@pytest.mark.parametrize(
    "url", ["s3:", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "az://a/../b", "gs://b/a//c", "s3://b/k?x=1"]
)
def test_what_names_no_object_is_refused(url: str) -> None:
    """A URL needs a bucket and a key, and the message has an example."""
    with pytest.raises(StateError, match="names no object") as caught:
        open_backend(url)
    assert "://BUCKET/reconciler.lock" in caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "s3://ana:s3cret@bucket/key",
        "az://c/key?sig=s3cret",
        "gs://b/k?access_token=s3cret",
        "s3://AKIA/s3cret@bucket/key",
        "postgresql://ana:s3/cret@host/db",
        "postgresql://ana:pass#s3cret@host/db",
        "postgresql://ana:hunter?s3cret@host/db",
        "https://ana:s3#cret@host/x",
    ],
)
def test_credentials_in_a_url_are_refused_unseen(url: str) -> None:
    """The URL stands in plans and messages, so no secret may stand in it; the refusal does not repeat it."""
    with pytest.raises(StateError, match=r"has (a password|sig|access_token) in it") as caught:
        open_backend(url)
    assert not {"s3cret", "cret@", "hunter"} & set(re.findall(r"s3cret|cret@|hunter", str(caught.value)))


@pytest.mark.parametrize("url", ["s3:AKIA:s3cret@b/k", "postgresql ://ana:s3cret@h/d", "//ana:s3cret@h://x"])
def test_what_can_not_be_read_as_a_url_is_not_repeated(url: str) -> None:
    """A URL that is written wrongly may have a secret where nobody looks for one."""
    with pytest.raises(StateError) as caught:
        open_backend(url)
    assert "s3cret" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_line_break_in_a_credential_is_told(moto: MotoPlace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Mounted secrets end in one often; the variable is named and its value is not."""
    monkeypatch.setenv(name, "s3cret\n")
    with pytest.raises(StateError, match=f"{name} has a line break") as caught:
        moto.open().read()
    assert "s3cret" not in str(caught.value)


def test_a_renewal_whose_answer_was_lost_costs_nothing(moto: MotoPlace, between: Proxy) -> None:
    """The store has renewed it, and the next renewal names an old version: it is ours by its id, so it goes on."""
    moto.lease = 4.0
    backend = moto.open()
    with backend.lock(ME) as lease:
        before = lease.info.expires
        lost: list[Request] = []

        def lose(request: Request, forward: Callable[[], Answer]) -> Answer | None:
            answer = forward()
            if request.path.endswith(".lck") and len(lost) < 3:
                lost.append(request)
                return None
            return answer

        between.rule = lose
        while lease.info.expires == before or len(lost) < 3:
            lease.check()
        assert backend.write(b"one", expected=None)
        lease.check()


def test_a_lock_that_is_taken_while_interrupted_is_given_back(moto: MotoPlace, between: Proxy) -> None:
    """Ctrl-C may come between the request that wins the lock and its answer: nobody waits for a lease because of it."""

    def interrupt(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        if request.method == "PUT":
            between.rule = lambda request, forward: forward()
            os.kill(os.getpid(), signal.SIGINT)
        return answer

    between.rule = interrupt
    with pytest.raises(KeyboardInterrupt):
        moto.open().lock(ME)
    assert moto.open().holder() is None


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_wrong_is_refused(moto: MotoPlace, between: Proxy, minutes: int) -> None:
    """Leases are judged by clocks: who is far from the store's sends nothing, and leaves no lock behind."""

    def shift(request: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        kept = [(name, value) for name, value in answer.headers if name.lower() != "last-modified"]
        return replace(answer, headers=[*kept, ("Last-Modified", date)])

    between.rule = shift
    with pytest.raises(StateError, match="ahead of" if minutes < 0 else "behind") as caught:
        moto.open().lock(ME)
    assert "set the clock" in caught.value.remedy
    assert moto.open().holder() is None


MISSING = """
import sys

class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
from reconciler.diagnostics import StateError
from reconciler.state import open_backend
backend = open_backend(sys.argv[2])
try:
    backend.read()
except StateError as error:
    print(error, "|", error.remedy)
"""


@pytest.mark.parametrize(("url", "extra"), [("s3://b/k", "s3"), ("az://c/k", "azure"), ("gs://b/k", "gcs")])
def test_a_missing_package_is_named_with_its_extra(url: str, extra: str) -> None:
    """Opening works, so that ``validate`` does; the first read says what to install."""
    done = subprocess.run(
        [sys.executable, "-c", MISSING, "obstore", url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith(f"| pip install 'emporix-reconciler[{extra}]'\n")
    assert "obstore" in done.stdout


def test_a_store_without_an_account_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that can't work are told when the store is opened, in words."""
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StateError, match="account"):
        open_backend("az://container/key").read()


def test_nobody_listens(moto: MotoPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is down is told as such, after a few tries."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StateError, match="nobody answers there"):
        moto.open().read()


def test_a_conflict_is_not_hidden_by_an_equal_length(moto: MotoPlace) -> None:
    """Versions tell contents apart, not sizes."""
    backend = moto.open()
    version = backend.write(b"one", expected=None)
    moto.put(b"eno")
    with pytest.raises(StateConflict):
        backend.write(b"two", expected=version)
