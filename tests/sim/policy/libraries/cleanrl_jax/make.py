"""Make the fixtures of CleanRL's JAX scripts: their networks with random weights, and what they answer.

Run this from a checkout of CleanRL, in an environment with jax, flax, gymnasium, tyro and tensorboard:

    PYTHONPATH=CLEANRL_CHECKOUT python make.py

The scripts fix the widths of their networks. `narrow` replaces 256 by 24, to keep the files small.
"""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import flax
import jax
import jax.numpy as jnp
import numpy as np

HERE = Path(__file__).parent
VERSION = f"fe8d8a0 (2026-04-20), flax {flax.__version__}"
DENSE = flax.linen.Dense
RANDOM = np.random.default_rng(5)


def main() -> None:
    """Write every case."""
    dqn(), c51(), ddpg(), td3()


def narrow() -> Any:
    """Return a patch under which layers of 256 units get 24."""
    return mock.patch.object(flax.linen, "Dense", lambda size: DENSE(24 if size == 256 else size))


def started(module: Any, *inputs: Any) -> Any:
    """Return parameters of `module` of a size that trained ones have."""

    def drawn(leaf: Any) -> Any:
        wide = 2.2 / leaf.shape[0] ** 0.5 if leaf.ndim == 2 else 0.2
        return jnp.asarray(wide * RANDOM.standard_normal(leaf.shape), jnp.float32)

    return jax.tree_util.tree_map(drawn, module.init(jax.random.PRNGKey(0), *inputs))


def observations(dim: int, scale: Any = 1.0) -> Any:
    """Return 40 observations."""
    return jnp.asarray(RANDOM.standard_normal((40, dim)) * np.asarray(scale), jnp.float32)


def save(name: str, content: Any, world: str, obs: Any, action: Any, value: Any, **given: Any) -> None:
    """Write one case: the file, its expected outputs, and what a user has to state about it."""
    file = f"{name}.cleanrl_model"
    (HERE / file).write_bytes(flax.serialization.to_bytes(content))
    np.savez_compressed(
        HERE / f"{name}.expected.npz",
        obs=np.asarray(obs),
        action=np.asarray(action),
        value=np.asarray(value, np.float32).reshape(-1),
    )
    facts = {"library": "CleanRL (JAX)", "version": VERSION, "file": file, "world": world, "given": given}
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def dqn() -> None:
    from cleanrl.dqn_jax import QNetwork

    network, obs = QNetwork(action_dim=3), observations(2)
    params = started(network, obs)
    q = network.apply(params, obs)
    save("dqn", params, "mountain_car", obs, q.argmax(1), q.max(1), gamma=0.99)


def c51() -> None:
    """It is refused by name, so it has no expected outputs."""
    from cleanrl.c51_jax import Args, QNetwork

    network, obs = QNetwork(action_dim=2, n_atoms=11), observations(4)
    content = {"model_weights": started(network, obs), "args": vars(Args())}
    (HERE / "c51.refused").write_bytes(flax.serialization.to_bytes(content))


def continuous(module: Any, critics: int) -> tuple[Any, ...]:
    """Return parameters, observations, actions and values of a script's actor and critics of a pendulum."""
    with narrow():
        actor = module.Actor(action_dim=1, action_scale=jnp.array([2.0]), action_bias=jnp.array([0.0]))
        network, obs = module.QNetwork(), observations(3, [1, 1, 4])
        params = started(actor, obs)
        action = actor.apply(params, obs)
        critic_params = [started(network, obs, action) for _ in range(critics)]
        values = [network.apply(each, obs, action) for each in critic_params]
    return [params, *critic_params], obs, action, np.min(np.stack(values), axis=0)


def ddpg() -> None:
    from cleanrl import ddpg_continuous_action_jax

    params, *answers = continuous(ddpg_continuous_action_jax, 1)
    save("ddpg", params, "pendulum", *answers, gamma=0.99)


def td3() -> None:
    from cleanrl import td3_continuous_action_jax

    params, *answers = continuous(td3_continuous_action_jax, 2)
    save("td3", params, "pendulum", *answers, gamma=0.99)


if __name__ == "__main__":
    main()
