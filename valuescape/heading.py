"""What is written at the top of the picture."""

from render.scene import Heading, Thinned
from sim.engine import Engine
from sim.policy.network import Checkpoint


def heading(
    engine: Engine, checkpoint: Checkpoint | None, state: str, tick: int, thinned: Thinned | None
) -> Heading:
    """Return what is shown (world, policy, crowd) and how it runs (`state`, tick, episodes so far).

    thinned: what of the trails is not drawn one by one, if anything: a picture must not hide that.
    """
    config = engine.config
    policy = checkpoint.algorithm.upper() if checkpoint else "random actions"
    title = f"Valuescape: {config.world.name.replace('_', ' ')}"
    processes = _count(engine.workers, "worker process", "worker processes")
    what: tuple[str, ...] = (title, f"{policy} · {config.agents.count:,} agents · {processes}")
    how: tuple[str, ...] = (f"{state} · tick {max(tick, 0):,}",)
    stats = engine.episode_stats()
    if stats.finished:
        returns = f"{stats.mean_return:.1f}".replace("-", "−")
        how = (*how, f"{stats.finished:,} episodes · mean return {returns}")
    if engine.restarts:
        how = (*how, _count(engine.restarts, "worker replaced", "workers replaced"))
    if thinned:
        ticks = "newest tick" if thinned.ticks < 2 else f"last {thinned.ticks:.0f} ticks"
        what = (*what, f"{thinned.individuals:,} agents drawn one by one, the others' {ticks} as a crowd")
    return Heading(what, how)


def _count(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"
