"""A server in a process group of its own that never outlives this one."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from planners.engines.base import EngineError, shown

HOST = "127.0.0.1"
_POLL = 0.1
_PATIENCE = 10.0  # seconds for a server to end by itself
_TAIL = 8000
_FAULT = re.compile(r"error|exception|no module|not found|killed|refus|cannot", re.IGNORECASE)
# Whoever starts the server may be killed with no chance to end it: the kernel then does. Linux
# means the thread that started it, so only the main thread may ask for this.
_LEASH = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
if parent:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A running command; its log is a file that is kept when the command fails."""

    def __init__(self, name: str, command: Sequence[str], settings: Mapping[str, str]) -> None:
        self._name, self._healthy = name, False
        handle, path = tempfile.mkstemp(prefix=f"starvid-{name}-", suffix=".log")
        self.log = Path(path)
        leash = os.getpid() if threading.current_thread() is threading.main_thread() else 0
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LEASH, str(leash), *command],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=dict(settings),
            )
        finally:
            os.close(handle)
        atexit.register(self.stop)

    def wait(self, url: str, seconds: float) -> None:
        """Return when `url` answers 200; a server that dies or is too slow is an EngineError."""
        from tqdm import tqdm

        ends = time.monotonic() + seconds
        with tqdm(desc=f"{self._name} starts", bar_format="{desc}: {elapsed}", disable=None) as bar:
            while not _answers(url):
                self.check()
                if time.monotonic() > ends:
                    raise EngineError(
                        f"{self._name} was not ready in {seconds:g} s (option start): {self._why()}"
                    )
                bar.update()
                time.sleep(_POLL)
        self._healthy = True

    def check(self, patience: float = 0.0) -> None:
        """Raise what the log says if the server has ended, or ends within `patience` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        if (code := self._process.poll()) is not None:
            self._healthy = False
            raise EngineError(f"{self._name} ended with code {code}: {self._why()}")

    def stop(self) -> None:
        """End the whole group; twice does no harm."""
        atexit.unregister(self.stop)
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        if self._healthy:
            self.log.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _why(self) -> str:
        """The last line of the log that tells of a fault, or the last one."""
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = [s for s in file.read().decode("utf-8", "replace").splitlines() if s.strip()]
        faults = [line for line in lines if _FAULT.search(line)]
        last = (faults or lines or ["it wrote nothing"])[-1].strip()
        return f"{shown(last, 300)}; its log: {self.log}"


def _answers(url: str) -> bool:
    """Whether a GET of `url` is answered with 200 at once."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
