"""A system of the main process: a table of the run's returns, a row every 60 ticks.

    valuescape run demo --plugin examples/plugins/csv_log.py --out runs/logged

writes runs/logged/returns.csv, and raises an alarm when the mean return of finished episodes falls.
"""

import csv
import math

from valuescape.api import main_system


@main_system(every=60)
class CsvLog:
    """Appends a row each time; the file is open as long as the run."""

    def __init__(self, run):
        run.folder.mkdir(parents=True, exist_ok=True)
        self.file = (run.folder / "returns.csv").open("w", newline="")
        self.table = csv.writer(self.file)
        self.table.writerow(["tick", "episodes", "mean return", "mean reward", "at rest"])
        self.best = -math.inf

    def __call__(self, run):
        """Write a row. `run` has the arrays of this tick: state [state_dim, agents], reward [agents] …"""
        numbers = run.numbers
        slow = abs(run.state[1]) < 0.05
        row = [run.tick, numbers.episodes, numbers.mean_return, run.reward.mean(), slow.mean()]
        self.table.writerow([row[0], row[1], *(f"{each:.4g}" for each in row[2:])])
        self.best = max(self.best, numbers.mean_return)
        if numbers.mean_return < self.best - 50:
            run.alarm(f"mean return {numbers.mean_return:.0f}, after {self.best:.0f}")

    def close(self):
        """Close the file when the run ends."""
        self.file.close()
