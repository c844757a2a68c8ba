"""The command line: what works, and every bad input as one line with exit code 2."""

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from starvid_core import cli, experiment, paths, studies, video
from starvid_core.artifacts import fingerprint, write_json, write_manifest
from starvid_core.cli.app import say_in_one_line
from starvid_core.cli.figures import tell_missing
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast

PROMPT = "A dog is running and a cat is jumping."
WORLD = {
    "subjects": ["dog", "cat"],
    "motions": ["running", "jumping"],
    "frames": 3,
    "height": 32,
    "width": 48,
}


@pytest.fixture(autouse=True)
def checkpoint(tmp_path, monkeypatch):
    """A model that knows two subjects and two motions, in place of the shipped one."""
    folder = tmp_path / "checkpoints" / "emoji"
    write_json(folder / "world.json", WORLD)
    write_manifest(folder)
    write_json(tmp_path / "checkpoints" / "judge" / "nothing.json", {})
    write_manifest(tmp_path / "checkpoints" / "judge")
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    monkeypatch.setattr(paths, "CHECKPOINTS", folder.parent)
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    return folder


@pytest.fixture
def model(checkpoint, tiny_backbone, monkeypatch):
    """The tiny backbone in the place of the embedded model."""
    named = replace(tiny_backbone, name="emoji", fingerprint=fingerprint(checkpoint))
    monkeypatch.setattr(experiment, "_load", lambda name: named)


@pytest.fixture
def plan_file(tmp_path, starvid):
    path = tmp_path / "plan.json"
    assert starvid("plan", PROMPT, "-o", path)[0] == 0
    return path


def refused(result, *parts):
    code, out, err = result
    assert code == 2 and not out
    assert err.startswith("starvid: ") and err.count("\n") == 1
    for part in parts:
        assert part in err
    return True


def test_a_plan_is_printed_or_written(starvid, tmp_path):
    code, out, _ = starvid("plan", PROMPT)
    assert code == 0
    assert [s["noun"] for s in json.loads(out)["subjects"]] == ["dog", "cat"]
    code, said, _ = starvid("plan", PROMPT, "-o", tmp_path / "plan.json")
    assert code == 0 and "dog running, cat jumping; 8 frames" in said
    assert (tmp_path / "plan.json").read_text() == out


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_a_video_is_made_large_enough_to_see(starvid, tmp_path, model, suffix):
    out = tmp_path / f"out.{suffix}"
    code, said, _ = starvid("generate", PROMPT, "--steps", 2, "--method", "none", "-o", out)
    assert code == 0 and "3 frames" in said
    seen = video.load(out)
    assert seen.shape[0] == 3 and min(seen.shape[1:3]) >= 288


def test_a_plan_file_and_the_attention_go_with_a_video(starvid, tmp_path, model, plan_file):
    out = tmp_path / "out.mp4"
    options = ("--steps", 6, "--plan", plan_file, "--save-attention", "--method", "none")
    assert starvid("generate", PROMPT, *options, "-o", out)[0] == 0
    with np.load(tmp_path / "out.attention.npz") as maps:
        assert maps.files == ["4"] and maps["4"].ndim == 4


def test_version_and_help_answer(starvid):
    assert starvid("--help")[0] == 0
    code, out, _ = starvid("--version")
    assert code == 0 and out.startswith("starvid ")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "the prompt is empty"),
        ("   \n", "the prompt is empty"),
        ("a quiet morning", "no subject"),
        ("A dragon is running.", "does not know the subject 'dragon'; it knows cat, dog"),
        ("A dog is sailing.", "does not know the motion"),
        (" and ".join(["a dog is running"] * 12), "12"),
        ("A dog\x1b[31m is run\x07ning \ud800", "starvid"),
    ],
    ids=["empty", "blank", "no subject", "unknown", "motion", "twelve", "control"],
)
def test_a_prompt_that_cannot_be_made_is_one_line(starvid, tmp_path, prompt, said):
    result = starvid("generate", prompt, "-o", tmp_path / "out.mp4")
    assert refused(result, said)
    assert "\x1b" not in result[2] and "\x07" not in result[2]
    assert not (tmp_path / "out.mp4").exists()


def changed(text, key, value):
    return json.dumps(json.loads(text) | {key: value})


def without(text, key):
    return json.dumps({k: v for k, v in json.loads(text).items() if k != key})


def with_box(text, box):
    plan = json.loads(text)
    plan["frames"][0][0]["box"] = box
    return json.dumps(plan)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: without(t, "subjects"), "subjects"),
        (lambda t: with_box(t, [-500, 0, 10, 10]), "box"),
        (lambda t: with_box(t, [0, 0, "wide", 10]), "box"),
        (lambda t: with_box(t, [0, 0, float("nan"), 10]), "NaN"),
        (lambda t: changed(t, "prompt", "A dog is flying and a cat is jumping."), "prompt"),
        (lambda t: t[:100], "plan.json"),
        (lambda t: "\x00", "plan.json"),
    ],
    ids=["key", "outside", "type", "nan", "other", "cut", "binary"],
)
def test_a_wrong_plan_file_is_one_line(starvid, tmp_path, plan_file, damage, said):
    plan_file.write_text(damage(plan_file.read_text()))
    out = tmp_path / "out.mp4"
    assert refused(starvid("generate", PROMPT, "--plan", plan_file, "-o", out), said)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--method", "starvit"), ("unknown method 'starvit'", "none, starvid", "did you mean")),
        (("--backbone", "emojy"), ("unknown backbone 'emojy'", "did you mean emoji")),
        (("--seed", "-1"), ("a seed is a whole number from 0 up, got -1",)),
        (("--seed", "one"), ("'--seed'", "valid integer")),
        (("--steps", "0"), ("steps must be",)),
        (("--guidance-scale", "nan"), ("guidance_scale must be",)),
        (("--plan", "/nowhere/plan.json"), ("/nowhere/plan.json",)),
        (("--lora", "sfd"), ("no LoRA 'sfd' in", "`starvid align` trains them")),
        (("--colour", "red"), ("--colour",)),
    ],
    ids=lambda v: " ".join(v) if v[0].startswith("--") else "",
)
def test_a_wrong_option_is_one_line(starvid, tmp_path, options, said):
    assert refused(starvid("generate", PROMPT, "-o", tmp_path / "out.mp4", *options), *said)
    assert not list(tmp_path.glob("out*"))


def test_options_of_a_method_change_its_video(starvid, tmp_path, model):
    made = []
    for n, options in enumerate([(), ("-O", "phrase=noun+verb", "-O", "amplified=1")]):
        out = tmp_path / f"{n}.gif"
        command = ("generate", PROMPT, "--method", "dav", "--steps", 2, "-o", out, *options)
        assert starvid(*command)[0] == 0
        made.append(out.read_bytes())
    assert made[0] != made[1]


@pytest.mark.parametrize(
    ("method", "option", "said"),
    [
        ("lvd", "treshold=1", "unknown option of lvd 'treshold', .*; did you mean threshold"),
        ("lvd", "threshold=much", "threshold must be like 200.0, got 'much'"),
        ("lvd", "threshold=-1", "threshold must be a number of at least 0, got -1.0"),
        ("lvd", "threshold=nan", "threshold must be a number of at least 0, got nan"),
        ("lvd", "threshold", "a parameter is NAME=VALUE, got 'threshold'"),
        ("none", "threshold=1", "unknown option of none .threshold., expected steps, "),
        ("starvid", "spatial_iterations=2.5", "spatial_iterations must be like 10, got '2.5'"),
        ("starvid", "stages=top", "stages must be some of down, mid, up"),
        ("starvid", "stages=", "stages must be some of down, mid, up"),
        ("attention_mask", "both=maybe", "both must be like true, got 'maybe'"),
        ("best_of_n", "n=0", "n must be 1 or more"),
        ("starvit", "n=1", "unknown method 'starvit', .*; did you mean starvid"),
    ],
)
def test_a_wrong_option_of_a_method_is_one_line(starvid, tmp_path, model, method, option, said):
    out = tmp_path / "out.mp4"
    code, _, err = starvid("generate", PROMPT, "--method", method, "-O", option, "-o", out)
    assert code == 2 and err.count("\n") == 1
    assert re.search(said, err), err


def test_an_option_of_a_method_is_given_once(starvid, tmp_path, model):
    command = ("--method", "lvd", "-O", "weight=1", "-O", "weight=2", "-o", tmp_path / "out.mp4")
    assert refused(starvid("generate", PROMPT, *command), "weight is given twice, 1.0 and '2'")


def test_an_option_has_one_place(starvid, tmp_path, model):
    command = ("--steps", 2, "-O", "steps=3", "-o", tmp_path / "out.mp4")
    assert refused(starvid("generate", PROMPT, *command), "steps is given twice, by its own option")


def test_a_wrong_mode_is_one_line(starvid, tmp_path, model):
    command = ("-O", "mode=fats", "-o", tmp_path / "out.mp4")
    assert refused(
        starvid("generate", PROMPT, *command), "unknown mode 'fats'", "did you mean fast"
    )


def test_the_fast_mode_and_sampling_options_make_a_video(starvid, tmp_path, model):
    out = tmp_path / "out.gif"
    options = ("-O", "mode=fast", "-O", "threshold=0.5", "-O", "recompute=1", "--steps", 2)
    assert starvid("generate", PROMPT, *options, "-o", out)[0] == 0
    assert out.is_file()


@pytest.mark.parametrize("name", ["out.avi", "out", "file/out.mp4", "folder.mp4"])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(starvid, tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    assert refused(starvid("generate", PROMPT, "-o", tmp_path / name), "cannot write", name)


def test_an_unknown_command_is_one_line(starvid):
    assert refused(starvid("generat", PROMPT), "generat", "generate")


def test_missing_weights_say_how_to_get_them(starvid, tmp_path, checkpoint):
    (checkpoint / "manifest.json").unlink()
    result = starvid("generate", PROMPT, "-o", tmp_path / "out.mp4")
    assert refused(result, "no checkpoint at", "restore it with `git checkout")


def test_missing_published_weights_say_how_to_fetch_them(starvid, tmp_path, monkeypatch, plan_file):
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    common = ("generate", PROMPT, "--plan", plan_file, "-o", tmp_path / "a.mp4", "--backbone")
    said = "fetch it: hf download cerspense/zeroscope_v2_576w --revision 1f35e3dc"
    assert refused(starvid(*common, "zeroscope"), said)
    assert refused(starvid(*common, "zeroscope", "--weights", "nowhere"), "neither a folder", said)
    assert refused(starvid(*common, "zeroskope"), "did you mean zeroscope?")
    assert refused(starvid(*common, "zeroskope", "--device", "cpu"), "did you mean 'zeroscope'?")


def test_a_checkpoint_that_cannot_be_converted_is_one_line(starvid, tmp_path):
    checkpoint, folder = tmp_path / "model.ckpt", tmp_path / "out"
    assert refused(starvid("convert", "videocrafter3", checkpoint, folder), "did you mean")
    assert refused(starvid("convert", "videocrafter2", checkpoint, folder), "CLIP vocabulary")
    words = ("--tokenizer", paths.ROOT / "data" / "checkpoints" / "emoji" / "tokenizer")
    said = "does not exist; fetch it: hf download VideoCrafter/VideoCrafter2"
    assert refused(starvid("convert", "videocrafter2", checkpoint, folder, *words), said)


def test_changed_weights_are_refused(starvid, tmp_path, checkpoint):
    (checkpoint / "world.json").write_text(json.dumps(WORLD) + " ")
    result = starvid("generate", PROMPT, "-o", tmp_path / "out.mp4")
    assert refused(result, "world.json", "restore it with")
    assert not (tmp_path / "out.mp4").exists()


def test_debug_shows_where(starvid, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["starvid", "generate", "", "-o", "/tmp/x.mp4", "--debug"])
    with pytest.raises(InputError, match="the prompt is empty"):
        cli.main()


def test_an_unexpected_error_is_one_line_too(capsys):
    say_in_one_line(RuntimeError, RuntimeError("first\nsecond"), None)
    assert capsys.readouterr().err == (
        "starvid: unexpected RuntimeError: first\\nsecond (--debug shows where)\n"
    )


def test_a_video_of_another_size_or_kind_is_not_scored(starvid, tmp_path, plan_file):
    small = tmp_path / "small.npy"
    np.save(small, np.zeros((3, 31, 48, 3), np.uint8))
    assert refused(starvid("score", small, "--plan", plan_file), "48x31 are no enlargement")
    (tmp_path / "text.mp4").write_text("not a video")
    assert refused(starvid("score", tmp_path / "text.mp4", "--plan", plan_file), "not a .mp4 video")
    assert refused(starvid("score", tmp_path / "no.mp4", "--plan", plan_file), "does not exist")


def test_figures_refuse_what_is_not_there(starvid):
    assert refused(starvid("figures", "fig99"), "no notebook 'fig99'")
    assert refused(starvid("figures", "-p", "steps"), "a parameter is NAME=VALUE, got 'steps'")


def test_studies_are_listed_with_their_size_cost_and_state(starvid, tmp_path, monkeypatch):
    everything = {"subjects": list(cast.SUBJECTS), "motions": list(cast.MOTIONS)}
    for name in ("emoji", "judge"):
        write_json(tmp_path / "checkpoints" / name / "world.json", everything)
        write_manifest(tmp_path / "checkpoints" / name)
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    code, out, _ = starvid("study")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0 and set(studies.names()) <= set(lines)
    assert "no results yet" in lines["benchmark_pairs"]
    assert "reproduce" in lines["fig05_comparison"]


def test_studies_refuse_what_is_not_there(starvid):
    assert refused(starvid("study", "tab03"), "unknown study 'tab03'", "did you mean tab03_constr")
    said = "give names of studies or --all, not both"
    assert refused(starvid("study", "--all", "benchmark_pairs"), said)


def test_figures_that_wait_for_results_are_named(starvid, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    tell_missing(["tab01_benchmarks", "fig05_comparison"])
    said = (
        "note: tab01_benchmarks waits for results of: starvid study tab01_action_binding, starvid"
    )
    assert said in capsys.readouterr().err


def test_training_refuses_what_it_does_not_know(starvid):
    assert refused(starvid("train", "modle"), "unknown part to train 'modle'", "did you mean model")
    assert refused(starvid("train", "model", "--world", "ful"), "unknown world 'ful'")
    assert refused(starvid("train", "judge", "--steps", 5), "steps are of the planner; the judge")
    assert refused(starvid("train", "embeding"), "did you mean embedding")


def test_counting_and_flicker_refuse_what_is_not_there(starvid):
    assert refused(starvid("handcount", "benchmark_pears"), "unknown study", "did you mean")
    assert refused(starvid("flicker", "benchmark_pears"), "unknown study 'benchmark_pears'")
    assert refused(starvid("agreement", "nobody"), "nobody.json does not exist")


def test_agreement_is_told_with_intervals(starvid, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "HANDCOUNTS", tmp_path)
    write_json(tmp_path / "ours.json", {"clips": {"001": {"dog": 1}, "002": {}, "003": None}})
    read = {n: {"judge": {"dog": 1}, "asked": {"dog": 1}} for n in ("001", "002", "003")}
    write_json(tmp_path / "ours_judge.json", {"clips": read})
    code, said, _ = starvid("agreement", "ours")
    assert code == 0 and "2 clips counted, 1 not yet" in said
    assert "0.500 [0.095, 0.905] (1 of 2)" in said and "differing clips: 002" in said


def test_an_enlarged_video_shrinks_to_itself(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    assert np.array_equal(video.shrink(video.enlarge(frames), 32, 48), frames)


def test_a_video_file_is_the_same_bytes_twice(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    for suffix in (".mp4", ".gif"):
        files = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for file in files:
            video.save(file, frames)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert video.load(files[0]).shape[0] == 3
