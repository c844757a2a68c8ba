"""A small repository whose jobs make files in place of clips, and a driver to kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from starvid_core.artifacts import write_json, write_manifest, write_text

ROOT = Path(__file__).parents[3]
STANDIN = Path(__file__).with_name("standin_jobs.py")
STUDY = "tab99_small"
IMPORT = "from starvid_core.workflow import reproduce; "
DRIVE = IMPORT + "reproduce.study([{0!r}], None, False, {1!r})"


@dataclass(frozen=True)
class Home:
    """The folder of the repository, and what its jobs have written to their logs."""

    folder: Path
    drivers: list[subprocess.Popen[str]] = field(default_factory=list)

    def drive(self, profile: str, **settings: str) -> subprocess.Popen[str]:
        """`starvid study` with that profile; its own output goes to `driver.log`."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), **settings}
        with (self.folder / "driver.log").open("a") as log:
            driver = subprocess.Popen(
                [sys.executable, "-c", DRIVE.format(STUDY, profile)],
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.drivers.append(driver)
        return driver

    def ask(self, expression: str) -> str:
        """What the code of the home says of its `study`."""
        script = f"{IMPORT}study = {STUDY!r}; print({expression})"
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-c", script]
        return subprocess.check_output(command, env=environment, cwd=self.folder, text=True).strip()

    def profile(self, name: str, changes: dict[str, object], **workflow: object) -> str:
        """A copy of a profile that ships, with stand-in jobs and changes."""
        folder = self.folder / "profiles" / f"own_{name}"
        shutil.copytree(ROOT / "profiles" / name, folder)
        said = yaml.safe_load((folder / "config.yaml").read_text())
        said |= {"configfile": [str(folder / "workflow.yaml")], **changes}
        write_text(folder / "config.yaml", yaml.safe_dump(said))
        write_text(folder / "workflow.yaml", yaml.safe_dump({"job": str(STANDIN), **workflow}))
        return str(folder)

    def said(self, word: str) -> Counter[str]:
        """How often jobs wrote a line that begins with `word`, by the rest of the line."""
        logs = (self.folder / "log").glob("*")
        lines = [line.split() for log in logs for line in log.read_text().splitlines()]
        return Counter(line[1] for line in lines if line[0] == word)

    @property
    def shards(self) -> list[list[str]]:
        """The clips of every finished shard."""
        files = sorted((self.folder / "build/reproduce" / STUDY).glob("clips-*.json"))
        return [json.loads(file.read_text())["runs"] for file in files]

    @property
    def results(self) -> list[Path]:
        return list((self.folder / "build/reproduce" / STUDY).glob("results-*.json"))

    @property
    def told(self) -> str:
        """What the driver and Snakemake said, for a test that failed."""
        logs = [self.folder / "driver.log", self.folder / "build/reproduce/snakemake.log"]
        return "\n".join(log.read_text()[-6000:] for log in logs if log.is_file())

    def wait(self, done: Callable[[], bool], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not done():
            ended = all(driver.poll() is not None for driver in self.drivers)
            assert time.monotonic() < ends and not ended, self.told
            time.sleep(0.1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Eight clips of one study, and a copy of the code: jobs are named by what it says."""
    shutil.copy(ROOT / "Snakefile", tmp_path)
    for package in ("starvid_core", "planners", "profiles"):
        shutil.copytree(ROOT / package, tmp_path / package)
    study = {
        "prompts": ["A dog is running and a cat is jumping.", "A dog is running."],
        "seeds": list(range(4)),
        "variants": {"plain": {"method": "none"}},
        "options": {"steps": 2, "guidance_scale": 3.0},
        "made_by": "study",
    }
    write_json(tmp_path / "data/studies" / f"{STUDY}.json", study)
    for name in ("emoji", "judge"):
        write_text(tmp_path / "data/checkpoints" / name / "weights", name)
        write_manifest(tmp_path / "data/checkpoints" / name)
    made = Home(tmp_path)
    yield made
    for driver in made.drivers:
        driver.kill()
        driver.wait()
