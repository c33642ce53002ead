"""The length of a run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunLength:
    """Limits of a run, which ends at the first that it reaches; with all None a person ends it."""

    frames: int | None = None
    seconds: float | None = None
    ticks: int | None = None

    def done(self, frames: int, seconds: float, ticks: int) -> float:
        """Return the share of the run that is over, from 0 to 1; 0 for a run without end."""
        shares = [
            so_far / limit
            for so_far, limit in ((frames, self.frames), (seconds, self.seconds), (ticks, self.ticks))
            if limit is not None
        ]
        return min(max(shares, default=0.0), 1.0)
