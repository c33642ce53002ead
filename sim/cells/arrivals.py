"""When agents came to a crowd that grows while it runs."""


class Arrivals:
    """Knows how many agents there were at each tick: the first ones of those that are there now.

    agents: their number now, which `resize` changes.
    """

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self._came: list[tuple[int, int]] = []  # ticks before which there were fewer agents, and how many

    def resize(self, agents: int, since: int, oldest: int) -> None:
        """Have another number of agents from tick `since` on. oldest: the first tick that is asked for."""
        if agents > self.agents:
            self._came.append((since, self.agents))
        self._came = [each for each in self._came if each[0] > oldest and each[1] < agents]
        self.agents = agents

    def present(self, tick: int) -> int:
        """Return how many agents there were at a tick."""
        return min((agents for since, agents in self._came if tick < since), default=self.agents)

    def take_over(self, other: "Arrivals") -> None:
        """Know what another one knows of the same agents."""
        self._came = list(other._came)
