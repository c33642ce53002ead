"""How long the truth takes to fill in while a run goes on, and how many frames a second there are meanwhile.

The shipped SAC on the pendulum, 64 rollouts from each of 128 x 128 cells. Run it with
`make bench-insight`, on a quiet machine.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from valuescape.presets import config_path
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

SETTINGS = ["run.record=false", "heatmap.layer=truth", "heatmap.resolution=128", "agents.count=200"]
MOST_S = 300


def main() -> None:
    """Fill the map in, and print the figures."""
    config = load_config(config_path("swingup"), SETTINGS)
    began: list[float] = []
    with (
        TemporaryDirectory() as folder,
        Session(config, RunLength(seconds=MOST_S), Outputs(Path(folder)), headless=True) as session,
    ):

        def look(_: object) -> None:
            began.append(time.monotonic())
            newest = session.stage.maps.truth.newest
            if newest and newest.truth.progress == 1:
                session.stop()

        session.turn_frames(look)
        frames_s = np.diff(session.log.frame_ends)
    took = began[-1] - began[0]
    per_s, slow_ms = len(frames_s) / frames_s.sum(), np.percentile(frames_s, 95) * 1000
    print(f"filled in after {took:.1f} s, {per_s:.1f} frames a second, 95 % of frames below {slow_ms:.1f} ms")


if __name__ == "__main__":
    main()
