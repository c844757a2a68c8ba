"""Action binding through `starvid score`: recorded replies of a vision-language model."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planners import engines
from planners.engines.base import Engine, Reply, Request
from planners.engines.recorded import Recording
from starvid_core import paths, scoring
from starvid_core.metrics import mllm_binding

PROMPTS = ("A dog runs while a cat sits.", "A dog runs.")


class Seeing(Engine):
    """Gives full marks, four at a time."""

    name, model, concurrency, grammars, pictures = "seeing", "seeing@0", 4, True, True

    def __init__(self) -> None:
        self.threads: set[str] = set()
        self.meet = threading.Barrier(2, timeout=30)

    def complete(self, request: Request) -> Reply:
        self.threads.add(threading.current_thread().name)
        first = len(request.messages) == 1
        if first:
            self.meet.wait()
        said = '"A dog and a cat."' if first else json.dumps({"score": 5, "explanation": "So."})
        return Reply(said, "stop", 10, 5, 0.1)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS))
    videos = tmp_path / "videos"
    videos.mkdir()
    for name, gray in (("1-a", 10), ("1-b", 20), ("2", 30)):
        np.save(videos / f"{name}.npy", np.full((2, 8, 12, 3), gray, np.uint8))
    return tmp_path


@pytest.fixture
def transcript(folder: Path) -> Path:
    path = folder / "judge.jsonl"
    seeing = Seeing()
    seeing.meet = threading.Barrier(1)
    with Recording(seeing, path) as recording:
        for case in scoring.find(folder / "videos", str(folder / "prompts.txt"))[:2]:
            mllm_binding.score(np.load(case.path), case.trajectory, recording)
    return path


def options(folder: Path, *more: object) -> tuple[object, ...]:
    given = ("--prompts", folder / "prompts.txt", "--metrics", "action_binding")
    return (*given, "--judge", "published", "-o", folder / "out", *more)


def test_recorded_replies_are_scored(starvid: Callable, folder: Path, transcript: Path) -> None:
    engine = ("--engine", "recorded", "-O", f"transcripts={transcript}")
    code, _, notes = starvid("score", folder / "videos", *options(folder, *engine))
    assert code == 0, notes
    with (folder / "out" / "scores.csv").open() as file:
        first, second, third = csv.DictReader(file)
    assert first["action_binding"] == second["action_binding"] == "1"
    assert third["action_binding"] == "" and "one subject alone" in third["dropped"]
    told = json.loads((folder / "out" / "summary.json").read_text())
    assert told["models"] == {"action_binding": "seeing@0, action binding v1"}
    assert told["dropped"]["action_binding"]["videos"] == 1


def test_a_judge_is_asked_about_several_videos_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing = Seeing()
    monkeypatch.setattr(engines, "load", lambda name, **_: seeing)
    cases = scoring.find(folder / "videos", str(folder / "prompts.txt"))[:2]
    chosen = scoring.chosen("published", ["action_binding"])
    given = scoring.Options(engine="openai", record=folder / "kept.jsonl")
    made = scoring.score(cases, chosen, given, progress=False)
    assert len(seeing.threads) == 2
    assert [row.values["action_binding"]["action_binding"] for row in made.rows] == [1.0, 1.0]
    assert len((folder / "kept.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "needs a vision-language model: --engine vllm -O model=FOLDER"),
        ((), "llava-hf/llava-v1.6-34b-hf (69 GB), `hf download llava-hf/llava-v1.6-34b-hf --rev"),
        (("--engine", "vlm"), "engine 'vlm' is unknown; did you mean 'vllm'"),
        (("--engine", "recorded"), "name a transcript"),
        (("--engine", "recorded", "-O", "transcript=x"), "did you mean 'transcripts'"),
        (("--engine", "recorded", "-O", "transcripts"), "a parameter is NAME=VALUE"),
        (("--engine", "openai", "--binding", "v3"), "unknown version of action binding 'v3'"),
    ],
)
def test_a_judge_that_cannot_be_is_one_line(
    starvid: Callable, folder: Path, given: tuple, said: str
) -> None:
    code, _, err = starvid("score", folder / "videos", *options(folder, *given))
    assert code == 2 and said in err and err.count("\n") == 1


def test_an_engine_that_is_blind_is_refused(
    starvid: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = Seeing()
    blind.pictures = False
    monkeypatch.setattr(engines, "load", lambda name, **_: blind)
    code, _, err = starvid("score", folder / "videos", *options(folder, "--engine", "llama_cpp"))
    assert code == 2 and "engine 'llama_cpp' cannot be shown pictures; take openai or vllm" in err
