"""Pydantic models, with bounds, of the JSON entries in the native format's metadata."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from valuescape.sim.policy.checks import MAX_CRITICS, MAX_LAYERS, MAX_WIDTH
from valuescape.sim.policy.network import Activation

_Real = Annotated[float, Field(ge=-1e30, le=1e30)]
_Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class LayerEntry(_Entry):
    """One layer of a network, without its tensors."""

    activation: Annotated[Activation, Field(strict=False)]
    shape: tuple[_Count, ...] = ()
    """For people who read the file; the tensor's own shape counts."""
    clip: Annotated[float, Field(gt=0, le=1e30)] | None = None


class _ObsEntry(_Entry):
    clip: Annotated[float, Field(gt=0, allow_inf_nan=True)]


class _RewardEntry(_Entry):
    variance: Annotated[float, Field(ge=0, le=1e24)]
    epsilon: Annotated[float, Field(ge=0, le=1e24)]
    clip: Annotated[float, Field(gt=0, allow_inf_nan=True)]
    gamma: Annotated[float, Field(ge=0, le=1)]


class _TrainingEntry(_Entry):
    command: str = ""
    seed: _Count | None = None
    timesteps: _Count | None = None
    mean_return: _Real | None = None
    std_return: _Real | None = None
    episodes: _Count | None = None


class _WorldEntry(_Entry):
    env: Annotated[dict[str, JsonValue], Field(max_length=64)] = {}
    max_episode_steps: Annotated[int, Field(ge=0, le=10**9)] = 0


_Layers = Annotated[list[LayerEntry], Field(min_length=1, max_length=MAX_LAYERS)]
LAYERS = TypeAdapter[list[LayerEntry]](_Layers)
CRITICS = TypeAdapter[list[list[LayerEntry]]](
    Annotated[list[_Layers], Field(min_length=1, max_length=MAX_CRITICS)]
)
CHOICES = TypeAdapter[list[int]](
    Annotated[list[Annotated[int, Field(ge=1, le=MAX_WIDTH)]], Field(max_length=MAX_WIDTH)]
)
OBS = TypeAdapter[_ObsEntry | None](_ObsEntry | None)
REWARD = TypeAdapter[_RewardEntry | None](_RewardEntry | None)
TRAINING = TypeAdapter[_TrainingEntry](_TrainingEntry)
WORLD = TypeAdapter[_WorldEntry](_WorldEntry)
