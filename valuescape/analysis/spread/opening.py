"""Opens the cluster that a configuration names, and what makes analyses on it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from valuescape.analysis.making import Makers
from valuescape.analysis.spread.parts import Setting
from valuescape.analysis.spread.ray_hands import RayHands
from valuescape.analysis.spread.sharing import OnRemark, Shared
from valuescape.sim.cluster.checks import require_usable, rounding_remark
from valuescape.sim.cluster.connecting import connected
from valuescape.sim.cluster.facts import facts_here
from valuescape.sim.cluster.probing import free_cpus, nodes_of
from valuescape.sim.cluster.reaching import SETTING
from valuescape.sim.cluster.requirements import without_cluster
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.carrying import carried_code


@contextmanager
def makers_for(config: Config, on_remark: OnRemark = lambda _: None) -> Iterator[Makers | None]:
    """Yield what makes analyses in the world of `config` while inside; None without `workers.cluster`.

    `workers.count` is the number of processes, auto: as many as the cluster has free CPUs. on_remark: told a
    sentence about nodes whose results may differ in their last digits, and about each process that is lost.
    Raises UsageError for everything that
    `connected` and `require_usable` find wrong, before anything begins.
    """
    if not config.workers.cluster:
        yield None
        return
    workers, code = config.workers, carried_code()
    with ExitStack() as owned:
        ray = owned.enter_context(connected(workers.cluster))
        nodes, here = nodes_of(ray), facts_here()
        count = 0 if workers.count == "auto" else workers.count
        require_usable(nodes, here, free=free_cpus(ray), cpus=max(count, 1))
        if remark := rounding_remark(nodes, here):
            on_remark(remark)
        hands = RayHands(ray, workers)
        owned.enter_context(_head_gone_in_words(workers.cluster))
        yield owned.enter_context(Shared(hands, Setting(without_cluster(config), code), on_remark))


@contextmanager
def _head_gone_in_words(cluster: str) -> Iterator[None]:
    """Raise UsageError within where Ray ends the program: it does so, silently, if the head is gone."""
    try:
        yield
    except SystemExit as error:
        raise UsageError(
            f"{SETTING} = {cluster!r}: the head of the cluster is gone, and with it what was made",
            "start the cluster and the analysis again",
        ) from error
