"""Another thread that limits BLAS while something computes, and leaves after it."""

from threadpoolctl import threadpool_info, threadpool_limits

from valuescape.sim.resources import one_blas_thread


def blas_threads():
    """Return the numbers of threads that BLAS libraries may use."""
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def threads_beside_another(monkeypatch, target, compute):
    """Return the numbers of threads after `compute`, and after the one that came while it called `target`.

    Two are allowed before. target: where the name of a function is looked up, as monkeypatch takes it.
    """
    module, _, name = target.rpartition(".")
    original, other = getattr(__import__(module, fromlist=[name]), name), one_blas_thread()

    def called(*args):
        other.__enter__()
        return original(*args)

    monkeypatch.setattr(target, called)
    with threadpool_limits(2, user_api="blas"):
        compute()
        beside = blas_threads()
        other.__exit__(None, None, None)
        return beside, blas_threads()
