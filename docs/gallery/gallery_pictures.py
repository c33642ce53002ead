"""Pictures of runs: captions, and the preset, ticks and settings of each."""

from dataclasses import dataclass
from pathlib import Path

COMMON = ("--headless", "--set", "features.async_physics=false", "--set", "run.record=false")
"""Options of all pictures: lockstep, so that a picture does not depend on the machine's speed."""


@dataclass(frozen=True)
class Picture:
    """A picture: the stem of its file's name, its caption, and the preset, ticks and settings of its run.

    versus: settings of a side B beside it; empty for one run. plugins: of the examples, by name.
    """

    name: str
    text: str
    preset: str
    ticks: int
    settings: tuple[str, ...]
    versus: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()

    def arguments(self, folder: Path) -> list[str]:
        """Return the arguments of `valuescape`, called in the repository, that write it into `folder`."""
        settings = [part for name in self.plugins for part in ("--plugin", f"examples/plugins/{name}.py")]
        settings += [part for setting in self.settings for part in ("--set", setting)]
        settings += [part for setting in self.versus for part in ("--versus-set", setting)]
        shot = ["--screenshot", f"{folder / self.name}.png"]
        return ["run", self.preset, *COMMON, "--ticks", str(self.ticks), *settings, *shot]


PICTURES = (
    Picture(
        "beside",
        "Belief and truth side by side, on one colour scale: mountain cars under a DQN. The line along which "
        "one more swing is needed is sharp in the truth only.",
        "valley",
        130,
        (
            "world.name=mountain_car",
            "agents.count=60",
            "heatmap.layer=value",
            "heatmap.beside=truth",
            "render.view=2d",
        ),
    ),
    Picture(
        "versus",
        "A and B: the same agents and the same critic, which was trained with a gravity of 10 m/s². With 14, "
        "most pendulums swing without reaching the top. Trails are blue where steps go worse than expected.",
        "swingup",
        250,
        (
            "agents.count=120",
            "trails.color_by=td_error",
            "trails.width_px=1.6",
            "heatmap.layer=value",
            "heatmap.opacity=0.7",
            "lod.segment_budget=0",
            "render.view=2d",
        ),
        ("world.parameters.gravity=14",),
    ),
    Picture(
        "error",
        "The error of the same critic over its landscape: red where it promises too much. Pale cells are off "
        "by less than 2 % of the range.",
        "valley",
        130,
        (
            "world.name=mountain_car",
            "agents.count=60",
            "heatmap.layer=error",
            "render.pitch_deg=50",
            "trails.opacity=0.6",
        ),
    ),
    Picture(
        "flow",
        "The actions of SAC on the pendulum, and the flow that they make: comets fly as the policy leads.",
        "swingup",
        60,
        (
            "agents.count=40",
            "trails.color_by=age",
            "heatmap.layer=policy_flow",
            "heatmap.resolution=256",
            "render.view=2d",
            "trails.opacity=0.5",
        ),
    ),
    Picture(
        "landing",
        "Point masses are brought to rest. The surface is the value that a SAC critic gives each state; the "
        "crosses mark where episodes of the 240 agents ended.",
        "demo",
        420,
        ("render.yaw_deg=-60", "render.pitch_deg=40", "render.distance=4.1"),
    ),
    Picture(
        "td-error",
        "Trails of pendulums, coloured by TD error: red went better than the critic expected, blue went "
        "worse. The field recedes.",
        "td_error",
        260,
        (),
    ),
    Picture(
        "advantage",
        "The same pendulums, coloured by the advantage of their actions (GAE), on the height field.",
        "swingup",
        48,
        (
            "agents.count=250",
            "trails.color_by=advantage",
            "trails.length=48",
            "trails.width_px=2.2",
            "heatmap.layer=value",
            "heatmap.opacity=0.7",
            "lod.segment_budget=0",
            "render.view=3d",
            "render.yaw_deg=-70",
            "render.pitch_deg=48",
        ),
    ),
    Picture(
        "outcome",
        "Mountain cars rock out of the valley. A trail takes the colour of its episode's outcome once that "
        "ends.",
        "valley",
        300,
        (
            "agents.count=120",
            "trails.color_by=outcome",
            "trails.length=128",
            "trails.width_px=2",
            "heatmap.layer=value",
            "heatmap.colormap=cividis",
            "render.view=2d",
        ),
    ),
    Picture(
        "actions",
        "The actions of a DQN: mountain cars pushed left, not at all, or right.",
        "valley",
        220,
        (
            "world.name=mountain_car",
            "agents.count=150",
            "trails.color_by=action",
            "trails.length=96",
            "trails.width_px=2.4",
            "heatmap.layer=value",
            "heatmap.colormap=gray",
            "heatmap.opacity=0.6",
            "render.view=2d",
        ),
    ),
    Picture(
        "crowd",
        "100,000 mountain cars on two cores and no GPU: a few have a trail of their own, the others are "
        "drawn as a crowd. Colours show speed.",
        "valley",
        220,
        (
            "agents.count=100000",
            "trails.color_by=speed",
            "policy.exploration=0.6",
            "lod.segment_budget=auto",
            "heatmap.layer=value",
            "heatmap.opacity=0.5",
            "render.view=2d",
            "agents.size_px=4",
        ),
    ),
    Picture(
        "visits",
        "Density of visited states: cart-poles with random actions over pole angle and velocity, as a height "
        "field, without a critic.",
        "demo",
        400,
        (
            "world.name=cartpole",
            "policy.checkpoint=random",
            "agents.count=2000",
            "heatmap.axes=pole angle, pole velocity",
            "heatmap.colormap=inferno",
            "heatmap.density_half_life=0",
            "render.yaw_deg=-55",
            "render.mesh_resolution=128",
            "trails.opacity=0.12",
            "trails.end_marks=false",
            "agents.size_px=4",
        ),
    ),
    Picture(
        "card",
        "One agent's card, and its trail highlighted. A cart-pole has four state variables: the landscape is "
        "a slice through this agent's state.",
        "demo",
        90,
        (
            "world.name=cartpole",
            "agents.count=90",
            "heatmap.axes=pole angle, pole velocity",
            "heatmap.layer=value",
            "policy.exploration=0.3",
            "heatmap.opacity=0.4",
            "trails.width_px=2.2",
            "render.select=31",
            "render.view=2d",
        ),
    ),
    Picture(
        "robots",
        "Robots with two wheels drive home; bright trails glow.",
        "demo",
        160,
        (
            "world.name=differential_drive",
            "agents.count=300",
            "trails.width_px=1.8",
            "heatmap.layer=value",
            "heatmap.colormap=magma",
            "heatmap.contours=0",
            "render.glow=1.2",
            "render.tone_mapping=true",
            "render.pitch_deg=50",
        ),
    ),
    Picture(
        "flock",
        "A flock of 1,200 birds, one colour for each bird, over the density of their positions.",
        "flock",
        400,
        (
            "agents.count=1200",
            "flock.extent=160",
            "trails.color_by=agent",
            "trails.length=48",
            "agents.size_px=4",
            "lod.segment_budget=0",
            "heatmap.opacity=0.6",
            "render.glow=0.6",
        ),
    ),
    Picture(
        "obstacles",
        "A plug-in puts discs in the robots' way, and draws the distance to the nearest (left). The critic "
        "(right) has never seen a disc.",
        "demo",
        180,
        (
            "world.name=differential_drive",
            "agents.count=240",
            "heatmap.layer=clearance",
            "heatmap.beside=value",
            "render.view=2d",
        ),
        plugins=("obstacles",),
    ),
    Picture(
        "gusts",
        "A plug-in lets gusts push the mountain car. Each agent has gusts of its own strength, which its "
        "trail's colour shows.",
        "demo",
        150,
        (
            "world.name=mountain_car",
            "world.parameters.wind=0..0.001",
            "trails.color_by=wind",
            "heatmap.layer=value",
            "render.view=2d",
        ),
        plugins=("wind",),
    ),
)
