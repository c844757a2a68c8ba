"""Which device takes the work, and what a time is written down with."""

import pytest
import torch

from starvid_core import machine
from starvid_core.errors import InputError


def test_a_device_that_is_not_there_is_one_line() -> None:
    assert machine.device("cpu").type == "cpu"
    for name in ("cuda:99", "toaster"):
        with pytest.raises(InputError, match=f"device {name!r} cannot be used"):
            machine.device(name)


def test_auto_is_the_cpu_where_torch_knows_an_accelerator_that_is_not_there(monkeypatch) -> None:
    """A build for CUDA names its device on a machine without one, unless it is asked to look."""

    def current(check_available: bool = False) -> torch.device | None:
        return None if check_available else torch.device("cuda")

    monkeypatch.setattr(torch.accelerator, "current_accelerator", current)
    assert machine.device() == torch.device("cpu")


def test_half_precision_is_for_accelerators() -> None:
    assert machine.precision(torch.device("cpu")) == torch.float32
    assert machine.precision(torch.device("meta")) == torch.float16
    assert machine.precision(torch.device("meta"), torch.bfloat16) == torch.bfloat16


def test_the_facts_name_the_processor_and_torch() -> None:
    found = machine.facts()
    assert found["processor"] and found["cores"] >= 1
    assert found["torch"] == torch.__version__
