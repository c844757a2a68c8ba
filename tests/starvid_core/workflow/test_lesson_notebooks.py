"""The notebooks that teach: each runs, and right answers to its exercises are found right."""

import os
import re

import pytest

from starvid_core import paths
from starvid_core.workflow import notebooks

SOLVED = {
    "00_start_here": ['"StarVid"', '"A cat is jumping and a man is walking."'],
    "01_one_denoising_step": [
        '"text"',
        "(nouns[0] * M[0]).sum((1, 2)) / nouns[0].sum((1, 2))",
    ],
    "02_losses_by_hand": [
        "60",
        "1 - (P[:, None] * Q).sum((2, 3))"
        " / np.sqrt(np.outer((P**2).sum((1, 2)), (Q**2).sum((1, 2))))",
    ],
    "03_planning": ["broken.boxes[1][3].blend(broken.boxes[1][5], 0.5)", "M[0, 0].sum()"],
    "05_published_weights": ['"weights"'],
}
UNANSWERED = re.compile(r"(?m)^(answer|mine|share|mended|cells) = None.*$")


def run(name, answers, capsys, tmp_path):
    """Execute a lesson's cells here with its exercises answered; return all that was printed."""
    found, left = {}, list(answers)
    for cell in notebooks.read(notebooks.find(name)).cells:
        if cell.cell_type == "code":
            code = UNANSWERED.sub(lambda m: f"{m[1]} = {left.pop(0)}", cell.source)
            exec(compile(code, name, "exec"), found)
        if "parameters" in cell.metadata.get("tags", []):
            found |= {"quick": True, "output": str(tmp_path)}
    assert not left
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["03_planning", "05_published_weights"])
def test_right_answers_are_right(name, capsys, tmp_path):
    said = run(name, SOLVED[name], capsys, tmp_path)
    assert said.count("Right.") == len(SOLVED[name]) and "Not yet" not in said


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("name", ["00_start_here", "01_one_denoising_step", "02_losses_by_hand"])
def test_right_answers_are_right_with_the_model(name, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    said = run(name, SOLVED[name], capsys, tmp_path)
    assert said.count("Right.") == len(SOLVED[name]) and "Not yet" not in said


@pytest.mark.parametrize("name", ["03_planning", "05_published_weights"])
def test_without_answers_a_lesson_says_so(name, capsys, tmp_path):
    said = run(name, ["None"] * len(SOLVED[name]), capsys, tmp_path)
    assert said.count("No answer yet") == len(SOLVED[name]) and "Right." not in said


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", notebooks.lessons())
def test_a_lesson_runs_under_papermill(name, tmp_path, monkeypatch):
    path = os.pathsep.join([str(paths.ROOT), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    given = {"quick": True}
    if "output" in notebooks.parameters(notebooks.find(name)):
        given["output"] = str(tmp_path / "pictures")
    notebooks.execute(notebooks.find(name), tmp_path / "executed.ipynb", given)
