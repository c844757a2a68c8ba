"""vLLM's batch runner: a file of requests is answered without a server, then the model is gone."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from planners.engines.base import EngineError, Request, shown
from planners.engines.vllm import Launch, interpreter
from planners.serving import batch_files
from planners.serving.batch_files import Replies

_TAIL = 4000


@dataclass(frozen=True)
class Runner:
    """What is run, with `python` or that of .venv-vllm; its files lie in `folder`."""

    launch: Launch
    folder: Path
    python: str = ""

    def __call__(self, requests: dict[str, Request]) -> Replies:
        """The replies to these requests; each is said to have taken its part of the time.

        Raises EngineError when the runner fails, with the last line of its log.
        """
        asked, answered, log = (self.folder / f"{n}" for n in ("asked.jsonl", "said.jsonl", "log"))
        batch_files.write(asked, requests, self.launch.served)
        answered.unlink(missing_ok=True)
        command = self.launch.batch(interpreter(self.python), asked, answered)
        start = time.monotonic()
        with log.open("wb") as file:
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=self.launch.settings(""),
            ).returncode
        if code:
            raise EngineError(
                f"vLLM's batch runner ended with code {code}: {_last(log)}; see {log}"
            )
        replies = batch_files.read(answered)
        part = round((time.monotonic() - start) / max(len(replies.found), 1), 3)
        found = {key: replace(reply, seconds=part) for key, reply in replies.found.items()}
        return replace(replies, found=found)


def _last(log: Path) -> str:
    lines = log.read_text("utf-8", "replace")[-_TAIL:].split("\n")
    return shown(next((line.strip() for line in reversed(lines) if line.strip()), "no word"), 300)
