"""The example for Slurm, with commands of Slurm and Ray in its place that say how they were called."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "examples/cluster/valuescape.sbatch"

COMMANDS = {
    "bin/srun": 'while [[ $1 == --* ]]; do shift; done; "$@"',
    "bin/scontrol": "printf 'node1\\nnode2\\n'",
    "bin/hostname": 'echo "fe80::1 127.0.1.1 10.0.0.7 172.17.0.1 "',
    "venv/bin/ray": 'echo "$@"; command -v ray valuescape',
    "venv/bin/valuescape": "exit 1",
}


@pytest.mark.parametrize(("named", "address"), [("", "10.0.0.7"), ("192.168.9.9", "192.168.9.9")])
def test_the_script_for_slurm_gives_the_heads_address_and_finds_ray_by_its_name(tmp_path, named, address):
    for name, script in COMMANDS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
    job = {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "4"}
    own = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "VENV": f"{tmp_path}/venv", "ADDRESS": named}
    command = ["bash", str(SCRIPT), "analyze", "model.zip"]
    done = subprocess.run(command, env={**job, **own}, capture_output=True, text=True, check=True)
    called, *found = done.stdout.splitlines()
    assert f"symmetric-run --address {address}:6379 --min-nodes 2 --num-cpus 4 -- " in called
    assert called.endswith("valuescape analyze model.zip --cluster auto")
    assert found == [f"{tmp_path}/venv/bin/{name}" for name in ("ray", "valuescape")]
