"""Maps of models: values at the centres of cells, arithmetic, pictures, and what `heatmap.layer` names."""

import copy
import io
import pickle
import sys

import numpy as np
import pytest
from PIL import Image

import valuescape
from valuescape.gpu.layers.registry import MAPS
from valuescape.sim.worlds.pendulum import Pendulum


@pytest.fixture(scope="module")
def model():
    return valuescape.load("pendulum")


@pytest.fixture(scope="module")
def truth(model):
    return valuescape.truth_map(model, 12, rollouts=4, seed=3)


def test_a_cell_has_the_value_of_its_centre(model):
    found = valuescape.value_map(model, 10)
    assert found.shape == (10, 10)
    row, column = 7, 2
    state = [found.x[column], found.y[row]]
    np.testing.assert_allclose(found.values[row, column], model.value(model.observe(state)), rtol=1e-6)
    assert found.at(*state) == found.values[row, column]
    assert (found.x_name, found.x_unit, found.y_unit) == ("angle", "rad", "rad/s")
    assert found.extent == (-np.pi, np.pi, -8.0, 8.0)


def test_axes_and_slice_choose_the_plane():
    model = valuescape.load("cartpole")
    found = valuescape.value_map(model, 6, axes=("cart position", "pole angle"), slice={"cart velocity": 0.5})
    names = [each.name for each in model.world.state]
    state = np.zeros(4)
    state[names.index("cart velocity")] = 0.5
    state[names.index("cart position")], state[names.index("pole angle")] = found.x[1], found.y[4]
    np.testing.assert_allclose(found.values[4, 1], model.value(model.observe(state)), rtol=1e-5)
    assert found.slice["cart velocity"] == 0.5
    with pytest.raises(valuescape.UsageError, match="no state variable"):
        valuescape.value_map(model, axes=("cart position", "wheel"))
    with pytest.raises(valuescape.UsageError, match="slice"):
        valuescape.value_map(model, slice={"cart velocity": "fast"})


def test_the_truth_is_the_mean_of_the_policys_own_returns(model, truth):
    """Against a loop of the world's equations in float64, with the deterministic policy of a low alpha."""
    sure = valuescape.truth_map(model, 4, rollouts=2, entropy_coefficient=0.0, time_limit=True)
    row, column, world = 3, 1, Pendulum()
    returns = [_return(model, world, [sure.x[column], sure.y[row]], seed) for seed in range(24)]
    spread = np.std(returns) + np.abs(np.mean(returns)) * 0.02
    assert abs(sure.values[row, column] - np.mean(returns)) < 3 * spread
    assert truth.half_width.shape == truth.shape


def _return(model, world, state, seed):
    state, total = np.array(state, np.float32)[:, None], 0.0
    for step in range(world.max_episode_steps):
        action = model.policy(model.observe(state[:, 0]), deterministic=step == 0, seed=1000 * seed + step)
        following, reward, ended = np.empty_like(state), np.empty(1, np.float32), np.empty(1, np.bool_)
        world.step(state, action[:, None], following, reward, ended)
        total += model.gamma**step * float(reward[0])
        state = following
    return total


def test_equal_seeds_give_equal_truths_for_any_threads(model, truth):
    again = valuescape.truth_map(model, 12, rollouts=4, seed=3, threads=1)
    assert (again.values == truth.values).all()
    assert (valuescape.truth_map(model, 12, rollouts=4, seed=4).values != truth.values).any()


def test_progress_is_told_and_can_end_it(model):
    told = []
    valuescape.truth_map(model, 8, rollouts=2, on_progress=told.append)
    assert told[-1] == 1
    partial = valuescape.truth_map(model, 64, rollouts=2000, on_progress=lambda share: False)
    assert partial.estimated.truth.progress < 1


def test_belief_less_truth_is_the_error_with_what_is_beyond_chance(model, truth):
    belief = valuescape.value_map(model, 12)
    error = belief - truth
    assert error.name == "error"
    np.testing.assert_array_equal(error.values, belief.values - truth.values)
    np.testing.assert_array_equal(error.half_width, truth.half_width)
    assert error.significant.any()
    assert not error.significant.all()
    sure = np.abs(error.values) > 20 * truth.half_width
    assert error.significant[sure].all()


def test_arithmetic(model):
    one = valuescape.value_map(model, 5)
    np.testing.assert_allclose((one - 3).values, one.values - 3)
    np.testing.assert_allclose((3 - one).values, 3 - one.values)
    np.testing.assert_allclose((2 * one + one / 2).values, 2.5 * one.values)
    np.testing.assert_allclose(abs(-one).values, np.abs(one.values))
    np.testing.assert_allclose(np.asarray(one).mean(), one.values.mean())
    assert (one - one).significant is None


def test_names_and_titles_say_what_was_computed(model):
    one = valuescape.value_map(model, 5)
    assert [each.title for each in (one + 3, one - 3, -one, 2 * one)] == [
        "value + 3",
        "value − 3",
        "−value",
        "2 · value",
    ]
    assert ((one + 3) / 2).label == "(V(s) + 3) / 2"
    assert abs(one - one).label == "|V(s) − V(s)|"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda: valuescape.value_map("pendulum", 6), "same cells="),
        (lambda: valuescape.value_map("cartpole", 5), "worlds differ"),
        (lambda: valuescape.value_map("pendulum", 5, axes=("angular speed", "angle")), "same axes="),
    ],
)
def test_maps_of_other_cells_have_no_difference(other, said, model):
    with pytest.raises(valuescape.UsageError, match=said):
        valuescape.value_map(model, 5) - other()


def test_other_slices_have_no_difference():
    one, other = (valuescape.value_map("cartpole", 5, slice={"cart velocity": each}) for each in (0.0, 1.0))
    with pytest.raises(valuescape.UsageError, match=r"cart velocity = 0.*cart velocity = 1.*\n.*same slice="):
        one - other


def test_a_map_is_a_picture_in_notebooks_and_files(model, truth, tmp_path):
    error = valuescape.value_map(model, 12) - truth
    picture = np.asarray(Image.open(io.BytesIO(error._repr_png_())).convert("RGB")).astype(int)
    assert picture.shape[0] > 200
    red, _, blue = (picture[..., each] for each in range(3))
    assert (red - blue > 60).any()
    assert (blue - red > 60).any()
    for suffix in (".png", ".pdf", ".svg"):
        error.save(tmp_path / f"error{suffix}")
        assert (tmp_path / f"error{suffix}").stat().st_size > 1000
    with pytest.raises(valuescape.UsageError, match=r"\.png"):
        error.save(tmp_path / "error.bmp")


def test_plots_share_colours_of_one_quantity(model, truth):
    figure = valuescape.plot(valuescape.value_map(model, 12), truth, valuescape.value_map(model, 12) - truth)
    belief, of_truth, error = (axes.images[0].get_clim() for axes in figure.axes if axes.images)
    assert belief == of_truth
    assert error[0] == -error[1]
    with pytest.raises(valuescape.UsageError, match="at least one map"):
        valuescape.plot()


def test_arrays_come_back_from_a_file(model, truth, tmp_path):
    error = valuescape.value_map(model, 12) - truth
    error.save(tmp_path / "error.npz")
    with np.load(tmp_path / "error.npz") as found:
        np.testing.assert_array_equal(found["values"], error.values)
        np.testing.assert_array_equal(found["significant"], error.significant)
        np.testing.assert_array_equal(found["x"], error.x)
        assert '"x_unit": "rad"' in str(found["metadata"])


def test_as_an_array_of_xarray():
    found = valuescape.value_map("cartpole", 5, slice={"cart velocity": 0.5})
    array = found.to_xarray()
    np.testing.assert_array_equal(array, found.values)
    np.testing.assert_array_equal(array.coords[found.x_name], found.x)
    assert array.dims == (found.y_name, found.x_name)
    assert array.coords[found.x_name].attrs["units"] == found.x_unit
    assert array.attrs["slice cart velocity"] == 0.5


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(valuescape.UsageError, match="pip install xarray"):
        valuescape.value_map("pendulum", 4).to_xarray()


def test_maps_can_be_copied_and_pickled(truth):
    for other in (copy.deepcopy(truth), pickle.loads(pickle.dumps(truth))):
        np.testing.assert_array_equal(other.values, truth.values)
        assert (other - truth).values.max() == 0


def test_every_layer_that_is_no_shader_is_a_map(model):
    other = valuescape.load("pendulum")
    names = valuescape.signal_names(model, other)
    assert {*names, "outcome", "marginal_value"} == {each.name for each in MAPS.layers}
    for name in names:
        found = valuescape.signal_map(model, name, 6, other=other, rollouts=2, episodes=4)
        assert found.values.shape == (6, 6)
        assert np.isfinite(found.values).any()
        assert found.name == name
        assert len(found._repr_png_()) > 1000


def test_signals_are_those_of_the_model(model):
    found = valuescape.signal_map(model, "policy", 8)
    state = [found.x[3], found.y[6]]
    np.testing.assert_allclose(found.values[6, 3], model.policy(model.observe(state))[0], rtol=1e-6)
    same = valuescape.signal_map(model, "difference", 8, other=model)
    assert np.abs(same.values).max() == 0
    visits = valuescape.signal_map(model, "density", 8, episodes=5)
    assert visits.values.sum() <= 5 * model.world.max_episode_steps


def test_a_map_that_cannot_be_says_why(model):
    with pytest.raises(valuescape.UsageError, match="two maps"):
        valuescape.signal_map(model, "both")
    with pytest.raises(valuescape.UsageError, match="did you mean truth"):
        valuescape.signal_map(model, "trut")
    with pytest.raises(valuescape.UsageError, match="never terminate"):
        valuescape.signal_map(model, "outcome")


@pytest.mark.parametrize("name", ["error", "policy", "td_error", "difference"])
def test_a_saved_picture_is_made_again(name, tmp_path, cli):
    options = {"episodes": 4, "other": "pendulum", "rollouts": 2, "seed": 3}
    valuescape.signal_map("pendulum", name, 6, **options).save(tmp_path / "map.png")
    status, out, errors = cli("replay", tmp_path / "map.png")
    assert (status, errors) == (0, "")
    assert "pixels are equal" in out


def test_the_error_of_two_maps_is_made_again_and_other_sums_say_nothing(model, truth, tmp_path, cli):
    belief = valuescape.value_map(model, 12)
    (belief - truth).save(tmp_path / "error.pdf")
    status, out, _ = cli("replay", tmp_path / "error.pdf")
    assert status == 0
    assert "equal" in out
    (2 * belief).save(tmp_path / "twice.png")
    status, _, errors = cli("replay", tmp_path / "twice.png")
    assert status == 2
    assert "does not say how it was made" in errors
