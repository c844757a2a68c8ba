"""Batches of examples that are drawn, not stored."""

from __future__ import annotations

from torch.utils.data import DataLoader, Dataset


def batches(examples: Dataset, size: int, workers: int) -> DataLoader:
    """Examples in their order, drawn ahead by `workers` processes (none: by this one)."""
    ahead = 4 if workers else None
    return DataLoader(examples, size, num_workers=workers, prefetch_factor=ahead)
