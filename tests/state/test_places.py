"""What every place promises (``reconciler.state.backend``); nothing here knows which place it talks to."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.diagnostics import ExitCode, LockHeld, StateError
from reconciler.state import Lockfile, LockInfo, StateConflict, Store, Stored, new
from tests.state.actor import Actor, scribble
from tests.state.places import Place

ME = LockInfo.mine("apply", info="https://ci.example/jobs/7", version="1.2.3")


def test_nothing_is_there_at_first(place: Place) -> None:
    """A place that nobody wrote to holds nothing, which is no error, and looking at it creates nothing."""
    assert place.open().read() is None
    assert place.open().holder() is None
    assert place.remnants() == set()


def test_what_is_written_is_read(place: Place) -> None:
    """A read gives the bytes of the write and the version that the write returned, to every client."""
    version = place.open().write(b"\x00one\r\n\xff", expected=None)
    assert place.open().read() == Stored(b"\x00one\r\n\xff", version)


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_any_size_is_kept(place: Place, size: int) -> None:
    """A lot of content is nothing special."""
    version = place.open().write(b"x" * size, expected=None)
    assert place.open().read() == Stored(b"x" * size, version)


@pytest.mark.needs("empty")
def test_no_bytes_are_a_content_too(place: Place) -> None:
    """Nor is a content of no bytes, which is not the same as none."""
    version = place.open().write(b"", expected=None)
    assert place.open().read() == Stored(b"", version)


def test_a_write_on_what_was_read_replaces_it(place: Place) -> None:
    """A write that names the version it read gives a new version, for other content has another."""
    backend = place.open()
    first = backend.write(b"one", expected=None)
    second = backend.write(b"two", expected=first)
    assert second != first
    assert place.open().read() == Stored(b"two", second)


def test_a_version_stays_while_the_content_does(place: Place) -> None:
    """Reading changes no version, so that a plan of yesterday can be compared."""
    place.open().write(b"one", expected=None)
    assert place.open().read() == place.open().read()


def test_creating_twice_is_a_conflict(place: Place) -> None:
    """Of two who both found nothing, the second overwrites nothing."""
    place.open().write(b"one", expected=None)
    with pytest.raises(StateConflict, match="exists by now"):
        place.open().write(b"two", expected=None)
    stored = place.open().read()
    assert stored is not None
    assert stored.data == b"one"


def test_a_late_write_is_a_conflict_that_names_the_faster_writer(place: Place) -> None:
    """Who read before somebody else wrote overwrites nothing and learns who it was and what to do."""
    late = place.open()
    _, nothing = Store(late).load()
    version = Store(late).save(new("one"), nothing)
    faster = Lockfile("one", 1, {}, written_by="ana@laptop", written_at="2026-11-23T10:00:00Z")
    current = Store(place.open()).save(faster, version)
    with pytest.raises(StateConflict) as caught:
        Store(late).save(new("two"), version)
    assert "by ana@laptop at 2026-11-23T10:00:00Z (serial 1)" in str(caught.value)
    assert "plan again" in caught.value.remedy
    assert caught.value.exit_code == ExitCode.ERROR
    assert Store(place.open()).load() == (faster, current)


def test_a_removed_content_is_a_conflict(place: Place) -> None:
    """A write on a content that somebody took away is refused: why it went is for a person to find out."""
    backend = place.open()
    version = backend.write(b"one", expected=None)
    place.remove()
    with pytest.raises(StateConflict, match="is gone"):
        backend.write(b"two", expected=version)
    assert backend.read() is None


def test_a_conflict_with_garbage_is_a_conflict(place: Place) -> None:
    """Content that is no lockfile is not overwritten either, and telling its author does not fail."""
    backend = place.open()
    version = Store(backend).save(new("one"), None)
    place.put(b"\xff<html>")
    with pytest.raises(StateConflict, match="no lockfile"):
        Store(backend).save(new("one"), version)


def test_garbage_is_an_error_that_names_the_place(place: Place) -> None:
    """What is no lockfile is refused when it is loaded, in words and with a way out."""
    place.put(b'{"version": 4, "terraform_version": "1.11.4"}')
    with pytest.raises(StateError, match="no lockfile") as caught:
        Store(place.open()).load()
    assert place.url in str(caught.value)
    assert "restore" in caught.value.remedy


def test_loading_nothing_gives_a_new_lockfile(place: Place) -> None:
    """A first run owns nothing, under a lineage that no other first run has, and can save on it."""
    (one, version), (two, _) = Store(place.open()).load(), Store(place.open()).load()
    assert (one.serial, one.known, one.pending, version) == (0, {}, (), None)
    assert one.lineage != two.lineage
    saved = Store(place.open()).save(one, version)
    assert Store(place.open()).load() == (one, saved)


def test_of_many_who_create_at_once_one_does(place: Place) -> None:
    """Compare-and-set needs no lease: of eight first writers one succeeds and seven learn of the conflict."""
    with ExitStack() as stack:
        actors = [stack.enter_context(Actor(place.url, place.lease)) for _ in range(8)]
        assert [actor.ask("ready") for actor in actors] == ["ready"] * 8
        for number, actor in enumerate(actors):
            actor.tell("write", text=f"by {number}", expected=None)
        answers = [actor.answer() for actor in actors]
    (winner,) = [number for number, answer in enumerate(answers) if isinstance(answer, str)]
    assert {answer[0] for answer in answers if not isinstance(answer, str)} == {"StateConflict"}
    assert place.open().read() == Stored(f"by {winner}".encode(), answers[winner])


def test_of_sixteen_who_lock_at_once_one_wins(place: Place) -> None:
    """Exactly one is let in and all others are told; when it leaves, again exactly one is let in."""
    with ExitStack() as stack:
        actors = [stack.enter_context(Actor(place.url, place.lease)) for _ in range(16)]
        assert [actor.ask("ready") for actor in actors] == ["ready"] * 16
        while actors:
            for number, actor in enumerate(actors):
                actor.tell("lock", name=f"run-{number}")
            answers = [actor.answer() for actor in actors]
            winner = answers.index("won")
            losers = [answer for answer in answers if answer != "won"]
            assert len(losers) == len(actors) - 1
            assert all(kind == "LockHeld" and f"run-{winner} " in text for kind, text in losers)
            assert actors[winner].ask("release") == "released"
            actors = actors[: len(actors) // 4]


def test_who_works_under_the_lock_never_meets_a_conflict(place: Place) -> None:
    """Six clients count to five each at once: none gets a conflict and no count is lost."""
    with ExitStack() as stack:
        actors = [stack.enter_context(Actor(place.url, place.lease)) for _ in range(6)]
        for actor in actors:
            actor.tell("count", times=5)
        assert [actor.answer() for actor in actors] == ["counted"] * 6
    assert Store(place.open()).load()[0].serial == 30


def test_threads_exclude_each_other_too(place: Place) -> None:
    """Two clients in one process are two clients."""
    Store(place.open()).save(new("one"), None)

    def count(_: int) -> None:
        backend = place.open()
        with backend.lock(ME, timeout=60):
            lockfile, version = Store(backend).load()
            Store(backend).save(Lockfile("one", lockfile.serial + 1, {}), version)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(24)))
    assert Store(place.open()).load()[0].serial == 24


def test_the_refused_learn_who_holds_the_lock(place: Place) -> None:
    """The message says who, doing what, where and since when; the exit code is the one for held locks."""
    with place.open().lock(ME) as lease, pytest.raises(LockHeld) as caught:
        place.open().lock(LockInfo.mine("plan"))
    assert caught.value.exit_code == ExitCode.LOCKED
    for part in (place.url, ME.who, "apply", "https://ci.example/jobs/7", ME.created):
        assert part in str(caught.value)
    assert "wait" in caught.value.remedy
    assert (lease.info.id, lease.info.version) == (ME.id, "1.2.3")
    assert lease.info.path in place.url


@pytest.mark.needs("holder")
def test_the_holder_is_known_while_the_lock_is_held(place: Place) -> None:
    """Anybody can ask who holds the lock; the answer is the lease's own and ends with it."""
    with place.open().lock(ME) as lease:
        assert place.open().holder() == lease.info
    assert place.open().holder() is None


@pytest.mark.needs("holder")
def test_asking_for_the_holder_disturbs_nobody(place: Place, other: Actor) -> None:
    """However often one looks, before, while and after a lock is taken, nobody is refused for it."""
    backend = place.open()
    for _ in range(20):
        other.tell("lock", name="busy")
        while (holder := backend.holder()) is None:
            pass
        assert holder.operation == "busy"
        assert other.answer() == "won"
        other.tell("release")
        while backend.holder() is not None:
            pass
        assert other.answer() == "released"


def test_a_released_lock_is_free(place: Place) -> None:
    """After the release the next one is let in at once, and nothing remains at the place."""
    with place.open().lock(ME):
        pass
    place.open().lock(ME).release()
    assert place.remnants() == set()


def test_releasing_twice_frees_nobody_elses_lock(place: Place, other: Actor) -> None:
    """A second release changes nothing, even when somebody else holds the lock by then."""
    lease = place.open().lock(ME)
    lease.release()
    assert other.ask("lock", name="other") == "won"
    lease.release()
    with pytest.raises(LockHeld, match="other"):
        place.open().lock(ME)


def test_an_error_under_the_lock_releases_it(place: Place) -> None:
    """A failing run lets the next one in."""
    with pytest.raises(RuntimeError), place.open().lock(ME):
        raise RuntimeError("boom")
    place.open().lock(ME).release()


@pytest.mark.needs("death")
def test_the_lock_of_a_killed_holder_is_free(place: Place, other: Actor) -> None:
    """A run that was killed blocks nobody for longer than its lease, and leaves nothing behind."""
    assert other.ask("lock", name="doomed") == "won"
    other.kill()
    with place.open().lock(ME, timeout=60) as lease:
        lease.check()
    place.open().lock(ME).release()
    assert place.remnants() == set()


def test_waiting_ends_when_the_holder_leaves(place: Place, other: Actor) -> None:
    """Who gives a timeout is told once whom it waits for, and gets the lock as soon as it is free."""
    assert other.ask("lock", name="first") == "won"
    seen: list[LockInfo] = []

    def leave(holder: LockInfo) -> None:
        seen.append(holder)
        other.tell("release")

    with place.open().lock(ME, timeout=60, on_wait=leave):
        assert other.answer() == "released"
    assert [holder.operation for holder in seen] == ["first"]


@pytest.mark.needs("death")
def test_waiting_ends_when_the_holder_is_killed(place: Place, other: Actor) -> None:
    """Nobody has to clean up behind a killed run, not even who waits for it."""
    assert other.ask("lock", name="doomed") == "won"
    with place.open().lock(ME, timeout=60, on_wait=lambda _: other.kill()) as lease:
        lease.check()


def test_waiting_has_an_end(place: Place, other: Actor) -> None:
    """When the time is over the lock is refused; one holder is announced once, however long it lasts."""
    assert other.ask("lock", name="slow") == "won"
    seen: list[LockInfo] = []
    with pytest.raises(LockHeld, match="slow"):
        place.open().lock(ME, timeout=0.6, on_wait=seen.append)
    assert [holder.operation for holder in seen] == ["slow"]


def test_who_does_not_wait_announces_nobody(place: Place, other: Actor) -> None:
    """Without a timeout there is only the refusal: a line about waiting would be untrue."""
    assert other.ask("lock", name="first") == "won"
    seen: list[LockInfo] = []
    with pytest.raises(LockHeld):
        place.open().lock(ME, on_wait=seen.append)
    assert seen == []


def test_nobody_writes_past_a_lock(place: Place, other: Actor) -> None:
    """A write without a lease is refused while somebody else holds one; the holder's own writes go through."""
    backend = place.open()
    with backend.lock(ME):
        version = backend.write(b"one", expected=None)
        kind, text = other.ask("write", text="two", expected=version)
        assert (kind, ME.who in text) == ("LockHeld", True)
        version = backend.write(b"three", expected=version)
    assert place.open().read() == Stored(b"three", version)


def test_a_conflict_under_the_lock_keeps_the_lock(place: Place) -> None:
    """A lease covers many writes, and a refused one does not end it."""
    backend = place.open()
    with backend.lock(ME) as lease:
        backend.write(b"one", expected=None)
        with pytest.raises(StateConflict):
            backend.write(b"two", expected="something else")
        lease.check()
        with pytest.raises(LockHeld):
            place.open().lock(ME)


def test_a_released_lease_is_no_lease(place: Place) -> None:
    """Checking after the release raises, so that nobody goes on working without the lock."""
    backend = place.open()
    lease = backend.lock(ME)
    lease.check()
    lease.release()
    with pytest.raises(StateError, match="lost"):
        lease.check()
    backend.write(b"one", expected=None)


@pytest.mark.needs("rights")
def test_a_place_that_is_read_only_can_be_read(place: Place) -> None:
    """Planning needs no right to write; writing and locking say what is missing and change nothing."""
    version = place.open().write(b"one", expected=None)
    with place.readable_only():
        backend = place.open()
        assert backend.read() == Stored(b"one", version)
        for forbidden in (lambda: backend.write(b"two", expected=version), lambda: backend.lock(ME)):
            with pytest.raises(StateError, match="denied") as caught:
                forbidden()
            assert "rights" in caught.value.remedy
        assert backend.read() == Stored(b"one", version)
    assert place.remnants() == set()


@pytest.mark.needs("death")
@pytest.mark.parametrize("turns", [0, 1, 2, 5, 13])
def test_a_writer_killed_at_any_time_leaves_a_whole_content(place: Place, other: Actor, turns: int) -> None:
    """Whatever a killed writer was at, a read gives its last content or the one it was writing, and the next writes."""
    last = 0
    other.tell("scribble")
    for _ in range(turns):
        last = other.answer()
    last = other.kill(last)
    stored = place.open().read()
    assert (stored and stored.data) in {scribble(last) if last else None, scribble(last + 1)}
    backend = place.open()
    with backend.lock(ME, timeout=60):
        assert backend.write(b"after all", expected=stored.version if stored else None)
    assert place.remnants() == set()


@pytest.mark.needs("rights")
def test_whom_the_place_does_not_know_is_told_so(place: Place) -> None:
    """Wrong credentials are an error of the place's, with what to do, whatever is tried; nothing is changed."""
    with place.wrong_credentials():
        backend = place.open()
        for act in (backend.read, lambda: backend.lock(ME), lambda: backend.write(b"one", expected=None)):
            with pytest.raises(StateError, match="denied") as caught:
                act()
            assert caught.value.remedy
            for secret in place.environment.values():
                assert secret not in str(caught.value) + caught.value.remedy or secret in place.url
    stored = place.open().read()
    assert stored is None or stored.data == b""


def test_a_lock_can_be_taken_from_its_holder(place: Place, other: Actor) -> None:
    """Who knows its id unlocks; the late holder notices when it checks, at the latest when it writes, and can't."""
    assert other.ask("lock", name="stuck") == "won"
    backend = place.open()
    with pytest.raises(LockHeld) as caught:
        backend.lock(ME)
    lock_id = caught.value.remedy.rpartition("unlock ")[2].rstrip("`")
    backend.unlock(lock_id)
    with backend.lock(ME):
        version = backend.write(b"mine", expected=None)
        assert other.ask("write", text="late", expected=version)[0] in {"StateError", "LockHeld"}
        assert other.ask("write", text="late", expected=None)[0] in {"StateError", "LockHeld", "StateConflict"}
        assert other.ask("check")[0] == "StateError"
        assert other.ask("release") == "released"
        with pytest.raises(LockHeld):
            place.open().lock(LockInfo.mine("third"))
    assert place.open().read() == Stored(b"mine", version)


def test_only_the_lock_that_was_meant_is_taken(place: Place) -> None:
    """Another id than the holder's frees nothing: the lock may have changed hands since somebody looked."""
    with place.open().lock(ME) as lease:
        with pytest.raises(StateError) as caught:
            place.open().unlock("5f1c0000-0000-4000-8000-000000000000")
        assert caught.value.remedy
        lease.check()
        with pytest.raises(LockHeld):
            place.open().lock(LockInfo.mine("other"))


@pytest.mark.needs("holder")
def test_no_write_is_lost_however_often_locks_are_taken_away(place: Place) -> None:
    """What a holder is told to be written stays: who is late is refused, however the others hurry."""
    with ExitStack() as stack:
        actors = [stack.enter_context(Actor(place.url, place.lease)) for _ in range(3)]
        assert [actor.ask("ready") for actor in actors] == ["ready"] * 3
        for actor in actors:
            actor.tell("struggle", times=15)
        backend = place.open()
        for _ in range(60):
            holder = backend.holder()
            if holder is not None:
                with suppress(StateError):
                    backend.unlock(holder.id)
        written = sum(actor.answer() for actor in actors)
    with place.open().lock(ME, timeout=60):
        assert Store(place.open()).load()[0].serial == written


@pytest.mark.needs("holder")
def test_what_is_not_locked_can_not_be_unlocked(place: Place) -> None:
    """That there is nothing to free is said, and is no success."""
    for _ in range(2):
        with pytest.raises(StateError, match="is not locked"):
            place.open().unlock(ME.id)
        place.open().lock(ME).release()


@pytest.mark.needs("expiry")
def test_a_lock_that_is_left_outlives_its_process_and_ends_in_time(place: Place) -> None:
    """``state lock``: nobody gets in before the date, and whoever waits gets in after it."""
    backend = place.open()
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    left = backend.lock(ME).leave(soon)
    assert datetime.fromisoformat(left.expires) == soon
    with pytest.raises(LockHeld, match=ME.who):
        place.open().lock(LockInfo.mine("early"))
    with place.open().lock(LockInfo.mine("late"), timeout=60) as lease:
        assert datetime.now(UTC) >= soon
        lease.check()


def test_a_lock_that_is_left_ends_by_its_id(place: Place) -> None:
    """``state lock`` and ``state unlock`` are two processes, and the id is all that they share."""
    with Actor(place.url, place.lease) as actor:
        lock_id = actor.ask("leave", name="freeze", seconds=600)
    with pytest.raises(LockHeld, match="freeze"):
        place.open().lock(ME)
    with pytest.raises(LockHeld, match="freeze"):
        place.open().write(b"early", expected=None)
    place.open().unlock(lock_id)
    place.open().lock(ME).release()


@pytest.mark.needs("history")
def test_earlier_contents_are_kept(place: Place) -> None:
    """The newest first, without the current one, none before there was a second."""
    backend = place.open()
    version = None
    for serial in range(4):
        version = Store(backend).save(replace(new("one"), serial=serial), version)
        earlier = [Store(backend).decode(data).serial for data in Store(place.open()).history()]
        assert earlier == list(range(serial))[::-1][: len(earlier)]
        assert bool(earlier) == bool(serial)


@pytest.mark.parametrize("garbage", [b"", b"\xff<html>", b"{}", b'{"format": 1}'])
def test_over_garbage_only_its_version_writes(place: Place, garbage: bytes) -> None:
    """Content that is no lockfile can be replaced by who has seen it, so that a restore is possible."""
    backend = place.open()
    version = backend.write(b"one", expected=None)
    place.put(garbage)
    with pytest.raises(StateConflict):
        backend.write(b"two", expected=version)
    stored = backend.read()
    assert backend.write(b"two", expected=stored.version if stored else None)
    assert backend.read() is not None
