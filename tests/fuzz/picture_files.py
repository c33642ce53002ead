"""The fuzzer of pictures that say how they were made, read as by `replay`, but for the drawing."""

import json
import random
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from fuzzing import Subject, reader_of_files
from mutations import spoilt_bytes, spoilt_json
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from valuescape.provenance.containers import KEYWORD, kind_of, read_provenance
from valuescape.provenance.contents import Canvas, Moment, PictureMade, Said, SavedCard, SavedTrails
from valuescape.provenance.origin import provenance
from valuescape.provenance.view import SavedView
from valuescape.remake.means import Means, original
from valuescape.remake.moment import stops
from valuescape.render.view.cross import Cross
from valuescape.render.view.selection import Region
from valuescape.render.view.viewer import viewer_of
from valuescape.run.origin import annotations_of
from valuescape.run.validate import trail_colors, validate
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.worlds import make_world

MOST_STOPS = 1_000


def made() -> PictureMade:
    """Return how a picture with everything in it was made."""
    viewer = viewer_of(load_config(None), ["age"])
    viewer.box = Region(np.eye(8, dtype=np.bool_), np.array([(0, 1, 2), (np.nan,) * 3], np.float32))
    viewer.cross = Cross(np.zeros((1, 3), np.float32), np.zeros((2, 3), np.float32), ("1.5",))
    card = SavedCard(
        title="agent 3",
        rows=[("x", "1")],
        values=[1.0],
        mark=2.0,
        parts=[("a", 1.0)],
        lamps=[("b", None)],
        note="",
    )
    return PictureMade(
        moment=Moment(
            tick=90,
            plane=[0.0, 0.0],
            missed=[(3, 7), (20, 21)],
            all_missed=True,
            untold=[88],
            unsigned=[89],
            agents_seen=50,
            places="0" * 64,
        ),
        canvas=Canvas(width=32, height=16, pixel_scale=1.0),
        view=SavedView.of(viewer),
        live={"trails.opacity": 0.5, "heatmap.low": -3.0, "render.view": "2d"},
        ends={"value": (-1.0, 1.0)},
        trails=SavedTrails(
            ends=(0.0, 1.0), signals_since=3, individuals=5, crowd_cells=(20, 20), crowd_ticks=9.0
        ),
        highlighted=None,
        said=Said(left=["a world"], right=["tick 90"], cards=[card], notice=""),
        computing="",
    )


def picture_of(text: bytes) -> bytes:
    """Return a PNG with a text in its metadata."""
    info, file = PngInfo(), BytesIO()
    info.add_itxt(KEYWORD, text.decode("utf-8", "replace").replace("\0", ""), zip=True)
    Image.new("RGB", (32, 16)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def svg_of(text: bytes) -> bytes:
    return (
        b"<?xml version='1.0'?><svg><dc:description>"
        + text.replace(b"<", b"&lt;")
        + b"</dc:description></svg>"
    )


def pdf_of(text: bytes) -> bytes:
    escaped = text.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"%PDF-1.4\n1 0 obj\n<< /Keywords (" + escaped + b") >>\nendobj\n"


def subjects(folder: Path) -> list[Subject]:
    settings = "policy.checkpoint=random", "agents.count=5", "workers.count=0", "features.simd=false"
    sound = provenance(made(), load_config(None, settings), None).model_dump(mode="json")

    def make(rng: random.Random) -> bytes:
        if rng.randrange(8) == 0:
            return spoilt_bytes(rng, rng.choice((picture_of, svg_of, pdf_of))(json.dumps(sound).encode()))
        part = rng.choice(
            (sound, sound["made"], sound["made"]["view"], sound["made"]["moment"], sound["config"])
        )
        text = spoilt_json(rng, part)
        if part is not sound:
            whole = json.dumps(sound)
            text = whole.replace(json.dumps(part), text.decode("utf-8", "replace"), 1).encode()
        return rng.choice((picture_of, picture_of, svg_of, pdf_of))(text)

    def read(path: Path) -> None:
        kind = kind_of(path)
        if kind is None:
            return
        origin = read_provenance(path, kind)
        before = original(path, origin, Means())
        if isinstance(origin.made, PictureMade):
            picture, config = origin.made, changed(before.config, origin.made.live)
            validate(config)
            picture.view.viewer(config, trail_colors(None, make_world(config.world.name, config)), ["value"])
            annotations_of(picture.said)
            moment, length = picture.moment, config.trails.length
            ticks = stops(moment, length, picture.trails.signals_since, every=False)
            assert all(one < other for one, other in pairwise(islice(ticks, MOST_STOPS)))

    return [Subject("pictures", make, reader_of_files(folder, "a.png", read))]
