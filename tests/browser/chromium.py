"""Chromium without a window, told what to do over a pipe in its own DevTools protocol.

Nothing but the browser is needed: no driver whose version has to fit, no port, no library. What it says while it is
asked something (log entries, requests) is kept in order; whoever waits reads until the answer is there.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60
"""Seconds after which the browser counts as hanging; no test waits for them to pass."""

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1280,900",
)  # fmt: skip
LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""The browser reads at 3 and writes at 4, whichever numbers the pipe's ends have here."""


def browser() -> str | None:
    """The path of the browser on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser; its pages are tabs of one window and know nothing of each other."""

    def __init__(self, path: str, profile: Path) -> None:
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        command = [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out), env={**os.environ, "HOME": str(profile)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **params: Any) -> Any:
        """The result of one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, "sessionId": session}
        wire = json.dumps({key: value for key, value in message.items() if value is not None}).encode() + b"\0"
        while wire:
            wire = wire[os.write(self._to, wire) :]
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The next event of that name, also one that came while something else was asked."""
        while True:
            for event in self.events:
                if event["method"] == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            assert select.select([self._from], [], [], max(end - time.monotonic(), 0))[0], "the browser hangs"
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser has gone"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def close(self) -> None:
        """End the browser and all that it has started."""
        try:
            self.ask("Browser.close")
        finally:
            os.close(self._to)
            os.close(self._from)
            try:
                self._process.wait(PATIENCE)
            finally:
                self._process.kill()
                self._process.wait()


class Page:
    """One tab with a page in it, and all that went wrong or over the network meanwhile."""

    def __init__(self, chromium: Chromium, url: str, *, scripts: bool = True, **media: str) -> None:
        self._chromium, self._scripts = chromium, scripts
        self._context = chromium.ask("Target.createBrowserContext")["browserContextId"]
        target = chromium.ask("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = chromium.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": name.replace("_", "-"), "value": value} for name, value in media.items()],
        )
        self.ask("Page.navigate", url=url)
        chromium.wait("Page.loadEventFired", self.session)

    def ask(self, method: str, **params: Any) -> Any:
        """The result of one command to this page."""
        return self._chromium.ask(method, self.session, **params)

    def value(self, expression: str) -> Any:
        """What JavaScript says; a promise is waited for."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def settle(self) -> None:
        """Wait until what was asked of the page is drawn; without scripts nothing can be under way."""
        if self._scripts:
            self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        """Press and release a key, as a person would."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **typed)
        self.settle()

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self.ask("Input.insertText", text=text)
        self.settle()

    def size(self, width: int, height: int) -> None:
        """Give the page another window."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle()

    def picture(self) -> bytes:
        """The page as a PNG."""
        return b64decode(self.ask("Page.captureScreenshot")["data"])

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return b64decode(self.ask("Page.printToPDF", printBackground=True)["data"])

    @property
    def complaints(self) -> Sequence[str]:
        """Console messages, exceptions and log entries such as violations of the policy."""
        names = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
        return [json.dumps(event["params"]) for event in self._mine() if event["method"] in names]

    @property
    def requests(self) -> Sequence[str]:
        """The URLs of all that was asked for and not stopped by the page's policy."""
        asked, stopped = {}, set()
        for event in self._mine():
            if event["method"] == "Network.requestWillBeSent":
                asked[event["params"]["requestId"]] = event["params"]["request"]["url"]
            elif event["method"] == "Network.loadingFailed" and event["params"].get("blockedReason") == "csp":
                stopped.add(event["params"]["requestId"])
        return [url for number, url in asked.items() if number not in stopped]

    def _mine(self) -> list[dict[str, Any]]:
        self.value("0")  # all that was said before the answer is here when it is
        return [event for event in self._chromium.events if event.get("sessionId") == self.session]

    def close(self) -> None:
        """Close the tab."""
        self._chromium.ask("Target.disposeBrowserContext", browserContextId=self._context)
