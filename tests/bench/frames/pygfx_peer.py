"""Measures frames of pygfx: an image and one Line of all trails, offscreen, through Vulkan.

Its fastest options: one line of all agents, without anti-aliasing and supersampling.
"""

import time

import numpy as np
import pygfx
from measuring import answer_frames, arguments
from rendercanvas.offscreen import OffscreenRenderCanvas
from walk import SIZE, TRAIL, WARM_UP, Walk


def main() -> None:
    args = arguments()
    walk = Walk(args["agents"])
    canvas = OffscreenRenderCanvas(size=SIZE, pixel_ratio=1)
    renderer = pygfx.WgpuRenderer(canvas, pixel_ratio=1, pixel_filter="nearest", ppaa="none")
    scene, camera = pygfx.Scene(), pygfx.OrthographicCamera(2, 2, maintain_aspect=False)
    texture = pygfx.Texture(walk.field(0), dim=2)
    image = pygfx.Image(
        pygfx.Geometry(grid=texture), pygfx.ImageBasicMaterial(clim=(-1, 1), map=pygfx.cm.viridis)
    )
    edge = walk.field(0).shape[0]
    image.local.scale = (2 / edge, 2 / edge, 1)
    image.local.position = (-1, -1, -1)
    # A row of NaN after each agent's trail breaks the line.
    points = np.full((walk.agents, TRAIL + 1, 3), np.nan, np.float32)
    for k in range(TRAIL):
        points[:, k, :2], points[:, k, 2] = walk.at(k), 0
    age = np.linspace(0, 1, TRAIL + 1, dtype=np.float32)
    color = np.stack([np.ones_like(age), 0.6 * np.ones_like(age), 0.2 * np.ones_like(age), age], axis=1)
    geometry = pygfx.Geometry(positions=points.reshape(-1, 3), colors=np.tile(color, (walk.agents, 1)))
    line = pygfx.Line(geometry, pygfx.LineMaterial(thickness=1.6, color_mode="vertex", aa=False))
    scene.add(image, line)
    tick, took = TRAIL, []

    def frame() -> float:
        nonlocal tick
        field = walk.field(tick)
        began = time.perf_counter()
        texture.data[:] = field
        texture.update_full()
        points[:, : TRAIL - 1, :2] = points[:, 1:TRAIL, :2]
        points[:, TRAIL - 1, :2] = walk.at(tick)
        geometry.positions.data[:] = points.reshape(-1, 3)
        geometry.positions.update_full()
        canvas.request_draw(lambda: renderer.render(scene, camera))
        canvas.draw()  # reads the picture back, and so waits for it
        tick += 1
        return (time.perf_counter() - began) * 1000

    for _ in range(WARM_UP):
        frame()
    end = time.perf_counter() + args["seconds"]
    while time.perf_counter() < end or len(took) < 5:
        took.append(frame())
    if args.get("png"):
        from PIL import Image

        Image.fromarray(np.asarray(canvas.draw())).save(args["png"])
    answer_frames(took)


if __name__ == "__main__":
    main()
