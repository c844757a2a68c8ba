"""A GGUF file and the folder made of it are one model: the same tokens, the same words."""

from __future__ import annotations

import importlib.metadata
from itertools import product
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from planners import templates
from planners.engines import EngineError, llama_cpp, outlines
from planners.tuning import examples
from planners.tuning.lessons import OPTIONS
from starvid_core.errors import InputError
from starvid_core.training import gguf_folder

PROMPTS = (
    "A dog runs.",
    "Two dogs run at 12 km/h,  3 cats   44 sit - naïve 日本 the  than [[[1]]].",
)
BEGUN = {"role": "assistant", "content": "[[[1,5,10,18],["}


def conversations() -> list[list[dict[str, str]]]:
    """What our planners send, begun replies among it."""
    asked = [templates.scene_messages(prompt, OPTIONS) for prompt in PROMPTS]
    plain = [[{"role": m.role, "content": m.content} for m in messages] for messages in asked]
    return [*plain, *([*messages, BEGUN] for messages in plain)]


def read_by(tokenizer, messages: list[dict[str, str]]) -> list[int]:
    continues = messages[-1]["role"] == "assistant"
    text = tokenizer.apply_chat_template(
        messages,
        tokenize=False,
        add_generation_prompt=not continues,
        continue_final_message=continues,
    )
    return tokenizer(text).input_ids


def says(folder: Path, prompt: list[int], count: int) -> list[int]:
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = network.generate(
        torch.tensor([prompt]), max_new_tokens=count, do_sample=False, pad_token_id=2
    )
    return ids[0, len(prompt) :].tolist()


def test_both_read_the_same_tokens_and_say_the_same(tiny_gguf, tiny_folder, llama) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    with llama([tiny_gguf]) as server:
        for messages in conversations():
            read = read_by(tokenizer, messages)
            assert read == server.tokens(messages)
        assert says(tiny_folder, read, 8) == server.says(read, 8)


def test_the_folder_serves_the_engine_in_process(tiny_folder) -> None:
    engine = outlines.load(str(tiny_folder), device="cpu")
    assert engine.model.startswith("tiny@")


def test_what_stands_is_not_made_again(tiny_gguf, tiny_folder) -> None:
    before = [(file.name, file.stat().st_mtime_ns) for file in sorted(tiny_folder.iterdir())]
    assert gguf_folder.made(tiny_gguf, tiny_folder) == tiny_folder
    after = [(file.name, file.stat().st_mtime_ns) for file in sorted(tiny_folder.iterdir())]
    assert after == before


def test_a_changed_folder_and_one_of_another_model_are_refused(
    tiny_gguf, write_gguf, tmp_path
) -> None:
    folder = gguf_folder.made(tiny_gguf, tmp_path / "folder")
    other = write_gguf(tmp_path / "other.gguf", pre="starcoder")
    with pytest.raises(InputError, match="was made from .*tiny.gguf.*remove .*folder, and it is"):
        gguf_folder.made(other, folder)
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="config.json has 2 bytes instead.*and it is made again"):
        gguf_folder.made(tiny_gguf, folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pre": "llama-bpe"}, "wants text split as .*llama-bpe.*only smollm"),
        ({"template": False}, "has no chat template; give the GGUF of a chat model"),
    ],
)
def test_a_file_of_another_kind_is_refused(write_gguf, tmp_path, changes, said) -> None:
    with pytest.raises(EngineError, match=said):
        gguf_folder.made(write_gguf(tmp_path / "other.gguf", **changes), tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_file_that_is_no_model_is_refused(tmp_path) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(EngineError, match="text.gguf is not a GGUF file; give one"):
        gguf_folder.made(tmp_path / "text.gguf", tmp_path / "folder")
    with pytest.raises(EngineError, match="cut.gguf cannot be read as a model: "):
        gguf_folder.made(tmp_path / "cut.gguf", tmp_path / "folder")


@pytest.mark.slow
@pytest.mark.weights
def test_smollm2_is_the_same_model_in_its_folder(llama) -> None:
    try:
        importlib.metadata.version(llama_cpp.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"needs `{llama_cpp.INSTALL}`")
    folder = gguf_folder.made()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with llama([llama_cpp.packaged()]) as server:
        for messages in conversations():
            assert read_by(tokenizer, messages) == server.tokens(messages)
        # Where one word is far likelier than all others: llama.cpp rounds activations to 8 bits.
        for text in ("1, 2, 3, 4, 5,", "Monday, Tuesday, Wednesday,"):
            read = tokenizer(text).input_ids
            assert says(folder, read, 8) == server.says(read, 8)
    plan = examples.plan(0, 1)
    wire, whole, said = OPTIONS.wire, tokenizer(OPTIONS.wire.write_frames(plan)).input_ids, ""
    for frame, instance in product(range(plan.frames), range(len(plan.boxes))):
        said += wire.before(plan.plan, frame, instance)
        begun = tokenizer(said).input_ids  # as stepwise decoding has it read again and again
        assert whole[: len(begun)] == begun
        said += wire.write_box(wire.cells(plan.boxes[instance][frame]), plan.plan, instance)
