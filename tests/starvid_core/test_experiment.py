"""A run is named by all it depends on, made once, and redone when its folder is damaged."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from planners import rules
from starvid_core import experiment, lora, paths, specs, studies
from starvid_core.artifacts import write_manifest
from starvid_core.config import MODES
from starvid_core.errors import InputError
from starvid_core.metrics import dsr_score
from starvid_core.perception.base import Detection
from starvid_core.specs import check_vocabulary, parse_spec

PROMPT = "a dog runs and a cat jumps on the grass"
MANY_RUNS = """
import sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from starvid_core import experiment, paths
from starvid_core.artifacts import read_json
from starvid_core.specs import parse_spec
paths.RUNS = Path(sys.argv[1])
specs = [parse_spec(f) for f in read_json(Path(sys.argv[2]))]
made = lambda s: np.full((3, 32, 48, 3), s.seed % 256, np.uint8)
clip = lambda s: SimpleNamespace(video=made(s), losses=(), warnings=(), maps={}, reused=0)
experiment._load = lambda name: None
experiment._sample = lambda group, backbone: [clip(s) for s in group]
experiment.ensure(specs, batch=1, progress=False)
"""


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def spec(tiny_backbone, two_subject_trajectory):
    """A spec of the tiny backbone on the two-subject scene."""

    def build(method="starvid", seed=0, **options):
        return experiment.spec(
            PROMPT, method, seed, tiny_backbone, two_subject_trajectory, **options
        )

    return build


@pytest.fixture
def counted(monkeypatch):
    """How many runs each call of the sampler was asked for."""
    asked = []
    sample = experiment._sample
    monkeypatch.setattr(
        experiment, "_sample", lambda group, b: asked.append(len(group)) or sample(group, b)
    )
    return asked


def test_the_key_is_the_same_on_every_machine_and_changes_with_every_field(spec):
    one = spec()
    others = [
        spec(method="none"),
        spec(seed=1),
        spec(steps=5),
        spec(guidance_scale=2),
        spec(spatial_weight=10),
        spec(stages=["up"]),
        spec(record=(0,)),
        replace(one, checkpoint="1" * 64),
        replace(one, planner="rules"),
    ]
    assert spec().key == one.key and len(one.key) == 12
    assert len({one.key, *(o.key for o in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("method", "option", "default", "other"),
    [
        ("lvd", "threshold", 200, 100),
        ("dav", "phrase", "noun", "noun+verb"),
        ("attend_and_excite", "reached", [0.05, 0.5, 0.8], [0, 1, 1]),
        ("attention_mask", "both", True, False),
        ("best_of_n", "n", 3, 5),
        ("starvid", "gradient_scale", "none", "sigma^2"),
    ],
)
def test_an_option_of_a_method_is_in_the_key_only_where_it_is_not_the_default(
    spec, method, option, default, other
):
    plain, said = spec(method), spec(method, **{option: default})
    changed = spec(method, **{option: other})
    assert plain == said and plain.key == said.key != changed.key
    assert plain.facts["method_options"] == {} and list(changed.method_options) == [option]
    assert parse_spec(json.loads(json.dumps(changed.facts))) == changed
    assert plain.settings != changed.settings


def test_the_fast_mode_is_the_numbers_that_it_stands_for(spec):
    fast, own = spec(mode="fast"), spec(mode="fast", spatial_iterations=7)
    assert fast.config.share_syntax and fast.sampling.cached_text
    assert "mode" not in fast.facts and fast.key != spec().key == spec(mode="exact").key
    assert own.config.spatial_iterations == 7 and own.config.share_syntax
    assert spec(**MODES["fast"]).key == fast.key
    assert spec(method="none", mode="fast").config == specs.defaults("none")
    assert parse_spec(fast.facts) == fast


def test_the_options_of_one_method_do_not_name_the_runs_of_another(spec):
    assert set(spec("none").facts) == set(spec("lvd").facts)
    assert spec("none").judge == "" and spec("best_of_n").judge == specs.judging()


def test_a_change_of_numerics_renames_every_run(spec, monkeypatch):
    before = spec().key
    monkeypatch.setattr(specs, "NUMERICS", specs.NUMERICS + 1)
    assert spec().key != before


def test_one_number_in_two_spellings_is_one_run(spec):
    assert spec(guidance_scale=3, spatial_weight=30).key == spec(guidance_scale=3.0).key


def test_a_spec_survives_its_file(spec):
    one = spec(stages=("up",), record=(1, 2), steps=3)
    again = parse_spec(json.loads(json.dumps(one.facts)))
    assert again == one and again.key == one.key


def test_a_run_holds_video_plan_losses_and_maps(spec, tiny_backbone):
    one = spec(steps=3, record=(0, 2), spatial_iterations=2)
    (run,) = experiment.ensure([one], tiny_backbone, progress=False)
    assert run.folder.name == one.key and run.spec == one
    assert run.video.shape == (3, 32, 48, 3) and run.video.dtype == np.uint8
    assert run.trajectory == one.trajectory
    assert {row["name"] for row in run.losses} == {"spatial", "syntax"}
    assert set(run.maps) == {0, 2}
    assert np.allclose(run.maps[2].sum(0), 1, atol=1e-4)


def test_a_run_knows_what_it_cost(spec, tiny_backbone):
    plain, guided = (spec(m, steps=4) for m in ("none", "starvid"))
    single = spec("none", steps=4, guidance_scale=1)
    runs = experiment.ensure([plain, guided, single], tiny_backbone, progress=False)
    assert [run.cost.passes for run in runs] == [2 * 4, 2 * 4 + 10 + 1, 4]
    assert [run.cost.gradients for run in runs] == [0, 10 + 1, 0]
    assert all(0 < run.cost.seconds < 60 and run.cost.core_seconds > 0 for run in runs)


def test_a_chosen_clip_costs_what_all_of_its_rivals_do(spec, tiny_backbone, monkeypatch):
    monkeypatch.setattr(experiment, "_judge", lambda: Preferring(None, spec().trajectory))
    plain = spec("none", steps=2)
    (first,) = experiment.ensure([plain], tiny_backbone, progress=False)
    (best,) = experiment.ensure([spec("best_of_n", steps=2)], tiny_backbone, progress=False)
    assert best.cost.passes == 3 * first.cost.passes
    assert best.cost.core_seconds > first.cost.core_seconds


def test_a_run_from_before_costs_were_kept_has_none(spec, tiny_backbone):
    (run,) = experiment.ensure([spec("none")], tiny_backbone, progress=False)
    (run.folder / "cost.json").unlink()
    assert math.isnan(run.cost.seconds) and math.isnan(run.cost.passes)


def test_a_run_without_recording_says_how_to_record(spec, tiny_backbone):
    (run,) = experiment.ensure([spec("none")], tiny_backbone, progress=False)
    with pytest.raises(InputError, match="recorded no maps; ask for record="):
        _ = run.maps


def test_only_missing_runs_are_made_in_batches_of_equal_settings(spec, tiny_backbone, counted):
    specs = [spec("none", seed=s) for s in range(5)] + [spec("none", steps=2)]
    experiment.ensure(specs[:2], tiny_backbone, progress=False)
    assert counted == [2]
    made = experiment.ensure([*specs, specs[0]], tiny_backbone, batch=2, progress=False)
    assert counted == [2, 2, 1, 1]
    assert [r.folder.name for r in made] == [s.key for s in [*specs, specs[0]]]
    experiment.ensure(specs, tiny_backbone, progress=False)
    assert counted == [2, 2, 1, 1]


def test_a_video_does_not_depend_on_its_batch(spec, tiny_backbone, runs):
    specs = [spec(seed=s, steps=2, spatial_iterations=1) for s in range(3)]
    together = [r.video for r in experiment.ensure(specs, tiny_backbone, progress=False)]
    for file in sorted(runs.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    alone = [r.video for r in experiment.ensure(specs, tiny_backbone, batch=1, progress=False)]
    for a, b in zip(together, alone, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1


def damage_missing(folder):
    (folder / "video.npy").unlink()


def damage_byte(folder):
    video = bytearray((folder / "video.npy").read_bytes())
    video[-1] ^= 1
    (folder / "video.npy").write_bytes(video)


def damage_foreign(folder):
    facts = json.loads((folder / "spec.json").read_text()) | {"seed": 99}
    (folder / "spec.json").write_text(json.dumps(facts))
    write_manifest(folder)


def damage_empty(folder):
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    "damage", [damage_missing, damage_byte, damage_foreign, damage_empty], ids=lambda d: d.__name__
)
def test_a_damaged_folder_is_made_again(spec, tiny_backbone, damage):
    one = spec("none")
    (run,) = experiment.ensure([one], tiny_backbone, progress=False)
    video = run.video
    damage(run.folder)
    assert not experiment.finished(one)
    (again,) = experiment.ensure([one], tiny_backbone, progress=False)
    assert experiment.finished(one)
    assert np.array_equal(again.video, video)


class Preferring:
    """A judge that sees the whole scene in one video and nothing in all others."""

    def __init__(self, video, trajectory):
        self.video, self.trajectory = video, trajectory

    def detect(self, video):
        boxes = self.trajectory.resample(len(video)).boxes
        found = ((Detection("dog", boxes[0][0], 1.0), Detection("cat", boxes[1][0], 1.0)),)
        return found * len(video) if np.array_equal(video, self.video) else ((),) * len(video)

    def motion(self, video, row):
        return {"running": 1.0}


@pytest.mark.parametrize("favorite", [0, 2])
def test_best_of_n_keeps_the_plain_clip_that_the_judge_prefers(
    spec, tiny_backbone, counted, monkeypatch, favorite
):
    one = spec("best_of_n", seed=1, steps=2, record=(1,))
    seeds = [1 + n * 2**32 for n in range(3)]
    plain = [spec("none", seed=s, steps=2, record=(1,)) for s in seeds]
    made = experiment.ensure(plain[:2], tiny_backbone, progress=False)
    made += experiment.ensure(plain[2:], tiny_backbone, progress=False)
    judge = Preferring(made[favorite].video, one.trajectory)
    monkeypatch.setattr(experiment, "_judge", lambda: judge)
    (run,) = experiment.ensure([one], tiny_backbone, progress=False)
    assert np.array_equal(run.video, made[favorite].video)
    assert np.array_equal(run.maps[1], made[favorite].maps[1])
    assert run.warnings == [f"kept clip {favorite + 1} of 3"]
    assert run.spec == one
    assert counted == [2, 1, 1]  # the plain clips were there, and only the choice was made


def test_weights_that_changed_since_planning_are_refused(spec, tiny_backbone):
    one = replace(spec("none"), checkpoint="1" * 64)
    with pytest.raises(InputError, match="weights of tiny are not those"):
        experiment.ensure([one], tiny_backbone, progress=False)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"method": "starvit"}, "unknown method 'starvit', .*did you mean starvid"),
        ({"seed": -1}, "a seed is a whole number"),
        ({"steps": 0}, "steps must be a number of at least 1"),
        ({"steps": 2.5}, "steps must be like 50, got 2.5"),
        ({"guidance_scale": float("nan")}, "guidance_scale must be a number"),
        (
            {"spatial_wieght": 1},
            "unknown option of starvid .*did you mean spatial_weight",
        ),
        (
            {"method": "lvd", "spatial_weight": 1.0},
            "unknown option of lvd 'spatial_weight', expected .*threshold",
        ),
        ({"method": "lvd", "treshold": 1.0}, "unknown option of lvd .*did you mean threshold"),
        ({"method": "none", "weight": 1.0}, "unknown option of none 'weight'"),
        ({"method": "dav", "phrase": "verb"}, "phrase 'verb' is unknown; choose one of noun"),
        ({"method": "dav", "phrase": 1}, "phrase must be like 'noun', got 1"),
        ({"method": "attention_mask", "both": 1}, "both must be like True, got 1"),
        ({"method": "attend_and_excite", "refined": ["0"]}, "refined must be like"),
        ({"method": "best_of_n", "n": 0}, "n must be 1 or more"),
        ({"spatial_weight": "much"}, "spatial_weight must be like 30.0, got 'much'"),
        ({"stages": ["top"]}, "stages must be some of down, mid, up"),
        ({"record": (4,)}, r"steps to record must lie in 0..3, got \(4,\)"),
    ],
    ids=str,
)
def test_a_wrong_choice_is_one_line(spec, call, said):
    with pytest.raises(InputError, match=said) as caught:
        spec(**call)
    assert "\n" not in str(caught.value)


def test_a_plan_for_another_prompt_is_refused(tiny_backbone, two_subject_trajectory):
    with pytest.raises(InputError, match="the plan is for 'a dog runs .*', not for 'a cow'"):
        experiment.spec("a cow", "none", 0, tiny_backbone, two_subject_trajectory)


def test_a_subject_or_motion_that_the_model_never_saw_is_refused(
    tiny_backbone, two_subject_trajectory
):
    small = replace(tiny_backbone, subjects=frozenset({"dog", "fish"}), motions=frozenset())
    with pytest.raises(InputError, match="does not know the subject 'cat'; it knows dog, fish"):
        check_vocabulary(two_subject_trajectory, replace(small, motions=None))
    with pytest.raises(InputError, match="does not know the motion 'running'; it knows"):
        check_vocabulary(two_subject_trajectory, replace(small, subjects=None))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write a study file and load it."""
    monkeypatch.setattr(paths, "STUDIES", tmp_path)

    def write(declared, quick=False):
        (tmp_path / "fig99.json").write_text(json.dumps(declared))
        return studies.load("fig99", quick)

    return write


def test_a_study_is_every_variant_on_every_prompt_and_seed(study):
    declared = {
        "prompts": ["a", "b", "c"],
        "seeds": [0, 1],
        "options": {"steps": 25},
        "variants": {"Plain": {"method": "none"}, "StarVid": {"options": {"steps": 50}}},
    }
    full, quick = study(declared), study(declared, quick=True)
    assert len(full.cells) == 12 and full.cells[0] == ("Plain", "a", 0)
    assert full.variants["Plain"] == {"method": "none", "steps": 25}
    assert full.variants["StarVid"] == {"steps": 50}
    assert quick.prompts == ("a", "b") and quick.seeds == (0,)


def test_a_study_with_a_misspelt_field_is_refused(study):
    with pytest.raises(InputError, match="needs prompts and variants"):
        study({"prompts": [], "variants": {}, "seed": 1})


def whole(runs):
    return [f for f in runs.glob("[!.]*") if f.is_dir()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_kills_lose_no_finished_run(spec, tmp_path, runs):
    specs = [spec("none", seed=s) for s in range(400)]
    listed = tmp_path / "specs.json"
    listed.write_text(json.dumps([s.facts for s in specs]))
    finished: dict[str, float] = {}
    command = [sys.executable, "-c", MANY_RUNS, str(runs), str(listed)]
    for k in range(10):
        before = len(whole(runs))
        process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
        while len(whole(runs)) < min(before + 5, 400):
            time.sleep(0.02)
            assert process.poll() in (None, 0)
        time.sleep(0.013 * k)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for one in specs:
            folder = runs / one.key
            if folder.exists():
                assert experiment.finished(one)
                assert finished.setdefault(one.key, folder.stat().st_mtime) == (
                    folder.stat().st_mtime
                )
    subprocess.run(command, check=True)
    assert all(experiment.finished(s) for s in specs)


@pytest.fixture
def lora_of(tiny_backbone, tmp_path, monkeypatch):
    """Write a LoRA of the tiny backbone among the shipped ones, other for every seed."""
    monkeypatch.setattr(paths, "LORAS", tmp_path / "loras")

    def write(name="small", seed=0, checkpoint=None):
        adapter = lora.inject(tiny_backbone.network.module, seed, rank=2)
        for parameter in adapter.parameters.values():
            parameter.data += 0.5
        adapter.save(paths.LORAS / name)
        adapter.remove()
        base = checkpoint or tiny_backbone.fingerprint
        (paths.LORAS / name / "training.json").write_text(json.dumps({"checkpoint": base}))
        return name

    return write


def test_a_lora_is_in_the_key_by_what_it_holds_and_only_if_there_is_one(spec, lora_of):
    plain, tuned = spec("none"), spec("none", lora=lora_of())
    assert "lora" not in plain.facts and tuned.facts["lora"] == "small"
    assert plain.key != tuned.key and plain.settings != tuned.settings
    assert parse_spec(json.loads(json.dumps(tuned.facts))) == tuned
    assert spec("none", lora=lora_of(seed=1)).key != tuned.key


def test_a_run_with_a_lora_is_another_video_and_leaves_the_model_as_it_was(
    spec, tiny_backbone, lora_of
):
    one = spec("none", lora=lora_of())
    plain, tuned, again = experiment.ensure(
        [spec("none"), one, spec("none", steps=3)], tiny_backbone, progress=False
    )
    assert not np.array_equal(plain.video, tuned.video)
    assert tuned.spec == one
    assert not [n for n, _ in tiny_backbone.network.module.named_modules() if "lora" in n]


def test_a_lora_that_is_not_there_says_how_to_get_one(spec, lora_of):
    lora_of("zo_dpo")
    said = "no LoRA 'zo_dop' in .* .there: zo_dpo. .*`starvid align` trains them"
    with pytest.raises(InputError, match=said):
        spec("none", lora="zo_dop")


def test_a_lora_of_other_weights_is_refused(spec, lora_of):
    with pytest.raises(InputError, match="was trained on weights 111111111111, and those of tiny"):
        spec("none", lora=lora_of(checkpoint="1" * 64))


def test_a_lora_that_changed_since_planning_is_refused(spec, tiny_backbone, lora_of):
    one = spec("none", lora=lora_of())
    lora_of(seed=1)
    with pytest.raises(InputError, match="is not the one that the run was planned for"):
        experiment.ensure([one], tiny_backbone, progress=False)


def test_what_is_asked_says_which_metrics_there_are(two_subject_trajectory):
    told = "On the grass, a dog is on the left of a car, then the dog runs to the right of the car."
    video = np.zeros((3, 32, 48, 3), np.uint8)
    asked = rules.plan(told, 3)
    judge = Preferring(video + 1, two_subject_trajectory)
    plain = experiment.score(video, two_subject_trajectory, judge)
    both = experiment.score(video, two_subject_trajectory, judge, asked)
    assert "dsr" not in plain and both.keys() - plain.keys() == set(dsr_score.NAMES)
    assert both["dsr_invalid"] == 1 and "background_change" in plain
