"""Measures frames of vispy: an image and one Line visual of all trails, offscreen through EGL.

Trails fade with age and are connected within each agent. Method "gl", vispy's fastest, draws lines one pixel
wide without anti-aliasing.
"""

import os
import time

import numpy as np
import vispy
from measuring import answer_frames, arguments
from walk import SIZE, TRAIL, WARM_UP, Walk

os.environ.setdefault("EGL_PLATFORM", "surfaceless")
vispy.use(app="egl", gl="gl2")
from vispy import gloo, scene  # noqa: E402 - once the application is chosen


def main() -> None:
    args = arguments()
    walk = Walk(args["agents"])
    canvas = scene.SceneCanvas(size=SIZE, show=False, dpi=96)
    view = canvas.central_widget.add_view()
    view.camera = scene.PanZoomCamera(rect=(-1, -1, 2, 2))
    image = scene.visuals.Image(walk.field(0), cmap="viridis", clim=(-1, 1), parent=view.scene)
    edge = walk.field(0).shape[0]
    image.transform = scene.transforms.STTransform(scale=(2 / edge, 2 / edge), translate=(-1, -1))
    # Agents one after the other; oldest sample first.
    points = np.empty((walk.agents, TRAIL, 2), np.float32)
    for k in range(TRAIL):
        points[:, k] = walk.at(k)
    connect = np.ones((walk.agents, TRAIL), bool)
    connect[:, -1] = False
    age = np.linspace(0, 1, TRAIL, dtype=np.float32)
    color = np.stack([np.ones_like(age), 0.6 * np.ones_like(age), 0.2 * np.ones_like(age), age], axis=1)
    colors = np.tile(color, (walk.agents, 1))
    line = scene.visuals.Line(
        points.reshape(-1, 2), color=colors, connect=connect.ravel(), method="gl", parent=view.scene
    )
    line.order = 1  # over the image
    line.set_gl_state("translucent", depth_test=False)
    tick, took, worked = TRAIL, [], []

    def frame() -> float:
        nonlocal tick
        field = walk.field(tick)
        began, work = time.perf_counter(), time.process_time()
        image.set_data(field)
        points[:, :-1] = points[:, 1:]
        points[:, -1] = walk.at(tick)
        line.set_data(pos=points.reshape(-1, 2))
        canvas.update()
        canvas.on_draw(None)
        gloo.gl.glFinish()
        tick += 1
        worked.append((time.process_time() - work) * 1000)
        return (time.perf_counter() - began) * 1000

    with canvas:
        fbo = gloo.FrameBuffer(gloo.Texture2D((SIZE[1], SIZE[0], 4)), gloo.RenderBuffer(SIZE[::-1]))
        canvas.push_fbo(fbo, (0, 0), SIZE)
        for _ in range(WARM_UP):
            frame()
        end = time.perf_counter() + args["seconds"]
        while time.perf_counter() < end or len(took) < 5:
            took.append(frame())
        picture = fbo.read()
        if args.get("png"):
            from PIL import Image

            Image.fromarray(picture).save(args["png"])
    cpu_ms = float(np.median(worked[WARM_UP:]))
    answer_frames(took, cpu_ms=cpu_ms, drawn=int((picture[..., :3].max(axis=2) > 0).mean() * 100))


if __name__ == "__main__":
    main()
