"""Measures a headless minute of the whole program: workers, policy, pictures, memory."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import answer, arguments


def main() -> None:
    args = arguments()
    with tempfile.TemporaryDirectory() as folder:
        keys = {
            "agents.count": args["agents"],
            "workers.count": 2,
            "lod.segment_budget": '"auto"',
            "run.record": "false",
        }
        command = [sys.executable, "-m", "valuescape", "run", "demo", "--headless", "--seconds", "60"]
        command += [
            "--out",
            folder,
            *(word for key, value in keys.items() for word in ("--set", f"{key}={value}")),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=110)
        report = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
    names = ("fps_std", "frame_ms_p95", "gpu_queries_per_frame", "draw_calls_per_frame", "memory_mb_per_min")
    answer(report["fps_mean"], individuals=report["individuals"], **{name: report[name] for name in names})


if __name__ == "__main__":
    main()
