"""A model that somebody asks by hand: the request is shown as text to paste, the reply read."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from planners.engines.base import Engine, EngineError, Reply, Request, checked, shown

_TURNS = {"system": "Instructions", "user": "Question", "assistant": "Answer"}
_RULE = "-" * 72
_END = "an empty line ends a reply"


def load(replies: str = "", model: str = "pasted") -> Pasted:
    """Show every request on the terminal and read its reply.

    `replies` is a file with the replies so far, one after the other; without it they are read from
    the standard input. An empty line ends a reply. `model` names who answers.
    """
    if not replies:
        return Pasted(sys.stdin, "the standard input", model)
    path = Path(replies)
    try:
        return Pasted(path.open(encoding="utf-8-sig"), str(path), model)
    except OSError as error:
        raise EngineError(
            f"replies {path} cannot be read ({error.strerror}); give a file, empty at first"
        ) from None


class Pasted(Engine):
    """Whoever pastes a reply; nothing holds it to a grammar but the strict reading afterwards."""

    def __init__(self, source: TextIO, where: str, model: str) -> None:
        self.name, self.model, self.concurrency, self.grammars = "pasted", model, 1, False
        self._source, self._where, self._asked = source, where, 0

    def complete(self, request: Request) -> Reply:
        """What stands in the input up to the next empty line."""
        self._asked += 1
        sys.stderr.write(f"{text(request)}{_RULE}\nPaste the reply; {_END}.\n")
        sys.stderr.flush()
        start = time.monotonic()
        said = "".join(self._lines())
        if not said:
            raise EngineError(
                f"{self._where} has no reply to request {self._asked}; ask your model what is "
                f"shown above and add its reply ({_END})"
            )
        reply = Reply(said.strip(), "stop", 0, 0, time.monotonic() - start)
        return checked(reply, request, self._where)

    def close(self) -> None:
        if self._source is not sys.stdin:
            self._source.close()

    def _lines(self) -> Iterator[str]:
        """The lines of the next reply; empty ones before it are passed over."""
        begun = False
        try:
            for line in iter(self._source.readline, ""):
                if line.strip():
                    begun = True
                    yield line
                elif begun:
                    return
        except UnicodeDecodeError as error:
            raise EngineError(
                f"{self._where} is not UTF-8 ({shown(str(error), 80)}); save the reply as UTF-8"
            ) from None


def text(request: Request) -> str:
    """The whole request as one text for a chat window: every turn under its title, and the shape
    that the reply must have."""
    turns = [f"{_TURNS[message.role]}:\n{message.content}\n" for message in request.messages]
    shape = json.dumps(request.schema, ensure_ascii=False)
    rule = f"Reply with JSON alone, without empty lines. It must match this JSON Schema:\n{shape}\n"
    return _plain("\n".join([_RULE, *turns, rule]))


def _plain(written: str) -> str:
    """The text without characters that command a terminal: refused replies are shown again."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in written
    )
