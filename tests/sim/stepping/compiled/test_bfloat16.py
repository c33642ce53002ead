"""Policies whose hidden units are multiplied as bfloat16, and the tanh of compiled networks."""

import numpy as np
import pytest
from lives import lives_of, stage
from networks import checkpoint_of, random_mlp

from valuescape.sim.config.files import load_config
from valuescape.sim.policy.inference import BatchMlp
from valuescape.sim.policy.network import Activation, Layer, Mlp
from valuescape.sim.worlds import make_world

pytest.importorskip("numba")

from network_outputs import outputs

from valuescape.sim.stepping.choose import acting_numbers, uses_bfloat16
from valuescape.sim.stepping.compiled.stepper import make_compiled_stepper
from valuescape.sim.stepping.compiled.vectors import HAS_BFLOAT16
from valuescape.sim.stepping.tiles import in_pairs

pytestmark = pytest.mark.regression
needs_bfloat16 = pytest.mark.skipif(not HAS_BFLOAT16, reason="this processor multiplies no bfloat16")


def by_numpy(actor, obs):
    theirs = np.empty((actor.out_dim, obs.shape[1]), np.float32)
    BatchMlp(actor, obs.shape[1]).forward(obs, theirs)
    return theirs


def test_tanh_is_within_3_5e_7():
    obs = np.linspace(-12, 12, 2048, dtype=np.float32)[np.newaxis]
    obs[0, :6] = np.nan, np.inf, -np.inf, 3e38, -3e38, 0
    one = Layer(np.ones((1, 1), np.float32), np.zeros(1, np.float32), Activation.TANH)
    ours = outputs(checkpoint_of(Mlp((one,))), obs)[0]
    exact = np.tanh(obs[0].astype(np.float64))
    assert np.isnan(ours[0])
    assert ours[1:6].tolist() == [1, -1, 1, -1, 0]
    assert np.abs(ours[1:] - exact[1:]).max() < 3.5e-7


@needs_bfloat16
@pytest.mark.parametrize("hidden", [Activation.TANH, Activation.RELU, Activation.IDENTITY])
@pytest.mark.parametrize("sizes", [(3, 64, 64, 1), (3, 65, 30, 7, 5), (2, 1, 1), (4, 256, 256, 2)])
def test_outputs_are_within_a_fiftieth_of_the_largest(sizes, hidden):
    actor = random_mlp(sizes, hidden)
    obs = np.random.default_rng(8).uniform(-3, 3, (sizes[0], 1024)).astype(np.float32)
    theirs = by_numpy(actor, obs)
    error = np.abs(outputs(checkpoint_of(actor), obs, bfloat16=True) - theirs).max()
    assert 1e-5 < error / max(1, np.abs(theirs).max()) < 0.02


@needs_bfloat16
def test_networks_without_such_code_stay_float32():
    obs = np.random.default_rng(8).uniform(-3, 3, (3, 64)).astype(np.float32)
    clipped = random_mlp((3, 64, 64, 1), Activation.TANH, clip=0.5)
    for actor in (random_mlp((3, 64, 64, 1), Activation.ELU), random_mlp((3, 2)), clipped):
        checkpoint = checkpoint_of(actor)
        np.testing.assert_array_equal(outputs(checkpoint, obs, bfloat16=True), outputs(checkpoint, obs))


def test_weights_are_rounded_as_torchs():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(1).standard_normal((4, 64)).astype(np.float32)
    values[0, :6] = np.nan, np.inf, -np.inf, -0.0, 1.00390625, 1.01171875  # the last two are ties
    theirs = torch.from_numpy(values).to(torch.bfloat16).view(torch.int16).numpy()
    np.testing.assert_array_equal(in_pairs(values).view(np.int16)[0, 1:], theirs[0, 1:])
    np.testing.assert_array_equal(in_pairs(values).view(np.int16)[1:], theirs[1:])
    assert in_pairs(values).view(np.uint16)[0, 0] == 0x7FC0


@needs_bfloat16
@pytest.mark.parametrize("hidden", [Activation.TANH, Activation.RELU])
def test_an_agent_does_not_depend_on_its_slice_nor_on_nan_beside_it(hidden):
    actor = checkpoint_of(random_mlp((2, 64, 30, 1), hidden))
    obs = np.random.default_rng(4).uniform(-3, 3, (2, 320)).astype(np.float32)
    together = outputs(actor, obs, bfloat16=True)
    np.testing.assert_array_equal(outputs(actor, obs[:, 64:128], bfloat16=True), together[:, 64:128])
    hostile = obs.copy()
    hostile[:, 1::2] = np.nan
    seen = outputs(actor, hostile, bfloat16=True)
    np.testing.assert_array_equal(seen[:, ::2], together[:, ::2])
    assert np.isnan(seen[:, 1::2]).all()


@needs_bfloat16
def test_the_setting_decides():
    """Ticks differ from those of float32, and less numbers are kept."""
    world = make_world("mountain_car_continuous")
    checkpoint = checkpoint_of(random_mlp((2, 64, 64, 1)))
    sizes, lives = [], []
    for precision in ("float32", "bfloat16"):
        config = load_config(None, [f"policy.precision={precision}"])
        sizes.append(acting_numbers(config, world, checkpoint).size)
        arena, rules = stage(world, 64, bfloat16=uses_bfloat16(config))
        stepper = make_compiled_stepper(arena, slice(0, 64), world, checkpoint, rules)
        lives.append(lives_of(stepper, 20)["action"])
    assert sizes[1] == sizes[0] - (64 * 64 + 4 * 64) // 2
    assert 1e-5 < np.abs(lives[0][1] - lives[1][1]).max() < 0.05
    assert not uses_bfloat16(load_config(None, ["policy.precision=bfloat16", "features.simd=false"]))
