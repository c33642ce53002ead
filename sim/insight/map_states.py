"""`MapStates`: the states that a map layer of a plug-in computes numbers for."""

from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.model import Config
from valuescape.sim.insight.acting import actions_at, values_at
from valuescape.sim.insight.subject import MapRequest
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World


class MapStates:
    """States over the map, or those of the agents: `states` [state_dim, n] float32, in the world's units."""

    def __init__(self, request: MapRequest, states: Float32Array) -> None:
        self._request = request
        self.states = states
        """[state_dim, n] float32."""

    @property
    def world(self) -> World:
        """The world."""
        return self._request.subject.world

    @property
    def config(self) -> Config:
        """The configuration that the run was started with."""
        return self._request.subject.config

    @property
    def axes(self) -> tuple[int, int]:
        """The indices in `states` of the variables along the map: horizontal, vertical."""
        return self._request.plane.axes

    @property
    def x(self) -> Float32Array:
        """The variable along the map, [n] float32."""
        along: Float32Array = self.states[self.axes[0]]
        return along

    @property
    def y(self) -> Float32Array:
        """The variable up the map, [n] float32."""
        up: Float32Array = self.states[self.axes[1]]
        return up

    def value(self, states: Float32Array | None = None) -> Float32Array:
        """Return the critic's V(s) of these or other states [state_dim, n], [n] float32.

        In units of the world's rewards. Raises ValueError without a critic.
        """
        return values_at(self.world, self._checkpoint(), self.states if states is None else states)

    def action(self, states: Float32Array | None = None) -> Float32Array:
        """Return the policy's deterministic actions in these or other states, [action_dim, n] float32.

        A choice is its index. Raises ValueError without a policy.
        """
        return actions_at(self.world, self._checkpoint(), self.states if states is None else states)

    def _checkpoint(self) -> Checkpoint:
        checkpoint = self._request.subject.checkpoint
        if checkpoint is None:
            raise ValueError("there is no trained policy: declare the layer with critic=True")
        return checkpoint
