import os

import psutil
import pytest
from blas_limits import blas_threads
from threadpoolctl import threadpool_limits

from valuescape.sim import resources
from valuescape.sim.resources import available_memory, one_blas_thread, usable_cores


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that writes a tree of control groups: membership lines, then files by path."""

    def lay_out(membership, files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "mount" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    monkeypatch.setattr(resources, "MOUNT", tmp_path / "mount")
    monkeypatch.setattr(resources, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    return lay_out


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "1000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"app/job/cpu.max": "max 100000\n", "app/cpu.max": "200000 100000\n"}, 2),
    ],
)
def test_cores_obey_the_quota_of_version_2_and_of_its_ancestors(groups, files, cores):
    groups("0::/app/job\n", files)
    assert usable_cores() == cores


@pytest.mark.parametrize(("quota", "cores"), [(-1, 8), (150_000, 2)])
def test_cores_obey_the_quota_of_version_1(groups, quota, cores):
    folder = "cpu,cpuacct/docker/abc"
    groups(
        "5:cpu,cpuacct:/docker/abc\n0::/\n",
        {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": "100000\n"},
    )
    assert usable_cores() == cores


def test_a_container_that_sees_its_own_group_at_the_top_obeys_it(groups):
    groups("0::/docker/of-the-host\n", {"cpu.max": "400000 100000\n"})
    assert usable_cores() == 4


def test_memory_is_what_the_group_leaves_with_droppable_cache(groups):
    groups(
        "0::/app\n",
        {
            "app/memory.max": f"{2**24}\n",
            "app/memory.current": f"{2**23}\n",
            "app/memory.stat": "anon 5\ninactive_file 4096\nactive_file 7\n",
        },
    )
    assert available_memory() == 2**24 - 2**23 + 4096


def test_memory_of_version_1(groups):
    groups(
        "4:memory:/job\n",
        {"memory/job/memory.limit_in_bytes": f"{2**24}\n", "memory/job/memory.usage_in_bytes": f"{2**22}\n"},
    )
    assert available_memory() == 2**24 - 2**22


@pytest.mark.parametrize("membership", ["", "0::/\n"])
def test_without_limits_the_machine_decides(groups, membership):
    groups(membership, {"memory.max": "max\n", "memory.current": "1\n"})
    assert available_memory() == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    assert usable_cores() == 8


def test_the_machine_itself_can_be_read():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert 0 < available_memory() <= psutil.virtual_memory().total


def test_blas_has_one_thread_until_the_last_that_asks_for_it_leaves():
    """Two that overlap: the first to come is the first to go."""
    with threadpool_limits(2, user_api="blas"):
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        assert blas_threads() == {1}
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {2}
