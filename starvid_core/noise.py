"""Random numbers that are equal on every machine; `torch.randn` differs between CPU kinds."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def noise(shape: Sequence[int], seed: int, name: str) -> Float[Tensor, "..."]:
    """Standard normal float32 numbers on the CPU that depend on `seed` and `name` only."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    philox = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    values = np.random.Generator(philox).standard_normal(tuple(shape), dtype=np.float32)
    return torch.from_numpy(values)
