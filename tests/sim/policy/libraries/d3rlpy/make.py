"""Make d3rlpy's fixtures: algorithms with random weights, and what they answer.

Run this in an environment with d3rlpy: `python make.py`.
"""

import json
from pathlib import Path
from typing import Any

import d3rlpy
import numpy as np
import torch
from d3rlpy.algos import (
    CQLConfig,
    DDPGConfig,
    DiscreteBCQConfig,
    DiscreteCQLConfig,
    DQNConfig,
    IQLConfig,
    SACConfig,
    TD3PlusBCConfig,
)
from d3rlpy.models import MeanQFunctionFactory, QRQFunctionFactory, VectorEncoderFactory
from d3rlpy.ope import FQE, FQEConfig
from d3rlpy.preprocessing import (
    MinMaxActionScaler,
    MinMaxObservationScaler,
    MultiplyRewardScaler,
    StandardObservationScaler,
)

HERE = Path(__file__).parent
ENCODER = VectorEncoderFactory([20, 16])
BOTH = {"actor_encoder_factory": ENCODER, "critic_encoder_factory": ENCODER}
PENDULUM = MinMaxActionScaler(minimum=np.array([-2.0]), maximum=np.array([2.0]))
STANDARD = StandardObservationScaler(mean=np.array([0.1, -0.2, 1.0]), std=np.array([0.6, 0.7, 3.0]))


def main() -> None:
    """Write every case."""
    sac(), cql(), td3_plus_bc(), ddpg(), iql(), dqn(), qr_dqn(), discrete_cql(), refused()


def created(config: Any, obs_dim: int, actions: int, seed: int) -> Any:
    """Return the algorithm of `config` with weights of a size that trained ones have."""
    algorithm = config.create()
    algorithm.create_impl((obs_dim,), actions)
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in algorithm.impl.modules.get_torch_modules().values():
            for name, parameter in module.named_parameters():
                wide = 1.7 / parameter.shape[1] ** 0.5 if parameter.ndim == 2 else 0.3
                middle = (
                    1.0 if parameter.ndim == 1 and name.endswith("weight") else 0.0
                )  # batch normalisation
                parameter.copy_(middle + wide * torch.randn_like(parameter))
            for buffer in module.buffers():
                if buffer.is_floating_point():  # the statistics of batch normalisation
                    buffer.copy_(0.5 + torch.rand_like(buffer))
    algorithm.impl.modules.set_eval()
    return algorithm


def save(
    name: str, algorithm: Any, world: str, scale: Any = 1.0, reward_scale: float = 1.0, **given: Any
) -> None:
    """Write one case: the file, its expected outputs, and what a user has to state about it."""
    file = f"{name}.d3"
    algorithm.save(str(HERE / file))
    dim = algorithm.observation_shape[0]
    obs = (np.random.default_rng(2).standard_normal((40, dim)) * scale).astype(np.float32)
    action = algorithm.predict(obs)
    value = algorithm.predict_value(obs, action) / reward_scale
    continuous = action.ndim == 2
    np.savez_compressed(
        HERE / f"{name}.expected.npz",
        obs=obs,
        action=action.astype(np.float32) if continuous else action,
        value=value.astype(np.float32),
    )
    facts = {"library": "d3rlpy", "version": d3rlpy.__version__, "file": file, "world": world, "given": given}
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def sac() -> None:
    """All scalers are in the configuration."""
    config = SACConfig(
        **BOTH,
        observation_scaler=STANDARD,
        action_scaler=PENDULUM,
        reward_scaler=MultiplyRewardScaler(multiplier=0.1),
        gamma=0.98,
    )
    save("sac", created(config, 3, 1, 1), "pendulum", [1, 1, 4], reward_scale=0.1)


def cql() -> None:
    """Quantile critics, and an encoder with batch normalisation, dropout and another activation."""
    encoder = VectorEncoderFactory([20, 16], activation="tanh", use_batch_norm=True, dropout_rate=0.2)
    config = CQLConfig(
        actor_encoder_factory=encoder,
        critic_encoder_factory=encoder,
        q_func_factory=QRQFunctionFactory(n_quantiles=6),
        observation_scaler=MinMaxObservationScaler(
            minimum=np.array([-1.0, -1.0, -8.0]), maximum=np.array([1.0, 1.0, 8.0])
        ),
        action_scaler=PENDULUM,
    )
    save("cql", created(config, 3, 1, 22), "pendulum", [1, 1, 4])


def td3_plus_bc() -> None:
    config = TD3PlusBCConfig(**BOTH, observation_scaler=STANDARD, action_scaler=PENDULUM)
    save("td3_plus_bc", created(config, 3, 1, 3), "pendulum", [1, 1, 4])


def ddpg() -> None:
    """Without a scaler, actions are within -1 and 1, whatever the world's bounds are."""
    save("ddpg", created(DDPGConfig(**BOTH), 3, 1, 14), "pendulum", [1, 1, 4])


def iql() -> None:
    config = IQLConfig(**BOTH, value_encoder_factory=ENCODER, action_scaler=PENDULUM)
    save("iql", created(config, 3, 1, 5), "pendulum", [1, 1, 4])


def dqn() -> None:
    save("dqn", created(DQNConfig(encoder_factory=ENCODER), 4, 2, 6), "cartpole")


def qr_dqn() -> None:
    config = DQNConfig(encoder_factory=ENCODER, q_func_factory=QRQFunctionFactory(n_quantiles=5))
    save("qr_dqn", created(config, 4, 2, 21), "cartpole")


def discrete_cql() -> None:
    """Two critics, of which d3rlpy takes the mean."""
    config = DiscreteCQLConfig(encoder_factory=ENCODER, q_func_factory=MeanQFunctionFactory(), n_critics=2)
    save("discrete_cql", created(config, 4, 2, 21), "cartpole")


def refused() -> None:
    """Actions that are not those of one network, and a critic of actions without an actor."""
    created(DiscreteBCQConfig(encoder_factory=ENCODER), 4, 2, 9).save(str(HERE / "discrete_bcq.refused"))
    small = VectorEncoderFactory([4])
    judged = created(DDPGConfig(actor_encoder_factory=small, critic_encoder_factory=small), 3, 1, 9)
    fqe = FQE(algo=judged, config=FQEConfig(encoder_factory=small))
    fqe.create_impl((3,), 1)
    fqe.save_model(str(HERE / "fqe.refused"))


if __name__ == "__main__":
    main()
