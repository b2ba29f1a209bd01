"""What is special about servers of Terraform's HTTP protocol: dialects, tries, doubts, foreign words."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state import Backend, LockInfo, StateConflict, open_backend
from tests.state.actor import Actor, scribble
from tests.state.http_server import Dialect, Fault, StateServer
from tests.state.place_http import environment

ME = LockInfo.mine("apply", info="https://ci.example/jobs/7", version="1.2.3")
OTHER = LockInfo.mine("import", info="https://ci.example/jobs/8")
GITLAB = "/api/v4/projects/7/terraform/state/acme"

Serve = Callable[..., StateServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts servers, with an environment that knows the admin and nothing else."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        yield lambda *details, **more: stack.enter_context(StateServer(Dialect(*details, **more)))


@pytest.fixture
def server(serve: Serve) -> StateServer:
    """The usual one."""
    return serve()


def refused(act: Callable[[], object], kind: type[StateError] = StateError) -> str:
    """What somebody reads who is refused, the remedy included."""
    with pytest.raises(kind) as caught:
        act()
    return f"{caught.value}; {caught.value.remedy}"


def lock(backend: Backend, info: LockInfo = ME) -> Callable[[], object]:
    return lambda: backend.lock(info)


def write(backend: Backend, data: bytes, expected: str | None = None) -> Callable[[], object]:
    return lambda: backend.write(data, expected=expected)


# What is sent


def test_what_is_sent_is_what_terraform_would_send(server: StateServer) -> None:
    """Servers check the digest, and know the holder by the id: in the body of the lock, in the address of a write."""
    backend = open_backend(server.url)
    with backend.lock(ME):
        backend.write(b"one", expected=None)
    taken, looked, written, freed = server.state.seen
    assert (taken.method, json.loads(taken.body)["ID"], taken.ids) == ("LOCK", ME.id, ())
    assert (looked.method, looked.body) == ("GET", b"")
    assert (written.method, written.body, written.ids) == ("POST", b"one", (ME.id,))
    assert written.headers["Content-Type"] == "application/json"
    assert written.headers["Content-MD5"] == base64.b64encode(hashlib.md5(b"one").digest()).decode()
    assert (freed.method, json.loads(freed.body), freed.ids) == ("UNLOCK", json.loads(taken.body), (ME.id,))


def test_an_address_keeps_its_parameters(server: StateServer) -> None:
    """Some servers tell lockfiles apart by a parameter; the id is one more."""
    open_backend(f"{server.url}?project=7").write(b"one", expected=None)
    assert server.state.content == b"one"


def test_unlocking_sends_the_id(server: StateServer) -> None:
    """Terraform's own force-unlock sends nothing, so a server could only free whoever holds the lock by then."""
    server.state.lock = OTHER.json()
    open_backend(server.url).unlock(OTHER.id)
    (freed,) = server.state.seen
    assert (json.loads(freed.body), freed.ids) == ({"ID": OTHER.id}, (OTHER.id,))
    assert server.state.lock is None


def test_a_write_may_have_another_method(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for Terraform; what the server thinks of it is its own matter."""
    monkeypatch.setenv("TF_HTTP_UPDATE_METHOD", "put")
    server = serve()
    assert "answered 404: no such page" in refused(write(open_backend(server.url), b"one"))
    assert server.methods == ["LOCK", "GET", "PUT", "UNLOCK"]


def test_a_user_may_be_named_in_the_address(server: StateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is sent as the user's and not as part of the host."""
    monkeypatch.setenv("TF_HTTP_USERNAME", "")
    backend = open_backend(server.url.replace("//", "//admin@"))
    backend.write(b"one", expected=None)
    assert server.state.seen[0].headers["Host"] == server.host


# Dialects


@pytest.mark.parametrize("empty", [200, 204, 404])
def test_nothing_yet_is_told_in_three_ways(serve: Serve, empty: int) -> None:
    """All of them mean that nothing was written yet."""
    backend = open_backend(serve(empty=empty).url)
    assert backend.read() is None
    assert backend.write(b"one", expected=None)


def test_blanks_are_nothing(server: StateServer) -> None:
    """A server that stores what it is sent may have been sent a line break."""
    server.state.content = b" \r\n"
    assert open_backend(server.url).read() is None


@pytest.mark.parametrize("held", [409, 423])
def test_words_about_the_holder_are_shown_on_one_line(serve: Serve, held: int) -> None:
    """A server that answers a text instead of lock information is quoted, shortened and without control characters."""
    server = serve(held=held, refusal="string")
    server.state.lock = OTHER.json()
    told = refused(lock(open_backend(server.url)), LockHeld)
    assert "the server says: locked by somebody [31m else!!!" in told
    assert told.isprintable()
    assert len(told) < 500
    assert "unlock" not in told


def test_who_is_known_by_words_only_is_waited_for(serve: Serve) -> None:
    """And announced like anybody else."""
    server = serve(refusal="string")
    server.state.lock = OTHER.json()
    seen: list[LockInfo] = []

    def leave(holder: LockInfo) -> None:
        seen.append(holder)
        server.state.lock = None

    open_backend(server.url).lock(ME, timeout=60, on_wait=leave).release()
    assert ["locked by somebody" in str(holder) for holder in seen] == [True]


def test_a_bare_id_is_the_holders(serve: Serve) -> None:
    """Some servers answer the id alone: enough to free a dead holder's lock."""
    server = serve(refusal="id")
    server.state.lock = OTHER.json()
    assert f"unlock {OTHER.id}`" in refused(lock(open_backend(server.url)), LockHeld)


def test_a_refusal_may_say_nothing(serve: Serve) -> None:
    """Then there is nobody to name, and no id to free."""
    server = serve(refusal="nothing")
    server.state.lock = OTHER.json()
    told = refused(lock(open_backend(server.url)), LockHeld)
    assert "left no name" in told
    assert "state unlock" not in told


def test_what_a_holder_says_of_itself_can_not_act_on_a_terminal(server: StateServer) -> None:
    """It comes from somebody else through a server, so only its printable characters are shown."""
    server.state.lock = json.dumps({"ID": "7\n", "Who": "ana\x1b[2J\r\nError: none", "Info": "x" * 5000}).encode()
    told = refused(lock(open_backend(server.url)), LockHeld)
    assert "ana [2J Error: none" in told
    assert told.isprintable()
    assert len(told) < 1000


def test_gitlab_needs_no_variables(serve: Serve) -> None:
    """Its addresses are known by their form: the lock is below them, with usual methods."""
    server = serve(GITLAB, "POST", "DELETE", f"{GITLAB}/lock", 409, "gitlab", 204)
    backend = open_backend(server.url)
    with backend.lock(ME):
        version = backend.write(b"one", expected=None)
        assert "OTHER" not in refused(lock(open_backend(server.url), OTHER), LockHeld)
    assert server.methods == ["POST", "GET", "POST", "POST", "DELETE"]
    assert backend.write(b"two", expected=version)


def test_gitlab_tells_the_operation_of_who_is_refused(serve: Serve) -> None:
    """So it is left out: who holds the lock and since when is the holder's, the rest would be untrue."""
    server = serve(GITLAB, "POST", "DELETE", f"{GITLAB}/lock", 409, "gitlab", 204)
    server.state.lock = OTHER.json()
    told = refused(lock(open_backend(server.url)), LockHeld)
    assert f"{OTHER.who}, unknown operation since {OTHER.created}" in told
    assert ME.info not in told
    assert f"unlock {OTHER.id}`" in told


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_a_lock_is_told_with_the_way_out(server: StateServer, status: int) -> None:
    """Without a lock nothing guards a write, so there is none; the variables for a lock elsewhere are named."""
    server.fail(Fault("LOCK", status))
    told = refused(write(open_backend(server.url), b"one"))
    for part in (str(status), "TF_HTTP_LOCK_ADDRESS", "TF_HTTP_LOCK_METHOD", "TF_HTTP_UNLOCK_METHOD", "GitLab"):
        assert part in told
    assert server.methods == ["LOCK"]


# Tries


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_a_failure_is_tried_again(server: StateServer, status: int) -> None:
    """Whatever is asked: three tries are the default, as Terraform's."""
    server.fail(*[Fault(method, status) for method in ("LOCK", "LOCK", "GET", "POST", "UNLOCK", "UNLOCK")])
    open_backend(server.url).write(b"one", expected=None)
    assert (server.state.content, server.state.lock) == (b"one", None)
    assert not server.state.faults


@pytest.mark.parametrize(("retries", "tries"), [("0", 1), ("", 3), ("4", 5)])
def test_tries_have_an_end(
    server: StateServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], retries: str, tries: int
) -> None:
    """Their number is Terraform's variable; nothing but the error tells of them."""
    monkeypatch.setenv("TF_HTTP_RETRY_MAX", retries)
    server.fail(*[Fault("GET", 503)] * 9)
    assert "the server answered 503: <html>gateway</html>" in refused(open_backend(server.url).read)
    assert server.methods == ["GET"] * tries
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("status", [301, 400, 403, 404, 405, 409, 413, 423, 501])
def test_a_refusal_is_not_tried_again(server: StateServer, status: int) -> None:
    """Who says no once says no again."""
    server.fail(Fault("POST", status))
    told = refused(write(open_backend(server.url), b"one"))
    assert str(status) in told
    assert server.url in told
    assert server.methods.count("POST") == 1
    assert server.state.content is None


def test_a_lock_whose_answer_was_lost_is_won(server: StateServer) -> None:
    """The second try is refused in favour of its own id."""
    server.fail(Fault("LOCK", done=True))
    with open_backend(server.url).lock(ME) as lease:
        lease.check()
    assert server.methods == ["LOCK", "LOCK", "UNLOCK"]


def test_a_bare_id_may_be_our_own(serve: Serve) -> None:
    """Where a server answers no more than that."""
    server = serve(refusal="id")
    server.fail(Fault("LOCK", 502, done=True))
    open_backend(server.url).lock(ME).release()
    assert server.state.lock is None


def test_a_lock_that_is_not_named_may_be_our_own(serve: Serve) -> None:
    """If an answer was lost, the id by which it could be freed is told, for nobody else knows it."""
    server = serve(refusal="nothing")
    server.fail(Fault("LOCK", done=True))
    told = refused(lambda: open_backend(server.url).lock(ME, timeout=0.2), LockHeld)
    assert "maybe our own lock" in told
    assert f"state unlock {ME.id}`" in told


def test_a_lock_that_may_have_been_taken_is_told_with_its_id(server: StateServer) -> None:
    """Nobody else could free it."""
    server.fail(*[Fault("LOCK", done=True)] * 3)
    assert f"state unlock {ME.id}`" in refused(lock(open_backend(server.url)))
    open_backend(server.url).unlock(ME.id)
    assert server.state.lock is None


@pytest.mark.parametrize("status", [0, 500])
def test_a_write_whose_answer_was_lost_is_not_repeated(server: StateServer, status: int) -> None:
    """What is there now is looked at first."""
    server.fail(Fault("POST", status, done=True))
    backend = open_backend(server.url)
    version = backend.write(b"one", expected=None)
    assert server.methods == ["LOCK", "GET", "POST", "GET", "UNLOCK"]
    assert backend.write(b"two", expected=version)


def test_the_last_try_may_have_been_the_one(server: StateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """So after it the content is looked at too, before anybody is told that nothing was written."""
    monkeypatch.setenv("TF_HTTP_RETRY_MAX", "0")
    server.fail(Fault("POST", done=True))
    assert open_backend(server.url).write(b"one", expected=None)
    server.fail(Fault("POST"))
    assert "may have been done or not" in refused(write(open_backend(server.url), b"two", hashed(b"one")))
    assert server.state.content == b"one"


def test_who_can_not_look_does_not_know(server: StateServer) -> None:
    """When the server goes away in the middle of a write that is what is told, and the lock stays."""
    server.fail(Fault("POST", done=True), *[Fault("GET")] * 5, *[Fault("UNLOCK")] * 3)
    assert "may have been done or not" in refused(write(open_backend(server.url), b"one"))
    assert server.state.lock is not None


def test_between_two_tries_somebody_else_may_write(server: StateServer) -> None:
    """The comparison is made before each try, so theirs is not overwritten."""
    server.fail(Fault("POST", 502, meanwhile=b"theirs"))
    refused(write(open_backend(server.url), b"one"), StateConflict)
    assert server.state.content == b"theirs"


def test_a_release_that_fails_does_not_hide_the_result(server: StateServer) -> None:
    """The work under the lock is done and known; the next one who is refused is told how to free the lock."""
    server.fail(*[Fault("UNLOCK")] * 3)
    backend = open_backend(server.url)
    with backend.lock(ME):
        backend.write(b"one", expected=None)
    assert f"unlock {ME.id}`" in refused(lock(open_backend(server.url), OTHER), LockHeld)


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Locks


def test_a_lax_server_can_not_be_written_late(serve: Serve) -> None:
    """Some servers take any id while nobody holds the lock: then the comparison keeps the late from overwriting."""
    server = serve(lax=True)
    late = open_backend(server.url)
    with late.lock(ME):
        version = late.write(b"one", expected=None)
        open_backend(server.url).unlock(ME.id)
        open_backend(server.url).write(b"two", expected=version)
        refused(write(late, b"three", version), StateConflict)
    assert server.state.content == b"two"


def test_a_lost_lock_is_known_from_the_refused_write_on(server: StateServer) -> None:
    """The protocol can't be asked before; then nothing more is sent in its name."""
    late = open_backend(server.url)
    lease = late.lock(ME)
    server.state.lock = OTHER.json()
    lease.check()
    for act in (write(late, b"late"), write(late, b"late"), lease.check, lambda: lease.leave(datetime.now(UTC))):
        assert "was lost: the server answered 423" in refused(act)
    lease.release()
    assert server.methods == ["LOCK", "GET", "POST"]
    assert server.state.lock == OTHER.json()


def test_a_lock_that_is_left_has_no_end(server: StateServer) -> None:
    """What the holder is told has no date, because nobody would keep to it."""
    backend = open_backend(server.url)
    lease = backend.lock(ME)
    left = lease.leave(datetime.now(UTC))
    assert (left.id, left.expires) == (ME.id, "")
    lease.release()
    assert server.state.lock_id == ME.id
    refused(lease.check)
    refused(write(backend, b"one"), LockHeld)


@pytest.mark.parametrize(
    ("refusal", "status", "kind", "part"),
    [
        ("json", 423, LockHeld, OTHER.who),
        ("string", 409, LockHeld, "was not unlocked: the server answered 409: locked by somebody"),
        ("nothing", 423, LockHeld, "the server answered 423: nothing more"),
    ],
)
def test_unlocking_another_lock_is_refused(
    serve: Serve, refusal: str, status: int, kind: type[StateError], part: str
) -> None:
    """With what the server says of it."""
    server = serve(refusal=refusal, held=status)
    server.state.lock = OTHER.json()
    told = refused(lambda: open_backend(server.url).unlock(ME.id), kind)
    assert part in told
    assert server.state.lock == OTHER.json()


@pytest.mark.parametrize(("status", "part"), [(404, "has no lock"), (405, "has no lock"), (400, "answered 400")])
def test_unlocking_may_fail_otherwise(server: StateServer, status: int, part: str) -> None:
    """What is no word about the lock is no success either."""
    server.fail(Fault("UNLOCK", status))
    assert part in refused(lambda: open_backend(server.url).unlock(ME.id))


def test_unlocking_what_is_not_locked_is_refused(server: StateServer) -> None:
    """The server says so, for the protocol can't be asked."""
    assert "not locked" in refused(lambda: open_backend(server.url).unlock(ME.id), LockHeld)


def test_the_protocol_shows_neither_holder_nor_history(server: StateServer) -> None:
    """Neither can be asked for, so nothing is."""
    server.state.lock = OTHER.json()
    assert open_backend(server.url).holder() is None
    assert "shows no earlier contents" in refused(open_backend(server.url).history)
    assert server.methods == []


@pytest.mark.parametrize("turns", [0, 1, 3, 8, 21])
def test_a_killed_writer_leaves_a_whole_content_and_maybe_its_lock(server: StateServer, turns: int) -> None:
    """The lock is freed by its id, which whoever is refused is told; then everything goes on."""
    last = 0
    with Actor(server.url) as other:
        other.tell("scribble")
        for _ in range(turns):
            last = other.answer()
        last = other.kill(last)
    backend = open_backend(server.url)
    written = ""
    while not written:  # the server may still be at work on what the dead one sent last
        stored = backend.read()
        assert (stored and stored.data) in {scribble(last) if last else None, scribble(last + 1)}
        try:
            written = backend.write(b"after all", expected=stored.version if stored else None)
        except LockHeld as error:
            backend.unlock(error.remedy.rpartition("unlock ")[2].rstrip("`"))


# Foreign words and secrets


def test_a_password_is_never_shown(server: StateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the server quotes what it was sent."""
    secret = "s3cret-of-nobody"
    monkeypatch.setenv("TF_HTTP_PASSWORD", secret)
    sent = base64.b64encode(f"admin:{secret}".encode()).decode()
    backend = open_backend(server.url)
    told = refused(backend.read)
    assert "who are you, ***?" in told
    server.fail(Fault("GET", 400, body=f"bad password {secret}".encode()))
    told += refused(backend.read) + repr(backend) + repr(vars(backend)) + repr(vars(backend)["_settings"])
    assert "bad password ***" in told
    assert secret not in told
    assert sent not in told


def test_a_proxy_that_can_not_be_used_is_told_without_its_password(
    server: StateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable stands in the environment of machines that nobody here set up."""
    monkeypatch.setenv("NO_PROXY", "elsewhere.example")
    monkeypatch.setenv("ALL_PROXY", "nonsense://ana:hush@proxy.example")
    told = refused(open_backend(server.url).read)
    assert "ALL_PROXY" in told
    assert "hush" not in told


def test_a_reader_is_told_what_is_missing(server: StateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of variables, and what the rights are for."""
    monkeypatch.setenv("TF_HTTP_USERNAME", "reader")
    monkeypatch.setenv("TF_HTTP_PASSWORD", "s3cret-of-reader")
    told = refused(lock(open_backend(server.url)))
    for part in ("denied", "403: readers only read", "TF_HTTP_USERNAME", "TF_HTTP_PASSWORD", "rights to lock"):
        assert part in told


def test_a_page_instead_of_an_answer_is_one_short_line(server: StateServer) -> None:
    """Gateways answer with pages."""
    server.fail(Fault("GET", 418, body=b"<html>\n" + b"<p>\xff\x00teapot</p>\n" * 1000))
    told = refused(open_backend(server.url).read)
    assert "answered 418: <html> <p>" in told
    assert told.isprintable()
    assert len(told) < 500


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET", 200, headers=(("Content-Encoding", "gzip"),)),
        Fault("GET", 302, headers=(("Location", "http://[bad"),)),
        Fault("GET", 302, headers=(("Location", "ftp://127.0.0.1/"),)),
        Fault("GET", 302),
        Fault("GET", 304),
    ],
)
def test_a_garbled_answer_is_an_error_of_the_place(server: StateServer, fault: Fault) -> None:
    """Never a traceback, and never a content."""
    server.fail(fault, fault, fault)
    assert server.url in refused(open_backend(server.url).read)


def test_going_in_circles_has_an_end(server: StateServer) -> None:
    """A server that leads back to itself is an error."""
    server.fail(*[Fault("GET", 302, headers=(("Location", server.url),))] * 100)
    assert "redirect" in refused(open_backend(server.url).read)


def test_a_server_that_is_not_there_is_told(server: StateServer) -> None:
    """With its address; the reason is the operating system's."""
    server.close()
    assert f"{server.url}: no answer" in refused(open_backend(server.url).read)


def test_only_reading_follows_to_another_server_and_without_credentials(serve: Serve) -> None:
    """What is stored elsewhere may be read there, but nobody else learns the password, nor is anything sent twice."""
    server, elsewhere = serve(), serve()
    elsewhere.state.users[""] = ""
    elsewhere.state.content = b"one"
    there = (("Location", elsewhere.url),)
    server.fail(Fault("GET", 302, headers=there), Fault("LOCK", 307, headers=there), Fault("POST", 308, headers=there))
    backend = open_backend(server.url)
    stored = backend.read()
    assert stored is not None
    assert stored.data == b"one"
    assert "Authorization" in server.state.seen[0].headers
    assert [(seen.method, "Authorization" in seen.headers) for seen in elsewhere.state.seen] == [("GET", False)]
    assert "307" in refused(lock(backend))
    with backend.lock(ME):
        assert "308" in refused(write(backend, b"one"))
    assert elsewhere.methods == ["GET"]


def test_opening_touches_nothing_and_loads_nothing(server: StateServer) -> None:
    """Every command opens the place, and what is sent is for the first read or write."""
    code = (
        "import sys; from reconciler.state import open_backend; before = set(sys.modules);"
        "open_backend(sys.argv[1]); print(*{'httpx', 'stamina', 'ssl', 'tempfile'} & (set(sys.modules) - before))"
    )
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", code, server.url], env=unmeasured, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
    assert server.methods == []
