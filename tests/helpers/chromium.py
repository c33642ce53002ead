"""Chromium without a window, driven by its DevTools protocol: pages, hands on them, and what they show."""

import base64
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image
from websockets.sync.client import connect

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WHY_NOT = "" if PROGRAM else "Chromium is not installed (Debian's package: chromium)"

_START_S, _ANSWER_S = 20.0, 20.0
_BUTTONS = {"left": 1, "right": 2}
_NUMBERS = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32, "ArrowRight": 39, "ArrowLeft": 37}
"""Keys that do something of the browser's own, which goes by these numbers."""


_GUARD = 'echo $$ > "$1/guard"; shift; "$@" & cat > /dev/null; kill -KILL -$$'
"""Runs a program in a session of its own until its input ends: also when the test's process is killed."""


class Chromium:
    """A browser with a profile of its own in `folder`; a context manager. Pages share one connection.

    meanwhile: is called again and again while a page is waited for. The browser is no child of this process,
    for it starts processes whenever it likes.
    """

    def __init__(self, folder: Path, meanwhile: Callable[[], object] = lambda: None):
        self._folder, self.meanwhile = folder, meanwhile
        self._owned = ExitStack()
        options = [
            *("--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder}"),
            *("--no-first-run", "--disable-gpu", "--mute-audio", "--disable-background-networking"),
            *("--disable-component-update", "--disable-default-apps", "--force-color-profile=srgb"),
            *("--disable-dev-shm-usage", "--disable-extensions", "--disable-breakpad"),
        ]
        guarded = ["sh", "-c", _GUARD, "sh", str(folder), PROGRAM, *options, "about:blank"]
        started = subprocess.Popen(
            ["setsid", "--fork", *guarded],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._input = started.stdin
        started.wait()
        try:
            port, path = self._address()
            link = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None)
            self._socket = self._owned.enter_context(link)
        except BaseException:
            self._end()
            raise
        self._number = 0
        self._pages: dict[str, Page] = {}

    def _address(self) -> list[str]:
        """Return port and path of its DevTools, once it has written them."""
        file, until = self._folder / "DevToolsActivePort", time.monotonic() + _START_S
        while not (file.exists() and file.read_text().count("\n")):
            assert time.monotonic() < until, "Chromium does not start"
            time.sleep(0.05)
        return file.read_text().split("\n")[:2]

    def open(self, url: str, width: int = 1000, height: int = 640, **how) -> "Page":
        """Open a page of another person: with cookies of its own unless `beside` is one to share them with.

        scale: device pixels of a CSS pixel. mobile: a phone, with touch. dark, reduced: what is preferred.
        """
        beside = how.pop("beside", None)
        context = beside.context if beside else self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session, context)
        self._pages[session] = page
        page.begin(width, height, **how)
        page.go(url)
        return page

    def call(self, method: str, session: str = "", **parameters) -> dict:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        number = self._number
        self._socket.send(
            json.dumps({"id": number, "method": method, "params": parameters} | self._session(session))
        )
        until = time.monotonic() + _ANSWER_S
        while True:
            message = json.loads(self._socket.recv(timeout=max(until - time.monotonic(), 0.01)))
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._note(message)

    @staticmethod
    def _session(session: str) -> dict:
        return {"sessionId": session} if session else {}

    def _note(self, message: dict):
        page = self._pages.get(message.get("sessionId", ""))
        if page:
            page.note(message)

    def close(self):
        """End the browser with all its processes."""
        self._owned.close()
        self._end()

    def _end(self):
        self._input.close()
        group, until = int((self._folder / "guard").read_text()), time.monotonic() + _START_S
        while time.monotonic() < until:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        raise AssertionError("Chromium does not end")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class Page:
    """A page, and a person in front of it. troubles: errors that its scripts raised or logged."""

    def __init__(self, browser: Chromium, target: str, session: str, context: str):
        self.context = context
        self.troubles: list[str] = []
        self._browser, self._target, self._session_id = browser, target, session

    def call(self, method: str, **parameters) -> dict:
        return self._browser.call(method, self._session_id, **parameters)

    def begin(self, width, height, *, scale=1, mobile=False, dark=False, reduced=False):
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.resize(width, height, scale=scale, mobile=mobile)
        if mobile:
            self.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
        self.call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"},
            ],
        )

    def resize(self, width, height, *, scale=1, mobile=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    def go(self, url: str):
        """Go to an address, and wait until the page is there."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        self.value("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def note(self, message: dict):
        """Take an event of the protocol."""
        match message:
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                self.troubles.append(details.get("exception", {}).get("description") or details["text"])
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error"} as entry}}:
                self.troubles.append(f"{entry['text']} {entry.get('url', '')}")
            case {"method": "Runtime.consoleAPICalled", "params": {"type": "error", "args": args}}:
                self.troubles.append(" ".join(str(each.get("value")) for each in args))

    def value(self, expression: str):
        """Return the value of an expression on the page; of a promise, what it gives."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression: str, seconds: float = 8.0):
        """Wait until an expression is true; return its value."""
        until = time.monotonic() + seconds
        while not (value := self.value(expression)):
            assert time.monotonic() < until, f"not in {seconds} s: {expression}"
            self._browser.meanwhile()
            time.sleep(0.005)
        return value

    def pixels(self, selector: str = "#picture") -> np.ndarray:
        """Return what a canvas shows, [height, width, 3]."""
        address = self.value(f"document.querySelector({json.dumps(selector)}).toDataURL('image/png')")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB"))

    def screenshot(self, path: Path):
        """Write the page as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def middle(self, selector: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """Return a place of an element on the page, CSS pixels."""
        box = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
            " return [b.left, b.top, b.width, b.height]; })()"
        )
        return box[0] + across * box[2], box[1] + down * box[3]

    # --- Hands ---

    def mouse(self, kind: str, x: float, y: float, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector: str):
        x, y = self.middle(selector)
        self.drag((x, y))

    def drag(self, start, *through, button="left"):
        """Press at a place, move through others, and release at the last."""
        held = {"button": button, "buttons": _BUTTONS[button], "clickCount": 1}
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, **held)
        for place in through:
            self.mouse("mouseMoved", *place, button=button, buttons=_BUTTONS[button])
        self.mouse("mouseReleased", *(through[-1] if through else start), **held | {"buttons": 0})

    def touch(self, *steps):
        """Put fingers down, move them, and lift them: each step has the places of the fingers."""
        for number, places in enumerate(steps):
            points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
            self.call(
                "Input.dispatchTouchEvent", type="touchMove" if number else "touchStart", touchPoints=points
            )
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, key: str, code: str = "", *, control=False, shift=False):
        """Press and release a key."""
        code = code or (f"Key{key.upper()}" if len(key) == 1 and key.isalpha() else key)
        number = _NUMBERS.get(key) or (ord(key.upper()) if len(key) == 1 and key.isalnum() else 0)
        held = {"key": key, "code": code, "modifiers": 2 * control + 8 * shift}
        held["windowsVirtualKeyCode"] = number
        text = {"text": key} if len(key) == 1 and not control else {}
        if key == "Enter":
            text = {"text": "\r"}
        self.call("Input.dispatchKeyEvent", type="keyDown", **held, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **held)

    def type_anew(self, selector: str, text: str):
        """Replace the content of a field, and press Enter."""
        self.click(selector)
        self.value(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)
        self.key("Enter")

    def choose(self, selector: str, text: str):
        """Choose an entry of a list by its text."""
        self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            f" e.value = [...e.options].find((o) => o.text.startsWith({json.dumps(text)})).value;"
            " e.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def accessible(self) -> list[dict]:
        """Return the nodes that assistive technology sees, each with role, name and properties."""
        self.call("Accessibility.enable")
        found = []
        for node in self.call("Accessibility.getFullAXTree")["nodes"]:
            if node.get("ignored"):
                continue
            properties = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
            name, role = node.get("name", {}).get("value", ""), node["role"]["value"]
            found.append({"role": role, "name": name, **properties})
        return found

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)
