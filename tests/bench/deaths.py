"""The death of a process under Gymnasium's AsyncVectorEnv, SB3's SubprocVecEnv and this project.

Run it by hand: make bench-deaths. Each library plays three scenes, each in a process of its own
(deaths_subject.py): a worker dies during a step (it is stopped first, so that the step has begun, then
SIGKILLed); a worker dies at rest, and `close` follows; the main process is SIGKILLed.
"""

import argparse
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAVED = ROOT / "docs" / "bench" / "deaths.json"
SUBJECTS = {
    "Gymnasium AsyncVectorEnv": ("gymnasium", ROOT / ".venv-peers" / "bin" / "python"),
    "SB3 SubprocVecEnv": ("sb3", ROOT / ".venv-peers" / "bin" / "python"),
    "valuescape": ("valuescape", Path(sys.executable)),
}
STARTED_S, WATCHED_S, CLOSED_S = 60.0, 10.0, 5.0
WORKERS = 4


@dataclass
class Subject:
    """A process that steps; the messages on its standard output are queued in `said`."""

    kind: str
    python: Path
    process: Any = None
    pids: list[int] = field(default_factory=list)
    said: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def __enter__(self) -> "Subject":
        command = [str(self.python), str(HERE / "deaths_subject.py"), self.kind, str(WORKERS)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self.pids = self.wait_for("pids", STARTED_S).get("pids", [])
        if not self.pids:
            self.__exit__()
            raise SystemExit(f"{' '.join(command)} did not start: run it by hand")
        return self

    def __exit__(self, *_: object) -> None:
        found = {*self.pids, *_below(self.process.pid)}
        self.process.kill()
        self.process.wait()
        for pid in filter(runs, found):
            os.kill(pid, signal.SIGKILL)

    def _listen(self) -> None:
        for line in self.process.stdout:
            if line.startswith("{"):
                self.said.put(json.loads(line))

    def tell(self, order: str) -> None:
        """Send an order: step, or close."""
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def wait_for(self, key: str, timeout_s: float) -> dict[str, Any]:
        """Return the next message with `key`; an empty one after `timeout_s`."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                message = self.said.get(timeout=left)
            except queue.Empty:
                break
            if key in message:
                return message
        return {}

    def watch(self, seconds: float) -> list[dict[str, Any]]:
        """Return the messages until an error, or for `seconds`."""
        end, heard = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0 and not (heard and "error" in heard[-1]):
            try:
                heard.append(self.said.get(timeout=left))
            except queue.Empty:
                break
        return heard


def runs(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _below(pid: int) -> list[int]:
    try:
        return [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_worker_at_work(kind: str, python: Path) -> dict[str, Any]:
    """SIGKILL a worker during steps; after an error, `close`."""
    with Subject(kind, python) as subject:
        subject.tell("step")
        subject.wait_for("steps", STARTED_S)
        victim = subject.pids[1]
        os.kill(victim, signal.SIGSTOP)
        time.sleep(0.1)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        heard = subject.watch(WATCHED_S)
        error = next((each for each in heard if "error" in each), None)
        steps = [each for each in heard if "steps" in each]
        found: dict[str, Any] = {"victim": victim, "steps_after": sum(each["steps"] for each in steps[1:])}
        if error:
            found |= {"error_after_s": round(error["at"] - killed, 3), "error": error["error"]}
            found["names_worker"] = _names(error["error"], victim)
            subject.tell("close")
            found |= _closed(subject)
        elif len(steps) > 1:
            found |= {
                "longest_step_ms": max(each["longest_ms"] for each in steps),
                "restarts": steps[-1].get("restarts", 0),
                "workers_alive": sum(map(runs, steps[-1].get("pids", subject.pids))),
            }
    return found


def _names(text: str, pid: int) -> bool:
    return "worker 1" in text.lower() or "worker-1" in text.lower() or str(pid) in text


def kill_worker_at_rest(kind: str, python: Path) -> dict[str, Any]:
    """SIGKILL a worker between steps, then `close`."""
    with Subject(kind, python) as subject:
        os.kill(subject.pids[1], signal.SIGKILL)
        time.sleep(0.5)
        subject.tell("close")
        return _closed(subject)


def _closed(subject: Subject) -> dict[str, Any]:
    """Return the time that `close` took, its error, and the number of workers left a second later."""
    heard = subject.wait_for("closed_s", CLOSED_S)
    time.sleep(1)
    left = sum(map(runs, subject.pids))
    return {"close_s": heard.get("closed_s"), "close_error": heard.get("close_error", ""), "left": left}


def kill_main(kind: str, python: Path) -> dict[str, Any]:
    """SIGKILL the main process during steps; count the workers that outlive it."""
    with Subject(kind, python) as subject:
        subject.tell("step")
        subject.wait_for("steps", STARTED_S)
        subject.process.kill()
        subject.process.wait()
        time.sleep(2)
        soon = sum(map(runs, subject.pids))
        time.sleep(3)
        return {"alive_after_2_s": soon, "alive_after_5_s": sum(map(runs, subject.pids))}


SCENES = {"worker": kill_worker_at_work, "rest": kill_worker_at_rest, "main": kill_main}


def told(found: dict[str, Any]) -> str:
    """Return the outcome of a worker's death in words."""
    if "error" in found:
        naming = "names the worker" if found["names_worker"] else "does not name the worker"
        return f"error after {found['error_after_s']:.2f} s, {naming}"
    if found["steps_after"]:
        return f"continues, worker replaced; longest step {found['longest_step_ms']:.0f} ms"
    return f"`step` still blocked after {WATCHED_S:.0f} s"


def closing(found: dict[str, Any]) -> str:
    """Return the time that `close` took, its error, and the workers left, in words."""
    if found["close_s"] is None:
        return f"still blocked after {CLOSED_S:.0f} s"
    error = f", raises {found['close_error'].split(':')[0]}" if found["close_error"] else ""
    left = f", {found['left']} workers left" if found["left"] else ""
    return f"{found['close_s']:.2f} s{error}{left}"


def table(result: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    heads = (
        "",
        "worker killed during `step`",
        f"main process killed: workers alive of {WORKERS}, after 2 s / 5 s",
        "`close()` after a worker was killed at rest / after that error",
    )
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, found in result["subjects"].items():
        after_error = closing(found["worker"]) if "error" in found["worker"] else "–"
        cells = (
            name,
            told(found["worker"]),
            f"{found['main']['alive_after_2_s']} / {found['main']['alive_after_5_s']}",
            f"{closing(found['rest'])} / {after_error}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    known = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known.add_argument("--save", type=Path, nargs="?", const=SAVED, help="JSON file")
    known.add_argument("--only", choices=[kind for kind, _ in SUBJECTS.values()])
    args = known.parse_args()
    chosen = {name: each for name, each in SUBJECTS.items() if args.only in (None, each[0])}
    result: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "workers": WORKERS, "subjects": {}}
    for name, (kind, python) in chosen.items():
        print(f"{name} …", file=sys.stderr, flush=True)
        result["subjects"][name] = {scene: play(kind, python) for scene, play in SCENES.items()}
    print(table(result))
    if args.save:
        args.save.parent.mkdir(exist_ok=True, parents=True)
        args.save.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
