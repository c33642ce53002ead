"""Zips of SBX (Stable-Baselines Jax): recognised, and refused with a script that converts them.

A zip has its policy pickled inside, which is not read. It is recognised by the module of the policy's class.
"""

import json
from pathlib import Path

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.contents import Contents
from valuescape.sim.policy.formats.files import BROKEN
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.registry import Format, Lack, Probe
from valuescape.sim.policy.formats.zip_members import read_members
from valuescape.sim.policy.network import Checkpoint

SCRIPT = """\
import sys, flax, numpy, sbx  # python convert.py SAC model.zip model.msgpack
model = getattr(sbx, sys.argv[1]).load(sys.argv[2])
said = {"sbx": sbx.__version__, "algorithm": sys.argv[1].lower(), "gamma": float(model.gamma)}
said["activation"] = numpy.asarray(model.policy.activation_fn(numpy.linspace(-2, 2, 9)))
said |= {end: getattr(model.action_space, end, None) for end in ("low", "high")}
parts = {"alpha": getattr(model, "ent_coef_state", None), **vars(model.policy)}
said |= {name: part.params for name, part in parts.items() if hasattr(part, "params")}
open(sys.argv[3], "wb").write(flax.serialization.to_bytes(said))
"""
"""Converts a zip of SBX where SBX is installed; it needs nothing of Valuescape."""

_NOTHING = Given()


def recognises(probe: Probe) -> bool:
    """Return whether a zip is of SBX: without the policy's tensors, and with a policy of its modules."""
    return "data" in probe.members and "policy.pth" not in probe.members and _module(probe.path) is not None


def _module(path: Path) -> str | None:
    """Return the module of a zip's policy if it is one of SBX: "sbx.sac.policies"."""
    try:
        described = json.loads(read_members(path, ("data",))["data"])
        module = str(described["policy_class"]["__module__"])
    except (UsageError, OSError, *BROKEN):
        return None
    return module if module.startswith("sbx.") else None


def _name(path: Path) -> str:
    """Return the algorithm's class in SBX: "SAC", "CrossQ"."""
    part = (_module(path) or "sbx.").split(".")[1]
    return {"crossq": "CrossQ"}.get(part, part.upper())


def _refuse(path: Path, given: Given = _NOTHING) -> Checkpoint:
    raise UsageError(
        f"{path}: is a zip of SBX, whose policy is a pickle that could run any code; it was not opened",
        f"convert it where SBX is installed: `valuescape inspect {path.name}` prints the script for that",
    )


def _contents(path: Path, given: Given = _NOTHING) -> Contents:
    name = _name(path)
    command = f"python convert.py {name} {path.name} {path.stem}.msgpack"
    return Contents(
        format="sbx-zip",
        library="SBX",
        algorithm=name.lower(),
        remarks=(
            "its policy is a pickle that could run any code, and is not read; save these lines as convert.py "
            f"and run `{command}` where SBX is installed; then give {path.stem}.msgpack instead:\n\n{SCRIPT}",
        ),
    )


FORMAT = Format(
    name="sbx-zip",
    container="zip",
    recognises=recognises,
    load=_refuse,
    contents=_contents,
    library="SBX",
    lacks=frozenset(Lack),
)
