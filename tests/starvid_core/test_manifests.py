"""Manifests beside what ships: every change is named, and nothing is blessed by accident."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from starvid_core import manifests, paths
from starvid_core.artifacts import MANIFEST, write_manifest, write_text
from starvid_core.errors import InputError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results, figures and a checkpoint with manifests."""
    for name in ("DATA", "RESULTS", "FIGURES", "CHECKPOINTS", "RUNS", "PROMPTS", "TRANSCRIPTS"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    monkeypatch.setattr(paths, "LORAS", tmp_path / "checkpoints" / "loras")
    monkeypatch.setattr(paths, "SPRITES", tmp_path / "sprites")
    for name in ("results/a.csv", "results/a.json", "figures/a.png", "figures/README.md"):
        write_text(tmp_path / name, f"what stands in {name}")
    manifests.record(paths.RESULTS)
    manifests.record(paths.FIGURES)
    for name in ("checkpoints/emoji", "checkpoints/loras/one", "runs/0123456789ab"):
        write_text(tmp_path / name / "weights", "0" * 300)
        write_manifest(tmp_path / name)
    return tmp_path


def test_what_ships_is_what_its_manifests_say(home: Path, starvid: Callable) -> None:
    code, said, _ = starvid("verify")
    assert code == 0 and "5 folders are what their manifests say" in said
    assert "README.md" not in (paths.FIGURES / MANIFEST).read_text()


def test_every_changed_byte_is_named(home: Path) -> None:
    """Also one of the manifest itself: either what it says changed, or how it is spelled."""
    for file in [paths.RESULTS / "a.csv", paths.RESULTS / MANIFEST]:
        whole = file.read_bytes()
        for place in range(len(whole)):
            changed = bytearray(whole)
            changed[place] ^= 1
            file.write_bytes(changed)
            assert manifests.differences(paths.RESULTS), (file, place)
        file.write_bytes(whole)
    assert not manifests.differences(paths.RESULTS)


def test_all_differences_are_named_with_what_to_do(home: Path, starvid: Callable) -> None:
    (paths.RESULTS / "a.csv").write_text("others")
    (paths.RESULTS / "extra.csv").write_text("")
    (paths.FIGURES / "a.png").unlink()
    (home / "runs" / "0123456789ab" / "weights").write_text("")
    code, said, error = starvid("verify")
    assert code == 2 and "4 differences in 5 folders" in error
    assert "a.csv has 6 bytes instead of" in said and "git checkout" in said
    assert "extra.csv is not in manifest.json" in said and "a.png is missing" in said
    assert "remove its folder: it is made again" in said


def test_a_missing_manifest_is_named(home: Path) -> None:
    (paths.RESULTS / MANIFEST).unlink()
    (line,) = manifests.differences(paths.RESULTS)
    assert "manifest.json is missing" in line


def test_what_was_changed_on_purpose_is_recorded(home: Path, starvid: Callable) -> None:
    (paths.RESULTS / "a.csv").write_text("others")
    assert starvid("verify", "--record")[0] == 2
    assert starvid("verify", "--record", home / "nowhere")[0] == 2
    assert starvid("verify", "--record", paths.RESULTS)[:2] == (
        0,
        f"{paths.RESULTS}: 2 files listed\n",
    )
    assert starvid("verify", paths.RESULTS)[0] == 0


def test_listing_a_new_file_does_not_bless_a_damaged_one(home: Path) -> None:
    (paths.RESULTS / "a.csv").write_text("damaged")
    write_text(paths.RESULTS / "b.csv", "new")
    manifests.relist([paths.RESULTS / "b.csv", paths.RESULTS / "gone.csv"])
    manifests.check([paths.RESULTS / "b.csv"])
    (line,) = manifests.differences(paths.RESULTS)
    assert "a.csv" in line


def test_work_on_changed_results_is_refused(home: Path) -> None:
    manifests.check_inputs()
    (paths.RESULTS / "extra.csv").write_text("")
    manifests.check_inputs()
    (paths.RESULTS / "a.csv").write_text("damaged")
    manifests.check_inputs(results=False)
    with pytest.raises(InputError, match="a.csv has 7 bytes.*starvid verify --record"):
        manifests.check_inputs()
    with pytest.raises(InputError, match="a.csv has 7 bytes"):
        manifests.check([paths.RESULTS / "a.csv"])
    with pytest.raises(InputError, match="extra.csv is not in manifest.json"):
        manifests.check([paths.RESULTS / "extra.csv"])


def test_a_folder_without_a_manifest_is_not_checked(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "")
    manifests.check([tmp_path / "a.csv"])
