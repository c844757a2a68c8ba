"""Files are whole or absent, hashes are checked, and a lock is never left behind."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from starvid_core import artifacts
from starvid_core.errors import InputError

WRITE_FOREVER = """
import sys
from pathlib import Path
from starvid_core import artifacts
folder = Path(sys.argv[1])
k = 0
while True:
    k += 1
    artifacts.write_text(folder / "one.txt", str(k) * 200_000)
    with artifacts.writing_folder(folder / "run") as place:
        (place / "a.bin").write_bytes(bytes([k % 256]) * 100_000)
        (place / "b.bin").write_bytes(bytes([k % 256]) * 100_000)
        artifacts.write_manifest(place)
    (folder / "started").touch()
"""

HOLD_LOCK = """
import sys, time
from pathlib import Path
from starvid_core import artifacts
with artifacts.lock(Path(sys.argv[1]), "the test"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "model"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "weights.safetensors").write_bytes(bytes(range(256)) * 40)
    (folder / "config.json").write_text("{}")
    artifacts.write_manifest(folder)
    return folder


def leftovers(folder):
    return [p for p in folder.iterdir() if p.name.startswith(".unfinished")]


def test_canonical_json_has_one_spelling_and_no_nan():
    assert artifacts.canonical_json({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        artifacts.canonical_json(float("nan"))


def test_a_written_file_appears_whole(tmp_path):
    artifacts.write_json(tmp_path / "deep" / "value.json", {"x": 1})
    assert artifacts.read_json(tmp_path / "deep" / "value.json") == {"x": 1}
    assert not leftovers(tmp_path / "deep")


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "value.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), artifacts.writing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert not leftovers(tmp_path)


def test_an_error_while_writing_a_folder_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "run"
    with artifacts.writing_folder(folder) as place:
        (place / "a").write_text("old")
    with pytest.raises(RuntimeError), artifacts.writing_folder(folder) as place:
        (place / "a").write_text("half")
        raise RuntimeError
    assert (folder / "a").read_text() == "old"
    assert not leftovers(tmp_path)


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "run"
    for name in ("first", "second"):
        with artifacts.writing_folder(folder) as place:
            (place / name).write_text(name)
    assert [p.name for p in folder.iterdir()] == ["second"]
    assert not leftovers(tmp_path)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for write in (artifacts.check_writable, lambda p: artifacts.write_text(p, "x")):
        with pytest.raises(InputError, match="cannot write .*(is a file|Not a dir)"):
            write(tmp_path / "file" / "out.txt")
    with pytest.raises(InputError, match="it is a folder"):
        artifacts.check_writable(tmp_path)
    with pytest.raises(InputError, match="cannot write /dev/full/x"):
        artifacts.check_writable(artifacts.Path("/dev/full/x"))


def test_what_is_not_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="x.json is not JSON"):
        artifacts.read_json(tmp_path / "x.json")
    with pytest.raises(InputError, match="missing.json does not exist"):
        artifacts.read_json(tmp_path / "missing.json")


def test_a_whole_checkpoint_passes_and_has_a_stable_fingerprint(checkpoint):
    first = artifacts.verify_manifest(checkpoint)
    assert first == artifacts.fingerprint(checkpoint)
    artifacts.write_manifest(checkpoint)
    assert artifacts.verify_manifest(checkpoint) == first


def test_every_changed_byte_is_refused(checkpoint):
    file = checkpoint / "unet" / "weights.safetensors"
    whole = file.read_bytes()
    for place in range(0, len(whole), 101):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(InputError, match="weights.safetensors does not have the sha256"):
            artifacts.verify_manifest(checkpoint)


def test_missing_extra_and_truncated_files_are_named(checkpoint):
    weights = checkpoint / "unet" / "weights.safetensors"
    (checkpoint / "evil.py").write_text("")
    with pytest.raises(InputError, match="evil.py is not in manifest.json; remove it"):
        artifacts.verify_manifest(checkpoint)
    (checkpoint / "evil.py").unlink()
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(InputError, match="10239 bytes instead of 10240; restore it with"):
        artifacts.verify_manifest(checkpoint)
    weights.unlink()
    with pytest.raises(InputError, match="weights.safetensors is missing; restore it with"):
        artifacts.verify_manifest(checkpoint)


def test_a_git_lfs_pointer_is_recognized(checkpoint):
    (checkpoint / "config.json").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    )
    with pytest.raises(InputError, match="Git LFS pointer.*git lfs pull"):
        artifacts.verify_manifest(checkpoint)


def test_the_lock_of_a_running_writer_is_no_difference(checkpoint):
    with artifacts.lock(checkpoint / ".replies.jsonl.lock", "the test"):
        artifacts.verify_manifest(checkpoint)


@pytest.mark.parametrize("text", ["[]", "{}", '{"files": {"a": 1}}', '{"files": {"a": {}}}'])
def test_a_strange_manifest_is_refused(checkpoint, text):
    (checkpoint / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest|is not in"):
        artifacts.verify_manifest(checkpoint)


def test_a_folder_without_manifest_is_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="no checkpoint at .*manifest.json is missing"):
        artifacts.fingerprint(tmp_path)


def test_a_manifest_cannot_name_files_outside_its_folder(checkpoint):
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["files"]["../outside"] = {"sha256": "0", "size": 0}
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="outside is missing"):
        artifacts.verify_manifest(checkpoint)


def test_a_second_process_is_told_that_the_first_is_at_work(tmp_path):
    first = start(HOLD_LOCK, tmp_path / "lock")
    assert first.stdout.readline() == b"held\n"
    with (
        pytest.raises(InputError, match="another process is at work on the test"),
        artifacts.lock(tmp_path / "lock", "the test"),
    ):
        pass
    stop(first)
    with artifacts.lock(tmp_path / "lock", "the test"):
        pass


def test_old_leftovers_are_swept_and_young_ones_kept(tmp_path):
    old, young = tmp_path / ".unfinished-old", tmp_path / ".unfinished-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    artifacts.sweep(tmp_path)
    assert leftovers(tmp_path) == [young]


@pytest.mark.slow
def test_ten_kills_leave_nothing_torn(tmp_path):
    for k in range(10):
        (tmp_path / "started").unlink(missing_ok=True)
        writer = start(WRITE_FOREVER, tmp_path)
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        time.sleep(0.05 + 0.037 * k)
        stop(writer)
        text = (tmp_path / "one.txt").read_text()
        assert len(text) % 200_000 == 0
        if (tmp_path / "run").exists():
            artifacts.verify_manifest(tmp_path / "run")


def start(code, path):
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)


def stop(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
