"""No downloads, no telemetry, no chatter: what our commands tell the libraries they use."""

from __future__ import annotations

import os

SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "DO_NOT_TRACK": "1",
}


def apply() -> None:
    """Set what the user has not set; before diffusers and transformers are imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
