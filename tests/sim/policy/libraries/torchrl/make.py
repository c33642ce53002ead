"""Makes the fixtures of this folder with TorchRL: python make.py"""

import shutil
import sys
from pathlib import Path

import numpy as np
import torch
import torchrl
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.data import Bounded
from torchrl.modules import (
    MLP,
    NormalParamExtractor,
    ProbabilisticActor,
    TanhNormal,
    ValueOperator,
)
from torchrl.objectives import SACLoss

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from writing import write_expected  # noqa: E402

VERSION = {"library": "TorchRL", "version": torchrl.__version__}


def mlp(inputs, outputs):
    """Return a perceptron with weights larger than at the start."""
    made = MLP(in_features=inputs, out_features=outputs, num_cells=[12, 10], activation_class=nn.SiLU)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=1.5 / max(parameter.shape[-1], 4) ** 0.5)
    return made


def actor():
    """Return a Gaussian policy of the pendulum's torque."""
    network = nn.Sequential(mlp(3, 2), NormalParamExtractor())
    module = TensorDictModule(network, in_keys=["observation"], out_keys=["loc", "scale"])
    return ProbabilisticActor(
        module,
        in_keys=["loc", "scale"],
        spec=Bounded(-2, 2, (1,)),
        distribution_class=TanhNormal,
        distribution_kwargs={"low": -2, "high": 2},
    )


def main() -> None:
    """Write the files."""
    torch.manual_seed(0)
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3), scale=2).astype(np.float32))
    given = {"activation": "silu", "gamma": 0.98}
    with torch.no_grad():
        policy, critic = actor(), ValueOperator(mlp(3, 1), in_keys=["observation"])
        seen = TensorDict({"observation": obs}, batch_size=[64])
        action = policy.get_dist(seen).deterministic_sample
        value = critic(seen)["state_value"][:, 0]
        shutil.rmtree(HERE / "ppo", ignore_errors=True)
        saved = {"actor": TensorDict.from_module(policy).data, "critic": TensorDict.from_module(critic).data}
        TensorDict(saved).memmap(HERE / "ppo")
        stated = given | {"algorithm": "ppo", "head": "clipped", "squash": True}
        about = VERSION | {"world": "pendulum", "given": stated}
        write_expected(HERE / "ppo", obs=obs, action=action, value=value, **about)

    critic = ValueOperator(mlp(4, 1), in_keys=["observation", "action"])
    loss = SACLoss(actor(), critic, num_qvalue_nets=2)
    for parameter in loss.qvalue_network_params.values(include_nested=True, leaves_only=True):
        nn.init.normal_(parameter.data, std=0.7)
    state = {name: each for name, each in loss.state_dict().items() if isinstance(each, torch.Tensor)}
    torch.save(state, HERE / "sac.pt")
    with torch.no_grad():
        with loss.actor_network_params.to_module(loss.actor_network):
            action = loss.actor_network.get_dist(seen).deterministic_sample
        pairs = TensorDict({"observation": obs, "action": action}, batch_size=[64])
        values = []
        for params in loss.qvalue_network_params.unbind(0):
            with params.to_module(loss.qvalue_network):
                values.append(loss.qvalue_network(pairs.clone())["state_action_value"][:, 0])
    stated = given | {"algorithm": "sac", "names": "sac.toml"}
    about = VERSION | {"world": "pendulum", "given": stated}
    write_expected(HERE / "sac.pt", obs=obs, action=action, value=torch.minimum(*values), **about)


if __name__ == "__main__":
    main()
