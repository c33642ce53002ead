"""Which updates of a long training run stay on disk."""

import time

import numpy as np
from trainers import pendulum_checkpoint

from valuescape.publishing import history
from valuescape.publishing.history import History, least_missed
from valuescape.publishing.plan import Moved, Plan
from valuescape.sim.policy.training_files import training_files


def thinned(steps, most):
    kept = []
    for step in steps:
        kept.append(step)
        if len(kept) > most:
            kept.remove(least_missed(kept))
    return kept


def test_of_a_long_run_older_updates_are_kept_sparser():
    """The first and the newest quarter stay; gaps grow with age, and none is out of proportion."""
    steps = list(range(0, 200_000, 10))
    kept = thinned(steps, 40)
    assert len(kept) == 40
    assert kept[0] == 0
    assert kept[-10:] == steps[-10:]
    gaps = np.diff(kept)
    ages = kept[-1] - np.array(kept[:-1])
    assert (gaps[1:-10] <= 0.75 * ages[1:-10]).all()
    assert (np.diff(gaps[1:]) <= 0.6 * gaps[1:-1]).all()


def test_the_last_update_is_written_and_old_files_go(tmp_path, monkeypatch):
    """In the thread; files that others put there stay."""
    monkeypatch.setattr(history, "MAX_FILES", 5)
    monkeypatch.setattr(history, "_EVERY_S", 0.0)
    monkeypatch.setattr(history, "_SHARE", 1.0)
    (tmp_path / "notes.txt").touch()
    plan = Plan(pendulum_checkpoint(), "run")
    kept = History(tmp_path, lambda said: (_ for _ in ()).throw(AssertionError(said)))
    weights = np.zeros(sum(int(np.prod(each)) for each in plan.networks.shapes.values()), np.float32)
    weights[1] = 1  # the upper bound of actions
    for step in range(40):
        kept.offer(plan.networks, weights, 100 * step, plan.metadata(100 * step, Moved()))
        time.sleep(0.003)
    kept.close()
    found = training_files(tmp_path)
    assert [each.steps for each in found.saved][-1] == 3900
    assert len(found.saved) == 5
    assert found.left_out == []
    assert (tmp_path / "notes.txt").exists()
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [*[".safetensors"] * 5, ".txt"]
