"""Presets by name, and what of them holds on a cluster."""

from valuescape.cli.console import read_config

CLUSTER = 'workers.cluster="10.0.0.1:6379"'


def test_a_presets_number_of_workers_is_not_for_a_cluster(tmp_path):
    """What the user says is: on the command line, or in a file."""
    own = tmp_path / "own.toml"
    own.write_text("[workers]\ncount = 2\n")
    here = read_config("demo", []).workers.count
    assert isinstance(here, int)
    assert read_config("demo", ['workers.cluster=""']).workers.count == here
    assert read_config("demo", [CLUSTER]).workers.count == "auto"
    assert read_config("demo", ["workers.count=3", CLUSTER]).workers.count == 3
    assert read_config(str(own), [CLUSTER]).workers.count == 2
