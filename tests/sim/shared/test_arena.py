"""Shared memory: where each array lies, that all processes see the same, and that nothing is left behind."""

import gc
import os
from itertools import pairwise

import multiprocess
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multiprocess import resource_tracker
from multiprocess.shared_memory import SharedMemory
from processes import names_since, open_files, shared_names

from valuescape.sim.errors import UsageError
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import CACHE_LINE, NO_LIMIT, ArenaLayout, slices
from valuescape.sim.shared.orders import Bell, Orders, give_orders, read_orders

sizes = st.integers(1, 9)
layouts = st.builds(ArenaLayout, st.integers(1, 500), st.integers(0, 9), sizes, sizes, sizes, sizes)
SMALL = ArenaLayout(agents=33, workers=2, state_dim=2, action_dim=1, state_rows=4, trail_rows=10)


@pytest.fixture
def arena():
    arena = Arena(SMALL)
    yield arena
    arena.close()


@given(layouts)
def test_arrays_begin_on_cache_lines_and_do_not_overlap(layout):
    end = 0
    for field in layout.fields().values():
        assert field.offset % CACHE_LINE == 0
        assert field.offset >= end
        end = field.offset + field.nbytes
    assert end <= layout.nbytes < end + CACHE_LINE


def test_no_two_workers_share_a_cache_line():
    records = Arena(SMALL)["worker"]
    assert records.dtype.itemsize == CACHE_LINE
    assert records.ctypes.data % CACHE_LINE == 0


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 64), st.sampled_from([1, 32, 100]))
def test_slices_cover_all_agents_and_begin_at_blocks(agents, workers, block):
    parts = slices(agents, workers, block)
    assert len(parts) == workers
    assert parts[0].start == 0
    assert parts[-1].stop == agents
    assert all(before.stop == after.start for before, after in pairwise(parts))
    assert all(part.start % block == 0 or part.start == agents for part in parts)
    blocks = [-(-(part.stop - part.start) // block) for part in parts]
    assert max(blocks) - min(blocks) <= 1


def test_views_have_the_layouts_shapes_and_do_not_alias(arena):
    for number, (name, field) in enumerate(SMALL.fields().items()):
        assert arena[name].shape == field.shape
        assert arena[name].dtype == field.dtype
        arena[name].view(np.uint8).fill(number)
    for number, name in enumerate(SMALL.fields()):
        assert (arena[name].view(np.uint8) == number).all(), name


def test_what_nobody_has_written_shows(arena):
    for name in ("state", "action", "trail_position"):
        assert np.isnan(arena[name]).all()
    assert (arena["worker"]["tick"] == -1).all()
    assert (arena["worker"]["waits_for"] == NO_LIMIT).all()


def _answer(arena, question):
    """In another process: send what the arena holds, and write what the parent expects."""
    question.send(arena["reward"].sum())
    arena["state"][1, 0] = np.arange(33)
    arena["worker"]["pid"][1] = 77
    question.send("written")
    question.close()


def test_a_spawned_process_sees_the_same_memory(arena):
    arena["reward"][:] = 0.5
    here, there = multiprocess.Pipe()
    process = multiprocess.get_context("spawn").Process(target=_answer, args=(arena, there))
    process.start()
    there.close()
    assert here.recv() == 0.5 * arena["reward"].size
    assert here.recv() == "written"
    process.join()
    process.close()
    here.close()
    assert arena["state"][1, 0].tolist() == list(range(33))
    assert arena["worker"]["pid"].tolist() == [0, 77]


def test_the_memory_has_no_name():
    before = shared_names()
    named = SharedMemory(create=True, size=4096)
    try:
        assert names_since(before) == {named.name}
    finally:
        named.close()
        named.unlink()
    arena = Arena(SMALL)
    assert not names_since(before)
    arena.close()


def test_closing_under_a_view_that_is_still_held_is_an_error():
    arena = Arena(SMALL)
    held = arena["state"]
    with pytest.raises(BufferError):
        arena.close()
    assert np.isnan(held).all()


def test_closing_frees_every_descriptor():
    resource_tracker.ensure_running()
    gc.collect()
    before = open_files()
    for _ in range(3):
        Arena(SMALL).close()
        Bell().close()
    assert open_files() == before


def test_too_much_memory_is_refused_before_it_is_taken(monkeypatch):
    before = open_files()
    huge = ArenaLayout(4_000_000, 2, 2, 1, 10, 4_096)
    with pytest.raises(UsageError, match=r"need \d+\.\d\d GiB of shared memory; .* are available\n  lower"):
        Arena(huge)
    monkeypatch.setattr("valuescape.sim.shared.arena.available_memory", lambda: SMALL.nbytes)
    with pytest.raises(UsageError, match=r"agents\.count and trails\.length"):
        Arena(SMALL)
    assert open_files() == before


def test_orders_are_read_as_given(arena):
    for number in range(5):
        orders = Orders(number == 4, 10 + number, 20 + number, 30 + number, 40 + number)
        give_orders(arena, orders)
        assert read_orders(arena) == orders


def test_orders_say_when_a_tick_is_due():
    assert Orders(False, 0, 10, 1000, 5).due_ns(12) == 1010
    assert Orders(False, 0, 10, 1000, 0).due_ns(12) == 0


def test_a_bell_that_was_rung_wakes_the_next_wait_and_only_that():
    bell = Bell()
    bell.ring()
    bell.ring()
    bell.wait(60)
    with pytest.raises(BlockingIOError):
        os.eventfd_read(bell.descriptor.fd)
    bell.wait(0.01)
    bell.close()
