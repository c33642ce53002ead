"""Chooses the processor to compile for: this machine's, or the one that numba's variables name."""

import os
import signal
import subprocess
import sys

import llvmlite.binding as llvm
import multiprocess
import numba

from valuescape.sim.errors import UsageError

_VARIABLES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")

_PROBE = """
import numba, numpy as np
@numba.njit(error_model="numpy")
def probe(x, y):
    total = np.float32(0)
    for i in range(len(x)):
        y[i] = np.floor(x[i] * x[i] + y[i]) / np.float32(3)
        total += y[i]
    return total
assert probe(np.ones(1000, np.float32), np.ones(1000, np.float32)) > 600
"""
"""A script that compiles a vectorised loop and runs it."""


def choose_target() -> dict[str, bool]:
    """Set numba's target, unless its variables do; return its features, by LLVM's names.

    Raises UsageError if the variables name a target that does not run here: LLVM would end the process.
    """
    host = dict(llvm.get_host_cpu_features())
    if any(os.environ.get(name) for name in _VARIABLES):
        _require_that_it_runs()
        features = numba.config.CPU_FEATURES
        return host if features is None else {name: f"+{name}" in features.split(",") for name in host}
    if host.get("avx512f"):
        # LLVM by itself uses 256-bit vectors, for the clock rates of early AVX-512 cores. On a Xeon of 2023
        # the mountain car's dynamics make 700 million steps a second with them and 975 million with 512 bits.
        numba.config.CPU_NAME = llvm.get_host_cpu_name()
        numba.config.CPU_FEATURES = llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit"
    return host


def _require_that_it_runs() -> None:
    """Raise UsageError if another process that compiles for the target and runs that fails."""
    if multiprocess.parent_process() is not None:  # the main process has checked
        return
    command = [sys.executable, "-c", _PROBE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    unknown = [line for line in done.stderr.splitlines() if "not a recognized" in line]
    if done.returncode == 0 and not unknown:
        return
    named = ", ".join(f"{name}={os.environ[name]!r}" for name in _VARIABLES if os.environ.get(name))
    said = unknown or [line for line in done.stderr.splitlines() if "LLVM ERROR" in line]
    why = said[0] if said else f"a test of it ends with {_ending(done.returncode)}"
    raise UsageError(
        f"{named}: machine code for that does not run here: {why}",
        f"unset it (this is a {llvm.get_host_cpu_name()}), or --set features.simd=false",
    )


def _ending(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"
