"""The same figure data, byte for byte, whatever the surroundings: run quickly on what ships."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from starvid_core.workflow import notebooks
from tests.starvid_core.faults.conftest import COMMAND, environment

FIGURE = "fig05_comparison"
SURROUNDINGS = {
    "again": {},
    "hash seed": {"PYTHONHASHSEED": "1"},
    "locale and time zone": {"LC_ALL": "C", "TZ": "Asia/Kolkata"},
    "without assertions": {"PYTHONOPTIMIZE": "1"},
}


def draw(home: Path, *before: str, **surroundings: str) -> dict[str, bytes]:
    """The figure's quick data and pictures, from a repository that has no runs yet."""
    command = [*before, *COMMAND, "figures", FIGURE, "--quick"]
    done = subprocess.run(
        command, env=environment(home, **surroundings), cwd=home, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    files = (home / "build" / "quick").glob(f"{FIGURE}*")
    return {file.name: file.read_bytes() for file in files if file.suffix in (".csv", ".png")}


@pytest.fixture(scope="module")
def usual() -> dict[str, bytes]:
    return {}


@pytest.fixture
def expected(usual: dict, tmp_path: Path, borrow: Callable[..., Path]) -> dict[str, bytes]:
    if not usual:
        usual.update(draw(borrow(tmp_path / "usual", notebooks.find(FIGURE))))
    assert len(usual) == 3
    return usual


@pytest.fixture
def home(tmp_path: Path, borrow: Callable[..., Path]) -> Path:
    return borrow(tmp_path / "home", notebooks.find(FIGURE))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_figure_data_does_not_depend_on(home: Path, expected: dict[str, bytes], name: str) -> None:
    assert draw(home, **SURROUNDINGS[name]) == expected


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_figure_data_does_not_depend_on_the_date(home: Path, expected: dict[str, bytes]) -> None:
    libfaketime = pytest.importorskip("libfaketime")
    said = dict(libfaketime.get_reload_information()[1])
    assert draw(home, FAKETIME="+365d", **said) == expected


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_figure_is_drawn_without_a_network(home: Path, expected: dict[str, bytes]) -> None:
    alone = ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"]).returncode:
        pytest.skip("may not take the network away here (unshare --net)")
    assert draw(home, *alone) == expected


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_damage_is_refused_without_assertions_too(home: Path) -> None:
    """python -O takes assertions away; ours are none of them."""
    weights = home / "data" / "checkpoints"
    shipped = weights.resolve()
    weights.unlink()
    shutil.copytree(shipped, weights)
    file = next((weights / "emoji" / "unet").glob("*.safetensors"))
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    for arguments in (["verify"], ["figures", FIGURE, "--quick"]):
        command = [sys.executable, "-O", "-m", "starvid_core.cli", *arguments]
        done = subprocess.run(command, env=environment(home), capture_output=True, text=True)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert f"{file.name} does not have the sha256" in done.stdout + done.stderr
