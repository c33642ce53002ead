"""How the picture looks: what a person may change while it runs."""

from dataclasses import dataclass
from typing import Self

from valuescape.sim.config.files import Config


@dataclass(frozen=True, slots=True)
class Looks:
    """Opacities, sizes in logical pixels, colours and effects.

    value_low, value_high: None follows the field. value_colormap: "auto", or one of `render.scene.colormaps`.
    """

    surface_opacity: float = 1.0
    trail_opacity: float = 0.85
    agent_opacity: float = 1.0
    trail_width_px: float = 1.6
    agent_size_px: float = 7.0
    end_marks: bool = True
    contours: int = 12
    value_colormap: str = "auto"
    density_colormap: str = "magma"
    value_low: float | None = None
    value_high: float | None = None
    glow: float = 0.0
    tone_mapping: bool = False

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return what the configuration asks for."""
        heatmap, trails, render = config.heatmap, config.trails, config.render
        return cls(
            surface_opacity=heatmap.opacity,
            trail_opacity=trails.opacity,
            trail_width_px=trails.width_px,
            agent_size_px=config.agents.size_px,
            end_marks=trails.end_marks,
            contours=heatmap.contours,
            value_colormap=heatmap.colormap,
            density_colormap=heatmap.density_colormap,
            value_low=None if heatmap.low == "auto" else heatmap.low,
            value_high=None if heatmap.high == "auto" else heatmap.high,
            glow=render.glow,
            tone_mapping=render.tone_mapping,
        )
