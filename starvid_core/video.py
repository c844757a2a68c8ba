"""Videos as files: mp4 (H.264) and gif for eyes; whatever is measured stays in lossless arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageSequence

from starvid_core.artifacts import writing
from starvid_core.errors import InputError

Video = UInt8[np.ndarray, "frame height width 3"]
Resized = UInt8[np.ndarray, "frame _height _width 3"]

SHORT_SIDE = 288
RATE = 8


def save(path: Path, video: Video, rate: int = RATE) -> None:
    """Write a video that is large enough to look at; the suffix of `path` is its format."""
    encode = WRITERS[suffix(path)]
    with writing(path) as temporary:
        encode(temporary, enlarge(video), rate)


def load(path: Path) -> Video:
    """The frames of a .mp4, .gif or .npy file."""
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"cannot read {path}: its name must end in {', '.join(READERS)}")
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    try:
        video = read(path)
    except (OSError, ValueError, av.FFmpegError) as error:
        raise InputError(f"{path} is not a {path.suffix} video: {error}") from None
    if video.dtype != np.uint8 or video.ndim != 4 or video.shape[-1] != 3 or not video.size:
        raise InputError(f"{path} holds no frames of red, green and blue bytes")
    return video


def suffix(path: Path) -> str:
    """The format that `path` asks for; refused before any work when there is no such format."""
    if path.suffix.lower() not in WRITERS:
        raise InputError(f"cannot write {path}: its name must end in {' or '.join(WRITERS)}")
    return path.suffix.lower()


def enlarge(video: Video, short_side: int = SHORT_SIDE) -> Resized:
    """Whole-number enlargement by nearest neighbor; both sides even, as H.264 wants them."""
    height, width = video.shape[1:3]
    factor = -(-short_side // min(height, width))
    if (height * factor) % 2 or (width * factor) % 2:
        factor += 1
    return video.repeat(factor, axis=1).repeat(factor, axis=2)


def shrink(video: Video, height: int, width: int) -> Resized:
    """Undo `enlarge`: the mean over the pixels that each small pixel had become."""
    high, wide = video.shape[1:3]
    if (high, wide) == (height, width):
        return video
    if high % height or wide % width or high // height != wide // width:
        raise InputError(f"frames of {wide}x{high} are no enlargement of {width}x{height}")
    factor = high // height
    blocks = video.reshape(len(video), height, factor, width, factor, 3)
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)


def _write_mp4(path: Path, video: Video, rate: int) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = "yuv420p"
        # One thread, because x264 gives other bytes with another number of threads.
        stream.options = {"crf": "14", "preset": "medium", "threads": "1"}
        stream.codec_context.thread_count = 1
        for frame in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _write_gif(path: Path, video: Video, rate: int) -> None:
    first, *others = [Image.fromarray(frame) for frame in video]
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=round(1000 / rate),
        loop=0,
        optimize=False,
    )


def _read_mp4(path: Path) -> Video:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def _read_gif(path: Path) -> Video:
    with Image.open(path) as image:
        return np.stack([np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(image)])


def _read_npy(path: Path) -> Video:
    return np.load(path, allow_pickle=False)


WRITERS: dict[str, Callable[[Path, Video, int], None]] = {".mp4": _write_mp4, ".gif": _write_gif}
READERS: dict[str, Callable[[Path], Video]] = {
    ".mp4": _read_mp4,
    ".gif": _read_gif,
    ".npy": _read_npy,
}
