"""Pictures and videos in files: reading them gives what was written."""

import av
import numpy as np
import pytest
from PIL import Image

from valuescape.render.displays.recorder import VideoRecorder, save_png
from valuescape.sim.errors import UsageError


def test_a_png_has_the_picture_s_size_and_colours(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    path = tmp_path / "new" / "picture.png"
    save_png(path, picture.tobytes(), (5, 7))
    with Image.open(path) as image:
        assert image.size == (5, 7)
        np.testing.assert_array_equal(np.asarray(image), picture)


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def colored(size, color):
    return np.full((size[1], size[0], 3), color, np.uint8).tobytes()


@pytest.mark.parametrize("size", [(160, 120), (161, 121)], ids=["even", "odd"])
def test_a_video_plays_back_what_was_added(tmp_path, size):
    """H.264 needs even sizes: of odd ones the last row and column are lost."""
    colors = [(200, 40, 30), (30, 180, 60), (20, 60, 210), (250, 250, 250), (0, 0, 0)]
    with VideoRecorder(tmp_path / "out.mp4", size, 30) as recorder:
        for color in colors:
            recorder.add(colored(size, color))
        assert recorder.frames == 5
    frames = frames_of(tmp_path / "out.mp4")
    assert [frame.shape for frame in frames] == [(120, 160, 3)] * 5
    for frame, color in zip(frames, colors, strict=True):
        assert np.abs(frame.mean(axis=(0, 1)) - color).max() < 12


def test_a_video_is_the_right_way_up(tmp_path):
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:30, :40] = 255
    with VideoRecorder(tmp_path / "out.mp4", (160, 120), 30) as recorder:
        recorder.add(picture.tobytes())
    frame = frames_of(tmp_path / "out.mp4")[0]
    assert frame[:25, :35].min() > 200
    assert frame[40:].max() < 60


def test_a_video_has_its_frame_rate(tmp_path):
    with VideoRecorder(tmp_path / "out.mp4", (160, 120), 24) as recorder:
        for _ in range(12):
            recorder.add(colored((160, 120), 90))
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 24
        assert float(stream.duration * stream.time_base) == pytest.approx(0.5)


@pytest.mark.parametrize("frames", [1, 3])
def test_what_was_recorded_before_an_error_can_be_played(tmp_path, frames):
    recorder = VideoRecorder(tmp_path / "out.mp4", (160, 120), 30)

    def record_and_fail():
        with recorder:
            for _ in range(frames):
                recorder.add(colored((160, 120), 90))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        record_and_fail()
    recorder.close()  # closing again is harmless
    assert len(frames_of(tmp_path / "out.mp4")) == frames


def test_a_recording_without_frames_leaves_no_file(tmp_path):
    VideoRecorder(tmp_path / "out.mp4", (160, 120), 30).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["file/out.mp4", "out.nonsense", "out", "out.wav", "out.png"])
def test_a_video_that_cannot_be_written_is_a_usage_error(tmp_path, path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"(?s)cannot be recorded to .*\.mp4"):
        VideoRecorder(tmp_path / path, (160, 120), 30)


@pytest.mark.parametrize("path", ["file/out.png", "out.nonsense"])
def test_a_picture_that_cannot_be_written_is_a_usage_error(tmp_path, path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=f"{path}: cannot be written"):
        save_png(tmp_path / path, bytes(12), (2, 2))
