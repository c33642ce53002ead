"""Files that are saved while the program runs headless, as a person sees it in the terminal."""

import queue
import signal
import threading
import time

import pytest
from commands import TINY, Running, valuescape
from processes import descendants, wait_for_end, wait_until

pytestmark = [pytest.mark.gpu, pytest.mark.chaos, pytest.mark.slow]

FILE = (
    "[agents]\ncount = 70\n[workers]\ncount = 1\n[run]\nrecord = false\n"
    "[render]\nmax_fps = 20.0\nglow = 0.5\n"
)


class Listened(Running):
    """The program, with what it says on standard error line by line."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stderr:
            self.lines.put(line)

    def says(self, text, within_s=60):
        """Return the first line with `text` in it."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            line = self.lines.get(timeout=end - time.monotonic())
            if text in line:
                return line
        raise AssertionError(f"it does not say {text!r}")


def test_a_running_program_takes_what_is_saved_and_ends_cleanly(tmp_path):
    path, folder = tmp_path / "mine.toml", tmp_path / "out"
    path.write_text(FILE)
    few = [each for each in TINY if each not in ("--set", "agents.count=70")]
    settings = [part for each in few[1:] for part in ("--set", each)]
    with Listened("run", path, "--headless", "--seconds", "300", "--out", folder, *settings) as run:
        wait_until(run.workers, 60, "it has read the file and is starting")
        path.write_text(FILE.replace("glow = 0.5", "glow = 0.75"))
        assert run.says("mine.toml: ").endswith("render.glow = 0.75 (live)\n")
        path.write_text(FILE.replace("glow = 0.5", "glow = 75"))
        assert "mine.toml: render.glow = 75, expected a number from 0 to 2" in run.says("glow = 75")
        path.write_text(FILE + "[trails]\nlength = 9\n")
        assert "trails.length = 9 (restart)" in run.says("trails.length")
        everything = {run.pid, *descendants(run.pid)}
        run.process.send_signal(signal.SIGINT)
        run.process.wait(20)
        wait_for_end(everything, 2.0)
        assert run.process.returncode == 130
    assert (folder / "run.json").exists()


def test_files_are_not_watched_if_that_is_not_wanted(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    with Listened("run", path, "--seconds", "1.5", "--no-watch", "--out", tmp_path / "out", *TINY) as run:
        while run.process.poll() is None:
            path.write_text(FILE.replace("glow = 0.5", f"glow = {time.monotonic() % 2}"))
            time.sleep(0.2)
        time.sleep(0.2)
        said = [run.lines.get() for _ in range(run.lines.qsize())]
    assert run.process.returncode == 0
    assert not any("mine.toml" in line for line in said)


def test_the_help_says_it():
    assert "--no-watch" in valuescape("run", "--help").stdout
