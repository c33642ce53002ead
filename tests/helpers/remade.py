"""Small runs whose pictures are made again, and their metadata."""

import json

import numpy as np
from commands import SMALL
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from valuescape.provenance.containers import KEYWORD
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

BASE = [*SMALL, "run.record=false", "agents.count=40", "trails.length=24"]


def run_of(folder, *settings, ticks=30, **outputs):
    """Make a headless run in this process; returns its last picture. outputs: as `Outputs` has them."""
    config = load_config(None, [*BASE, *settings])
    with Session(config, RunLength(ticks=ticks), Outputs(folder, **outputs), headless=True) as session:
        session.run()
    return folder / "last-frame.png"


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def metadata(path):
    with Image.open(path) as image:
        return json.loads(image.info[KEYWORD])


def resave(path, change_pixels=lambda rgb: None, text=None):
    """Save a picture anew, with other pixels or another text in its metadata; "" leaves it out."""
    with Image.open(path) as image:
        rgb, kept = np.array(image.convert("RGB")), image.info[KEYWORD]
    info = PngInfo()
    if text != "":
        info.add_itxt(KEYWORD, kept if text is None else text, zip=True)
    change_pixels(rgb)
    Image.fromarray(rgb).save(path, pnginfo=info)


def change(path, **parts):
    """Change parts of a picture's metadata, by dotted names with __ for the dots."""
    tree = metadata(path)
    for name, value in parts.items():
        *way, last = name.split("__")
        place = tree
        for each in way:
            place = place[each]
        place[last] = value
    resave(path, text=json.dumps(tree))
