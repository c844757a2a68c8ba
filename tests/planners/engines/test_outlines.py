"""A random-weight model cannot leave its grammar: every reply matches, whatever the weights say."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest
import torch
from transformers import LlamaForCausalLM

from planners import engines
from planners.engines import EngineError, Message, Picture, Request
from starvid_core.errors import InputError

pytest.importorskip("outlines")
pytest.importorskip("llguidance")

NUMBERS = 'root ::= "[" number ("," number){7} "]"\nnumber ::= [1-9] [0-9]? | "0" | "\\"é\\""\n'
MATCH = re.compile(r'\[(?:[1-9][0-9]?|0|"é")(?:,(?:[1-9][0-9]?|0|"é")){7}\]')
HELLO = (Message("system", "Count."), Message("user", "Hello"))
MOST = 64


@pytest.fixture(scope="module")
def folder(tiny_llama):
    return tiny_llama


@pytest.fixture(scope="module")
def engine(folder):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with engines.load("outlines", model=folder, device="cpu") as engine:
        yield engine
    torch.set_num_threads(threads)


def ask(grammar: str = NUMBERS, most: int = MOST, temperature: float = 0.0, *more) -> Request:
    return Request((*HELLO, *more), grammar, None, most, temperature)


def test_every_reply_keeps_to_the_grammar(engine) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        replies = [engine.complete(ask(temperature=t)) for t in [0.0] + [1.0] * 9 + [50.0] * 10]
    assert all(MATCH.fullmatch(reply.text) for reply in replies)
    assert len({reply.text for reply in replies}) > 10
    assert all(reply.finish == "stop" and reply.prompt_tokens == 35 for reply in replies)
    assert all(reply.tokens == len(reply.text.encode()) + 1 for reply in replies)


def test_without_warmth_the_reply_is_the_same(engine) -> None:
    assert engine.complete(ask()).text == engine.complete(ask()).text


def test_a_seed_makes_a_warm_reply_the_same_again_and_disturbs_nobody(engine) -> None:
    warm = [replace(ask(temperature=50.0), seed=seed) for seed in (0, 0, 1)]
    before = torch.random.get_rng_state()
    first, again, other = (engine.complete(request).text for request in warm)
    assert first == again != other
    assert torch.equal(before, torch.random.get_rng_state())


def test_pictures_are_refused(engine) -> None:
    shown = Message("user", "What is it?", (Picture(b"png", "1" * 64),))
    with pytest.raises(EngineError, match="engine 'outlines' cannot be shown pictures; take op"):
        engine.complete(ask(NUMBERS, MOST, 0.0, shown))


def test_a_continuation_is_only_what_is_new(engine) -> None:
    reply = engine.complete(ask('root ::= ",3]"', 3, 0.0, Message("assistant", "[1,2")))
    assert (reply.text, reply.prompt_tokens) == (",3]", 35 + len("[1,2"))


def test_the_end_mark_needs_no_room_but_a_longer_reply_is_cut(engine) -> None:
    assert engine.complete(ask('root ::= "abc"', 3)).text == "abc"
    with pytest.raises(EngineError, match="stopped at 2 of 2 tokens .* 'length'"):
        engine.complete(ask('root ::= "abc"', 2))
    with pytest.raises(EngineError, match="stopped at 5 of 5 tokens"):
        engine.complete(ask('root ::= [a-c]+ "!!!!!"', 5))


def test_a_prompt_that_is_too_long_is_refused(engine) -> None:
    with pytest.raises(EngineError, match="a prompt of 35 tokens and a reply of 999 are more than"):
        engine.complete(ask(most=999))


def test_a_grammar_that_cannot_be_read_is_refused(engine) -> None:
    for grammar in ('root ::= "a', "root ::= b", 'a ::= "a"'):
        with pytest.raises(EngineError, match="llguidance cannot read the grammar"):
            engine.complete(ask(grammar))


def test_a_reply_has_its_time(engine, folder) -> None:
    with engines.load("outlines", model=folder, device="cpu", timeout=1e-6) as hurried:
        start = time.monotonic()
        with pytest.raises(EngineError, match="no whole reply after 1 tokens; give a longer"):
            hurried.complete(ask())
    assert time.monotonic() - start < 5


def test_the_model_is_named_with_its_hash(engine) -> None:
    assert re.fullmatch(r"tiny0@[0-9a-f]{16}", engine.model)
    assert (engine.name, engine.concurrency, engine.grammars) == ("outlines", 1, True)


def test_an_adapter_changes_the_model_and_its_name(engine, folder, tmp_path) -> None:
    peft = pytest.importorskip("peft")
    network = LlamaForCausalLM.from_pretrained(folder)
    settings = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    peft.get_peft_model(network, settings).save_pretrained(tmp_path)
    with engines.load("outlines", model=folder, adapter=tmp_path, device="cpu") as tuned:
        assert tuned.model.startswith(f"{engine.model}+")
        assert MATCH.fullmatch(tuned.complete(ask()).text)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "r": 3}))
    with pytest.raises(EngineError, match="adapter .* does not fit"):
        engines.load("outlines", model=folder, adapter=tmp_path, device="cpu")


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, "model '' is not a folder with config.json; give one"),
        ({"model": "no/such"}, "model 'no/such' is not a folder with config.json"),
        ({"device": "tpu"}, "device 'tpu' is not one of auto, cpu"),
        ({"timeout": 0.0}, "timeout 0 must be > 0"),
        ({"adapter": "no/such"}, "adapter 'no/such' is not a folder with adapter_config.json"),
    ],
)
def test_options_that_cannot_be_are_refused(folder, options, said) -> None:
    with pytest.raises(InputError, match=said):
        engines.load("outlines", **{"model": folder if options else "", **options})


@pytest.mark.parametrize("fault", ["cut", "missing", "pickle", "no template", "no tokenizer"])
def test_a_damaged_folder_is_refused(folder, tmp_path, fault) -> None:
    from safetensors.torch import load_file, save_file

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    if fault == "cut":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif fault == "missing":
        kept = {k: v for k, v in load_file(weights).items() if "layers.1.mlp" not in k}
        save_file(kept, weights, {"format": "pt"})
    elif fault == "pickle":
        weights.rename(tmp_path / "pytorch_model.bin")
    elif fault == "no template":
        (tmp_path / "chat_template.jinja").unlink()
    else:
        (tmp_path / "tokenizer.json").unlink()
    said = {
        "cut": "cannot be loaded",
        "missing": "misses or adds weights: 'model.layers.1.mlp",
        "pickle": "holds no weights as safetensors",
        "no template": "has no chat template or no end mark",
        "no tokenizer": "tokenizer of .* cannot be loaded",
    }[fault]
    with pytest.raises(InputError, match=said) as caught:
        engines.load("outlines", model=tmp_path, device="cpu")
    assert "\n" not in str(caught.value)


def test_a_closed_engine_says_so(folder) -> None:
    engine = engines.load("outlines", model=folder, device="cpu")
    engine.close()
    with pytest.raises(EngineError, match="engine 'outlines' is closed; load it again"):
        engine.complete(ask())
