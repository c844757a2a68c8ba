"""`starvid score` from end to end, with tiny random models of the published classes."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from planners import rules, schema
from planners.engines.base import EngineError
from starvid_core import paths, scoring, video
from starvid_core.moving_emoji import transition_prompts, transitions
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import SPATIAL, render
from starvid_core.perception.grounding_dino import GroundingDino
from starvid_core.scoring import judges, looks
from starvid_core.scoring.run import MOST_FAILURES

PROMPTS = ("A dog runs.", "A cat jumps.")
EASY = "clip_t,clip_i,pick_score,numeracy,layout"


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos of each prompt: noise, and a black one that is the same in all frames."""
    folder = tmp_path / "videos"
    noise = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    for number in (1, 2):
        video.save(folder / f"{number}-noise.gif", noise // number)
        np.save(folder / f"{number}-black.npy", np.full_like(noise, number - 1))
    return folder


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(PROMPTS))
    return path


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    for name in ("1-noise", "1-black"):
        place = tmp_path / "plans" / f"{name}.json"
        place.parent.mkdir(exist_ok=True)
        place.write_text(schema.dumps(rules.plan(PROMPTS[0])))
    return tmp_path / "plans"


def options(models: Path) -> tuple[object, ...]:
    return ("--judge", "published", "--models", models, "--device", "cpu", "--batch", 2)


def lines_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "scores.csv").open() as file:
        return {line["video"]: line for line in csv.DictReader(file)}


def test_a_folder_is_scored_into_a_table_and_means(
    starvid: Callable, models: Path, videos: Path, prompts: Path, plans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("--prompts", prompts, "--plan", plans, "--metrics", EASY, "-o", out)
    code, said, notes = starvid("score", videos, *given, *options(models))
    assert code == 0, notes
    lines, told = lines_of(out), json.loads((out / "summary.json").read_text())
    assert list(lines) == ["1-black.npy", "1-noise.gif", "2-black.npy", "2-noise.gif"]
    assert lines["2-noise.gif"]["prompt"] == PROMPTS[1]
    assert float(lines["1-black.npy"]["clip_i"]) == pytest.approx(1)
    assert lines["1-noise.gif"]["iou"] and lines["2-noise.gif"]["iou"] == ""
    assert lines["2-noise.gif"]["dropped"] == "layout: no planned boxes; give the plan"
    values = [float(line["clip_t"]) for line in lines.values()]
    assert told["scores"]["clip_t"]["mean"] == pytest.approx(np.mean(values), abs=1e-4)
    assert told["scores"]["clip_t"]["low"] <= np.mean(values) <= told["scores"]["clip_t"]["high"]
    assert told["scores"]["clip_t"]["n"] == 4 and told["scores"]["iou"]["n"] == 2
    assert told["videos"] == 4 and told["prompts"] == 2 and told["judge"] == "published"
    reason = {"no planned boxes; give the plan": ["2-black.npy", "2-noise.gif"]}
    assert told["dropped"] == {"layout": {"videos": 2, "reasons": reason}}
    assert told["models"]["clip_t"].startswith("openai/clip-vit-large-patch14 ")
    assert "note: layout leaves out 2 of 4 videos, first 2-black.npy: no planned boxes" in notes
    assert "clip_t" in said and "scores.csv" in said


def test_clip_i_compares_all_pairs_or_adjacent_ones(
    starvid: Callable, models: Path, videos: Path, tmp_path: Path
) -> None:
    found = []
    for pairs in ("all", "adjacent"):
        given = ("--metrics", "clip_i", "--pairs", pairs, "-o", tmp_path / pairs)
        assert starvid("score", videos, *given, *options(models))[0] == 0
        found.append(lines_of(tmp_path / pairs)["1-noise.gif"]["clip_i"])
    assert found[0] != found[1]


def test_the_detector_looks_once_at_sixteen_frames_for_both_of_its_metrics(
    models: Path, plans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 48, 3), dtype=np.uint8)
    np.save(tmp_path / "1-noise.npy", noise)
    looked: list[tuple[int, list[str]]] = []
    query = GroundingDino.query
    monkeypatch.setattr(
        GroundingDino,
        "query",
        lambda self, clip, names: looked.append((len(clip), names)) or query(self, clip, names),
    )
    cases = scoring.find(tmp_path / "1-noise.npy", plans=plans)
    metrics = scoring.chosen("published", ["numeracy", "layout"])
    given = scoring.Options(models, "cpu", 8)
    [row] = scoring.score(cases, metrics, given, progress=False).rows
    assert looked == [(16, ["dog"])] and set(row.values) == {"numeracy", "layout"}


def test_a_second_call_looks_at_nothing_again(
    starvid: Callable,
    models: Path,
    videos: Path,
    prompts: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    given = ("--prompts", prompts, *options(models), "-o", tmp_path / "out")
    assert starvid("score", videos, "--metrics", "clip_t,clip_i", *given)[0] == 0
    first = lines_of(tmp_path / "out")
    monkeypatch.setattr(looks.Embedding, "score", lambda *_: pytest.fail("looked again"))
    assert starvid("score", videos, "--metrics", "clip_t,clip_i", *given)[0] == 0
    assert lines_of(tmp_path / "out") == first


class Interrupted(BaseException):
    """Stands for a kill."""


class Counting(looks.Look):
    """Gives every video its number of frames, and notes what it looked at."""

    identity = "counting"
    seen: ClassVar[list[str]] = []
    stop_at = 0

    def __init__(self, options: looks.Options) -> None:
        """There is no model."""

    def score(self, metric: str, clip: np.ndarray, case: scoring.Case) -> dict[str, float]:
        if self.stop_at and len(self.seen) == self.stop_at:
            raise Interrupted
        self.seen.append(case.name)
        return {metric: float(len(clip)), "none": math.nan}


@pytest.fixture
def counting() -> type[Counting]:
    Counting.seen, Counting.stop_at = [], 0
    return Counting


def chosen(look: Callable) -> dict[judges.Kind, list[str]]:
    return {judges.Kind(look, lambda options: None): ["numeracy"]}


def test_a_killed_run_loses_nothing(videos: Path, counting: type[Counting]) -> None:
    cases, counting.stop_at = scoring.find(videos), 2
    with pytest.raises(Interrupted):
        scoring.score(cases, chosen(counting), progress=False)
    counting.stop_at = 0
    made = scoring.score(cases, chosen(counting), progress=False)
    assert counting.seen == [case.name for case in cases]
    assert all(row.values["numeracy"]["numeracy"] == 3 for row in made.rows)
    assert all(math.isnan(row.values["numeracy"]["none"]) for row in made.rows)


def test_another_video_prompt_or_model_is_looked_at(
    videos: Path, prompts: Path, counting: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(asked: str = "") -> list[str]:
        counting.seen = []
        scoring.score(scoring.find(videos, asked), chosen(counting), progress=False)
        return counting.seen

    assert len(looked()) == 4 and looked() == []
    assert len(looked(str(prompts))) == 4 and looked(str(prompts)) == []
    np.save(videos / "1-black.npy", np.zeros((5, 32, 48, 3), np.uint8))
    assert looked() == ["1-black.npy"]
    monkeypatch.setattr(counting, "identity", "another")
    assert len(looked()) == 4
    monkeypatch.setattr("starvid_core.scoring.run.METRICS", 99)
    assert len(looked()) == 4


def test_a_corrupt_file_is_named_and_the_others_are_scored(
    starvid: Callable, models: Path, videos: Path, prompts: Path, tmp_path: Path
) -> None:
    (videos / "1-noise.gif").write_bytes(b"GIF89a and no more")
    given = ("--prompts", prompts, "--metrics", "clip_i", "-o", tmp_path / "out")
    code, _, notes = starvid("score", videos, *given, *options(models))
    assert code == 0 and "clip_i leaves out 1 of 4 videos, first 1-noise.gif: " in notes
    assert "1-noise.gif is not a .gif video" in lines_of(tmp_path / "out")["1-noise.gif"]["dropped"]


@pytest.mark.parametrize("failing", [1, 3])
def test_a_reply_that_fails_is_left_out_and_asked_for_again(
    videos: Path, counting: type[Counting], monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    assert failing < MOST_FAILURES
    cases = scoring.find(videos)[: failing + 1]
    answers = counting.score

    def fail(self: Counting, metric: str, clip: np.ndarray, case: scoring.Case) -> dict:
        if case.name != cases[-1].name:
            raise EngineError("no answer")
        return answers(self, metric, clip, case)

    monkeypatch.setattr(counting, "score", fail)
    made = scoring.score(cases, chosen(counting), progress=False)
    assert made.rows[0].dropped == {"numeracy": "no answer"}
    monkeypatch.setattr(counting, "score", answers)
    assert not scoring.score(cases, chosen(counting), progress=False).rows[0].dropped


def test_a_server_that_always_fails_ends_the_run(
    videos: Path, counting: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Counting, metric: str, clip: np.ndarray, case: scoring.Case) -> dict:
        counting.seen.append(case.name)
        raise EngineError("the server cannot be reached")

    monkeypatch.setattr(counting, "score", fail)
    with pytest.raises(EngineError, match="the server cannot be reached"):
        scoring.score(scoring.find(videos) * 5, chosen(counting), progress=False)
    assert len(counting.seen) < 20


def test_videos_of_one_prompt_are_one_draw_of_the_interval(
    videos: Path, prompts: Path, counting: type[Counting]
) -> None:
    for path, frames in zip(sorted(videos.iterdir()), (2, 4, 5, 7), strict=True):
        path.unlink()
        np.save(path.with_suffix(".npy"), np.full((frames, 32, 48, 3), 9, np.uint8))
    cases = scoring.find(videos, str(prompts))
    told = scoring.summary(scoring.score(cases, chosen(counting), progress=False))
    mean = told["scores"]["numeracy"]
    assert (mean["n"], mean["mean"], mean["low"], mean["high"]) == (4, 4.5, 3.0, 6.0)
    assert told["scores"]["none"] == {"n": 0, "mean": None, "low": None, "high": None}


def test_the_embedded_judge_scores_by_the_same_call(starvid: Callable, tmp_path: Path) -> None:
    world = json.loads((paths.CHECKPOINTS / "emoji" / "world.json").read_text())
    clip = np.full((world["frames"], world["height"], world["width"], 3), 120, np.uint8)
    np.save(tmp_path / "1.npy", clip)
    plan = tmp_path / "plan.json"
    plan.write_text(schema.dumps(rules.plan("A dog is running.")))
    code, said, notes = starvid("score", tmp_path / "1.npy", "--plan", plan)
    assert code == 0, notes
    told = {line.split()[0] for line in said.splitlines()}
    assert {"numeracy", "action_binding", "iou", "unseen"} <= told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--metrics", "clip_t"), "unknown metric of the emoji judge 'clip_t', expected numeracy"),
        (("--judge", "publishd"), "unknown judge 'publishd', expected emoji, published; did you"),
        (("--judge", "published", "--metrics", "clip"), "did you mean clip_"),
        (("--judge", "published", "--metrics", "clip_t", "--batch", "0"), "batch is 0"),
        (("--judge", "published", "--metrics", "clip_i", "--pairs", "al"), "unknown pairs 'al'"),
        (("--judge", "published", "--metrics", "clip_t", "--device", "toaster"), "cannot be used"),
        (("--prompts", "/nowhere.txt"), "prompts /nowhere.txt cannot be read"),
        (("--plan", "/nowhere.json"), "/nowhere.json"),
        (("--metrics", "numeracy"), "no prompt; give --prompts or --plan"),
    ],
)
def test_a_wrong_option_is_one_line(
    starvid: Callable, videos: Path, models: Path, given: tuple, said: str
) -> None:
    code, out, err = starvid("score", videos, "--models", models, *given)
    assert code == 2 and not out and said in err and err.count("\n") == 1


def test_missing_weights_are_said_before_any_work(
    starvid: Callable, videos: Path, tmp_path: Path
) -> None:
    given = ("--judge", "published", "--metrics", "pick_score", "--models", tmp_path)
    code, _, err = starvid("score", videos, *given)
    assert code == 2 and "no weights of yuvalkirstain/PickScore_v1 (3.9 GB) in" in err


def test_an_output_that_cannot_be_written_is_refused_first(
    starvid: Callable, videos: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = starvid("score", videos, "-o", tmp_path / "file" / "out")
    assert code == 2 and "cannot write" in err


def test_a_kept_result_that_was_damaged_is_named(videos: Path, counting: type[Counting]) -> None:
    case = scoring.find(videos)[:1]
    scoring.score(case, chosen(counting), progress=False)
    [kept] = (paths.BUILD / "scores").glob("*.json")
    kept.write_text("{")
    [row] = scoring.score(case, chosen(counting), progress=False).rows
    assert str(kept) in row.dropped["numeracy"]


def test_changes_of_sides_are_scored_when_asked_for(starvid: Callable, tmp_path: Path) -> None:
    told = transition_prompts.load("eval")[0]
    clip = render(transitions.scene(told, told.kind, generator(6, 0)), SPATIAL).video
    (tmp_path / "videos").mkdir()
    for number in (1, 2, 3):
        np.save(tmp_path / "videos" / f"{number}.npy", clip)
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join((told.prompt, told.mirrored.prompt, "A dog is running.")))
    given = ("--prompts", prompts, "--metrics", "dsr", "-o", tmp_path / "out")
    code, _, notes = starvid("score", tmp_path / "videos", *given)
    assert code == 0, notes
    right, wrong, other = lines_of(tmp_path / "out").values()
    assert float(right["dsr"]) >= 0.7 and float(right["dsr_correct"]) == 1
    assert float(wrong["dsr"]) <= 0.3 and float(wrong["dsr_correct"]) == 0
    assert other["dsr"] == "" and "tells of no change of place" in other["dropped"]


def test_without_a_name_only_metrics_of_any_prompt_are_scored() -> None:
    for judge in scoring.JUDGES:
        named = {name for names in scoring.chosen(judge).values() for name in names}
        assert named == set(scoring.JUDGES[judge]) - {"dsr"}


def test_the_tracker_says_which_weights_it_lacks(starvid: Callable, tmp_path: Path) -> None:
    np.save(tmp_path / "1.npy", np.zeros((8, 32, 48, 3), np.uint8))
    given = ("--judge", "published", "--models", tmp_path, "--metrics", "dsr")
    code, _, notes = starvid("score", tmp_path / "1.npy", "--prompts", "llm_benchmark", *given)
    assert code == 2 and "no weights of IDEA-Research/grounding-dino-tiny" in notes
