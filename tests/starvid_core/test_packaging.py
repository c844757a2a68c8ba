"""Versions stand once, are all exact, and help does not wait for torch."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXACT = re.compile(r"([A-Za-z0-9_.-]+)==([0-9][0-9A-Za-z.]*)(?:;.*)?$")

WITHOUT_TORCH = """
import sys
{code}
heavy = {{"torch", "diffusers", "transformers"}} & set(sys.modules)
assert not heavy, heavy
"""
HELP = """
sys.argv = ["starvid", "--help"]
from starvid_core.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""
PLAN = """
import planners.physics, planners.rules, planners.schema
planners.rules.plan("A dog is running and a cat is jumping.")
"""


REQUIREMENTS = sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_a_requirement_has_one_exact_version(requirement):
    assert EXACT.match(requirement)


def test_the_lock_holds_the_same_versions():
    locked = dict(
        line.lower().replace("_", "-").split("==")
        for line in (ROOT / "requirements.lock").read_text().split()
    )
    for requirement in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        name, pinned = EXACT.match(requirement).groups()
        assert locked[name.lower().replace("_", "-")] == pinned


def test_this_environment_holds_the_same_versions():
    for requirement in PROJECT["dependencies"]:
        name, pinned = EXACT.match(requirement).groups()
        assert version(name).partition("+")[0] == pinned


def test_conda_installs_the_project_itself_and_states_no_version_twice():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, listed = environment["dependencies"]
    assert environment["channels"] == ["conda-forge"]
    assert (python, pip, listed) == ("python=3.11", "pip", {"pip": ["-e .[metrics]"]})
    assert PROJECT["requires-python"] == ">=3.11"


@pytest.mark.parametrize("code", [HELP, PLAN], ids=["help", "planner"])
def test_torch_is_not_imported_for(code):
    script = WITHOUT_TORCH.format(code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_first_target_of_make_lists_the_others():
    listed = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True).stdout
    for target in ("install", "check", "test", "figures", "reproduce", "train", "clean"):
        assert re.search(rf"(?m)^  {target} +\S", listed)
