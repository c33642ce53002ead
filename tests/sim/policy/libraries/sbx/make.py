"""Make SBX's fixtures: models with random weights, converted by the script that `valuescape inspect` prints.

Run this in an environment with sbx-rl, with Valuescape's source on the path: `PYTHONPATH=… python make.py`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sbx

from valuescape.sim.policy.formats.libraries.sbx_zip import SCRIPT

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

WORLDS = {"Pendulum-v1": "pendulum", "CartPole-v1": "cartpole"}
RANDOM = np.random.default_rng(3)


def main() -> None:
    """Write every case."""
    with tempfile.TemporaryDirectory() as folder:
        for algorithm, env in (
            *((name, "Pendulum-v1") for name in ("PPO", "SAC", "TD3", "TQC")),
            ("DQN", "CartPole-v1"),
        ):
            case(algorithm, env, Path(folder))


def drawn(leaf: Any) -> Any:
    """Return parameters of a size that trained ones have, of the shape of `leaf`."""
    wide = 1.6 / leaf.shape[-2] ** 0.5 if leaf.ndim > 1 else 0.3
    return jnp.asarray(wide * RANDOM.standard_normal(leaf.shape), jnp.float32)


def case(algorithm: str, env: str, folder: Path) -> None:
    model = getattr(sbx, algorithm)("MlpPolicy", env, policy_kwargs={"net_arch": [20, 16]}, gamma=0.98)
    states = [name for name in vars(model.policy) if name.endswith("_state")]
    for name in states:
        state = getattr(model.policy, name)
        setattr(model.policy, name, state.replace(params=jax.tree_util.tree_map(drawn, state.params)))
    saved, out = folder / f"{algorithm}.zip", HERE / f"{algorithm.lower()}.msgpack"
    model.save(saved)
    script = folder / "convert.py"
    script.write_text(SCRIPT)
    subprocess.run([sys.executable, script, algorithm, saved, out], check=True)
    obs = RANDOM.standard_normal((40, model.observation_space.shape[0])) * 1.5
    obs = obs.astype(np.float32)
    action, _ = model.predict(obs, deterministic=True)
    write_expected(
        out,
        obs=obs,
        action=action,
        value=np.asarray(values(model, algorithm, obs, action)).reshape(-1),
        library="SBX",
        version=sbx.__version__,
        world=WORLDS[env],
        given={},
    )


def values(model: Any, algorithm: str, obs: Any, action: Any) -> Any:
    """Return V of observations, or Q at the actions, with SBX's own networks."""
    policy = model.policy
    if algorithm == "PPO":
        return policy.vf_state.apply_fn(policy.vf_state.params, obs)
    if algorithm == "DQN":
        return policy.qf_state.apply_fn(policy.qf_state.params, obs).max(axis=1)
    scaled = policy.scale_action(action)
    if algorithm == "TQC":
        states = (policy.qf1_state, policy.qf2_state)
        quantiles = [each.apply_fn(each.params, obs, scaled) for each in states]
        return jnp.concatenate(quantiles, axis=-1).mean(axis=-1)
    return policy.qf_state.apply_fn(policy.qf_state.params, obs, scaled).min(axis=0)


if __name__ == "__main__":
    main()
