"""The panels of what a policy does: its actions, its flow, and whether it follows its critic."""

import numpy as np

from valuescape.analysis.maps import Maps
from valuescape.analysis.panels import Panel
from valuescape.gpu.layers.flow import FLOW
from valuescape.gpu.layers.layer import Legend, MapLayer
from valuescape.gpu.layers.registry import MAPS
from valuescape.render.scene.colormaps import layer_map
from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config, changed
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.policy.network import Checkpoint

OF_POLICY = {
    "policy": "the policy's action",
    "flow": "where the policy leads",
    "uphill": "1: up the critic's landscape",
    "disagreement": "how far the critic's answers differ",
}
"""The maps, by the layer's name, and their titles."""


def policy_panels(checkpoint: Checkpoint, maps: Maps, action: str = "") -> dict[str, Panel]:
    """Return those maps of OF_POLICY by name that there can be, with the plane and the cells of `maps`.

    action: `insight.action`; of an action with several parts it chooses the one that is shown. Raises
    UsageError if the world has none of that name.
    Performance: 0.5 s for 256 x 256 cells of a DQN of 256-256 units.
    """
    config = changed(Config(), {"insight.action": action})
    subject = Subject(config, maps.plane.world, checkpoint)
    request = MapRequest(subject, config.insight, maps.plane, len(maps.value))
    layers = [layer for layer in MAPS.layers if layer.name in OF_POLICY and not layer.lacks(subject)]
    found = {}
    for layer in layers:
        assert layer.compute is not None
        with np.errstate(all="ignore"):
            values = layer.compute(request)
        found[layer.name] = _panel(layer, layer.legend(subject, config.insight), values)
    return found


def _panel(layer: MapLayer, legend: Legend, values: Float32Array) -> Panel:
    ends, known = legend.ends, values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    label = ", ".join(f"{index}: {name}" for index, name in enumerate(legend.names)) or legend.label
    colors = "gray_r" if layer is FLOW else layer_map(layer.colormap, centred=ends.centred)  # dark on paper
    return Panel(
        OF_POLICY[layer.name],
        label,
        values,
        colors,
        low if ends.low is None else ends.low,
        high if ends.high is None else ends.high,
    )
