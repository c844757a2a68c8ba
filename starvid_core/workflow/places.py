"""Where the jobs of the workflow run: on cores of this machine, or as a profile of Snakemake says.

A profile is a folder with a `config.yaml`: one of `profiles`, or a copy of one that was changed.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from starvid_core import paths
from starvid_core.errors import InputError
from starvid_core.options import known

LOCAL = "local"
INSTALL = "pip install -e '.[cluster]'"
_SET_DEATH_SIGNAL = 1  # of prctl


@dataclass(frozen=True)
class Place:
    """`cores` of this machine, or a `profile`: a name in `profiles`, or a folder.

    Raises InputError for a profile that is not there or whose executor is not installed.
    """

    cores: int | None = None
    profile: str = ""

    def __post_init__(self) -> None:
        if self.remote and not find_spec(_plugin(self.executor)):
            raise InputError(
                f"the profile {self.profile} needs {_plugin(self.executor)}: {INSTALL}"
            )

    @cached_property
    def executor(self) -> str:
        """What runs the jobs, by the name that Snakemake knows it by."""
        if not self.profile:
            return LOCAL
        said = _read(_folder(self.profile) / "config.yaml")
        return str(said.get("executor", LOCAL))

    @property
    def remote(self) -> bool:
        """Whether jobs run on other machines, where this process is not known."""
        return self.executor != LOCAL

    @property
    def arguments(self) -> list[str]:
        """What Snakemake is told of the place."""
        if not self.profile:
            return ["--cores", str(self.cores or 2)]
        cores = ["--cores", str(self.cores)] if self.cores else []
        return ["--profile", str(_folder(self.profile)), *cores]

    @property
    def leash(self) -> Callable[[], None] | None:
        """To be called in Snakemake's process: when this one is killed, Snakemake is interrupted
        and takes its jobs off the cluster. Jobs on this machine watch it themselves."""
        return _interrupt_with_parent if self.remote else None


def _interrupt_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGINT)


def _folder(profile: str) -> Path:
    given = Path(profile)
    if given.is_dir():
        return given.resolve()
    if os.sep in profile:
        raise InputError(f"profile {profile} is not a folder; give one with a config.yaml")
    shipped = sorted(file.parent.name for file in paths.PROFILES.glob("*/config.yaml"))
    return paths.PROFILES / known("profile", profile, shipped)


def _read(file: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{file} cannot be read: {told}; give a profile of Snakemake") from None
    if not isinstance(said, dict):
        raise InputError(f"{file} holds no settings; give a profile of Snakemake")
    return said


def _plugin(executor: str) -> str:
    return f"snakemake_executor_plugin_{executor.replace('-', '_')}"
