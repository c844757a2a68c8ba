"""SpatialAlign from end to end on a tiny model: videos, scores, pairs, a LoRA that is used."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from starvid_core import cli, experiment, paths
from starvid_core.errors import InputError
from starvid_core.finetuning import align as spatialalign
from starvid_core.finetuning import pairs
from starvid_core.finetuning.align import Source, align, objective, sampled
from starvid_core.finetuning.recipe import Recipe
from starvid_core.perception.base import Detection
from starvid_core.relations import Transition
from starvid_core.scene import Box

PROMPTS = [
    Transition("At night", "dog", first, "cat", last, "runs").prompt
    for first, last in ("LR", "RL", "LT")
]
RECIPE = Recipe(steps=2, pairs=2, part=2, rank=2, alpha=2)


class Eye:
    """Sees a dog pass a cat to the right in every second video, and wait in the others."""

    def __init__(self) -> None:
        self.looked = 0

    def detect(self, video):
        self.looked += 1
        cat = Detection("cat", Box(0.4, 0.4, 0.6, 0.9), 0.9)
        last = 0.9 if self.looked % 2 else 0.1
        places = np.linspace(0.1, last, len(video))
        return tuple((Detection("dog", Box(x - 0.1, 0.4, x + 0.1, 0.9), 0.9), cat) for x in places)

    def motion(self, video, row):
        return {}


@pytest.fixture
def eye(tmp_path, tiny_backbone, monkeypatch):
    """Everything in temporary folders, the tiny backbone with eight frames."""
    for name in ("RESULTS", "RUNS", "LORAS", "BUILD"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    model = replace(tiny_backbone, frames=8, sampling=replace(tiny_backbone.sampling, steps=2))
    judge = Eye()
    monkeypatch.setattr(spatialalign, "load", lambda source: model)
    monkeypatch.setattr(spatialalign, "judge_of", lambda source: (judge, "eye"))
    return judge


@pytest.fixture
def source(tmp_path):
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS) + "\n")
    return Source(prompts=str(tmp_path / "prompts.txt"), samples=2)


def test_from_prompts_to_a_lora_that_makes_another_video(eye, source) -> None:
    folder = align(source, RECIPE, "small")
    assert folder == paths.LORAS / "small"
    told = json.loads((folder / "training.json").read_text())
    # "LT" has a winner, too: who goes on to the right scores 0.75 there. "RL" has none.
    assert told["pairs"]["prompts"] == told["pairs"]["winners"] == told["pairs"]["losers"] == 2
    model = spatialalign.load(source)
    plain = experiment.spec(PROMPTS[0], "none", 5, model)
    tuned = experiment.spec(PROMPTS[0], "none", 5, model, lora="small")
    made = experiment.ensure([plain, tuned], model, progress=False)
    assert not np.array_equal(made[0].video, made[1].video)


def test_scores_are_kept_and_videos_that_are_gone_are_made_again(eye, source) -> None:
    model = spatialalign.load(source)
    first = sampled(source, model)
    assert eye.looked == 6
    assert sampled(source, model) == first and eye.looked == 6
    shutil.rmtree(paths.RUNS)
    align(source, RECIPE, "small")
    kept = [f for f in paths.RUNS.iterdir() if not f.name.startswith(".")]
    assert len(kept) == 4 and eye.looked == 6
    sampled(replace(source, samples=3), model)
    assert eye.looked == 6 + 9


def test_scores_of_other_runs_are_not_trained_on(eye, source) -> None:
    model = spatialalign.load(source)
    found = sampled(source, model)
    facts = json.loads(pairs.table(source.table).with_suffix(".json").read_text())
    pairs.write(source.table, [replace(r, run="0" * 12) for r in found], facts)
    with pytest.raises(InputError, match="scores are of other runs than today's; make them: `star"):
        align(source, RECIPE, "small")


def test_prompts_of_a_file_must_tell_of_transitions(tmp_path) -> None:
    (tmp_path / "p.txt").write_text("A dog runs.")
    with pytest.raises(InputError, match="'A dog runs.' tells of no change of place"):
        _ = Source(prompts=str(tmp_path / "p.txt")).texts
    with pytest.raises(InputError, match="none.txt cannot be read: .*give train, eval, or a file"):
        _ = Source(prompts=str(tmp_path / "none.txt")).texts
    assert len(Source().texts) == 240 and len(Source(prompts="eval").texts) == 60
    assert Source().table == "spatialalign_pairs" != Source(prompts="eval").table


def test_a_name_tells_what_differs_from_the_published_numbers() -> None:
    assert objective("zo_dpo", None, None)[1] == "zo_dpo"
    assert objective("zo_dpo", 0.5, 1.0)[1] == "zo_dpo"
    assert objective("zo_dpo", 2.0, None)[1] == "zo_dpo_2"
    chosen, name = objective("diffusion_dpo", None, 50.0)
    assert name == "diffusion_dpo_beta50" and chosen.beta == 50 and chosen.shared_noise


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_name_is_a_plain_one(name: str) -> None:
    with pytest.raises(InputError, match="a LoRA's name is letters, digits"):
        spatialalign.check_name(name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--loss", "zo-dpo"], "unknown loss 'zo-dpo'"),
        (["--recipe", "big"], "unknown recipe 'big', expected small, paper"),
        (["--pairs", "7"], "7 pairs do not divide into parts of 4"),
        (["--weight", "-1"], "weight must be a number of at least 0"),
        (["--name", "../x"], "a LoRA's name is letters"),
        (["--samples", "1", "--pairs-only"], "1 videos of a prompt make no pair"),
        (["--judge", "me", "--pairs-only"], "unknown judge 'me', expected emoji, grounded_sam"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_wrong_option_is_one_line(monkeypatch, capsys, tiny_backbone, options, said) -> None:
    monkeypatch.setattr(spatialalign, "load", lambda source: tiny_backbone)
    monkeypatch.setattr(sys, "argv", ["starvid", "align", *options])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(SystemExit) as end:
        cli.main()
    written = capsys.readouterr()
    assert end.value.code == 2 and written.err.count("\n") == 1 and said in written.err


def test_the_command_says_what_the_samples_are(monkeypatch, capsys, eye, source) -> None:
    options = ["--prompts", source.prompts, "--samples", "2", "--pairs-only"]
    monkeypatch.setattr(sys, "argv", ["starvid", "align", *options])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert "prompts_with_pairs   2" in capsys.readouterr().out
