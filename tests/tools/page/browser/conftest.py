"""A real browser to open pages in, driven by its own protocol over two pipes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
ANSWER_WITHIN_S = 40
INSTALL_WITHIN_S = 280


class Browser:
    """Headless Chromium over the two pipes of its protocol; no port, no library.

    Args:
        program: Path of the browser.
        profile: A folder of its own.
    """

    def __init__(self, program: str, profile: Path) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        # The browser reads from 3 and writes to 4: neither may be in use for something else.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, answers)]
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--hide-scrollbars",
            "--force-prefers-reduced-motion",
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", program, *arguments],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (commands, answers, *ends):
            os.close(end)
        self._unread = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command and its result; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            part = os.read(self._answers, 1 << 16)
            assert part, "the browser has ended"
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def close(self) -> None:
        """End the browser; kill it if it will not."""
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._commands)
        os.close(self._answers)


class Tab:
    """A page that is open in the browser.

    Args:
        browser: Where.
        url: What to open.
        width: Of the window, in CSS pixels.
        scheme: ``light`` or ``dark``.
        has_scripts: Whether scripts run.
    """

    def __init__(
        self, browser: Browser, url: str, *, width: int, scheme: str, has_scripts: bool
    ) -> None:
        self._browser = browser
        browser.events.clear()
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session, self._target = attached["sessionId"], target
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        if not has_scripts:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.call("Page.navigate", url=url)
        while not self._is_loaded():
            browser.events.append(browser._receive())

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command for this page."""
        return self._browser.call(method, self._session, **params)

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38}
        codes |= {"ArrowRight": 39, "ArrowDown": 40}
        code = codes.get(key, 0)
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        facts = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def screenshot(self) -> str:
        """The whole page as a picture, in base64."""
        return self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]

    def messages(self) -> list[str]:
        """Whatever the browser has to complain of: errors, warnings, breaches of the policy."""
        self.run("0")
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [json.dumps(it["params"]) for it in self._browser.events if it["method"] in kinds]

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        self.run("0")
        sent = [it for it in self._browser.events if it["method"] == "Network.requestWillBeSent"]
        return [it["params"]["request"]["url"] for it in sent]

    def failures(self) -> list[str]:
        """Why requests were not sent or not answered."""
        self.run("0")
        failed = [it for it in self._browser.events if it["method"] == "Network.loadingFailed"]
        return [it["params"].get("blockedReason", "other") for it in failed]

    def close(self) -> None:
        """Close the page."""
        self._browser.call("Target.closeTarget", targetId=self._target)

    def _is_loaded(self) -> bool:
        return any(it.get("method") == "Page.loadEventFired" for it in self._browser.events)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    found = subprocess.run(
        [ROOT / ".ci" / "find-chromium"],
        capture_output=True,
        text=True,
        timeout=INSTALL_WITHIN_S,
        check=False,
    )
    if found.returncode != 0:
        pytest.skip(f"NOT TESTED: {found.stderr.strip() or 'no Chromium'}")
    opened = Browser(found.stdout.strip(), tmp_path_factory.mktemp("browser"))
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="session")
def open_tab() -> type[Tab]:
    """What opens a page in the browser."""
    return Tab
