"""Chromium without a window, driven over the pipe of its DevTools protocol: no port, no driver program, no library."""

import base64
import itertools
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

from tests.real.servers import program

WIDTH, HEIGHT = 1280, 900
_SECONDS = 30
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Backspace": 8, " ": 32, "ArrowDown": 40}
_SHIFT = 8


class PageError(AssertionError):
    """What the browser answered instead of a result."""


class Browser:
    """One page of one browser. What it complains of and what it asks the network for is kept."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._numbers = itertools.count(1)
        self._received = b""
        self._loaded = False
        self._session = ""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._to, content) :]
        while (answer := self._next()).get("id") != number:
            self._note(answer)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url: str) -> None:
        """Loads a page anew and forgets what earlier ones complained of."""
        self._loaded = False
        self.complaints.clear()
        self.requests.clear()
        # a query that is new, because where only the fragment differs nothing is loaded
        before, _, fragment = url.partition("#")
        self.call("Page.navigate", url=f"{before}?{next(self._numbers)}#{fragment}")
        while not self._loaded:
            self._note(self._next())

    def js(self, expression: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageError(answer["exceptionDetails"].get("exception", {}).get("description", str(answer)))
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits until an expression is true."""
        deadline = time.monotonic() + _SECONDS
        while not self.js(f"Boolean({expression})"):
            if time.monotonic() > deadline:
                raise PageError(f"never true: {expression}")
            self.js("new Promise(requestAnimationFrame)")

    def press(self, key: str, *, shift: bool = False) -> None:
        """One key, down and up."""
        stated = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key], "modifiers": _SHIFT if shift else 0}
        self.call(
            "Input.dispatchKeyEvent",
            type="keyDown",
            **stated,
            **({"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}),
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **stated)

    def type(self, text: str) -> None:
        """Letters, each with its events, where the focus is."""
        for letter in text:
            self.call("Input.dispatchKeyEvent", type="char", text=letter)

    def choose(self, selector: str, *files: Path) -> None:
        """Puts files into an input for files."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(each) for each in files])

    def emulate(self, *, media: str = "", dark: bool = False, width: int = WIDTH, height: int = HEIGHT) -> None:
        """The medium, the theme that the system prefers and the size of the window."""
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        )
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of the window, or of the whole page."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def pdf(self) -> bytes:
        """What printing gives."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            if not select([self._from], [], [], _SECONDS)[0]:
                raise PageError(f"the browser says nothing for {_SECONDS} s")
            received = os.read(self._from, 1 << 20)
            if not received:
                raise PageError("the browser has ended")
            self._received += received
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        stated = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.consoleAPICalled":
                self.complaints.append(f"{stated['type']}: {[each.get('value', each.get('description')) for each in stated['args']]}")
            case "Runtime.exceptionThrown":
                self.complaints.append(str(stated["exceptionDetails"].get("exception", {}).get("description", stated)))
            case "Log.entryAdded":
                self.complaints.append(f"{stated['entry']['level']}: {stated['entry']['text']}")
            case "Network.requestWillBeSent":
                self.requests.append(stated["request"]["url"])
            case _:
                pass


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A running browser with a profile of its own, which ends with its pipe. Without Chromium the test is skipped."""
    binary = program("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", package="chromium")
    read_by_browser, to_browser = os.pipe()
    from_browser, written_by_browser = os.pipe()
    # the protocol is spoken over descriptors 3 and 4
    pipes = f'exec "$@" 3<&{read_by_browser} 4>&{written_by_browser}'
    options = [
        "--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
        "--disable-extensions", "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]  # fmt: skip
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", pipes, "bash", binary, *options],
            stdout=log, stderr=log, pass_fds=(read_by_browser, written_by_browser),
        )  # fmt: skip
    os.close(read_by_browser)
    os.close(written_by_browser)
    try:
        yield Browser(to_browser, from_browser)
    finally:
        os.close(to_browser)
        os.close(from_browser)
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
