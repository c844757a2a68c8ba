"""Which video belongs to which prompt and plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from planners import rules, schema
from starvid_core.errors import InputError
from starvid_core.metrics.base import Unscored
from starvid_core.scoring import cases

PROMPTS = ["A dog runs.", "A cat jumps.", "fog"]


@pytest.fixture
def folder(tmp_path: Path):
    """Empty files and folders of frames by these names."""

    def make(*names: str) -> Path:
        videos = tmp_path / "videos"
        videos.mkdir()
        for name in names:
            place = videos / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.suffix == ".png":
                Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(place)
            else:
                place.write_bytes(b"")
        return videos

    return make


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(PROMPTS))
    return str(path)


def test_numbers_of_names_or_folders_count_the_prompts(folder, prompts: str) -> None:
    names = ("0001.mp4", "2-seed1.gif", "0002/seed0.mp4", "3/1.png", "3/2.png", ".hidden.mp4", "a")
    found = {case.name: case for case in cases.find(folder(*names), prompts)}
    assert {name: case.prompt for name, case in found.items()} == {
        "0001.mp4": "A dog runs.",
        "2-seed1.gif": "A cat jumps.",
        "0002/seed0.mp4": "A cat jumps.",
        "3": "fog",
    }


def test_a_name_that_says_no_prompt_is_kept_with_the_reason(folder, prompts: str) -> None:
    first, second = cases.find(folder("7.mp4", "clip.mp4"), prompts)
    with pytest.raises(Unscored, match="there are prompts 1 to 3, and none 7"):
        _ = first.prompt
    with pytest.raises(Unscored, match="does not begin with the number of a prompt"):
        _ = second.trajectory


def test_videos_that_count_from_zero_are_refused(folder, prompts: str) -> None:
    with pytest.raises(InputError, match=r"0000.mp4 has the number 0, and videos count .* from 1"):
        cases.find(folder("0000.mp4", "0001.mp4", "0002.mp4"), prompts)


def test_the_only_video_is_of_the_only_prompt(folder, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("A dog runs.")
    [case] = cases.find(folder("out.mp4") / "out.mp4", str(tmp_path / "one.txt"))
    assert case.name == "out.mp4" and case.prompt == "A dog runs."


def test_a_table_names_videos_with_or_without_suffix(folder, tmp_path: Path) -> None:
    table = tmp_path / "prompts.csv"
    table.write_text('video,prompt\nlvd/a.mp4,"A dog runs, slowly."\nlvd/b,A cat jumps.\n')
    videos = folder("lvd/a.mp4", "lvd/b.gif", "lvd/c.mp4")
    a, b, c = cases.find(videos, str(table))
    assert (a.prompt, b.prompt) == ("A dog runs, slowly.", "A cat jumps.")
    with pytest.raises(Unscored, match="the table of prompts does not name it"):
        _ = c.prompt


def test_a_prompt_without_subjects_says_why_nobody_can_be_counted(folder, prompts: str) -> None:
    [case] = cases.find(folder("3.mp4"), prompts)
    with pytest.raises(Unscored, match="the prompt's subjects are not known: no subject"):
        _ = case.trajectory


def test_a_subject_without_a_plan_is_nowhere(folder, prompts: str) -> None:
    [case] = cases.find(folder("1.mp4"), prompts)
    assert case.trajectory.boxes == ((None,),)
    assert case.trajectory.plan.subjects[0].noun == "dog"


def test_plans_are_found_by_name_and_give_the_prompt(folder, prompts: str, tmp_path: Path) -> None:
    plans = tmp_path / "plans"
    plans.mkdir()
    plan = schema.dumps(rules.plan(PROMPTS[0]))
    (plans / "1.json").write_text(plan)
    videos = folder("1.mp4", "2.mp4")
    first, second = cases.find(videos, plans=plans)
    assert first.prompt == PROMPTS[0] and first.trajectory.boxes[0][0] is not None
    with pytest.raises(Unscored, match="no prompt; give --prompts or --plan"):
        _ = second.prompt
    assert cases.find(videos, prompts, plans)[1].prompt == PROMPTS[1]
    (plans / "2.json").write_text(plan)
    with pytest.raises(InputError, match="2.json is a plan of 'A dog runs.', not of 'A cat jumps"):
        cases.find(videos, prompts, plans)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,prompt\na,b", "needs the columns video and prompt"),
        ("video,prompt\na,A dog runs.\na,A cat jumps.", "names a video twice"),
        ("video,prompt\na", "the prompt is empty"),
        ('video,prompt\na,"A dog', "cannot be read"),
        ("", "needs the columns video and prompt"),
    ],
)
def test_a_wrong_table_is_refused(folder, tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "prompts.csv").write_text(table)
    with pytest.raises(InputError, match=said):
        cases.find(folder("a.mp4"), str(tmp_path / "prompts.csv"))


def test_a_place_without_videos_is_refused(folder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no video in .*; give .mp4, .webm"):
        cases.find(folder("a.txt"))
    with pytest.raises(InputError, match="does not exist; give a video or a folder of videos"):
        cases.find(tmp_path / "nothing")
