"""A request as the body of a chat completion, the same for a server and for a file of a batch."""

from __future__ import annotations

from typing import Any

from planners.engines.base import Request


def asked(request: Request, model: str, limit: str = "max_tokens") -> dict[str, Any]:
    """What every OpenAI-compatible server understands; `limit` is its name for the most tokens."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [message.wire for message in request.messages],
        "temperature": request.temperature,
        limit: request.max_tokens,
    }
    return body if request.seed is None else body | {"seed": request.seed}


def constrained(request: Request) -> dict[str, Any]:
    """Fields of vLLM and of llama.cpp for the grammar; each ignores the other's."""
    more = {"structured_outputs": {"grammar": request.grammar}, "grammar": request.grammar}
    # llama.cpp continues a last message of the assistant unasked.
    turn = {"continue_final_message": True, "add_generation_prompt": False}
    return {**more, **turn} if request.continues else more
