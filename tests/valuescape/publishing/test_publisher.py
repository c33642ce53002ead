"""What `update` publishes of networks in every form, against what they compute themselves."""

import copy
import logging
import os
import time

import gymnasium
import numpy as np
import pytest
import torch
from agents_of_scripts import (
    DqnNetwork,
    PpoAgent,
    QNetwork,
    SacActor,
    Td3Actor,
    sequential,
    strong,
)
from torch import nn
from trainers import pendulum_checkpoint

import valuescape
from valuescape.publishing import moving, place
from valuescape.publishing.publisher import publish
from valuescape.publishing.subscription import Subscription
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.network import ActorHead, CriticKind
from valuescape.sim.policy.training_files import training_files
from valuescape.sim.worlds import make_world

NAME = f"publisher-{os.getpid()}"


@pytest.fixture
def run(request):
    """A run that publishes in the world, and with the statements, of the test's `run` mark."""
    world, stated = getattr(request, "param", ("Pendulum-v1", {}))
    with publish(NAME, world=world, history=None, quiet=True, **stated) as run:
        yield run


def in_world(world, **stated):
    return pytest.mark.parametrize("run", [(world, stated)], indirect=True, ids=[world])


def wait_for_turn(run):
    """Wait until the next update is not too soon."""
    time.sleep(max(0, run._outlet._due - time.monotonic()))


def published(run):
    """Return the newest checkpoint, as a viewer reads it."""
    with Subscription(run.name) as subscription:
        return subscription.newest().checkpoint


def require_equal(checkpoint, act, evaluate, world="pendulum"):
    """Compare policy and value of a checkpoint with functions of tensors [n, obs_dim]."""
    world = make_world(world)
    obs = np.random.default_rng(3).standard_normal((len(world.obs), 40)).astype(np.float32)
    rows = torch.from_numpy(np.ascontiguousarray(obs.T))
    with torch.no_grad():
        expected_action, expected_value = act(rows).numpy(), evaluate(rows).numpy()
    action = np.empty((world.action.dim, 40), np.float32)
    BatchPolicy(checkpoint, world.action, 40).act(obs, action)
    assert np.allclose(action.T, expected_action.reshape(40, -1), atol=1e-5)
    assert np.allclose(value(checkpoint, obs), expected_value.reshape(-1), atol=2e-5)


def test_ppo_of_a_script(run):
    """As `agent.actor_mean`, `agent.critic`: the second update has the numbers of then."""
    agent = strong(PpoAgent())
    run.update(agent.actor_mean, agent.critic, 0, log_std=agent.actor_logstd)
    strong(agent, seed=1)
    wait_for_turn(run)
    run.update(
        agent.actor_mean, agent.critic, 2048, log_std=agent.actor_logstd, mean_return=torch.tensor(3.0)
    )
    checkpoint = published(run)
    require_equal(checkpoint, lambda x: agent.actor_mean(x).clamp(-2, 2), agent.critic)
    assert (checkpoint.algorithm, checkpoint.actor_head) == ("ppo", ActorHead.CLIPPED)
    assert checkpoint.noise.layer.bias.tolist() == [-0.5]
    assert (checkpoint.training.timesteps, checkpoint.training.mean_return) == (2048, 3.0)


@pytest.mark.parametrize("actor_of", [SacActor, Td3Actor])
def test_twin_critics_take_actions_in_the_worlds_units(run, actor_of):
    actor, twins = strong(actor_of()), [strong(QNetwork(), seed) for seed in (1, 2)]
    run.update(actor, twins, 100, alpha=torch.tensor([0.2]) if actor_of is SacActor else None)
    checkpoint = published(run)

    def least(x):
        return torch.minimum(*(q(x, actor.act(x)) for q in twins))

    require_equal(checkpoint, actor.act, least)
    assert checkpoint.critic_kind is CriticKind.ACTION_VALUE
    assert checkpoint.algorithm == ("sac" if actor_of is SacActor else "td3")
    assert checkpoint.entropy_coefficient == (pytest.approx(0.2) if actor_of is SacActor else None)


@in_world("CartPole-v1")
def test_dqn_of_a_script(run):
    """Modules that torch.compile would wrap are read, too."""
    network = strong(DqnNetwork())

    class Compiled(nn.Module):
        def __init__(self, module):
            super().__init__()
            self._orig_mod = module

    run.update(Compiled(network), None, 5)
    require_equal(published(run), lambda x: network(x).argmax(1), lambda x: network(x).amax(1), "cartpole")


@in_world("CartPole-v1", activation="tanh")
def test_state_dicts_and_lists_of_arrays(run):
    """Both say the same, and neither says its activation."""
    actor, critic = strong(sequential(4, 2)), strong(sequential(4, 1), seed=1)
    pairs = [(each.weight.detach().numpy(), each.bias.detach().numpy()) for each in critic[::2]]
    run.update(actor.state_dict(), pairs, 1)
    require_equal(published(run), lambda x: actor(x).argmax(1), critic, "cartpole")


@in_world("CartPole-v1", algorithm="qr-dqn")
def test_quantiles_of_each_action_have_the_order_of_sb3_contrib(run):
    network = strong(sequential(4, 10))
    run.update(None, network, 1)

    def means(x):
        return network(x).reshape(-1, 5, 2).mean(1)

    checkpoint = published(run)
    require_equal(checkpoint, lambda x: means(x).argmax(1), lambda x: means(x).amax(1), "cartpole")
    assert checkpoint.quantile_layers[0].bias.size == 10


def test_normalisation_moves_with_training(run):
    """Gymnasium's wrapper of one environment in a vector, with a clip behind it; rewards by their divisor."""
    agent = strong(PpoAgent())
    envs = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.wrappers.NormalizeObservation(gymnasium.make("Pendulum-v1"))]
    )
    envs.reset(seed=0)
    for step in range(2):
        for _ in range(30):
            envs.step(envs.action_space.sample())
        wait_for_turn(run)
        run.update(
            agent.actor_mean,
            agent.critic,
            step,
            obs_normalization=(envs, 10.0),
            reward_scale=1 / (4.0 + step),
        )
    statistics = envs.envs[0].obs_rms
    mean, std = (
        torch.tensor(each, dtype=torch.float32) for each in (statistics.mean, np.sqrt(statistics.var + 1e-8))
    )

    def seen(x):
        return ((x - mean) / std).clamp(-10, 10)

    require_equal(
        published(run), lambda x: agent.actor_mean(seen(x)).clamp(-2, 2), lambda x: 5 * agent.critic(seen(x))
    )
    envs.close()


class Scaled(nn.Module):
    """Computes something that its layers do not show."""

    def __init__(self):
        super().__init__()
        self.inner = sequential(3, 1)

    def forward(self, x):
        return self.inner(x / 8)


class Noisy(nn.Linear):
    pass


REFUSED = {
    "computes something else than its layers": lambda: (sequential(3, 1), Scaled()),
    "has no forward.*\n.*critic, actor_mean": lambda: (PpoAgent(), sequential(3, 1)),
    "3-16-16-2, but pendulum has 3 observations": lambda: (sequential(3, 2), sequential(3, 1)),
    "is 5-16-16-1, but pendulum": lambda: (sequential(3, 1), sequential(5, 1)),
    "layer that is not read: 1 is LayerNorm": lambda: (
        nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Linear(8, 1)),
        sequential(3, 1),
    ),
    "layer that is not read: 0 is Noisy": lambda: (nn.Sequential(Noisy(3, 1)), sequential(3, 1)),
    "do not say their activation.*\n.*activation=": lambda: (sequential(3, 1).state_dict(), sequential(3, 1)),
    "whether the actor's outputs go through tanh": lambda: (sequential(3, 1), QNetwork()),
    "either within .-1, 1. or in the world's units": lambda: (
        nn.Sequential(*sequential(3, 1), nn.Tanh()),
        QNetwork(),
    ),
    "is str": lambda: ("actor.pt", sequential(3, 1)),
    "missing": lambda: (None, sequential(3, 1)),
}


@pytest.mark.parametrize("said", REFUSED)
def test_the_first_update_refuses_what_it_cannot_read(run, said):
    actor, critic = REFUSED[said]()
    with pytest.raises(UsageError, match=said):
        run.update(actor, critic, 0)


def test_later_updates_never_raise(run, caplog):
    """Other shapes, networks that are none, NaN: each is said once, and the last sound update stays."""
    agent = strong(PpoAgent())
    run.update(agent.actor_mean, agent.critic, 0)
    spoiled = copy.deepcopy(agent)
    spoiled.critic[0].weight.data[0, 0] = float("nan")
    with caplog.at_level(logging.WARNING, "valuescape"):
        for given in (sequential(3, 1, hidden=8), None, "nonsense", spoiled.critic, spoiled.critic):
            wait_for_turn(run)
            run.update(agent.actor_mean, given, 7)
    assert published(run).training.timesteps == 0
    said = [record.message for record in caplog.records]
    assert len(said) == 2, said
    assert "has shape [8, 3], in the first update [16, 3]" in said[0]
    assert "NaN or infinite at step 7" in said[1]


@pytest.mark.parametrize("first", [{"log_std": np.zeros(1)}, {}])
def test_what_comes_with_some_updates_alone_is_refused(run, caplog, first):
    """Otherwise it would be published as it was two updates ago."""
    agent = strong(PpoAgent())
    run.update(agent.actor_mean, agent.critic, 0, **first)
    wait_for_turn(run)
    run.update(agent.actor_mean, agent.critic, 7, **({} if first else {"log_std": np.zeros(1)}))
    assert published(run).training.timesteps == 0
    assert "log_std has to be given with every update, the first too, or with none" in caplog.text


def test_training_is_not_disturbed(run):
    """Random numbers, gradients and modes of the modules are as without a publication."""
    agent = strong(PpoAgent())
    agent.critic.append(nn.Dropout(0.5))
    calls = []
    agent.critic.register_forward_hook(lambda *_: calls.append(1))
    agent.critic(torch.zeros(1, 3)).sum().backward()
    gradient = agent.critic[0].weight.grad.clone()
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - what scripts use
    drawn = np.random.rand(4)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    run.update(agent.actor_mean, agent.critic, 0)
    assert torch.equal(torch.rand(4), expected)
    assert np.array_equal(np.random.rand(4), drawn)  # noqa: NPY002
    assert torch.equal(agent.critic[0].weight.grad, gradient)
    assert agent.critic.training
    assert calls == [1]


def test_a_name_is_taken_once_in_a_process(run):
    with pytest.raises(UsageError, match=r"published by this process\n.*close\(\)"):
        publish(NAME, world="pendulum", history=None, quiet=True)


def test_tensors_on_a_device_come_over_in_one_copy(run, monkeypatch):
    """Here all tensors of torch count as away, and copies are counted."""
    agent = strong(PpoAgent())
    copies = []
    cat = torch.cat
    monkeypatch.setattr(moving, "_is_away", lambda value: isinstance(value, torch.Tensor))
    monkeypatch.setattr(torch, "cat", lambda tensors: copies.append(len(tensors)) or cat(tensors))
    run.update(agent.actor_mean, agent.critic.bfloat16(), 0)
    require_equal(published(run), lambda x: agent.actor_mean(x).clamp(-2, 2), agent.critic.float())
    assert copies == [12]


def test_an_update_that_comes_too_soon_is_sent_at_the_end(tmp_path):
    run = publish(NAME, world="pendulum", history=tmp_path, quiet=True)
    with Subscription(NAME) as subscription:
        for step in range(50):
            run.update_from(pendulum_checkpoint(step), step)
        assert run.sent < 50
        run.close()
        assert subscription.newest().step == 49
    assert training_files(tmp_path).saved[-1].steps == 49


def test_a_history_that_cannot_be_written_is_said_once(tmp_path, caplog):
    (tmp_path / "file").touch()
    with (
        caplog.at_level(logging.WARNING, "valuescape"),
        publish(NAME, world="pendulum", history=tmp_path / "file" / "below", quiet=True) as run,
    ):
        for step in range(3):
            wait_for_turn(run)
            run.update_from(pendulum_checkpoint(step), step)
            time.sleep(0.3)
        assert published(run).training.timesteps == 2
    assert len([each for each in caplog.records if "the history is not kept" in each.message]) == 1


def test_publish_says_how_to_attach_on_the_standard_error(capsys, tmp_path, monkeypatch):
    """And chooses a folder without files for the history."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / NAME).mkdir(parents=True)
    (tmp_path / "runs" / NAME / "events.out").touch()
    with valuescape.publish(NAME, world=gymnasium.make("CartPole-v1")) as run:
        assert run.world.name == "cartpole"
        assert run.history == tmp_path / "runs" / f"{NAME}-2"
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        f"valuescape: watch this training run with: valuescape attach {NAME}\n",
    )
    assert not place.path_of(NAME).exists()


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"activation": "cube"}, "publish: activation 'cube' is unknown"),
        ({"gamma": 2}, "publish: gamma = 2: expected a number from 0 to 1"),
        ({"gamma": "x"}, "gamma = 'x': expected a number from 0 to 1"),
        ({"algorithm": 3}, "algorithm = 3: expected a name"),
        ({"critic_actions": "x"}, "critic_actions 'x' is unknown"),
        ({"lambda_": 1}, "publish: the option 'lambda_' is unknown"),
        ({"world": "Pendulum-v9"}, "Pendulum"),
        ({"name": "a/b"}, "the name of a training run is 'a/b'"),
    ],
)
def test_statements_that_are_none(stated, said):
    with pytest.raises(UsageError, match=said):
        publish(**({"name": NAME, "world": "pendulum", "history": None} | stated))
    assert not place.path_of(NAME).exists()


def test_a_number_that_is_not_known_yet_is_left_out():
    given = {"mean_return": None, "loss": torch.tensor(0.5, requires_grad=True)}
    assert moving.numbers_of(given) == {"loss": 0.5}
