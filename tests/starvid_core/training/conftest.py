"""A tiny chat model of the llama architecture in a GGUF file, and llama.cpp to ask about it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import pre_tokenizers

from planners.engines import llama_cpp
from starvid_core.training import gguf_folder

KEY = "a key of the tests"
WIDTH, LAYERS, HEADS, KEY_HEADS, INNER = 96, 2, 3, 1, 128
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def write_tiny_gguf(path: Path, **changes: Any) -> Path:
    """Two layers of chance with grouped queries, a token for every byte and for a few pairs."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    words = _add_tokenizer(writer, changes.get("pre", "smollm"))
    if changes.get("template", True):
        writer.add_chat_template(TEMPLATE)
    _add_weights(writer, words)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: Any, pre: str) -> int:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = ["Ġ Ġ", "Ġ t", "h e", "a n", "[ ["]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters]
    tokens += [merge.replace(" ", "") for merge in merges]
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    return len(tokens)


def _add_weights(writer: Any, words: int) -> None:
    draw = np.random.default_rng(0)

    def chance(*shape: int) -> np.ndarray:
        return draw.normal(0, 0.15, shape).astype(np.float32)

    keys = WIDTH * KEY_HEADS // HEADS
    writer.add_tensor("token_embd.weight", chance(words, WIDTH))
    writer.add_tensor("output_norm.weight", 1 + chance(WIDTH))
    for layer in range(LAYERS):
        for name, shape in (
            *(("attn_q", (WIDTH, WIDTH)), ("attn_k", (keys, WIDTH)), ("attn_v", (keys, WIDTH))),
            *(("attn_output", (WIDTH, WIDTH)), ("ffn_gate", (INNER, WIDTH))),
            *(("ffn_up", (INNER, WIDTH)), ("ffn_down", (WIDTH, INNER))),
        ):
            writer.add_tensor(f"blk.{layer}.{name}.weight", chance(*shape))
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", 1 + chance(WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", 1 + chance(WIDTH))


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny_folder(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a folder of transformers."""
    return gguf_folder.made(tiny_gguf, tmp_path_factory.mktemp("made") / "tiny")


class LlamaCpp:
    """A running llama.cpp, asked below the level of chats."""

    def __init__(self, files: list[Path], context: int) -> None:
        pytest.importorskip("xllamacpp")
        self._server = llama_cpp._serve(files, 1, context, KEY)

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._server.listening_address}{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def tokens(self, messages: list[dict[str, str]]) -> list[int]:
        """What the model reads when it is asked to go on with the messages."""
        prompt = self.ask("/apply-template", messages=messages)["prompt"]
        return self.ask("/tokenize", content=prompt, add_special=True, parse_special=True)["tokens"]

    def says(self, prompt: list[int], count: int) -> list[int]:
        """The likeliest next tokens."""
        greedy = {"temperature": 0.0, "n_predict": count, "return_tokens": True, "top_k": 1}
        return self.ask("/completion", prompt=prompt, **greedy)["tokens"]

    def log_probabilities(self, prompt: list[int], count: int) -> dict[int, float]:
        """Those of the likeliest next tokens."""
        body = {"temperature": 0.0, "n_predict": 1, "n_probs": count}
        answer = self.ask("/completion", prompt=prompt, **body)
        [step] = answer["completion_probabilities"]
        return {entry["id"]: entry["logprob"] for entry in step["top_logprobs"]}


@contextmanager
def running(files: list[Path], context: int = 512) -> Iterator[LlamaCpp]:
    server = LlamaCpp(files, context)
    try:
        yield server
    finally:
        del server._server


@pytest.fixture(scope="session")
def llama():
    return running


@pytest.fixture(scope="session")
def write_gguf():
    return write_tiny_gguf
