"""`tab01_published` where there are weights: tiny ones, in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from starvid_core import paths, plotting
from starvid_core.workflow import notebooks

NAME = "tab01_published"


def cells_with(**parameters: object) -> list[str]:
    """The code of the notebook, with these parameters behind its own."""
    source = notebooks.find(NAME)
    notebooks.check_parameters(source, parameters)
    code = [cell.source for cell in notebooks.read(source).cells if cell.cell_type == "code"]
    given = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    return [code[0], given, *code[1:]]


def test_systems_are_scored_beside_the_papers_values(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    noise = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 48, 3), dtype=np.uint8)
    (tmp_path / "prompts.txt").write_text("A dog runs while a cat sits.")
    for system, clip in zip(("ours", "theirs"), noise, strict=True):
        place = tmp_path / "videos" / system
        place.mkdir(parents=True)
        np.save(place / "0001.npy", clip)
    space: dict[str, object] = {}
    for code in cells_with(
        videos=str(tmp_path / "videos"),
        prompts=str(tmp_path / "prompts.txt"),
        models=str(models),
        output=str(tmp_path / "figures"),
    ):
        exec(compile(code, NAME, "exec"), space)
    said = capsys.readouterr().out
    assert said.startswith("not scored here: action_binding needs a vision-language model")
    assert said.count("\n") == 1 and "no weights of" not in said
    table = pandas.read_csv(tmp_path / "figures" / f"{NAME}.csv")
    ours = table[(table["system"] == "ours") & (table["metric"] == "clip_t")].iloc[0]
    assert ours["n"] == 1 and ours["low"] <= ours["mean"] <= ours["high"]
    starvid = table[(table["system"] == "StarVid") & (table["metric"] == "numeracy")].iloc[0]
    assert starvid["paper"] == 0.871
    assert (tmp_path / "build" / NAME / "theirs" / "summary.json").is_file()
    assert (tmp_path / "figures" / f"{NAME}.pdf").is_file()


def test_a_metric_that_nobody_scored_leaves_its_panel_to_the_paper() -> None:
    found = {"clip_i": {"mean": None, "low": None, "high": None}, "clip_t": {"mean": 50.0}}
    found["clip_t"] |= {"low": 45.0, "high": 60.0}
    figure = plotting.plot_published({"LVD": {"clip_i": 0.92}}, {"ours": found}, ["a", "b"])
    limits = [axes.get_xlim() for axes in figure.axes]
    assert max(high for _, high in limits) > 60
