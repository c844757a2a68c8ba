"""Files that are either whole or absent: atomic writes, hashes, manifests and the kernel's lock."""

from __future__ import annotations

import contextlib
import errno
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
_LOCK = ".lock"
_DAY = 24 * 3600
_CURE = "restore it with `git checkout -- {}`"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


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
        with _writable(path, _DISK):
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
        with _writable(path, _DISK):
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
    write_text(path, readable_json(value))


def readable_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n"


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
    found = {str(file.relative_to(folder)): entry(file) for file in listable(folder)}
    write_json(folder / MANIFEST, {"files": found})
    return fingerprint(folder)


def fingerprint(folder: Path) -> str:
    """The hash of what a manifest says, which stands for the whole folder without reading it."""
    return sha256_text(canonical_json(listed(folder)))


def verify_manifest(folder: Path) -> str:
    """Refuse a folder that is not exactly what its manifest says; return the fingerprint."""
    entries = listed(folder)
    present = {str(file.relative_to(folder)) for file in listable(folder)}
    if missing := sorted(set(entries) - present):
        raise InputError(f"{folder / missing[0]} is missing; {_CURE.format(folder)}")
    if extra := sorted(present - set(entries)):
        raise InputError(f"{folder / extra[0]} is not in {MANIFEST}; remove it")
    for name, said in entries.items():
        verify(folder / name, said, _CURE.format(folder))
    return fingerprint(folder)


def verify(file: Path, said: dict[str, Any], cure: str) -> None:
    """Refuse a file that is not what its entry says; `cure` tells what to do."""
    with file.open("rb") as opened:
        if opened.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise InputError(f"{file} is a Git LFS pointer, not the file; run `git lfs pull`")
    if file.stat().st_size != said["size"]:
        raise InputError(
            f"{file} has {file.stat().st_size} bytes instead of {said['size']}; {cure}"
        )
    if sha256_file(file) != said["sha256"]:
        raise InputError(f"{file} does not have the sha256 of {MANIFEST}; {cure}")


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """The sha256 and the size of every file of a folder, as its manifest says."""
    if not (folder / MANIFEST).is_file():
        raise InputError(
            f"no checkpoint at {folder}: {MANIFEST} is missing; {_CURE.format(folder)}"
        )
    manifest = read_json(folder / MANIFEST)
    found = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(found, dict) or not all(map(_is_entry, found.values())):
        raise InputError(f"{folder / MANIFEST} is not a manifest; {_CURE.format(folder)}")
    return found


def _is_entry(said: Any) -> bool:
    wanted = {"sha256": str, "size": int}.items()
    return isinstance(said, dict) and wanted <= {k: type(v) for k, v in said.items()}.items()


def entry(file: Path) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"sha256": sha256_file(file), "size": file.stat().st_size}


def listable(folder: Path) -> list[Path]:
    """What a manifest of `folder` has to list: all but itself, locks and what is being written."""
    return [f for f in _files(folder) if f != folder / MANIFEST and not _passing(f.name)]


def _passing(name: str) -> bool:
    return name.startswith(_PREFIX) or (name.startswith(".") and name.endswith(_LOCK))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() or file.is_symlink())


def lock_of(path: Path) -> Path:
    """Where the lock of a file or a folder lies: beside it, and in no manifest."""
    return path.with_name(f".{path.name}{_LOCK}")


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
def _writable(path: Path, only: tuple[int, ...] = ()) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # numpy's says only how much was written.
        if only and error.errno not in only and not str(error).endswith(" written"):
            raise
        taken = isinstance(error, FileExistsError)
        reason = "its folder is a file" if taken else error.strerror or f"disk full? {error}"
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
