"""VecNormalize's pickles, written with classes of our own under Stable-Baselines3's names."""

import io
import os
import pickle

import numpy as np


class VecNormalize:
    """Pickles like Stable-Baselines3's."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


VecNormalize.__module__ = "stable_baselines3.common.vec_env.vec_normalize"


class RunningMeanStd(VecNormalize):
    """Pickles like Stable-Baselines3's."""


RunningMeanStd.__module__ = "stable_baselines3.common.running_mean_std"


def statistics(protocol: int = 4, rms: dict[str, object] | None = None, **fields: object) -> bytes:
    """Return the pickle of a VecNormalize; `rms` and `fields` replace what it says."""
    moments = {"mean": np.array([1.0, 2.0]), "var": np.array([4.0, 9.0]), "count": 10.0, **(rms or {})}
    state = {"norm_obs": True, "clip_obs": 10.0, "epsilon": 0.0, "gamma": 0.99, **fields}
    state = {"obs_rms": RunningMeanStd(**moments), **state}
    return pickled(VecNormalize(**state), protocol)


def returns(variance: float, *, norm_reward: bool, **fields: object) -> bytes:
    """Return the pickle of a VecNormalize that left observations alone."""
    rms = RunningMeanStd(mean=np.float64(-40), var=np.float64(variance), count=1e6)
    return statistics(norm_obs=False, ret_rms=rms, norm_reward=norm_reward, clip_reward=10.0, **fields)


def pickled(value: object, protocol: int) -> bytes:
    """Pickle our twins under the names of the real classes, which pickle would look up."""
    buffer = io.BytesIO()
    pickler = pickle._Pickler(buffer, protocol)

    def save_global(self, thing, name=None):
        self.write(pickle.GLOBAL + f"{thing.__module__}\n{thing.__qualname__}\n".encode())
        self.memoize(thing)

    pickler.dispatch = {**pickle._Pickler.dispatch, type: save_global, type(os.mkdir): save_global}
    pickler.dump(value)
    return buffer.getvalue()
