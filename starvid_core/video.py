"""Videos as files: mp4 (H.264) and gif for eyes; whatever is measured stays in lossless arrays."""

from __future__ import annotations

import re
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
PICTURES = (".png", ".jpg", ".jpeg")


def save(path: Path, video: Video, rate: int = RATE) -> None:
    """Write a video that is large enough to look at; the suffix of `path` is its format."""
    encode = WRITERS[suffix(path)]
    with writing(path) as temporary:
        encode(temporary, enlarge(video), rate)


def load(path: Path) -> Video:
    """The frames of a file that `READERS` has, or of a folder of pictures in their order."""
    read = _read_folder if path.is_dir() else READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"cannot read {path}: its name must end in {', '.join(READERS)}")
    if not path.exists():
        raise InputError(f"{path} does not exist")
    try:
        video = read(path)
    except InputError:
        raise
    except (OSError, ValueError, EOFError, av.FFmpegError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} is not a {path.suffix} video: {reason}") from None
    if video.dtype != np.uint8 or video.ndim != 4 or video.shape[-1] != 3 or not video.size:
        raise InputError(f"{path} holds no frames of red, green and blue bytes")
    return video


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, frame 10 after frame 9."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
    return sorted(found, key=lambda p: in_order(p.name))


def in_order(name: str) -> list[tuple[int, str]]:
    """A key by which names sort as people count: their numbers as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


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
        if not container.streams.video:
            raise InputError(f"{path} holds no pictures; give a video")
        stream = container.streams.video[0]
        # Without this, damage that the decoder sees is painted over and passes for the video.
        stream.codec_context.options = {"err_detect": "explode"}
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        promised = stream.frames  # 0 where the format does not say
    if len(frames) < promised:
        raise InputError(f"{path} holds {len(frames)} of its {promised} frames; it is damaged")
    return np.stack(frames)


def _read_folder(path: Path) -> Video:
    files = pictures(path)
    if not files:
        raise InputError(f"{path} holds no frames; put pictures there: {', '.join(PICTURES)}")
    frames = [_read_picture(file) for file in files]
    for file, frame in zip(files, frames, strict=True):
        if frame.shape != frames[0].shape:
            raise InputError(f"{file} is not as large as {files[0].name}; give frames of one size")
    return np.stack(frames)


def _read_picture(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise InputError(f"{path} is not a picture: {error}") from None


def _read_gif(path: Path) -> Video:
    with Image.open(path) as image:
        return np.stack([np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(image)])


def _read_npy(path: Path) -> Video:
    return np.load(path, allow_pickle=False)


WRITERS: dict[str, Callable[[Path, Video, int], None]] = {".mp4": _write_mp4, ".gif": _write_gif}
READERS: dict[str, Callable[[Path], Video]] = {
    **dict.fromkeys((".mp4", ".webm", ".mkv", ".mov", ".avi", ".mpg"), _read_mp4),
    ".gif": _read_gif,
    ".npy": _read_npy,
}
