"""Video files of other people: read whole, or refused by name."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from starvid_core import video
from starvid_core.errors import InputError

NOISE = np.random.default_rng(0).integers(0, 256, (12, 32, 48, 3), dtype=np.uint8)


def folder_of(place: Path, frames: np.ndarray = NOISE) -> Path:
    place.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(place / f"frame{number}.png")
    return place


def test_a_folder_of_pictures_is_read_as_people_count(tmp_path: Path) -> None:
    assert np.array_equal(video.load(folder_of(tmp_path / "0001")), NOISE)


def test_a_folder_without_pictures_or_with_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no frames; put pictures there: .png"):
        video.load(tmp_path)
    place = folder_of(tmp_path / "mixed", NOISE[:2])
    Image.fromarray(NOISE[0, :16]).save(place / "frame9.png")
    with pytest.raises(InputError, match="frame9.png is not as large as frame0.png"):
        video.load(place)
    (place / "frame9.png").write_text("no picture")
    with pytest.raises(InputError, match="frame9.png is not a picture"):
        video.load(place)


@pytest.mark.parametrize("suffix", ["mkv", "avi", "mov"])
def test_other_containers_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=8)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for frame in NOISE:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode())
    assert video.load(path).shape == NOISE.shape


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_a_cut_video_is_refused_by_name(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.mp4"
    video.save(path, NOISE)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="cut.mp4 is not a .mp4 video: "):
        video.load(path)


def test_a_hole_in_a_video_is_not_painted_over(tmp_path: Path) -> None:
    path = tmp_path / "hole.mp4"
    video.save(path, NOISE)
    data = bytearray(path.read_bytes())
    # H.264 has no checksum: a small hole can pass for pictures, one over frames cannot.
    third = len(data) // 3
    data[third : 2 * third] = b"\xff" * third
    path.write_bytes(data)
    with pytest.raises(InputError, match="hole.mp4"):
        video.load(path)


def test_sound_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        sound = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        sound.sample_rate = 44100
        sound.planes[0].update(bytes(sound.planes[0].buffer_size))
        out.mux(stream.encode(sound))
        out.mux(stream.encode())
    with pytest.raises(InputError, match="sound.mp4 holds no pictures"):
        video.load(path)


def test_an_empty_array_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(InputError, match="empty.npy is not a .npy video"):
        video.load(tmp_path / "empty.npy")
