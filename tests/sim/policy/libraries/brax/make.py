"""Makes the fixtures of this folder with Brax: python make.py"""

import shutil
import sys
from functools import partial
from pathlib import Path

import brax
import jax
import jax.numpy as jnp
import numpy as np
from brax.io import model
from brax.training.acme import running_statistics, specs
from brax.training.agents.ppo import checkpoint
from brax.training.agents.ppo import networks as ppo_networks
from flax import linen

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = {"library": "brax", "version": brax.__version__}


def moved(tree, key):
    """Return parameters that are larger than after the start, so that outputs differ from state to state."""
    leaves, shape = jax.tree_util.tree_flatten(tree)
    keys = jax.random.split(key, len(leaves))
    pairs = zip(leaves, keys, strict=True)
    return shape.unflatten([1.5 * leaf + 0.3 * jax.random.normal(each, leaf.shape) for leaf, each in pairs])


def agent(obs_size, action_size, seed, **options):
    """Return networks and parameters (statistics, policy, value), with statistics of some observations."""
    factory = partial(
        ppo_networks.make_ppo_networks,
        policy_hidden_layer_sizes=(12, 10),
        value_hidden_layer_sizes=(14, 12),
        **options,
    )
    networks = factory(obs_size, action_size, preprocess_observations_fn=running_statistics.normalize)
    keys = jax.random.split(jax.random.PRNGKey(seed), 5)
    statistics = running_statistics.init_state(specs.Array((obs_size,), jnp.dtype("float32")))
    batch = 0.4 + jax.random.normal(keys[0], (500, obs_size)) * jnp.linspace(0.5, 2.0, obs_size)
    statistics = running_statistics.update(statistics, batch)
    policy = moved(networks.policy_network.init(keys[1]), keys[3])
    value = moved(networks.value_network.init(keys[2]), keys[4])
    return factory, networks, (statistics, policy, value)


def expected(networks, params, obs):
    """Return deterministic actions and values."""
    act = ppo_networks.make_inference_fn(networks)(params, deterministic=True)
    actions, _ = act(obs, jax.random.PRNGKey(0))
    return np.asarray(actions), np.asarray(networks.value_network.apply(params[0], params[2], obs))


def main() -> None:
    """Write the files."""
    obs = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    _, networks, params = agent(3, 1, 0)
    model.save_params(HERE / "pickled.pkl", params)
    actions, values = expected(networks, params, obs)
    given = {"activation": "silu", "gamma": 0.97}
    about = VERSION | {"world": "pendulum", "given": given}
    write_expected(HERE / "pickled.pkl", obs=obs, action=2 * actions, value=values, **about)

    factory, networks, params = agent(3, 1, 1, activation=linen.tanh)
    shutil.rmtree(HERE / "orbax", ignore_errors=True)
    config = checkpoint.network_config(3, 1, True, factory)
    checkpoint.save(HERE / "orbax", 7, params, config)
    actions, values = expected(networks, params, obs)
    about = VERSION | {"world": "pendulum", "given": {"gamma": 0.97}}
    write_expected(HERE / "orbax", obs=obs, action=2 * actions, value=values, **about)

    _, networks, params = agent(3, 1, 2, distribution_type="normal", noise_std_type="log")
    model.save_params(HERE / "normal.pkl", params)
    actions, values = expected(networks, params, obs)
    about = VERSION | {"world": "pendulum", "given": given}
    write_expected(HERE / "normal.pkl", obs=obs, action=np.clip(actions, -2, 2), value=values, **about)


if __name__ == "__main__":
    main()
