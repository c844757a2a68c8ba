"""A model served by vLLM on this machine: started here and stopped again, or already running."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from planners.engines.base import Engine, EngineError, Reply, Request, identity
from planners.engines.openai import CONCURRENCY, Access, connect, secret
from planners.serving.process import HOST, ServerProcess, free_port
from starvid_core import paths
from starvid_core.artifacts import canonical_json, read_json
from starvid_core.errors import InputError

MODULE = "vllm.entrypoints.launchers.api_server.entry"  # `vllm serve` fails in the CPU build
RUNNER = "vllm.entrypoints.launchers.run_batch"
PYTHON = paths.ROOT / ".venv-vllm" / "bin" / "python"
AUTO = "auto"
DEVICES = (AUTO, "cpu", "gpu")
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # those that vLLM has room for
_CONSTRAINTS = {"backend": "xgrammar", "disable_any_whitespace": True}
_SILENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYTHONFAULTHANDLER": "1",
}
_TUNED = "tuned"
_PARTING = 2.0  # seconds from a server's last word to its end
_DEVICE_FILES = ("/dev/nvidiactl", "/dev/kfd")


def load(
    model: str = "",
    adapter: str = "",
    url: str = "",
    key: str = "VLLM_API_KEY",
    python: str = "",
    device: str = "auto",
    context: int = 8192,
    start: float = 900.0,
    timeout: float = 300.0,
    retries: int = 2,
) -> Vllm:
    """Serve `model` on 127.0.0.1, or use the server at `url`.

    `model` is a folder, or a name of the Hugging Face hub to download from; at a `url`, a name that
    the server has, whose key is in the environment variable `key`. `adapter` is the folder of a
    LoRA. `python` is the interpreter that has vLLM, the one of .venv-vllm if empty. `device` is
    "auto", "cpu" or "gpu". `context` tokens hold a prompt and its reply. The server may take
    `start` seconds to come up, an answer `timeout` seconds; what fails in passing is asked again
    `retries` times.
    """
    if url and (adapter or python):
        raise InputError("adapter and python are for a server that is started here; leave out url")
    if url:
        return Vllm(Access(url, secret(key), timeout, retries), model, "")
    launch = Launch(model, adapter, device, context)
    port, own_key = free_port(), secrets.token_urlsafe(16)
    access = Access(f"http://{HOST}:{port}/v1", own_key, timeout, retries)
    command = launch.command(interpreter(python), port)
    process = ServerProcess("vllm", command, launch.settings(own_key))
    try:
        process.wait(f"http://{HOST}:{port}/health", start)
        return Vllm(access, launch.served, launch.identity, process)
    except BaseException:
        process.stop()
        raise


class Vllm(Engine):
    """A connection to vLLM, and its process if it was started here."""

    def __init__(
        self, access: Access, served: str, identity: str, process: ServerProcess | None = None
    ) -> None:
        self._speak, self._process = connect(access, served), process
        self.tuned = process is not None and served == _TUNED
        self.name, self.model = "vllm", identity or self._speak.model
        self.concurrency, self.grammars, self.pictures = self._speak.concurrency, True, True

    def complete(self, request: Request) -> Reply:
        """The reply of the server; when it has died meanwhile, why."""
        try:
            return self._speak.complete(request)
        except EngineError:
            if self._process:
                self._process.check(_PARTING)
            raise

    def close(self) -> None:
        self._speak.close()
        if self._process:
            self._process.stop()


@dataclass(frozen=True)
class Launch:
    """What to serve, and how."""

    model: str
    adapter: str
    device: str
    context: int

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise InputError(f"device {self.device!r} is not one of {', '.join(DEVICES)}")
        if not self._folder and not _HUB_NAME.fullmatch(self.model):
            raise InputError(
                f"model {self.model!r} is neither a folder nor a name of the Hugging Face hub; "
                "give one"
            )
        if self._folder and not (self._folder / "config.json").is_file():
            raise InputError(f"model {self.model} holds no config.json; give a folder of a model")

    @property
    def _folder(self) -> Path | None:
        return Path(self.model) if self.model and Path(self.model).is_dir() else None

    @property
    def identity(self) -> str:
        """The model, with the hash of its weights if they lie here."""
        base = identity(self._folder) if self._folder else self.model
        return f"{base}+{identity(Path(self.adapter))}" if self.adapter else base

    @property
    def served(self) -> str:
        return _TUNED if self.adapter else "base"

    @property
    def _on_cpu(self) -> bool:
        found = any(Path(file).exists() for file in _DEVICE_FILES)
        return self.device == "cpu" or (self.device == "auto" and not found)

    def command(self, python: str, port: int) -> list[str]:
        """The command line; keys never stand in one, where every user could read them."""
        there = ["--host", HOST, "--port", str(port), "--max-num-seqs", str(CONCURRENCY)]
        return [python, "-m", MODULE, *self._arguments(), *there]

    def batch(self, python: str, requests: Path, replies: Path) -> list[str]:
        """The command line that answers a file of requests without a server, as many at once as
        fit."""
        return [python, "-m", RUNNER, "-i", str(requests), "-o", str(replies), *self._arguments()]

    def _arguments(self) -> list[str]:
        command = ["--model", self.model, "--served-model-name", "base"]
        command += ["--max-model-len", str(self._context()), "--load-format", "safetensors"]
        command += ["--structured-outputs-config", canonical_json(_CONSTRAINTS)]
        if self._on_cpu:
            command += ["--dtype", "bfloat16", "--enforce-eager"]
        if self.adapter:
            rank = next((r for r in _RANKS if r >= self._rank()), _RANKS[-1])
            command += ["--enable-lora", "--max-lora-rank", str(rank)]
            command += ["--lora-modules", f"tuned={self.adapter}"]
        return command

    def settings(self, key: str) -> dict[str, str]:
        """The environment: no telemetry, and no network unless a hub's model is asked for."""
        inherited = {n: v for n, v in os.environ.items() if n != "OPENAI_API_KEY"}
        offline = "1" if self._folder else "0"
        own = {"VLLM_API_KEY": key, "HF_HUB_OFFLINE": offline, "TRANSFORMERS_OFFLINE": offline}
        space = {"VLLM_CPU_KVCACHE_SPACE": "1"} if self._on_cpu else {}
        return {**space, **inherited, **_SILENT, **own}

    def _context(self) -> int:
        config = read_json(self._folder / "config.json") if self._folder else {}
        most = config.get("max_position_embeddings") if isinstance(config, dict) else None
        return min(self.context, most) if isinstance(most, int) else self.context

    def _rank(self) -> int:
        config = read_json(Path(self.adapter) / "adapter_config.json")
        rank = config.get("r") if isinstance(config, dict) else None
        if not isinstance(rank, int) or not 1 <= rank <= _RANKS[-1]:
            raise InputError(f"adapter {self.adapter} has rank {rank!r}; give one of 1 to 512")
        if not (Path(self.adapter) / "adapter_model.safetensors").is_file():
            raise InputError(f"adapter {self.adapter} holds no adapter_model.safetensors")
        return rank


def interpreter(python: str) -> str:
    """The interpreter that has vLLM."""
    if python:
        if not os.access(python, os.X_OK):
            raise InputError(f"python {python!r} is not a program; give an interpreter with vLLM")
        return python
    if PYTHON.is_file():
        return str(PYTHON)
    if importlib.util.find_spec("vllm"):
        return sys.executable
    raise EngineError(
        "vLLM is not installed; run `make planner-demo`, which puts it into .venv-vllm, or name an "
        "interpreter that has it: python"
    )
