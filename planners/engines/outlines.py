"""A model folder of transformers in this process, held to its grammar by outlines and llguidance.

The mask is applied here, by outlines' public hook: its own applies it with `torch.compile`, which
needs a C++ compiler and half a minute, and takes a grammar that it cannot read for a warning.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planners.engines.base import (
    Engine,
    EngineError,
    Reply,
    Request,
    checked,
    extra,
    identity,
    shown,
    sighted,
)
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

DEVICES = ("auto", "cpu")


def load(
    model: str = "", adapter: str = "", device: str = "auto", timeout: float = 600.0
) -> Outlines:
    """Load a folder of safetensors with its tokenizer; nothing is downloaded.

    `model` is the folder. `adapter` is the folder of a LoRA of peft. `device` is "auto" (the
    accelerator that torch finds, else the CPU) or "cpu". A reply may take `timeout` seconds.
    """
    folders = [_folder(model, "model", "config.json")]
    if adapter:
        folders.append(_folder(adapter, "adapter", "adapter_config.json"))
    if device not in DEVICES:
        raise InputError(f"device {device!r} is not one of {', '.join(DEVICES)}")
    if timeout <= 0:
        raise InputError(f"timeout {timeout:g} must be > 0")
    return Outlines(folders, device, timeout)


class Outlines(Engine):
    """One model in memory; it answers one request after another."""

    def __init__(self, folders: list[Path], device: str, timeout: float) -> None:
        with extra("outlines", "the packages outlines and llguidance"):
            import outlines
            from llguidance.hf import from_tokenizer
        self.name, self.concurrency, self.grammars = "outlines", 1, True
        self.model = "+".join(identity(folder) for folder in folders)
        self.tuned = len(folders) > 1
        self._timeout, self._turn = timeout, threading.Lock()
        network, self._tokenizer = _network(folders, device), _tokenizer(folders[0])
        self._longest = network.config.max_position_embeddings
        self._words = from_tokenizer(self._tokenizer, n_vocab=network.config.vocab_size)
        self._speak: Any = outlines.from_transformers(network, self._tokenizer)
        # Prompts come with their chat template applied; outlines would put it around them again.
        self._speak.type_adapter.has_chat_template = False

    def complete(self, request: Request) -> Reply:
        """The reply of the model."""
        from outlines import Generator

        with self._turn:
            if self._speak is None:
                raise EngineError("engine 'outlines' is closed; load it again")
            prompt = self._prompt(sighted(request, self))
            start = time.monotonic()
            guard = _Guard(self._words, request, start + self._timeout, self._longest)
            speak = Generator(self._speak, processor=guard)
            with _seeded(request.seed):
                text = speak(prompt, generation_config=self._settings(request))
        seconds = time.monotonic() - start
        reply = Reply(text, guard.finish, guard.prompt_tokens, guard.tokens, seconds)
        return checked(reply, request, f"model {self.model}")

    def close(self) -> None:
        self._speak = None

    def _prompt(self, request: Request) -> str:
        """The messages as the model was trained to read them."""
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        text: str = self._tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=not request.continues,
            continue_final_message=request.continues,
        )
        # A template may write the token that begins a text, which the tokenizer puts there too.
        begins = self._tokenizer("a").input_ids[0] == self._tokenizer.bos_token_id
        return text.removeprefix(self._tokenizer.bos_token) if begins else text

    def _settings(self, request: Request) -> Any:
        """All of them, so that none of the model folder's own creeps in."""
        from transformers import GenerationConfig

        warm = {"do_sample": True, "temperature": request.temperature, "top_k": 0}
        return GenerationConfig(
            max_new_tokens=request.max_tokens + 1,
            eos_token_id=self._tokenizer.eos_token_id,
            pad_token_id=self._tokenizer.eos_token_id,
            **(warm if request.temperature else {"do_sample": False}),
        )


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Draw as that seed says, and leave torch's own draws as they were."""
    import torch

    if seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


class _Guard:
    """Masks every token that the grammar forbids, and knows how the reply ended.

    A step beyond `max_tokens` is allowed for the end mark alone.
    """

    def __init__(self, words: LLTokenizer, request: Request, ends: float, longest: int) -> None:
        self.finish, self.prompt_tokens, self.tokens = "stop", 0, 0
        self._most, self._ends, self._longest = request.max_tokens, ends, longest
        self._matcher, self._end_mark = _matcher(words, request.grammar), words.eos_token

    def reset(self) -> None:
        """Called by outlines before a reply; there is one guard for each."""

    def __call__(self, ids: Any, scores: Any) -> Any:
        if self.tokens:
            self._take(int(ids[0, -1]))
        else:
            self._begin(ids.shape[1])
        self.tokens += 1
        allowed = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        forbidden = np.unpackbits(allowed, bitorder="little")[: scores.shape[1]] == 0
        if self.tokens > self._most:
            forbidden[self._end_mark] = True
            self.finish = "stop" if forbidden.all() else "length"
            self.tokens -= self.finish == "length"
            forbidden[:] = True
            forbidden[self._end_mark] = False
        scores[:, np.flatnonzero(forbidden)] = -float("inf")
        return scores

    def _begin(self, size: int) -> None:
        self.prompt_tokens = size
        if size + self._most > self._longest:
            raise EngineError(
                f"a prompt of {size} tokens and a reply of {self._most} are more than the "
                f"{self._longest} that the model reads; shorten it, or take another model"
            )

    def _take(self, token: int) -> None:
        if time.monotonic() > self._ends:
            raise EngineError(f"no whole reply after {self.tokens} tokens; give a longer timeout")
        if not self._matcher.consume_token(token):
            raise EngineError(
                f"the model left its grammar after {self.tokens} tokens; is it whole?"
            )


def _matcher(words: LLTokenizer, grammar: str) -> LLMatcher:
    from llguidance import LLMatcher, grammar_from

    try:
        matcher = LLMatcher(words, grammar_from("gbnf", grammar), log_level=0)
    except ValueError as error:
        raise EngineError(f"llguidance cannot read the grammar: {shown(str(error))}") from None
    if matcher.is_error():
        raise EngineError(f"llguidance cannot read the grammar: {shown(matcher.get_error())}")
    return matcher


def _network(folders: list[Path], device: str) -> Any:
    """The weights, all of them and no others, with the adapter added in."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    from starvid_core import machine

    place = machine.device(device)
    try:
        network, told = AutoModelForCausalLM.from_pretrained(
            folders[0],
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype="float32" if place.type == "cpu" else "auto",
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise EngineError(f"model {folders[0]} cannot be loaded: {shown(str(error))}") from None
    if wrong := [key for kind in told.values() for key in kind]:
        raise EngineError(f"model {folders[0]} misses or adds weights: {shown(str(wrong[0]))}")
    return _adapted(network, folders[1:]).to(place).eval()


def _adapted(network: Any, adapters: list[Path]) -> Any:
    if not adapters:
        return network
    with extra("outlines", "the package peft"):
        from peft import PeftModel
    try:
        return PeftModel.from_pretrained(network, str(adapters[0])).merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise EngineError(f"adapter {adapters[0]} does not fit: {shown(str(error))}") from None


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"tokenizer of {folder} cannot be loaded: {shown(str(error))}") from None
    if not tokenizer.chat_template or tokenizer.eos_token_id is None:
        raise EngineError(f"model {folder} has no chat template or no end mark; take a chat model")
    return tokenizer


def _folder(given: str, option: str, needed: str) -> Path:
    path = Path(given)
    if not given or not (path / needed).is_file():
        raise InputError(f"{option} {given!r} is not a folder with {needed}; give one")
    if not any(path.glob("*.safetensors")):
        raise InputError(f"{option} {given!r} holds no weights as safetensors; give them")
    return path
