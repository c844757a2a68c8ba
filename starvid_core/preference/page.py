"""Making a study: pairs drawn by seed, every clip encoded alike, one page that needs no server."""

from __future__ import annotations

import base64
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from string import Template

from tqdm import tqdm

from starvid_core import video
from starvid_core.artifacts import check_writable, write_text
from starvid_core.errors import InputError
from starvid_core.preference.study import FORMAT, KEY, PAGE, QUESTIONS, Study, build
from starvid_core.scoring.cases import Case

Pair = tuple[Case, Case]
_PARTS = Path(__file__).parent


def make(
    pairs: Sequence[Pair],
    systems: tuple[str, str],
    output: Path,
    seed: int = 0,
    rate: int = video.RATE,
) -> Study:
    """Write `page.html` for raters and `key.json` for the analysis into a folder.

    Every clip is encoded anew at `rate` frames a second, so that neither files nor codecs tell the
    systems apart.
    """
    check_writable(output / KEY)
    listed = [(first.prompt, str(first.path), str(second.path)) for first, second in pairs]
    study = build(listed, systems, seed)
    write_text(output / PAGE, page(study, rate))
    write_text(output / KEY, study.model_dump_json(indent=1) + "\n")
    return study


def drawn(first: Sequence[Case], second: Sequence[Case], count: int, seed: int) -> list[Pair]:
    """`count` pairs of videos of the same name, in an order drawn by seed."""
    others = {case.stem: case for case in second}
    common = [case for case in first if case.stem in others]
    if count < 1 or len(common) < count:
        raise InputError(
            f"{count} pairs are wanted, and {len(common)} videos have the same name in both "
            "folders; give folders of videos that are called alike, or fewer with -n"
        )
    for case in common:
        if case.asked is None:
            raise InputError(
                f"{case.path} has no prompt to show: {case.problem or 'give --prompts'}"
            )
    return [(case, others[case.stem]) for case in random.Random(seed).sample(common, count)]


def page(study: Study, rate: int) -> str:
    """The page: texts, style, script and videos in one file."""
    clips = {name: Path(file) for t in study.trials for name, (_, file) in t.clips.items()}
    with tqdm(sorted(clips), unit="clip", disable=None) as bar:
        videos = {name: _encoded(clips[name], rate) for name in bar}
    shown = {
        "format": FORMAT,
        "id": study.id,
        "questions": [asdict(question) for question in QUESTIONS],
        "trials": [{"id": t.id, "prompt": t.prompt, "clips": list(t.clips)} for t in study.trials],
        "videos": videos,
    }
    # "<" would end the script that holds the data.
    written = json.dumps(shown).replace("<", "\\u003c")
    parts = {"style": _part("page.css"), "script": _part("page.js"), "study": written}
    return Template(_part("page.html")).substitute(parts)


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _encoded(path: Path, rate: int) -> str:
    """The video as H.264, which every browser plays, in base64."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "clip.mp4")
        video.save(written, video.load(path), rate)
        return base64.b64encode(written.read_bytes()).decode()
