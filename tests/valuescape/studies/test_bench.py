"""The micro-benchmarks: they run, their methods do the same, and the optimised ones are faster."""

import json
import timeit

import numpy as np
import pytest
from gl_context import gl, shared_context

from valuescape.benchmarks import bench_mesh, bench_trails
from valuescape.benchmarks.conftest import own
from valuescape.cli.app import run_cli
from valuescape.sim.interrupts import Interrupts
from valuescape.studies.bench import Measured, _compared, groups, run_benchmarks
from valuescape.studies.compare import as_report, compare

__all__ = ["gl", "own", "shared_context"]

# Measuring needs the machine.
pytestmark = [pytest.mark.gpu, pytest.mark.alone]


@pytest.mark.slow
def test_every_benchmark_runs_and_its_figures_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_cli(["bench", "--seconds", "0.01", "--most", "5000", "--json", "b.json"]) == 0
    written = json.loads((tmp_path / "b.json").read_text())
    found = written["benchmarks"]
    assert {each["group"].replace(" ", "-") for each in found} == set(groups())
    assert all(each["median_us"] > 0 and each["rounds"] >= 3 for each in found)
    loops = [each for each in found if each["way"] == "loop in Python"]
    assert [each["count"] for each in loops] == [10, 100, 1_000]
    assert "heights" in capsys.readouterr().out
    assert (tmp_path / "runs" / "bench.html").read_text().count("data:image/svg+xml") == len(groups())
    report = as_report(written)
    assert compare(report, report).reasons == []


def test_some_of_them_run_and_an_interrupt_keeps_what_was_measured():
    with Interrupts() as interrupts:

        def stop_at_third(done, total, name):
            assert total == 6
            interrupts.asked = done == 2

        found = run_benchmarks(["mesh"], 0.01, None, interrupts, stop_at_third)
    assert len(found) == 3
    assert {each.group for each in found} == {"mesh"}


def test_a_group_that_is_not_there_is_refused(capsys):
    assert run_cli(["bench", "meshes"]) == 2
    assert "known: arrays, field, hand-over" in capsys.readouterr().err
    assert run_cli(["bench", "field", "--most", "10"]) == 2
    assert "--most 10: leaves no benchmark" in capsys.readouterr().err


def test_each_is_compared_with_the_first_of_its_group_and_count():
    found = [
        Measured("g", way, count, us, 0.0, 5)
        for way, count, us in (("a", 1, 10.0), ("a", 2, 30.0), ("b", 1, 2.0), ("b", 2, 60.0))
    ]
    assert [each.times for each in _compared(found)] == [1, 1, 5, 0.5]


def fastest(call, number):
    call()
    return min(timeit.repeat(call, number=number, repeat=7)) / number


@pytest.mark.performance
def test_trails_in_one_buffer_are_five_times_as_fast_as_an_object_each(gl, own):
    """For 300 agents; the number of draw calls is a small part of the difference on the software driver."""
    each = fastest(bench_trails.objects(gl, own, 300), 3)
    batched = fastest(bench_trails.scene_frames(gl, own, 300, batched=True), 10)
    assert 5 * batched < each


def test_trails_as_objects_are_really_drawn(gl, own):
    """Else the comparison would be with an empty picture."""
    bench_trails.objects(gl, own, 100)()
    picture = np.frombuffer(gl.fbo.read(components=3), np.uint8)
    assert (picture > 0).mean() > 0.1


def test_the_mesh_that_is_built_anew_is_a_mesh():
    field = bench_mesh.hills(8)
    vertices, triangles = bench_mesh.vertices(field), bench_mesh.triangles(8)
    assert vertices.shape == (8, 8, 6)
    assert triangles.max() == 63
    assert len(triangles) == 2 * 3 * 49
    np.testing.assert_allclose(np.linalg.norm(vertices[..., 3:], axis=-1), 1, atol=1e-5)
