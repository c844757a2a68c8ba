"""One adapter in two files: peft and llama.cpp make the same of both."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from planners import engines
from planners.engines import Message, Request, llama_cpp
from starvid_core.artifacts import write_manifest
from starvid_core.errors import InputError
from starvid_core.training import adapter, gguf_folder

PROMPT = "Two dogs run at 12 km/h: [[1,5,10,18],["


def adapted(folder: Path, rank: int, size: float, seed: int = 1) -> PeftModel:
    """A model with an adapter of chance in all its projections."""
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(adapter.TARGETS))
    model = get_peft_model(network, lora).eval()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_" in name:
                value.copy_(size * torch.randn(value.shape, generator=draw))
    return model


@torch.no_grad()
def log_probabilities(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)


@pytest.fixture(scope="module")
def tiny(tiny_folder, tmp_path_factory) -> tuple[PeftModel, Path]:
    """A model with an adapter, and the folder of the adapter."""
    model, folder = adapted(tiny_folder, 4, 0.2), tmp_path_factory.mktemp("adapter")
    adapter.write(model, folder, "tiny.gguf")
    write_manifest(folder)
    return model, folder


def test_llama_cpp_makes_of_the_gguf_what_peft_makes_of_the_adapter(
    tiny, tiny_folder, tiny_gguf, llama
) -> None:
    model, folder = tiny
    ids = AutoTokenizer.from_pretrained(tiny_folder)(PROMPT).input_ids
    expected = log_probabilities(model, ids)
    with model.disable_adapter():
        plain = log_probabilities(model, ids)
    with llama([tiny_gguf, folder / adapter.GGUF]) as server:
        found = server.log_probabilities(ids, 40)
        said = server.says(ids, 8)
    assert len(found) == 40
    far = max(abs(value - float(plain[token])) for token, value in found.items())
    near = max(abs(value - float(expected[token])) for token, value in found.items())
    assert near < 0.1 and far > 1
    greedy = model.generate(input_ids=torch.tensor([ids]), max_new_tokens=8, do_sample=False)
    assert greedy[0, len(ids) :].tolist() == said


def test_peft_reads_the_folder(tiny, tiny_folder) -> None:
    model, folder = tiny
    network = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    again = PeftModel.from_pretrained(network, str(folder)).eval()
    ids = [40, 50, 60]
    difference = log_probabilities(again, ids) - log_probabilities(model, ids)
    assert float(difference.abs().max()) < 0.01
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny.gguf" and config["inference_mode"]


def test_training_can_begin_with_the_folder(tiny, tiny_folder) -> None:
    model, folder = tiny
    other = adapted(tiny_folder, 4, 0.2, seed=2)
    adapter.read(other, folder)
    ids = [40, 50, 60]
    difference = log_probabilities(other, ids) - log_probabilities(model, ids)
    assert float(difference.abs().max()) < 0.01
    with pytest.raises(InputError, match="holds an adapter of other sizes; give one of this rank"):
        adapter.read(adapted(tiny_folder, 2, 0.2), folder)


def test_an_engine_is_named_by_its_adapter_too(tiny, tiny_gguf, tiny_folder, tmp_path) -> None:
    model, folder = tiny
    adapter.write(adapted(tiny_folder, 4, 0.2, seed=2), tmp_path, "tiny.gguf")
    names = set()
    for place in (folder, tmp_path):
        file = place / adapter.GGUF
        options = {"model": tiny_gguf, "adapter": file, "threads": 1, "context": 512}
        with engines.load("llama_cpp", **options) as engine:
            assert engine.model.startswith("tiny.gguf@") and "+adapter.gguf@" in engine.model
            names.add(engine.model)
            request = Request((Message("user", "a"),), 'root ::= "b" [cd]', None, 4)
            assert engine.complete(request).text in ("bc", "bd")
    assert len(names) == 2


@pytest.mark.slow
@pytest.mark.weights
def test_smollm2_with_an_adapter_is_the_same_model_in_both(tmp_path, llama) -> None:
    try:
        importlib.metadata.version(llama_cpp.PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"needs `{llama_cpp.INSTALL}`")
    base = gguf_folder.made()
    model = adapted(base, 8, 0.08)
    adapter.write(model, tmp_path, "SmolLM2")
    sizes = [(tmp_path / name).stat().st_size for name in (adapter.WEIGHTS, adapter.GGUF)]
    assert max(sizes) < 6e6
    ids = AutoTokenizer.from_pretrained(base)(PROMPT).input_ids
    expected = log_probabilities(model, ids)
    with model.disable_adapter():
        plain = log_probabilities(model, ids)
    with llama([llama_cpp.packaged(), tmp_path / adapter.GGUF]) as server:
        found = server.log_probabilities(ids, 20)
    errors = torch.tensor([value - float(expected[token]) for token, value in found.items()])
    changes = torch.tensor([value - float(plain[token]) for token, value in found.items()])
    # llama.cpp rounds activations to 8 bits: a tenth off is usual without an adapter, too.
    assert float(errors.abs().mean()) < 0.25 and float(changes.abs().mean()) > 1.5
