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
    extras = ("cluster", "dev", "docs", "llm", "metrics", "notebooks")
    wanted = (PROJECT["optional-dependencies"][extra] for extra in extras)
    for requirement in sum(wanted, PROJECT["dependencies"]):
        name, pinned = EXACT.match(requirement).groups()
        assert locked[name.lower().replace("_", "-")] == pinned


def test_the_hashed_lock_holds_the_same_versions_and_a_hash_of_each():
    written = (ROOT / "requirements-hashed.lock").read_text().replace("\\\n", "")
    hashed = {line.split()[0].lower().replace("_", "-"): line for line in written.splitlines()}
    locked = (ROOT / "requirements.lock").read_text().lower().replace("_", "-").split()
    assert sorted(hashed) == sorted(locked)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashed.values())


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


def fresh(folder):
    """The interpreter of a new virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


def installed(python, *arguments):
    """Install with pip; then the command answers, and whatever is needed is there."""
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *arguments], check=True, cwd=ROOT)
    said = subprocess.run([python.parent / "starvid", "--version"], capture_output=True, text=True)
    assert said.stdout.startswith("starvid "), said.stderr
    assert subprocess.run([python, "-m", "pip", "check"], stdout=sys.stderr).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_pip_section_of_the_conda_environment_installs(tmp_path):
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    installed(fresh(tmp_path), *(word for line in listed for word in line.split()))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_hashed_lock_installs_and_needs_nothing_else(tmp_path):
    python = fresh(tmp_path)
    hashed = ["--no-deps", "--require-hashes", "-r", "requirements-hashed.lock"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *hashed], check=True, cwd=ROOT)
    installed(python, "--no-deps", "--no-build-isolation", "-e", ".")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pages_are_built_without_a_broken_link(tmp_path):
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*build, "--site-dir", tmp_path], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for page in ("cluster", "reference/starvid_core/losses", "reference/planners/engines/vllm"):
        text = (tmp_path / f"{page}.html").read_text()
        assert not re.search(r"""(src|href)=["'](https?:)?//(?!github.com|www.mkdocs.org)""", text)


@pytest.mark.parametrize("code", [HELP, PLAN], ids=["help", "planner"])
def test_torch_is_not_imported_for(code):
    script = WITHOUT_TORCH.format(code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_first_target_of_make_lists_the_others():
    listed = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True).stdout
    for target in ("install", "check", "test", "figures", "reproduce", "train", "clean"):
        assert re.search(rf"(?m)^  {target} +\S", listed)
