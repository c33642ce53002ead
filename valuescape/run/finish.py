"""The files that a run leaves when it is over."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from valuescape.costs.ledger import Ledger
from valuescape.costs.profile_files import write_profile
from valuescape.provenance.containers import png_metadata
from valuescape.provenance.contents import Provenance
from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import VideoRecorder, save_png
from valuescape.run.origin import figure_origin
from valuescape.run.outputs import Outputs, RunResult
from valuescape.run.report import write_report
from valuescape.run.stage import Stage
from valuescape.run_state import RunState


def finish(
    state: RunState,
    outputs: Outputs,
    stage: Stage,
    ledger: Ledger,
    recorder: VideoRecorder | None,
    origin: Provenance | None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> RunResult:
    """Write the report of a settled run, the end of its video, its profile, its last picture and its arrays.

    origin: of the last picture; None if it has none. more: entries of the report beside its own. Raises
    UsageError if a file cannot be written.
    """
    result = RunResult(write_report(state, outputs.folder / "run.json", more), interrupted=state.interrupted)
    if recorder:
        recorder.close()
        result.files.append(recorder.path)
    if outputs.profile:
        write_profile(outputs.profile, ledger.tracks(), ledger.processes())
        result.files.append(outputs.profile)
    screenshot = outputs.screenshot
    if screenshot is None and state.headless:
        screenshot = outputs.folder / "last-frame.png"
    if screenshot and ledger.log.frame_ends:
        result.files.append(save_picture(stage.scene.picture, screenshot, origin))
    result.files.append(outputs.folder / "run.json")
    if outputs.session:
        result.files.append(outputs.session)
    if outputs.export or outputs.figure:
        result.files += _export(outputs, stage, state.settings.color_by)
    return result


def save_picture(picture: Any, path: Path, origin: Provenance | None) -> Path:
    """Write a picture (framebuffer) as a PNG that says how it was made, if that is known; return its path."""
    metadata = png_metadata(origin) if origin else None
    save_png(path, picture_bytes(picture), picture.size, metadata)
    return path


def _export(outputs: Outputs, stage: Stage, color_by: str) -> list[Path]:
    """Write the last tick's arrays and their figure, as far as asked for."""
    from valuescape.run.export import gather, write_npz
    from valuescape.run.run_figure import draw

    data, files = gather(stage, color_by), []
    if outputs.export:
        write_npz(data, outputs.export)
        files.append(outputs.export)
    if outputs.figure:
        draw(data, outputs.figure, figure_origin(stage))
        files.append(outputs.figure)
    return files
