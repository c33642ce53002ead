"""What a run leaves when it is over."""

from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.costs.profile_files import write_profile
from valuescape.run.outputs import RunResult
from valuescape.run.report import write_report

if TYPE_CHECKING:
    from valuescape.run.session import Session


def finish(session: "Session") -> RunResult:
    """Write a settled run's report, the end of its video, its profile and its last picture."""
    outputs = session.outputs
    result = RunResult(write_report(session, outputs.folder / "run.json"), interrupted=session.interrupted)
    if session.recorder:
        session.recorder.close()
        result.files.append(session.recorder.path)
    if outputs.profile:
        accounts, stage = session.accounts, session.stage
        write_profile(outputs.profile, accounts.tracks(stage), accounts.usage(stage))
        result.files.append(outputs.profile)
    screenshot = outputs.screenshot
    if screenshot is None and session.headless:
        screenshot = outputs.folder / "last-frame.png"
    if screenshot and session.log.frame_ends:
        result.files.append(session.screenshot(screenshot))
    result.files.append(outputs.folder / "run.json")
    if outputs.export or outputs.figure:
        result.files += _export(session)
    return result


def _export(session: "Session") -> list[Path]:
    """Write the last tick's arrays and their figure, as far as asked for."""
    from valuescape.run.export import gather, write_npz
    from valuescape.run.run_figure import draw

    outputs, data, files = session.outputs, gather(session), []
    if outputs.export:
        write_npz(data, outputs.export)
        files.append(outputs.export)
    if outputs.figure:
        draw(data, outputs.figure)
        files.append(outputs.figure)
    return files
