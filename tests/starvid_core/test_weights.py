"""Weights are whole or refused: each fault has its own line."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from starvid_core.errors import InputError
from starvid_core.weights import fill


@pytest.fixture
def layer() -> nn.Linear:
    return nn.Linear(2, 3)


def test_a_whole_file_fills_the_module(layer: nn.Linear, tmp_path: Path) -> None:
    save_file(
        {"weight": torch.ones(3, 2).half(), "bias": torch.zeros(3).half()},
        tmp_path / "a.safetensors",
    )
    filled = fill(layer, tmp_path)
    assert filled.weight.dtype == torch.float32 and bool((filled.weight == 1).all())
    assert not filled.weight.requires_grad and not filled.training


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": torch.ones(3, 2)}, "lacks tensor bias"),
        (
            {"weight": torch.ones(3, 2), "bias": torch.ones(3), "b": torch.ones(1)},
            "unknown tensor b",
        ),
        ({"weight": torch.ones(2, 3), "bias": torch.ones(3)}, r"shape \(2, 3\), expected \(3, 2\)"),
        ({"weight": torch.full((3, 2), torch.nan), "bias": torch.ones(3)}, "weight is not finite"),
    ],
)
def test_a_wrong_file_is_refused(
    state: dict[str, torch.Tensor], message: str, layer: nn.Linear, tmp_path: Path
) -> None:
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=message):
        fill(layer, tmp_path)


def test_a_truncated_or_absent_file_is_refused(layer: nn.Linear, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no .*safetensors"):
        fill(layer, tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"\x08\x00\x00")
    with pytest.raises(InputError, match="cannot be read"):
        fill(layer, tmp_path)
