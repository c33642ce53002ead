"""A section of the panel: the crowd's rewards as a curve, a brake, and the light of the layer `steepness`.

    valuescape run demo --plugin examples/plugins/steepness.py --plugin examples/plugins/cockpit.py

Widgets keep no state of their own: each call describes the whole section, and a widget returns its value as
the user left it. `run.set` changes any live setting, as a key does.
"""

from collections import deque

from valuescape.api import panel

rewards = deque(maxlen=120)
light = {"angle": 0.6, "relief": 0.001}


@panel(title="Cockpit", needs=("steepness",))
def cockpit(panel, run):
    """Add the widgets from top to bottom."""
    rewards.append(float(run.reward.mean()))
    panel.text(f"tick {run.tick:,}: {run.numbers.episodes:,} episodes")
    panel.plot("mean reward", rewards)
    light["angle"] = panel.slider("light", light["angle"], -3.14, 3.14)
    light["relief"] = panel.slider("relief", light["relief"], 0.0001, 0.01, logarithmic=True)
    run.uniform("steepness", "light_angle", light["angle"])
    run.uniform("steepness", "relief", light["relief"])
    if panel.button("slow motion"):
        run.set("sim.ticks_per_s", 6.0)
    if panel.button("full speed"):
        run.set("sim.ticks_per_s", 60.0)
    shown = run.get("heatmap.layer")
    layer = panel.choice("map", shown, sorted({shown, "value", "steepness", "density"}))
    if layer != shown:
        run.set("heatmap.layer", layer)
