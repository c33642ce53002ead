"""Makes a file again that says how it was made, and compares both."""

from dataclasses import dataclass
from pathlib import Path

from valuescape.provenance.containers import Kind, kind_of
from valuescape.provenance.contents import (
    AnalysisMade,
    FigureMade,
    FilmMade,
    MapMade,
    PairMade,
    PictureMade,
    Provenance,
    VideoMade,
)
from valuescape.provenance.origin import picture_versions
from valuescape.remake.comparison import Comparison, compare_bytes, compare_pictures, compare_videos
from valuescape.remake.means import Means, Original, original
from valuescape.remake.moment import made_of_ticks
from valuescape.remake.picture import Again, remake_picture
from valuescape.sim.errors import UsageError, escaped


@dataclass(frozen=True, slots=True)
class Remade:
    """A file that was made again. reasons: why it may differ, in sentences; empty if none is known."""

    path: Path
    comparison: Comparison
    reasons: list[str]


def remade_path(path: Path, kind: Kind) -> Path:
    """Return the name of the file to make: `picture-again.png` for `picture.png`."""
    return path.with_name(f"{path.stem}-again{path.suffix or kind.suffix}")


def summary_of(origin: Provenance) -> str:
    """Return in printable words what a file shows: `tick 240 of mountain_car, seed 0`."""
    made, config = origin.made, origin.config
    run = f"{escaped(config.world.name)}, seed {config.run.seed}"
    match made:
        case PictureMade() | FigureMade():
            return f"tick {made.moment.tick:,} of {run}"
        case VideoMade():
            return f"a video of {run}"
        case FilmMade():
            return f"a video of ticks {made.first:,} to {made.last:,} of {run}"
        case PairMade():
            return f"two configurations side by side, the first: {run}"
        case MapMade():
            return f"the map {escaped(made.name)} of {made.cells}² cells in {run}"
        case AnalysisMade():
            return f"{made.name} of {made.episodes:,} episodes and {made.cells}² cells in {run}"


def remake(path: Path, kind: Kind, origin: Provenance, means: Means, out: Path) -> Remade:
    """Make a file again as `out`, and compare it with the original.

    Raises UsageError if that is not possible, KeyboardInterrupt if a person interrupts it.
    """
    if isinstance(origin.made, PairMade):
        raise UsageError(
            f"{path}: shows two configurations side by side, and such a picture is not made again",
            f"it comes from: {escaped(origin.made.command) or 'a session in Python'}",
        )
    if isinstance(origin.made, FilmMade):
        raise UsageError(
            f"{path}: was made by a session in Python, and such a video is not made again",
            "its configuration, its changes and its checkpoint's hash are in its metadata; pictures of "
            "Session.save_picture are made again",
        )
    if kind_of(path) is not kind or not _fits(kind, origin):
        raise UsageError(f"{path}: its metadata are damaged (they are of another kind of file)")
    before = original(path, origin, means)
    again = _make(before, out)
    compare = {".png": compare_pictures, ".mp4": compare_videos, ".mkv": compare_videos}
    comparison = compare.get(kind.suffix, compare_bytes)(path, out)
    return Remade(out, comparison, [] if comparison.equal else reasons_of(origin, again))


def _fits(kind: Kind, origin: Provenance) -> bool:
    figures, videos = (".png", ".pdf", ".svg"), (".mp4", ".mkv")
    match origin.made:
        case PictureMade():
            return kind.suffix == ".png"
        case VideoMade():
            return kind.suffix in videos
        case _:
            return kind.suffix in figures


def _make(before: Original, out: Path) -> Again | None:
    """Make a file again; return what is known of the new one, where a stage was needed."""
    made = before.origin.made
    match made:
        case PictureMade():
            return remake_picture(before, made, out)
        case FigureMade():
            from valuescape.remake.figure import remake_figure

            return remake_figure(before, made, out)
        case VideoMade():
            from valuescape.remake.video import remake_video

            remake_video(before, made, out)
        case AnalysisMade():
            from valuescape.remake.analysis import remake_map

            remake_map(before, made, out)
        case MapMade():
            from valuescape.remake.map import remake_one_map

            remake_one_map(before, made, out)
    return None


def reasons_of(origin: Provenance, again: Again | None) -> list[str]:
    """Return why a file may differ from the one made again."""
    now = picture_versions()
    found = [
        f"{name} was {origin.versions.get(name, 'not there')}, and is {version} now"
        for name, version in now.items()
        if origin.versions.get(name) != version
    ]
    if again:
        if origin.driver != again.origin.driver:
            found.insert(0, f"it was drawn by {origin.driver}, now by {again.origin.driver}")
        if again.same_places is not None:
            found.append(
                "agents are where they were, so the difference is in the drawing"
                if again.same_places
                else "agents are elsewhere, so the simulation went another way"
            )
    return found + _own_reasons(origin)


def _missed_by_maps(origin: Provenance, made: PictureMade) -> bool:
    layer = str(made.live.get("heatmap.layer", origin.config.heatmap.layer))
    return made_of_ticks(layer) and bool(made.moment.missed or made.moment.untold)


def _own_reasons(origin: Provenance) -> list[str]:
    """Return what a file itself says of why it may not come out the same."""
    made = origin.made
    match made:
        case PictureMade() | FigureMade() if not made.moment.all_missed:
            return ["the simulation was so fast that not all ticks left out of the visits are noted"]
        case PictureMade() if _missed_by_maps(origin, made):
            return ["frames were so slow that a map of the agents' own episodes missed some of their ticks"]
        case PictureMade() | FigureMade() if made.computing:
            return [f"it was taken while a map was still being computed: {made.computing}"]
        case VideoMade():
            changed = f"a person changed the view meanwhile: {', '.join(made.changed)}"
            computing = f"it shows a map while it was being computed: {made.computing}"
            return [changed] * bool(made.changed) + [computing] * bool(made.computing)
        case AnalysisMade() if not made.complete:
            return ["the analysis was interrupted, and is complete now"]
    return []
