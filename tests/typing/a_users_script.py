"""What a user's type checker sees: `make check` runs mypy on it. Every ignored error has to be one."""

import numpy as np

import valuescape
from valuescape import Map, Model, UsageError

model: Model = valuescape.load("pendulum", gamma=0.9)
values: np.ndarray = model.value(np.zeros((4, 3)))
error: Map = valuescape.value_map(model, 8) - valuescape.truth_map(model, 8, threads=2)
policy: Map = valuescape.signal_map(model, "policy", episodes=4, threads=1)
one: valuescape.Analysis = valuescape.analyze(model, episodes=4)
several: valuescape.Comparison = valuescape.analyze(model, "pendulum", episodes=4)
with valuescape.Session(model, {"agents.count": 5}) as session:
    picture: np.ndarray = session.picture(32, 32)
    session.camera(yaw_deg=30, center=(0.0, 0.0))
total: float = valuescape.rollouts(model, 3).episodes["return"].sum()
base: type[Exception] = UsageError

valuescape.load("pendulum", gama=0.9)  # type: ignore[call-arg]
valuescape.laod("pendulum")  # type: ignore[attr-defined]
valuescape.value_map("pendulum", cells="many")  # type: ignore[arg-type]
valuescape.analyze("pendulum", episodes="many")  # type: ignore[call-overload]
valuescape.value_map("pendulum").vlaues  # type: ignore[attr-defined] # noqa: B018
session.camera(yaw=30)  # type: ignore[call-arg]
