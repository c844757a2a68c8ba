"""The machine that the work runs on: which device takes it, and what its times depend on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch

from starvid_core.errors import InputError


def device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is the accelerator that torch finds at work, else the CPU.

    Raises InputError for a device that this machine does not have.
    """
    found = torch.accelerator.current_accelerator(check_available=True) if name == "auto" else None
    try:
        chosen = found or torch.device("cpu" if name == "auto" else name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {name!r} cannot be used ({reason}); give cpu or auto") from None
    return chosen


def precision(place: torch.device, half: torch.dtype = torch.float16) -> torch.dtype:
    """`half` on an accelerator; on a CPU it would be slower, and coarser for nothing."""
    return torch.float32 if place.type == "cpu" else half


def facts() -> dict[str, Any]:
    """What a time and the last bits of a number depend on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
