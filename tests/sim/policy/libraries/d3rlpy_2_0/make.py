"""Make the fixture of d3rlpy's releases before 2.1, which name the parts of an algorithm otherwise.

Run this in an environment with d3rlpy 2.0: `python make.py`.
"""

import sys
from pathlib import Path

import d3rlpy
import numpy as np
import torch
from d3rlpy.algos import SACConfig
from d3rlpy.models import VectorEncoderFactory
from d3rlpy.preprocessing import MinMaxActionScaler

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402


def main() -> None:
    """Write the case."""
    encoder = VectorEncoderFactory([20, 16], activation="swish")
    config = SACConfig(
        actor_encoder_factory=encoder,
        critic_encoder_factory=encoder,
        action_scaler=MinMaxActionScaler(minimum=np.array([-2.0]), maximum=np.array([2.0])),
    )
    algorithm = config.create()
    algorithm.create_impl((3,), 1)
    torch.manual_seed(2)
    with torch.no_grad():
        for module in (algorithm.impl._policy, algorithm.impl._q_func):
            for parameter in module.parameters():
                wide = 1.7 / parameter.shape[1] ** 0.5 if parameter.ndim == 2 else 0.3
                parameter.copy_(wide * torch.randn_like(parameter))
    file = HERE / "sac.d3"
    algorithm.save(str(file))
    obs = (np.random.default_rng(2).standard_normal((40, 3)) * [1, 1, 4]).astype(np.float32)
    action = algorithm.predict(obs)
    write_expected(
        file,
        obs=obs,
        action=action,
        value=algorithm.predict_value(obs, action),
        library="d3rlpy",
        version=d3rlpy.__version__,
        world="pendulum",
        given={},
    )


if __name__ == "__main__":
    main()
