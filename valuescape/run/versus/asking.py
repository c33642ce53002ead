"""The second configuration of an A/B run: found by its name, changed, and fitted to the first."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from valuescape.inspection import unsaid
from valuescape.model_files import preset_of
from valuescape.presets import config_path, presets
from valuescape.run.validate import validate
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import Config, settings_of
from valuescape.sim.config.setting import Live
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import find_model, folder_format, is_model
from valuescape.sim.policy.formats.given import OPTIONS, STATED, given_of, setting_of
from valuescape.training_run import files_in, with_steps

_OF_THE_PAIR = frozenset({"render", "lod", "health", "stats", "sim"})
"""Sections that say how the picture looks and how fast time goes: there is one picture."""

_LOCKSTEP = "features.async_physics"
_SEED = "run.seed"


def second_config(
    first: Config, preset: str, shared: Sequence[str], name: str | None, changes: Sequence[str]
) -> Config:
    """Return the configuration of side B.

    first: of side A, which was read from `preset` with the changes `shared`. name: of a preset or a file, in
    the place of `preset`; of a model or the folder of a training run, which acts in the place of A's, and of
    which holds what is stated of A's as far as its own file does not say it; None for A's own. changes: to be
    made to it beside `shared`. The view and the pace are those of A.

    Raises UsageError if there is no such thing, if `changes` name something that both sides have one of, or
    if B would have another seed than A without being asked for it.
    """
    _require_own(changes)
    is_model = name is not None and name not in presets() and _is_model(name)
    found, needed = preset_of(preset if name is None or is_model else name, shared)
    if is_model:
        kept = _taken_over(Path(str(name)), first)
        needed += [_as_the_file_says(each) for each in STATED if each not in kept]
        needed += ['policy.steps="last"', f"policy.checkpoint={json.dumps(name, ensure_ascii=False)}"]
    second = _loaded(found, needed, changes)
    if second.run.seed != first.run.seed and not any(map(_names_seed, changes)):
        raise UsageError(
            f"--versus {name}: run.seed = {second.run.seed}, and {first.run.seed} in A; "
            "agents begin alike only with one seed",
            f"--seed {first.run.seed} for both, or --versus-set run.seed={second.run.seed}",
        )
    return _with_one_view(first, second)


def _loaded(found: str, needed: Sequence[str], changes: Sequence[str]) -> Config:
    """Return a preset's configuration, changed; complaints name the option that a change came by."""
    try:
        return with_steps(load_config(config_path(found), [*needed, *changes]))
    except UsageError as error:
        said, hint = str(error.args[0]), error.hint
        for each in changes:
            if f"--set {each}" in said:
                said = said.replace(f"--set {each}", f"--versus-set {each}")
                hint = hint and hint.replace("--set ", "--versus-set ")
        raise UsageError(said, hint) from None


def require_pair(first: Config, second: Config) -> None:
    """Raise UsageError, naming the side, if the two cannot be run and shown side by side."""
    if first.heatmap.beside:
        raise UsageError(
            f"heatmap.beside = {first.heatmap.beside!r}, but A and B show one map each, the same one",
            'leave it out (--set heatmap.beside=""), or run one configuration',
        )
    try:
        validate(second)
    except UsageError as error:
        raise UsageError(f"B: {error.args[0]}", _of_b(error.hint)) from None


def _of_b(hint: str) -> str:
    """Return a hint with the options that state something about B's checkpoint, in place of A's."""
    for field, option in OPTIONS.items():
        named = option.rpartition("=" if "=" in option else " ")[0]
        stated = rf"--versus-set policy.{setting_of(field)}=\1"
        hint = re.sub(rf"{re.escape(named)}[ =]([^\s,]+)", stated, hint)
    return hint


def is_of_the_pair(setting: str) -> bool:
    """Return whether both sides have one value of a setting: the view, the looks, the pace."""
    declared = settings_of().get(setting)
    looks = declared is not None and declared.declared.live in (Live.LOOKS, Live.VIEW)
    return looks or setting == _LOCKSTEP or setting.partition(".")[0] in _OF_THE_PAIR


def _require_own(changes: Sequence[str]) -> None:
    for each in changes:
        name = _name(each)
        if is_of_the_pair(name):
            raise UsageError(
                f"--versus-set {each}: A and B have one {name}", f"name it for both: --set {each}"
            )


def _name(change: str) -> str:
    return change.partition("=")[0].strip()


def _names_seed(change: str) -> bool:
    return _name(change) == _SEED


def _taken_over(name: Path, first: Config) -> frozenset[str]:
    """Return the settings that state about A's checkpoint what B's does not say itself."""
    declared = settings_of()
    stated = [declared[f"policy.{each}"] for each in STATED]
    if all(each.value_in(first) == each.default for each in stated):
        return frozenset()
    given = given_of(first.policy)
    path = find_model(name)
    with suppress(UsageError):  # which comes up again, as one of side B, when it is loaded
        is_run = path.is_dir() and folder_format(path) is None
        of_another = replace(given, yields=True)
        return unsaid(files_in(path, of_another).saved[-1].path if is_run else path, given)
    return frozenset()


def _as_the_file_says(key: str) -> str:
    """Return the change that takes back what is stated about A's checkpoint, since B's says it itself."""
    name = f"policy.{key}"
    return f"{name}={json.dumps(settings_of()[name].default)}"


def _is_model(name: str) -> bool:
    try:
        path = find_model(Path(name))
        return path.is_dir() or is_model(path)
    except (OSError, ValueError):  # such as a name that is too long
        return False


def _with_one_view(first: Config, second: Config) -> Config:
    """Return the second configuration with all that is of the pair as the first has it."""
    tables = second.model_dump()
    for name, each in settings_of(type(first)).items():
        if is_of_the_pair(name) or (each.section == "run" and name != _SEED):
            tables[each.section][each.key] = each.value_in(first)
    return type(second).model_validate(tables)
