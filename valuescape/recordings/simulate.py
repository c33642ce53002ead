"""Runs the simulation alone, without pictures, at full speed and to exact ticks."""

import time
from collections.abc import Callable, Iterable

from valuescape.sim.cluster.choose import make_engine
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.network import Checkpoint

_LOOK_S = 0.005
"""Seconds between two checks of workers that run by themselves."""

_TELL_S = 0.1
"""Seconds between two calls of `on_tick`, at least."""


def simulate(
    config: Config,
    checkpoint: Checkpoint | None,
    stops: Iterable[int],
    at_stop: Callable[[Engine], None],
    *,
    check: Callable[[], None] = lambda: None,
    on_tick: Callable[[int], None] = lambda _: None,
) -> None:
    """Run from tick 0, pause at each of the ticks `stops` (ascending), and call `at_stop` there.

    `sim.ticks_per_s` is ignored. With `features.async_physics` the workers run from stop to stop by
    themselves, else tick by tick. check: called often; an exception of its ends the run. on_tick: called with
    the newest tick now and then. Raises UsageError if a worker fails while starting, and WorkerFailedError if
    one fails later and cannot be replaced.
    """
    with make_engine(_unpaced(config), checkpoint) as engine:
        engine.wait_ready(check)
        teller = _Teller(check, on_tick)
        for tick in stops:
            _come_to(engine, tick, teller)
            at_stop(engine)
        on_tick(engine.newest_tick)


def _unpaced(config: Config) -> Config:
    return config.model_copy(update={"sim": config.sim.model_copy(update={"ticks_per_s": 0.0})})


def _come_to(engine: Engine, tick: int, tell: Callable[[int], None]) -> None:
    if engine.config.features.async_physics:
        engine.run_until(tick)
    while engine.newest_tick < tick:
        if not engine.config.features.async_physics:
            engine.advance_to(engine.newest_tick + 1)
        else:
            engine.check()
            if engine.workers or engine.nodes:
                time.sleep(_LOOK_S)
        tell(engine.newest_tick)


class _Teller:
    """Calls `check` each time, and `on_tick` now and then."""

    def __init__(self, check: Callable[[], None], on_tick: Callable[[int], None]) -> None:
        self._check, self._on_tick = check, on_tick
        self._told = time.monotonic()

    def __call__(self, tick: int) -> None:
        self._check()
        now = time.monotonic()
        if now - self._told > _TELL_S:
            self._told = now
            self._on_tick(tick)
