"""What the repository ships does what its documents say, on a small sample."""

import json

import numpy as np
import pytest

from planners import rules
from starvid_core import backbones, paths, sampling
from starvid_core.artifacts import verify_manifest
from starvid_core.config import SamplingConfig
from starvid_core.methods import none, starvid
from starvid_core.metrics import METRICS
from starvid_core.moving_emoji.captions import caption
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import FIRST, Scene, act, render
from starvid_core.perception import emoji
from starvid_core.training.judge import accuracy

PROMPT = "A robot is skateboarding and a dog is sitting."
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def judge() -> emoji.EmojiJudge:
    return emoji.load()


@pytest.fixture(scope="module")
def backbone() -> backbones.Backbone:
    return backbones.load("emoji")


def test_shipped_files_are_those_of_their_manifests_and_small() -> None:
    sizes = []
    for manifest in sorted(paths.CHECKPOINTS.glob("*/manifest.json")):
        verify_manifest(manifest.parent)
        found = [f for kind in ("safetensors", "gguf") for f in manifest.parent.rglob(f"*.{kind}")]
        sizes += [file.stat().st_size for file in found]
    assert max(sizes) < 16 * MEBIBYTE and sum(sizes) < 60 * MEBIBYTE


def test_the_judge_reads_clean_renders_it_has_not_seen(judge: emoji.EmojiJudge) -> None:
    found = accuracy(judge, FIRST, 60)
    assert found["exact_sets"] >= 0.97 and found["motion"] >= 0.95 and found["box_iou"] > 0.85


def test_a_render_of_a_plan_gets_full_marks_from_every_metric(judge: emoji.EmojiJudge) -> None:
    rng = generator(1, 0)
    acts = (
        act(rng, "robot", "skateboarding", (0.0, 0.55), 0.0),
        act(rng, "dog", "sitting", (0.6, 1.0), 0.0),
    )
    clip = render(Scene(acts), FIRST)
    plan = rules.plan(caption(clip.scene, rng), FIRST.frames)
    planned = type(plan)(plan.plan, clip.boxes)
    scores = {
        k: v
        for metric in METRICS.values()
        for k, v in metric.score(clip.video, planned, judge).items()
    }
    assert scores["exact"] == scores["numeracy"] == scores["action_binding"] == 1.0
    assert scores["extra"] == scores["leakage"] == 0.0 and scores["iou"] > 0.8


def test_guidance_lowers_its_loss_on_the_shipped_model(backbone: backbones.Backbone) -> None:
    plan, config = rules.plan(PROMPT), SamplingConfig(steps=8, guidance_scale=3.0)
    guided, plain = sampling.sample(
        backbone,
        [PROMPT] * 2,
        [starvid.guide(plan, backbone, steps=8), none.guide(plan, backbone)],
        [0, 0],
        config,
    )
    spatial = [value.value for value in guided.losses if value.name == "spatial"]
    assert min(spatial) < 0.8 * spatial[0]
    assert plain.losses == () and not np.array_equal(guided.video, plain.video)


def test_studies_use_only_what_the_model_knows_and_pairs_it_never_saw() -> None:
    for path in sorted(paths.STUDIES.glob("*.json")):
        for prompt in json.loads(path.read_text())["prompts"]:
            subjects = rules.plan(prompt).plan.subjects
            assert all(s.noun in FIRST.subjects and s.motion in FIRST.motions for s in subjects)
