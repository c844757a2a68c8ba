"""What the repository ships does what its documents say, on a small sample."""

import json
from pathlib import Path

import numpy as np
import pytest

from planners import rules
from starvid_core import adapters, backbones, experiment, lora, paths, sampling, standins, studies
from starvid_core.artifacts import verify_manifest, write_json
from starvid_core.checks import counting, handcount, renders
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.methods import none, starvid
from starvid_core.metrics import emoji_clip_i, fitting, flicker
from starvid_core.moving_emoji import transition_prompts
from starvid_core.moving_emoji.captions import caption
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import FULL, Scene, WorldConfig, act, render
from starvid_core.perception import emoji, emoji_clip
from starvid_core.training.embedding_accuracy import TARGETS
from starvid_core.training.embedding_accuracy import accuracy as embedding_accuracy
from starvid_core.training.judge import accuracy

PROMPT = "A robot is skateboarding and a dog is sitting."
MEBIBYTE = 2**20
EMBEDDING = paths.CHECKPOINTS / "embedding"
needs_embedding = pytest.mark.skipif(
    not EMBEDDING.is_dir(), reason=f"{EMBEDDING} is not shipped yet (starvid train embedding)"
)


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


def test_shipped_loras_are_small_and_fit_what_they_were_trained_on() -> None:
    backbone = backbones.load(transition_prompts.BACKBONE)
    for folder in sorted(paths.LORAS.glob("*/")):
        adapters.check_base(folder, backbone.name, backbone.fingerprint)
        assert (folder / adapters.WEIGHTS).stat().st_size < MEBIBYTE
        with lora.applied(backbone.network.module, folder):
            pass


def test_the_judge_reads_clean_renders_it_has_not_seen(judge: emoji.EmojiJudge) -> None:
    found = accuracy(judge, FULL, 200)
    assert found["exact_sets"] >= 0.97 and found["motion"] >= 0.95 and found["box_iou"] > 0.85


def test_a_render_of_a_plan_gets_full_marks_from_every_metric(judge: emoji.EmojiJudge) -> None:
    rng = generator(1, 0)
    acts = (
        act(rng, "robot", "skateboarding", (0.0, 0.55), 0.0),
        act(rng, "dog", "sitting", (0.6, 1.0), 0.0),
    )
    clip = render(Scene(acts), FULL)
    plan = rules.plan(caption(clip.scene, rng), FULL.frames)
    planned = type(plan)(plan.plan, clip.boxes)
    scores = {
        k: v
        for metric in fitting(planned).values()
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
    for name in studies.names():
        for prompt in studies.load(name).prompts:
            subjects = rules.plan(prompt).plan.subjects
            assert all(s.noun in FULL.subjects and s.motion in FULL.motions for s in subjects)


def rendered() -> np.ndarray:
    rng = generator(2, 0)
    acts = (
        act(rng, "robot", "skateboarding", (0.0, 0.5), 0.0),
        act(rng, "dog", "running", (0.5, 1.0), 0.0),
    )
    return render(Scene(acts, "street"), FULL).video


def test_a_render_does_not_flicker_and_a_spoiled_one_does(judge: emoji.EmojiJudge) -> None:
    clean, plan = rendered(), rules.plan(PROMPT)
    noise = np.random.default_rng(0).normal(0, 20, clean.shape)
    grain = np.clip(clean + noise, 0, 255).astype(np.uint8)
    scores = flicker.score(clean, plan, judge)
    assert scores["background_change"] < 0.5 and scores["background_drift"] < 0.1
    assert scores["background_covered"] < 0.9
    assert flicker.score(grain, plan, judge)["background_change"] > 10


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RUNS", "BUILD", "HANDCOUNTS"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    return tmp_path


def test_a_hand_count_of_a_study_is_prepared_and_read(home: Path) -> None:
    form, folder = counting.prepare("benchmark_pairs", "ours", 1, quick=True)
    assert {p.name for p in folder.iterdir()} == {"count_01.png", "judge_01.png"}
    written = json.loads(form.read_text())
    write_json(form, written | {"clips": {"001": {"dog": 1}}})
    assert handcount.agreement("ours").clips == 1
    with pytest.raises(InputError, match="is there already"):
        counting.prepare("benchmark_pairs", "ours", 1, quick=True)


def test_a_study_is_compared_with_renders_of_its_scenes(
    home: Path, monkeypatch: pytest.MonkeyPatch, tiny_embedding: emoji_clip.EmojiClip
) -> None:
    monkeypatch.setattr(standins, "shipped", lambda: tiny_embedding)
    monkeypatch.setattr(standins, "reading", lambda: "tiny")
    rows, written = renders.report("benchmark_singles", quick=True)
    drift = next(row for row in rows if row.measure == "background_drift")
    assert drift.clips == 2 and drift.generated > drift.rendered == 0.0
    said = json.loads(written.read_text())["rows"]
    assert [row["verdict"] for row in said] == [row.verdict for row in rows]
    assert standins.scores(
        experiment.ensure(studies.load("benchmark_singles", True).specs.values())
    )


@needs_embedding
def test_the_shipped_embedding_is_small_and_reads_what_it_has_not_seen() -> None:
    weights = [file.stat().st_size for file in EMBEDDING.rglob("*.safetensors")]
    assert sum(weights) <= 4 * MEBIBYTE
    known = json.loads((EMBEDDING / "world.json").read_text())
    world = WorldConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in known.items()})
    found = embedding_accuracy(emoji_clip.load(), world, 70)
    said = json.loads((EMBEDDING / "accuracy.json").read_text())
    assert said["targets"] == TARGETS and said["preference"] >= TARGETS["preference"]
    for name, least in {"retrieval": 0.8, "preference": 0.9}.items():
        assert said[name] >= least and found[name] >= said[name] - 0.12


@needs_embedding
def test_the_shipped_embedding_tells_prompts_and_faults_apart() -> None:
    embedding, clip = emoji_clip.load(), rendered()
    right = "A robot is skateboarding and a dog is running on the street."
    others = (right.replace("dog", "cat"), right.replace("on the street", "in the snow"))
    means = [float((embedding.frames(clip) @ embedding.text(p)).mean()) for p in (right, *others)]
    assert means[0] > max(means[1:])
    frozen = clip[:1].repeat(len(clip), 0)
    assert embedding.preference(clip, right) > embedding.preference(frozen, right)
    assert emoji_clip_i.score(clip, embedding)["emoji_clip_i"] > 0.9
