"""Workers that cannot start, and limits of the machine: one message says so, and nothing is left behind."""

import errno
import gc
import signal
import subprocess
import sys

import psutil
import pytest
from crowds import check_until, crowd
from crowds import small_spawned as small
from multiprocess import resource_tracker, util
from processes import open_files, own_descendants, wait_for_end, wait_until

from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS
from valuescape.sim.worlds.point_mass import PointMass

pytestmark = pytest.mark.chaos


def test_a_worker_that_raises_is_reported_in_its_own_words(monkeypatch):
    """It cannot know a world that is registered in the main process alone."""
    config = small("workers.count=2", "world.name=ghost", "workers.max_restarts=0")
    monkeypatch.setitem(WORLDS, "ghost", PointMass)
    with Engine(config, None) as engine, pytest.raises(WorkerFailedError) as failure:
        check_until(engine, lambda: False)
    assert "failed after tick -1: valuescape.sim.errors.UsageError: world.name: 'ghost'" in str(failure.value)
    assert "Traceback" not in str(failure.value)
    assert "Traceback" in str(failure.value.__cause__)


def test_a_worker_that_fails_while_starting_ends_the_start(monkeypatch):
    monkeypatch.setitem(WORLDS, "ghost", PointMass)
    with pytest.raises(UsageError) as failure, crowd(small("workers.count=2", "world.name=ghost")):
        pass
    first, second = str(failure.value).splitlines()
    assert first == "world.name: 'ghost' is unknown"
    assert "known worlds" in second
    assert own_descendants() == set()


def test_a_worker_that_cannot_even_be_imported_ends_the_start(tmp_path, monkeypatch):
    (tmp_path / "threadpoolctl.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(UsageError, match="failed while starting"), crowd(small("workers.count=2")):
        pass
    assert own_descendants() == set()


UNGUARDED = """
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
asked = ["world.name=gymnasium:CartPole-v1", "agents.count=64", "workers.count=3"]
with Engine(load_config(None, asked), None) as engine:
    engine.wait_ready()
"""
"""Workers import the script, which may register the environment."""

NEEDS_NO_GUARD = """
import valuescape
with_workers = valuescape.make_vec("CartPole-v1", num_envs=64, num_workers=2, seed=1)
print(with_workers.reset()[0].shape)
with_workers.close()
"""


def run_script(folder, text, *arguments):
    """Run a script from a file, as people do; return the ended process."""
    script = folder / "script.py"
    script.write_text(text)
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, timeout=60)


def test_a_script_without_the_main_guard_says_so_in_one_sentence(tmp_path):
    ended = run_script(tmp_path, UNGUARDED)
    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") == 1  # the script's own
    assert 'under `if __name__ == "__main__":`, or take num_workers=0' in ended.stderr.splitlines()[-1]
    assert "--debug" not in ended.stderr


def test_a_world_of_this_program_needs_no_main_guard(tmp_path):
    ended = run_script(tmp_path, NEEDS_NO_GUARD)
    assert (ended.stdout, ended.stderr) == ("(64, 4)\n", "")


def test_an_interrupt_while_a_worker_is_being_started_waits_until_it_is_whole(monkeypatch, capfd):
    """Otherwise the child would find nothing to read, complain, and belong to no supervisor."""
    resource_tracker.ensure_running()
    spawn = util.spawnv_passfds

    def spawn_and_interrupt(*arguments):
        pid = spawn(*arguments)
        signal.raise_signal(signal.SIGINT)
        return pid

    monkeypatch.setattr(util, "spawnv_passfds", spawn_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        Engine(small("workers.count=2"), None)
    wait_until(lambda: own_descendants() == set(), 2.0, "workers end")
    assert capfd.readouterr().err == ""


def test_too_little_shared_memory_is_said_before_anything_is_started():
    before = open_files()
    with pytest.raises(UsageError, match=r"GiB of shared memory; .*\n  lower agents.count or trails.length"):
        Engine(small("workers.count=2", "agents.count=4000000", "trails.length=4096"), None)
    assert own_descendants() == set()
    assert open_files() == before


def test_a_process_limit_is_said_and_leaves_nothing(monkeypatch):
    """As `ulimit -u` does it, which does not hold for root: the first worker comes up, the second may not."""
    resource_tracker.ensure_running()
    gc.collect()  # what earlier tests have left would be closed meanwhile
    spawn, started = util.spawnv_passfds, []

    def refuse_the_second(*arguments):
        if started:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        started.append(spawn(*arguments))
        return started[0]

    monkeypatch.setattr(util, "spawnv_passfds", refuse_the_second)
    before = open_files()
    with pytest.raises(UsageError, match=r"worker 1 cannot be started: .*\n  .*workers\.count"):
        Engine(small("workers.count=2"), None)
    wait_for_end(started, 2.0)
    assert open_files() == before


LIMITED = """
import resource, sys
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError

if __name__ == "__main__":
    config = load_config(None, ["agents.count=700", "workers.count=20"])
    for limit in map(int, sys.argv[1:]):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, 64))
        try:
            Engine(config, None)
        except UsageError as error:
            print(error)
"""


def test_a_limit_of_open_files_is_said_and_leaves_nothing(tmp_path):
    """Reached by the arena, by the bells, or by the pipes of workers that are being started."""
    ended = run_script(tmp_path, LIMITED, "45", "30", "12")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 6
    assert all("open files" in line.lower() for line in lines[0::2])
    assert all("workers.count" in line for line in lines[1::2])


def test_nothing_of_a_worker_is_heavy():
    with crowd(small("workers.count=1")) as engine:
        engine.advance_to(3)
        maps = psutil.Process(engine.worker_pids[0]).memory_maps()
        assert not [each.path for each in maps if "torch" in each.path or "libEGL" in each.path]
