"""Files that are either whole or absent: atomic writes, hashes, manifests and the kernel's lock."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from starvid_core.errors import InputError

MANIFEST = "manifest.json"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_PREFIX = ".unfinished-"
_DAY = 24 * 3600


def canonical_json(value: Any) -> str:
    """The one spelling of `value` that hashes are taken of: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_files(files: Iterable[Path]) -> str:
    """One hash for many files: their names and contents, wherever they lie."""
    return sha256_text(canonical_json(sorted([f.name, sha256_file(f)] for f in files)))


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its place when the block ends well."""
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        temporary.touch(exist_ok=False)
    try:
        yield temporary
        _sync(temporary)
        with _writable(path):
            temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Refuse, before hours of work, a place where no file can be written."""
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder")
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _temporary(path)
        probe.touch()
        probe.unlink()


@contextlib.contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its place when the block ends well."""
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        temporary.mkdir()
    try:
        yield temporary
        for file in _files(temporary):
            _sync(file)
        _sync(temporary)
        with _writable(path):
            _swap(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file; what is not JSON is a one-line error naming the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None


def sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`; a day old, so that no writer is disturbed."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _DAY:
                remove(leftover)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; nothing happens when it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_manifest(folder: Path) -> str:
    """Record the hash and the size of every file of `folder`; return the fingerprint."""
    listed = {
        str(file.relative_to(folder)): {"sha256": sha256_file(file), "size": file.stat().st_size}
        for file in _listable(folder)
    }
    write_json(folder / MANIFEST, {"files": listed})
    return fingerprint(folder)


def fingerprint(folder: Path) -> str:
    """The hash of what a manifest says, which stands for the whole folder without reading it."""
    return sha256_text(canonical_json(_listed(folder)))


def verify_manifest(folder: Path) -> str:
    """Refuse a folder that is not exactly what its manifest says; return the fingerprint."""
    listed = _listed(folder)
    present = {str(file.relative_to(folder)) for file in _listable(folder)}
    if missing := sorted(set(listed) - present):
        raise InputError(f"{folder / missing[0]} is missing; {_cure(folder)}")
    if extra := sorted(present - set(listed)):
        raise InputError(f"{folder / extra[0]} is not in {MANIFEST}; remove it")
    for name, entry in listed.items():
        _verify(folder / name, entry, folder)
    return fingerprint(folder)


def _verify(file: Path, entry: dict[str, Any], folder: Path) -> None:
    with file.open("rb") as opened:
        if opened.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise InputError(f"{file} is a Git LFS pointer, not the file; run `git lfs pull`")
    if file.stat().st_size != entry["size"]:
        raise InputError(
            f"{file} has {file.stat().st_size} bytes instead of {entry['size']}; {_cure(folder)}"
        )
    if sha256_file(file) != entry["sha256"]:
        raise InputError(f"{file} does not have the sha256 of {MANIFEST}; {_cure(folder)}")


def _listed(folder: Path) -> dict[str, dict[str, Any]]:
    if not (folder / MANIFEST).is_file():
        raise InputError(f"no checkpoint at {folder}: {MANIFEST} is missing; {_cure(folder)}")
    manifest = read_json(folder / MANIFEST)
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(listed, dict) or not all(_is_entry(entry) for entry in listed.values()):
        raise InputError(f"{folder / MANIFEST} is not a manifest; {_cure(folder)}")
    return listed


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and isinstance(entry.get("size"), int)
    )


def _cure(folder: Path) -> str:
    return f"restore it with `git checkout -- {folder}`"


def _listable(folder: Path) -> list[Path]:
    return [f for f in _files(folder) if f != folder / MANIFEST and not f.name.startswith(_PREFIX)]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() or file.is_symlink())


@contextlib.contextmanager
def lock(path: Path, work: str, wait: bool = False) -> Iterator[None]:
    """Hold `path` while `work` is done; the kernel frees it, however the process ends.

    Somebody else's lock is an InputError, or with `wait` the time until it is freed.
    """
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise InputError(f"another process is at work on {work}; wait until it ends") from None
        yield


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "its folder is a file" if isinstance(error, FileExistsError) else error.strerror
        raise InputError(f"cannot write {path}: {reason}") from None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(temporary: Path, path: Path) -> None:
    # A folder cannot be renamed onto a full one: the old one steps aside first. A kill in
    # between leaves nothing at `path`, which a reader takes for "not done yet".
    aside = Path(f"{temporary}.old")
    if path.exists():
        path.rename(aside)
    temporary.rename(path)
    _sync(path.parent)
    remove(aside)


def _temporary(path: Path) -> Path:
    # The suffix stays, because encoders choose their format by it.
    return path.with_name(f"{_PREFIX}{uuid.uuid4().hex}{path.suffix}")
