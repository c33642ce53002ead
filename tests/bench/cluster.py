"""Bytes that the main process of a run on a cluster gets for a frame, by number of agents.

The hosts are in this process; what they answer is pickled, as Ray would send it, and counted. A frame shows
two ticks: 60 a second in 30 frames. The picture: 1280 x 720, maps of visits with 128 x 128 cells.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from valuescape.presets import find_checkpoint
from valuescape.sim.cells.grid import CrowdGrid, VisitGrid
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.kept_agents import kept_agents
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.config.files import load_config
from valuescape.sim.worlds import make_world

TICKS, WARM_UP, FRAMES = 2, 20, 15
GRID, EDGE, LENGTH = (640, 360), 128, 64
"""Cells of the crowd, about a pixel and a half each; cells of visits; ticks of trails."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Bytes of a frame, from all nodes: rows of kept agents; rows of drawn ones and cells of all.

    kept: bytes an agent that a node sends another each `workers.keep_ticks`.
    """

    rows: float
    cells: float
    kept: float


def measure(agents: int, drawn: int, nodes: int) -> Figures:
    """Return the figures of a run."""
    settings = [f"agents.count={agents}", f"trails.length={LENGTH}", "world.name=pendulum", "workers.count=0"]
    settings += ["policy.exploration=0.2", "workers.keep_ticks=20", "workers.cluster=local"]
    config = load_config(None, settings)
    world = make_world("pendulum", config)
    hosts = StubNodes(nodes)
    with ClusterEngine(config, find_checkpoint("auto", world), lambda: hosts) as engine:
        engine.wait_ready()
        picture = _Picture(engine, drawn)
        for _ in range(WARM_UP):
            picture.show()
        before = _sent(hosts)
        for _ in range(FRAMES):
            picture.show()
        sent = _sent(hosts)
        sent.subtract(before)
        some = hosts.nodes[0].host
        (agents_kept, _), rows = next(iter(some._kept.items()))
    return Figures(sent["look"] / FRAMES, sent["cells"] / FRAMES, rows.nbytes / len(agents_kept))


def _sent(hosts: StubNodes) -> Counter[str]:
    return sum((each.sent for each in hosts.nodes), Counter())


class _Picture:
    """Asks for what a frame shows."""

    def __init__(self, engine: ClusterEngine, drawn: int) -> None:
        self.engine = engine
        self.reader = engine.cell_reader(LENGTH)
        count = engine.config.agents.count
        self.drawn = np.sort(np.random.default_rng(0).permutation(count)[:drawn])
        x, y = engine.world.state[:2]
        window = (x.low, y.low), (x.high, y.high)
        self.crowd, self.visits = CrowdGrid(GRID, *window), VisitGrid(EDGE, *window)

    def show(self) -> None:
        """Get what the next frame shows."""
        self.engine.advance_to(self.engine.newest_tick + TICKS)
        self.reader.take(self.engine.newest_tick, self.drawn, self.visits)
        self.reader.stamps(self.crowd)


_COLUMNS = "    agents  nodes  kB a frame    rows   cells   kept, B an agent"


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[10**4, 10**5, 10**6])
    parser.add_argument("--drawn", type=int, default=1000, help="agents drawn one by one")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 3])
    given = parser.parse_args()
    print(_COLUMNS)
    for agents in given.agents:
        for nodes in given.nodes:
            found = measure(agents, given.drawn, nodes)
            rows, cells = found.rows / 1000, found.cells / 1000
            print(f"{agents:>10,}  {nodes:>5}  {rows + cells:>10.1f}  {rows:>6.1f}  {cells:>6.1f}", end="")
            print(f"  {found.kept:>17.0f}", flush=True)
    print(
        f"rows are of {len(kept_agents(given.agents[-1])):,} agents that are kept, {given.drawn:,} are drawn"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
