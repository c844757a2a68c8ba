"""`starvid benchmark make` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planners import benchmark_making as making
from planners import benchmarks, engines
from planners.engines.base import Engine, Reply, Request
from planners.engines.recorded import Recording


class Writer(Engine):
    """Describes every scene by its words in the order of the theme."""

    name, model, concurrency, grammars = "writer", "writer@0", 2, True

    def complete(self, request: Request) -> Reply:
        import json

        from starvid_core.moving_emoji.captions import STOPPING, VERBS

        acts = [tuple(act.values()) for act in json.loads(request.messages[-1].content)]
        forms = [f"a {s} {(STOPPING if m == 'stopping' else VERBS[m])[0]}" for s, m in acts]
        text = " and ".join(forms).capitalize() + "."
        said = json.dumps({"descriptions": [text] * making.DESCRIPTIONS})
        return Reply(said, "stop", 10, 5, 0.1)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "writer.jsonl"
    with Recording(Writer(), path) as recording:
        making.make(recording, 3, seed=4)
    return path


def test_a_benchmark_is_written_whole(starvid: Callable, tmp_path: Path, transcript: Path) -> None:
    out = tmp_path / "mine" / "prompts.jsonl"
    given = ("--engine", "recorded", "-O", f"transcripts={transcript}", "-n", 3, "--seed", 4)
    code, said, notes = starvid("benchmark", "make", *given, "-o", out)
    assert code == 0, notes
    assert f"{out}: 3 prompts of 3 scenes by writer@0, seed 4" in said
    assert len(benchmarks.load("prompts", out.parent)) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("-o", "prompts.txt"), "its name must end in .jsonl"),
        (("--engine", "gpt", "-o", "a.jsonl"), "engine 'gpt' is unknown"),
        (("-o", "a.jsonl", "-n", "0"), "0 prompts cannot be made"),
        ((), "--output"),
    ],
)
def test_what_cannot_be_made_is_one_line(
    starvid: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if "gpt" not in given:
        monkeypatch.setattr(engines, "load", lambda name, **_: Writer())
    code, out, err = starvid("benchmark", "make", *given)
    assert code == 2 and not out and said in err and err.count("\n") == 1
    assert not list(tmp_path.glob("*.jsonl"))
