"""A crowd that is not closed: collected, left at exit, copied by a fork."""

import gc
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from processes import own_descendants, running, wait_for_end

import valuescape
from valuescape.envs import crowd_engine

FDS = Path("/proc/self/fd")


def descriptors():
    return {fd.name for fd in FDS.iterdir()}


def crowd(num_workers=2):
    return valuescape.make_vec("pendulum", 70, num_workers)


def let_start(by, monkeypatch):
    """Let the workers of crowds be started by this method."""
    load = crowd_engine.load_config
    method = f"workers.start_method={by}"
    monkeypatch.setattr(crowd_engine, "load_config", lambda path, changes: load(path, [method, *changes]))


@pytest.fixture(scope="module", autouse=True)
def _forked():
    """Let workers come from a fork server (see `crowds.SMALL`), and make a first crowd.

    So what stays for good is there before a test counts.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        let_start("forkserver", monkeypatch)
        crowd(1).close()
        gc.collect()
        yield


@pytest.mark.parametrize(("num_workers", "start_method"), [(0, "spawn"), (2, "spawn"), (2, "forkserver")])
def test_a_crowd_that_is_dropped_leaves_no_worker_and_no_descriptor(monkeypatch, num_workers, start_method):
    let_start(start_method, monkeypatch)
    before, processes = descriptors(), own_descendants()
    vec = crowd(num_workers)
    vec.reset()
    vec.step(vec.action_buffer)
    assert len(own_descendants() - processes) == num_workers
    assert len(descriptors()) > len(before)
    del vec
    gc.collect()
    assert own_descendants() == processes
    assert descriptors() == before


def test_what_a_dropped_crowd_returned_stays_readable():
    vec = valuescape.make_vec("pendulum", 70, 1, copy=False)
    obs = vec.reset()[0]
    seen = obs.copy()
    del vec
    gc.collect()
    assert (obs == seen).all()


def test_it_needs_no_collection_of_cycles():
    """Dropping it is enough: it is in no cycle of references."""
    gc.disable()
    try:
        before = own_descendants()
        vec = crowd(1)
        vec.reset()
        del vec
        assert own_descendants() == before
    finally:
        gc.enable()


def run_script(body):
    """Run a program of its own; return what it printed and its process ids of workers."""
    head = "import gc, os, sys, valuescape\n"
    script = head + "if __name__ == '__main__':\n" + textwrap.indent(textwrap.dedent(body), "    ")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def test_at_exit_workers_end_without_a_word():
    pids = run_script("""
        vec = valuescape.make_vec("pendulum", 70, 2)
        vec.reset()
        print(*vec.engine.worker_pids)
    """)
    assert len(pids) == 2
    wait_for_end(map(int, pids), 5)


@pytest.mark.parametrize("leave", ["sys.exit(0)", "os._exit(0)"])
def test_a_fork_that_drops_its_copy_leaves_the_parents_workers_alone(leave):
    said = run_script(f"""
        import warnings
        warnings.simplefilter("ignore")  # of forking with threads
        vec = valuescape.make_vec("pendulum", 70, 1)
        vec.reset()
        before = vec.engine.worker_pids
        child = os.fork()
        if child == 0:
            del vec
            gc.collect()
            {leave}
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        for _ in range(5):
            vec.step(vec.action_buffer)
        print(vec.engine.restarts, before == vec.engine.worker_pids)
        vec.close()
    """)
    assert said == ["0", "True"]


def test_a_closed_crowd_is_closed_once():
    vec = crowd(1)
    pids = vec.engine.worker_pids
    vec.close()
    assert not any(map(running, pids))
    before = descriptors()
    fd = os.open(os.devnull, os.O_RDONLY)  # takes a number that the crowd had
    try:
        del vec
        gc.collect()
        os.fstat(fd)
    finally:
        os.close(fd)
    assert descriptors() == before
