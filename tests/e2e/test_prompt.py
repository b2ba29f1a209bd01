"""The question before an apply, on a real terminal: only ``yes`` counts, and without a terminal nothing is begun."""

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.command import PATIENCE, Workplace
from tests.e2e.world import World, configuration, group


class Terminal:
    """The command on a terminal of its own; what it writes is read from the other end."""

    def __init__(self, work: Workplace, *args: str) -> None:
        self.master, slave = pty.openpty()
        environment = {"TERM": "xterm", "COLUMNS": "100", **work.environment}
        self.process = subprocess.Popen(
            work.arguments(*args), cwd=work.folder, env=environment, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.text = ""

    def read_until(self, word: str) -> None:
        while word not in self.text:
            assert self._read(), self.text

    def _read(self) -> bool:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the last process with the other end has gone
            return False
        self.text += data.decode()
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> int:
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@contextmanager
def asked(work: Workplace, *args: str) -> Iterator[Terminal]:
    """An apply that waits at its question."""
    terminal = Terminal(work, *(args or ("apply",)))
    try:
        terminal.read_until("Enter a value: ")
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def ready(work: Workplace, world: World) -> Workplace:
    work.configure(configuration(group("ours", ["ana"])))
    world.clear()
    return work


def test_yes_is_yes(ready: Workplace, world: World) -> None:
    """The plan is shown before the question, and done after it."""
    with asked(ready) as terminal:
        assert "acmeprod/ours/ana" in terminal.text
        assert "Only 'yes' will be accepted" in terminal.text
        terminal.type("yes\n")
        assert terminal.end() == 0
        assert "Apply complete!" in terminal.text
    assert world.members("ours") == {"ana"}


@pytest.mark.parametrize("answer", ["no\n", "y\n", "YES\n", "Yes\n", "yes please\n", "\n", "\x04"])
def test_nothing_else_is_yes(ready: Workplace, world: World, answer: str) -> None:
    """Exit 1, nothing is written there or here, and the lock is free."""
    with asked(ready) as terminal:
        terminal.type(answer)
        assert terminal.end() == 1
        assert "cancelled" in terminal.text
    assert world.writes == []
    assert ready.files == ["reconciler.yaml"]


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_an_interrupted_question_is_a_no(ready: Workplace, world: World, how: str) -> None:
    """Exit 1 without a traceback."""
    with asked(ready) as terminal:
        if how == "Ctrl-C":
            os.kill(terminal.process.pid, signal.SIGINT)
        else:
            terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 1
        assert "Traceback" not in terminal.text
        assert "Interrupted" in terminal.text
    assert world.writes == []
    assert ready.files == ["reconciler.yaml"]


def test_a_refused_plan_is_not_even_asked_about(ready: Workplace, world: World) -> None:
    """Nobody can say yes to what a guard refuses."""
    ready.configure(configuration(group("ours", ["ana"]), {"id": "clerks", "members": ["ben"]}))
    terminal = Terminal(ready, "apply")
    try:
        assert terminal.end() == 3
        assert "Enter a value" not in terminal.text
    finally:
        terminal.close()
    assert world.writes == []


def test_nothing_to_do_is_not_asked(ready: Workplace, world: World) -> None:
    """An empty plan needs no yes."""
    assert ready.apply().code == 0
    terminal = Terminal(ready, "apply")
    try:
        assert terminal.end() == 0
        assert "Enter a value" not in terminal.text
    finally:
        terminal.close()


def test_a_world_that_moves_at_the_question_is_looked_at_again(ready: Workplace, world: World) -> None:
    """Whoever joined a group that is to go, and whoever's words stand in one that is to change, was not reviewed."""
    ready.configure(configuration(group("ours", ["ana"]), group("old", ["ben"]), group("crew", ["cleo", "dan"])))
    assert ready.apply().code == 0
    ready.configure(configuration(group("ours", ["ana"], description={"en": "New"}), group("crew", ["eve"])))
    with asked(ready) as terminal:
        world.edit("ours", name={"en": "Ours"}, userType="EMPLOYEE", description={"en": "Theirs"})
        world.add("old", "zoe")
        world.add("crew", "zoe")
        world.add("crew", "eve")
        terminal.type("yes\n")
        assert terminal.end() == 4
        assert "members have joined since: zoe" in terminal.text
        assert "its definition has changed" in terminal.text
    assert world.groups["ours"]["description"] == {"en": "Theirs"}
    assert world.members("old") == {"ben", "zoe"}
    assert world.members("crew") == {"eve", "zoe"}
    assert ready.owned == {"acmeprod/crew*": ["eve"], "acmeprod/old*": ["ben"], "acmeprod/ours*": ["ana"]}


def test_no_terminal_and_no_flag_is_an_error(ready: Workplace, world: World) -> None:
    """Exit 1 before anything is locked or asked for; the way out is named."""
    result = ready.run("apply")
    assert result.code == 1
    assert "--auto-approve" in result.err
    assert world.log == []
    assert ready.files == ["reconciler.yaml"]


def test_colours_are_for_terminals_that_want_them(ready: Workplace) -> None:
    """A terminal gets colours; not with NO_COLOR or --no-color nor a dumb one, and a pipe only with FORCE_COLOR."""
    escape = "\x1b["
    shown = {}
    cases: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
        ("plain", (), {}),
        ("NO_COLOR", (), {"NO_COLOR": "1", "FORCE_COLOR": "1"}),
        ("option", ("--no-color",), {}),
        ("dumb", (), {"TERM": "dumb"}),
    ]
    for name, args, more in cases:
        ready.more = more
        terminal = Terminal(ready, *args, "plan")
        assert terminal.end() == 0
        terminal.close()
        shown[name] = escape in terminal.text
    assert shown == {"plain": True, "NO_COLOR": False, "option": False, "dumb": False}
    ready.more = {}
    assert escape not in ready.run("plan").everything
    assert escape in ready.run("plan", FORCE_COLOR="1").out
    assert escape not in ready.run("--no-color", "plan", FORCE_COLOR="1").everything


def test_a_lockfile_that_somebody_writes_at_the_question_is_not_overwritten(ready: Workplace, world: World) -> None:
    """Even if nothing is sent, because all is only to be adopted: exit 1, and the other's lockfile stands."""
    ready.configure(configuration({"id": "clerks", "members": ["zoe"]}))
    assert ready.apply().code == 0
    assert ready.run("state", "forget", "acmeprod/clerks").code == 0
    path = ready.folder / "reconciler.lock"
    with asked(ready) as terminal:
        theirs = path.read_text().replace(ready.lockfile["writtenBy"], "somebody else")
        path.write_text(theirs)
        terminal.type("yes\n")
        assert terminal.end() == 1
        assert "Traceback" not in terminal.text
        assert "somebody else" in terminal.text
    assert path.read_text() == theirs
