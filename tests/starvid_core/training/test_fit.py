"""The loop that trains judge and embedding: what was killed goes on exactly."""

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import CLIPTokenizer

from starvid_core.moving_emoji.world import FIRST
from starvid_core.perception import emoji_clip
from starvid_core.perception.emoji import Detector, MotionClassifier
from starvid_core.perception.emoji_clip import Sizes
from starvid_core.training import embedding, judge
from starvid_core.training.embedding_data import Twins
from starvid_core.training.fit import Fit, fit
from starvid_core.training.judge_data import Frames, Tracks


def test_a_killed_fit_goes_on_as_if_it_had_not_been(
    tmp_path: Path, tokenizer: CLIPTokenizer, tiny_sizes: Sizes
) -> None:
    config = Fit("embedding", 4, 3, checkpoint_every=2, workers=0)
    data = Twins(FIRST, tokenizer, config.steps * config.batch)
    calls = 0

    def killed(model: nn.Module, batch: list[torch.Tensor]) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return embedding.embedding_loss(model, batch)

    def fresh() -> nn.Module:
        torch.manual_seed(0)
        return emoji_clip.build(tiny_sizes, tokenizer)

    through, cut, again = fresh(), fresh(), fresh()
    fit(through, data, config, tmp_path / "through", embedding.embedding_loss)
    with pytest.raises(KeyboardInterrupt):
        fit(cut, data, config, tmp_path / "cut", killed)
    fit(again, data, config, tmp_path / "cut", embedding.embedding_loss)
    for name, value in through.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    fit(again, data, config, tmp_path / "cut", killed)  # finished: no batch is asked for
    logs = [(tmp_path / n / "embedding.csv").read_text() for n in ("through", "cut")]
    assert logs[0] == logs[1] and logs[0].count("\n") == 1 + config.steps


def test_the_judges_networks_are_fitted_by_the_same_loop(tmp_path: Path) -> None:
    for model, data in (
        (Detector(FIRST.subjects, 16), Frames(FIRST, 4)),
        (MotionClassifier(FIRST.motions, 16), Tracks(FIRST, 4)),
    ):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        name = type(model).__name__
        fit(model, data, Fit(name, 2, 2, workers=0), tmp_path, judge.loss_of)
        assert any(not torch.equal(v, before[k]) for k, v in model.state_dict().items())
        assert (tmp_path / f"{name}.csv").read_text().startswith("step,loss\n1,")
