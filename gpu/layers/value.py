"""Map of the critic's values: the return that it expects from each state."""

from typing import Any

from valuescape.gpu.layers.layer import Field, Input, Inputs, MapLayer, News


class ValueMap:
    """The critic's own texture, which is lent."""

    def __init__(self, critic: Field) -> None:
        self._critic = critic

    @property
    def texture(self) -> Any:
        """The critic's field."""
        return self._critic.texture

    def refresh(self, news: News) -> bool:
        """Return whether the critic's field has changed; it is computed elsewhere."""
        return news.critic

    def release(self) -> None:
        """Free nothing: the field is lent."""


def _make(inputs: Inputs) -> ValueMap:
    assert inputs.critic is not None
    return ValueMap(inputs.critic)


VALUE = MapLayer(
    name="value",
    title="V(s)",
    meaning="the return that the critic expects",
    make=_make,
    inputs=frozenset({Input.CRITIC}),
    contours=True,
    quantity="return",
    always=True,
)
