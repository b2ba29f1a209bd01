"""What stands between a client and a PostgreSQL server: a pooler, or a network that fails at the worst moment."""

import socket
from contextlib import suppress
from threading import Lock, Thread
from types import TracebackType
from typing import BinaryIO, Self

SSL, GSS = 80877103, 80877104
CHALLENGES = {10, 11}


class Session:
    """One of the server's sessions; ``greeting`` is what it said when it was opened."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.file = self.socket.makefile("rb")
        self.turn = Lock()
        self.greeting = b""


class Relay:
    """Passes on what clients and the server say, from a port of its own.

    ``pooled``: all clients share one session and have it for one transaction at a time. ``deaf_to``: when a client
    said this, the server does it and the client's connection ends without an answer. ``loses``: the same, but the
    server never hears of it.
    """

    def __init__(self, port: int, *, pooled: bool = False, deaf_to: bytes = b"", loses: bytes = b"") -> None:
        self._server = port
        self._pooled = pooled
        self._deaf_to = deaf_to
        self._loses = loses
        self._shared: Session | None = None
        self._clients: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._clients:
            client.close()
        if self._shared is not None:
            self._shared.file.close()
            self._shared.socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError, ValueError), client, client.makefile("rb") as said:
            session = self._greet(client, said)
            try:
                self._pass_on(client, said, session)
            finally:
                if not self._pooled:
                    session.file.close()
                    session.socket.close()

    def _greet(self, client: socket.socket, said: BinaryIO) -> Session:
        opening = startup(client, said)
        if self._shared is not None:
            client.sendall(b"R" + (8).to_bytes(4, "big") + bytes(4) + self._shared.greeting)
            return self._shared
        session = Session(self._server)
        session.socket.sendall(opening)
        for answer in iter(lambda: message(session.file), b""):
            client.sendall(answer)
            if answer[:1] in b"SKZ":
                session.greeting += answer
            if answer[:1] == b"R" and int.from_bytes(answer[5:9], "big") in CHALLENGES:
                session.socket.sendall(message(said))
            if answer[:1] == b"Z":
                break
        if self._pooled:
            self._shared = session
        return session

    def _pass_on(self, client: socket.socket, said: BinaryIO, session: Session) -> None:
        asked = b""
        while (part := message(said))[:1] != b"X":
            asked += part
            if part[:1] in b"QS":
                with session.turn:
                    status = self._answer(client, session, asked)
                    while status != b"I":
                        status = self._answer(client, session, question(said))
                asked = b""

    def _answer(self, client: socket.socket, session: Session, asked: bytes) -> bytes:
        if self._loses and self._loses in asked:
            client.shutdown(socket.SHUT_RDWR)
            raise EOFError
        session.socket.sendall(asked)
        answers = b""
        while True:
            answer = message(session.file)
            answers += answer
            if answer[:1] == b"Z":
                break
        if self._deaf_to and self._deaf_to in asked:
            self._deaf_to = b""
            client.shutdown(socket.SHUT_RDWR)
            raise EOFError
        client.sendall(answers)
        return answer[5:6]


def startup(client: socket.socket, said: BinaryIO) -> bytes:
    """The client's first message, once it has heard that there is no encryption here."""
    while True:
        length = said.read(4)
        rest = said.read(int.from_bytes(length, "big") - 4)
        if int.from_bytes(rest[:4], "big") not in {SSL, GSS}:
            return length + rest
        client.sendall(b"N")


def question(said: BinaryIO) -> bytes:
    """All that a client says before it waits for an answer."""
    asked = part = message(said)
    while part[:1] not in b"QS":
        part = message(said)
        asked += part
    return asked


def message(said: BinaryIO) -> bytes:
    head = said.read(5)
    if len(head) < 5:
        raise EOFError
    return head + said.read(int.from_bytes(head[1:], "big") - 4)
