"""A small study: two systems, five prompts, clips of a moving square."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from starvid_core import preference, scoring, video
from starvid_core.preference import Study
from starvid_core.preference.page import drawn

PROMPTS = (
    "A dog runs and a cat sits.",
    'A "quoted" dog <b>runs</b> & a cat </script><script>alert(1)</script> sits.',
    "A bird flies over ${two} sheep.",
    "A man walks while a woman dances.",
    "A boat sails.",
)
SYSTEMS = ("StarVid", "ZeroScope")


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of clips: one kind red, the other green."""
    root = tmp_path_factory.mktemp("systems")
    (root / "prompts.txt").write_text("\n".join(PROMPTS))
    for channel, system in enumerate(SYSTEMS):
        for number in range(1, len(PROMPTS) + 1):
            clip = np.zeros((8, 48, 96, 3), np.uint8)
            clip[..., channel] = 120
            for frame in range(8):
                clip[frame, 10:30, 10 * frame : 10 * frame + 12] = 255
            suffix = ".gif" if channel else ".mp4"
            video.save(root / system / f"{number:04d}{suffix}", clip)
    return root


@pytest.fixture(scope="session")
def folder(systems: Path) -> Path:
    """The folder of the study that everybody shares."""
    found = [scoring.find(systems / name, str(systems / "prompts.txt")) for name in SYSTEMS]
    place = systems / "study"
    preference.make(drawn(found[0], found[1], 4, 7), SYSTEMS, place, 7)
    return place


@pytest.fixture(scope="session")
def study(folder: Path) -> Study:
    return preference.load(folder)
