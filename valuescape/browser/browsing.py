"""How a server is to be reached: what options of the command line say."""

from dataclasses import dataclass

from valuescape.browser.admission import is_loopback
from valuescape.sim.errors import UsageError


@dataclass(frozen=True, slots=True)
class Browsing:
    """The options of a server. Raises UsageError if they contradict each other.

    port: None if any will do. host: "" for this machine alone. opens: whether to open a browser here.
    """

    port: int | None = None
    host: str = ""
    allow_remote: bool = False
    opens: bool = False

    def __post_init__(self) -> None:
        if self.allow_remote and not self.host:
            raise UsageError(
                "--allow-remote needs --host: the address of this machine at which others may reach it",
                "without both, others get in through a tunnel: ssh -L",
            )
        if self.host and not self.allow_remote and not is_loopback(self.host):
            raise UsageError(
                f"--host {self.host} lets other machines in, and nothing is encrypted",
                "add --allow-remote if that is to be so; a tunnel (ssh -L) needs neither",
            )
