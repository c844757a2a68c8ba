"""An OpenAI-compatible server for the tests, of the standard library: it obeys, or fails as told.

Run as a program it stands in for vLLM: it takes vLLM's arguments.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LITERAL = re.compile(r'root ::= "([^"]*)"')


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self.give({"data": [{"id": name, "object": "model"} for name in self.server.models]})
        elif self.path == "/version":
            self.give({"version": "0.5.0"})
        elif self.path == "/health":
            self.give({})
        else:
            self.give({"error": {"message": "no such page"}}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.headers.append(self.headers)
        fault = self.server.faults.pop(0) if self.server.faults else self.server.always
        with contextlib.suppress(ConnectionError):
            (fault or obey)(self, body)

    def give(self, value: Any, code: int = 200, **headers: str) -> None:
        self.give_bytes(json.dumps(value).encode(), code, **headers)

    def give_bytes(self, content: bytes, code: int = 200, **headers: str) -> None:
        self.send_response(code)
        named = {"content_type": "application/json", "content_length": str(len(content)), **headers}
        for name, value in named.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        return "fake"

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1 while it is open."""

    daemon_threads = True

    def __init__(self, port: int = 0, models: tuple[str, ...] = ("tiny",)) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.models = models
        self.asked: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.faults: list[Callable[[Handler, dict[str, Any]], None]] = []
        self.always: Callable[[Handler, dict[str, Any]], None] | None = None
        self.echoes = False
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self) -> Server:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


def obeyed(handler: Handler, body: dict[str, Any]) -> str:
    """The one word that the constraint allows."""
    if "response_format" in body:
        schema = body["response_format"]["json_schema"]["schema"]
        return json.dumps({k: v.get("enum", [[1, 2]])[0] for k, v in schema["properties"].items()})
    word = LITERAL.fullmatch(body["grammar"])[1]
    last = body["messages"][-1]
    return last["content"] + word if last["role"] == "assistant" and handler.server.echoes else word


def completion(text: Any, model: str = "tiny", finish: Any = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def obey(handler: Handler, body: dict[str, Any]) -> None:
    handler.give(completion(obeyed(handler, body), body["model"]))


def main() -> None:
    """Serve as vLLM would; how it fails is in the environment."""
    options = dict(zip(sys.argv[1:], sys.argv[2:], strict=False))
    told = os.environ.get("FAKE", "")
    if "FAKE_TELLS" in os.environ:
        with open(os.environ["FAKE_TELLS"], "w") as file:
            json.dump({"argv": sys.argv[1:], "env": dict(os.environ), "pid": os.getpid()}, file)
    sys.stderr.write("INFO starting\n")
    if told == "dies":
        sys.exit("ValueError: max_model_len (8192) is greater than 2048\nand a line after it")
    if told == "sleeps":
        time.sleep(60)
    names = ["base"] + ["tuned"] * ("--enable-lora" in sys.argv)
    with Server(int(options["--port"]), tuple(names)) as server:
        if told == "ignores":
            server.always = lambda handler, body: handler.give(completion("Hello!", "base"))
        if told == "dies later":
            server.always = lambda *_: os._exit(3)
            server.faults = [obey]
        server.over.wait(60)


if __name__ == "__main__":
    main()
