"""The program with a scripted display, for `test_starting.py`: `python cold_start.py FILE WHAT ARGUMENT...`.

It runs `valuescape ARGUMENT...` as at a screen and does WHAT there once machine code is being made: "wait",
or "escape", "close", "quit". FILE gets, as JSON, what was seen.
"""

import json
import sys
import time
from pathlib import Path

import valuescape.render.displays.display
import valuescape.render.scene.waiting
from valuescape import __main__ as program
from valuescape.render.displays.events import Action, Close, Key
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.run import parts

EVENTS = {"escape": Key(Action.BACK), "close": Close(), "quit": Key(Action.QUIT)}


class Watched(HeadlessDisplay):
    """A display that notes when it was polled and which steps it showed."""

    def __init__(self, what):
        super().__init__((640, 360))
        self.what, self.polls, self.steps, self.asked_at = what, [], [], None

    def poll(self):
        self.polls.append((time.monotonic(), self.steps[-1] if self.steps else ""))
        compiling = sum(step.startswith("compiling") for _, step in self.polls)
        if self.what in EVENTS and compiling > 20 and self.asked_at is None:
            self.asked_at = time.monotonic()
            return [EVENTS[self.what]]
        return []


def main():
    """Run the program; exits with its status."""
    file, what, *sys.argv[1:] = sys.argv[1:]
    display = Watched(what)
    draw = valuescape.render.scene.waiting.WaitingPicture.draw

    def noted(self, size_px, title, steps, hint, behind=None):
        display.steps = [each for each, _ in steps]
        draw(self, size_px, title, steps, hint, behind)

    valuescape.render.scene.waiting.WaitingPicture.draw = noted
    parts.open_display = lambda *_, **__: display
    valuescape.render.displays.display.display_available = lambda: True
    try:
        program.main()
    except SystemExit as leave:
        seen = {"status": leave.code, "polls": display.polls, "steps": display.steps}
        if display.asked_at:
            seen["ended_after_s"] = time.monotonic() - display.asked_at
        Path(file).write_text(json.dumps(seen))
        raise


if __name__ == "__main__":
    main()
