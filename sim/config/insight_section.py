"""Section of a configuration for what a critic is compared with: rollouts, visits, another checkpoint."""

from typing import Any

from pydantic import field_validator

from valuescape.sim.config.sections import MAX_TEXT, Section
from valuescape.sim.config.setting import Group, Live, Panel, setting


class InsightConfig(Section):
    """The truth beside the belief: maps of returns that really follow, and of where a critic is wrong."""

    rollouts: int = setting(
        64,
        "rollouts from each cell of the truth, where a policy draws its actions",
        unit="",
        ge=2,
        le=10_000,
        live=Live.RUN,
        panel=Panel(Group.INSIGHT, 1, "rollouts a cell", 2, 1024, "%d", logarithmic=True),
    )
    time_limit: bool = setting(
        False,
        "let rollouts end at the world's time limit; critics that bootstrap there predict past it",
        live=Live.RUN,
        panel=Panel(Group.INSIGHT, 2, "keep the time limit"),
    )
    min_visits: float = setting(
        0.0,
        "maps fade where agents came by less often; 0: nowhere",
        unit="visits",
        ge=0,
        le=1e6,
        live=Live.LOOKS,
        panel=Panel(Group.INSIGHT, 3, "fade below", 0, 1000, "%.0f visits"),
    )
    compare_with: str = setting(
        "",
        "another checkpoint of the same world, for the maps of its value and of the difference",
        max_length=MAX_TEXT,
    )
    action: str = setting(
        "",
        "action whose advantage is shown: its name, or a number for each part; empty: the policy's",
        max_length=MAX_TEXT,
        live=Live.RUN,
        panel=Panel(Group.INSIGHT, 4, "advantage of"),
    )
    over: str = setting(
        "",
        "action that the advantage is over; empty: the mean of all discrete ones, or the middle of the range",
        max_length=MAX_TEXT,
        live=Live.RUN,
        panel=Panel(Group.INSIGHT, 5, "over"),
    )
    marginal: bool = setting(
        False,
        "in worlds of more than two variables, show the mean over the agents of a cell in place of the slice",
        live=Live.RUN,
        panel=Panel(Group.INSIGHT, 6, "mean over agents"),
    )

    @field_validator("action", "over", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Take a number for the text of it: `--set insight.action=0.5`."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
