"""What holds for every test."""

import fcntl
import gc
import os

import pytest
from crowds import crowd, small
from known_plugins import as_before
from processes import names_since, own_descendants, shared_names, wait_for_end, wait_until
from scheduling import LongestFirst, is_alone, longest_first
from times import Times

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it to 80 in its workers, where tables would be wrapped


def pytest_addoption(parser):
    group = parser.getgroup("times")
    group.addoption("--times", action="store_true", help="list the processor time of tests, folders, files")
    group.addoption(
        "--keep-times", action="store_true", help="the same, and keep those of files, to order them"
    )


def pytest_configure(config):
    kept = config.option.keep_times
    config.pluginmanager.register(Times(tables=config.option.times or kept, kept=kept), "times")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return LongestFirst(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["longest_first"] = node.config.option.dist == "loadfile"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if getattr(config, "workerinput", {}).get("longest_first"):
        longest_first(items, config.workerinput["testrunuid"])


@pytest.fixture(scope="session", autouse=True)
def _compiled_side_by_side(tmp_path_factory):
    """Two test processes compile what most tests need, each a half; both would compile all of it else.

    Other processes than pytest-xdist's compile what their tests need when they need it.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw") or -1)
    halves = [0, 1] if number % 2 == 0 else [1, 0]  # numbers of workers: the loop alone, and a worker's
    for workers in halves if number >= 0 else []:
        path = tmp_path_factory.getbasetemp().parent / f"compiling-{workers}"  # shared by all of them
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with crowd(small(f"workers.count={workers}", "workers.start_timeout=110")) as engine:
                engine.advance_to(1)


@pytest.fixture(scope="module", autouse=True)
def _kept_out_of_collections():
    """Collections of garbage leave out what is there before a file's tests, a million objects of pytest's.

    Each run with a picture collects once at its start, which would take most of a second here.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _on_its_own(request):
    """A test that has the machine knows of no pytest-xdist: with it, pytest-benchmark measures nothing."""
    with pytest.MonkeyPatch.context() as environment:
        if is_alone(request.node):
            environment.delenv("PYTEST_XDIST_WORKER", raising=False)
        yield


@pytest.fixture(autouse=True)
def _leaves_nothing_behind():
    """A test ends all processes that it starts, and leaves no name in shared memory."""
    processes, names = own_descendants(), shared_names()
    yield
    wait_for_end(own_descendants() - processes, 2.0)
    wait_until(lambda: not names_since(names), 2.0, "names in shared memory go")


@pytest.fixture(autouse=True)
def _plugins_are_as_before():
    """What a test declares is not sent to the workers of later ones."""
    with as_before():
        yield
