"""The life of a vLLM server, with a program in its place: up, asked, and always down again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import transformers

from planners import engines
from planners.batch_runner import Runner
from planners.engines import EngineError, Message, Request
from planners.engines.vllm import PYTHON, Launch
from starvid_core.errors import InputError

pytest.importorskip("openai")

ASK = Request((Message("user", "Hello"),), 'root ::= "yes"', None, 8)


@pytest.fixture
def fake(tmp_path, serving) -> Path:
    """An interpreter whose vLLM is tests/planners/engines/serve.py."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "{serving.path}" "$@"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def model(tmp_path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "config.json").write_text('{"max_position_embeddings": 2048}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def adapter(tmp_path) -> Path:
    folder = tmp_path / "lora"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"r": 12}')
    (folder / "adapter_model.safetensors").write_bytes(b"more")
    return folder


@pytest.fixture
def told(tmp_path, monkeypatch) -> Path:
    """The file in which the fake tells what it was given."""
    monkeypatch.setenv("FAKE_TELLS", str(tmp_path / "told.json"))
    return tmp_path / "told.json"


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pid: int, seconds: float = 5.0) -> bool:
    ends = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < ends:
        time.sleep(0.02)
    return not alive(pid)


def start(fake: Path, model: Path, **options) -> engines.Engine:
    return engines.load("vllm", model=model, python=fake, device="cpu", start=30, **options)


def test_it_is_started_asked_and_stopped(fake, model, told) -> None:
    with start(fake, model) as engine:
        assert engine.complete(ASK).text == "yes"
        assert (engine.name, engine.concurrency, engine.grammars) == ("vllm", 16, True)
        assert re.fullmatch(r"small@[0-9a-f]{16}", engine.model)
        pid = json.loads(told.read_text())["pid"]
        assert alive(pid)
        assert os.getpgid(pid) != os.getpgid(0)
    assert gone(pid)
    engine.close()


def test_it_listens_to_this_machine_alone_and_reports_to_nobody(fake, model, told, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    with start(fake, model):
        given = json.loads(told.read_text())
    argv, env = given["argv"], given["env"]
    options = dict(zip(argv, argv[1:], strict=False))
    assert options["--host"] == "127.0.0.1" and options["--max-model-len"] == "2048"
    constraints = options["--structured-outputs-config"]
    assert constraints == '{"backend":"xgrammar","disable_any_whitespace":true}'
    for name in ("VLLM_NO_USAGE_STATS", "DO_NOT_TRACK", "HF_HUB_OFFLINE"):
        assert env[name] == "1"
    assert "sk-canary" not in str(given) and "trust" not in str(argv)
    assert len(env["VLLM_API_KEY"]) >= 20 and env["VLLM_API_KEY"] not in str(argv)


def test_an_adapter_is_served_at_its_rank(fake, model, adapter, told) -> None:
    with start(fake, model, adapter=adapter) as engine:
        assert engine.complete(ASK).text == "yes"
        assert re.fullmatch(r"small@[0-9a-f]{16}\+lora@[0-9a-f]{16}", engine.model)
    argv = json.loads(told.read_text())["argv"]
    options = dict(zip(argv, argv[1:], strict=False))
    assert "--enable-lora" in argv and options["--max-lora-rank"] == "16"
    assert options["--lora-modules"] == f"tuned={adapter}"


def test_a_server_that_dies_says_why(fake, model, monkeypatch) -> None:
    monkeypatch.setenv("FAKE", "dies")
    with pytest.raises(
        EngineError, match="vllm ended with code 1: 'ValueError: max_model_len"
    ) as e:
        start(fake, model)
    log = Path(str(e.value).rpartition("its log: ")[2])
    assert "INFO starting" in log.read_text() and "\n" not in str(e.value)
    log.unlink()


def test_a_server_that_is_too_slow_is_stopped(fake, model, told, monkeypatch) -> None:
    monkeypatch.setenv("FAKE", "sleeps")
    begun = time.monotonic()
    with pytest.raises(
        EngineError, match=r"not ready in 1 s \(option start\): 'INFO starting'"
    ) as e:
        engines.load("vllm", model=model, python=fake, start=1.0)
    assert time.monotonic() - begun < 8
    assert gone(json.loads(told.read_text())["pid"])
    Path(str(e.value).rpartition("its log: ")[2]).unlink()


def test_a_server_that_dies_later_says_so(fake, model, monkeypatch) -> None:
    monkeypatch.setenv("FAKE", "dies later")
    said = "vllm ended with code 3: 'INFO starting'"
    with start(fake, model, retries=0) as engine, pytest.raises(EngineError, match=said) as e:
        engine.complete(ASK)
    Path(str(e.value).rpartition("its log: ")[2]).unlink()


def test_a_server_that_does_not_obey_is_stopped(fake, model, told, monkeypatch) -> None:
    monkeypatch.setenv("FAKE", "ignores")
    with pytest.raises(EngineError, match="ignores constraints"):
        start(fake, model)
    assert gone(json.loads(told.read_text())["pid"])


SCRIPT = """
import os, sys
from planners import engines
engine = engines.load("vllm", model=sys.argv[1], python=sys.argv[2], device="cpu", start=30)
print("up", flush=True)
{then}
"""


@pytest.mark.parametrize(
    "then", ["", "1 / 0", "os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 15)"]
)
def test_it_never_outlives_the_process_that_started_it(fake, model, told, then, tmp_path) -> None:
    command = [sys.executable, "-c", SCRIPT.format(then=then), str(model), str(fake)]
    settings = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=settings)
    assert done.stdout == "up\n", done.stderr
    assert gone(json.loads(told.read_text())["pid"])


def test_what_ignores_a_gentle_end_is_killed(model, tmp_path, told, serving, monkeypatch) -> None:
    program = tmp_path / "deaf"
    program.write_text(
        f"#!{sys.executable}\nimport runpy, signal, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ndel sys.argv[1:3]\n"
        f"runpy.run_path({str(serving.path)!r}, run_name='__main__')\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr("planners.serving.process._PATIENCE", 0.3)
    with start(program, model):
        pid = json.loads(told.read_text())["pid"]
    assert gone(pid)


def test_a_running_server_is_used_and_left_running(server) -> None:
    with engines.load("vllm", url=server.url, timeout=20.0) as engine:
        assert (engine.complete(ASK).text, engine.model) == ("yes", "tiny")
    with engines.load("vllm", url=server.url, model="tiny", timeout=20.0):
        pass


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, "model '' is neither a folder nor a name of the Hugging Face hub"),
        ({"model": "./no/such/folder"}, "is neither a folder nor a name"),
        ({"model": "/no/such"}, "is neither a folder nor a name"),
        ({"model": "EMPTY"}, "holds no config.json; give a folder of a model"),
        ({"model": "org/name", "device": "tpu"}, "device 'tpu' is not one of auto, cpu, gpu"),
        ({"model": "org/name", "python": "/no/python"}, "python '/no/python' is not a program"),
        ({"url": "http://127.0.0.1:9/v1", "adapter": "a"}, "leave out url"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, options, said) -> None:
    if options.get("model") == "EMPTY":
        options = {"model": tmp_path}
    with pytest.raises(InputError, match=said):
        engines.load("vllm", **options)


@pytest.mark.parametrize(
    "config", ['{"r": 0}', '{"r": "8"}', '{"r": 1000}', "[]", "{}", '{"r": 8}']
)
def test_an_adapter_that_cannot_be_is_refused(fake, model, adapter, config) -> None:
    (adapter / "adapter_config.json").write_text(config)
    if config == '{"r": 8}':
        (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(
        InputError, match="has rank .*; give one of 1 to 512|holds no adapter_model"
    ):
        start(fake, model, adapter=adapter)


def test_without_vllm_it_says_how_to_get_it(model, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("planners.engines.vllm.PYTHON", tmp_path / "none")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError, match="vLLM is not installed; run `make planner-demo`"):
        engines.load("vllm", model=model)


def test_only_a_model_of_a_hub_may_use_the_network(model) -> None:
    assert Launch("org/name", "", "cpu", 100).settings("s")["HF_HUB_OFFLINE"] == "0"
    assert Launch(str(model), "", "cpu", 100).settings("s")["HF_HUB_OFFLINE"] == "1"
    assert Launch("org/name", "", "cpu", 100).identity == "org/name"


def test_only_a_cpu_gets_the_settings_of_a_cpu(model) -> None:
    cpu, gpu = (Launch(str(model), "", device, 100) for device in ("cpu", "gpu"))
    assert "--enforce-eager" in cpu.command("python", 1)
    assert "--enforce-eager" not in gpu.command("python", 1)
    assert set(cpu.settings("s")) - set(gpu.settings("s")) <= {"VLLM_CPU_KVCACHE_SPACE"}


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.is_file(), reason="needs `make planner-demo`")
@pytest.mark.parametrize("tuned", [False, True], ids=["base", "adapter"])
def test_the_real_server_keeps_a_random_model_to_its_grammar(tiny_llama, tmp_path, tuned) -> None:
    numbers = 'root ::= "[" number ("," number){7} "]"\nnumber ::= [1-9] [0-9]? | "0"\n'
    options = {"adapter": _lora(tiny_llama, tmp_path)} if tuned else {}
    asked = [
        Request((Message("user", str(n)),), numbers, None, 40, t)
        for n in range(8)
        for t in (0, 1.0)
    ]
    begun = (Message("user", "Hello"), Message("assistant", "[1,2"))
    with engines.load("vllm", model=tiny_llama, context=256, **options) as engine:
        with ThreadPoolExecutor(engine.concurrency) as pool:
            replies = list(pool.map(engine.complete, asked))
        assert engine.complete(Request(begun, 'root ::= ",3]"', None, 8)).text == ",3]"
    assert all(re.fullmatch(r"\[\d\d?(,\d\d?){7}\]", reply.text) for reply in replies)


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.is_file(), reason="needs `make planner-demo`")
def test_the_real_batch_runner_keeps_a_random_model_to_its_grammar(tiny_llama, tmp_path) -> None:
    asked = Request((Message("user", "Hello"),), 'root ::= "[" [1-9] "]"', None, 40, 1.0)
    replies = Runner(Launch(str(tiny_llama), "", "auto", 256), tmp_path)(dict.fromkeys("ab", asked))
    assert set(replies.found) == {"a", "b"} and not replies.failed
    assert all(re.fullmatch(r"\[[1-9]\]", reply.text) for reply in replies.found.values())


def _lora(folder: Path, target: Path) -> Path:
    """An adapter of chance."""
    peft = pytest.importorskip("peft")
    network = transformers.AutoModelForCausalLM.from_pretrained(folder)
    settings = peft.LoraConfig(r=8, target_modules=["q_proj"], init_lora_weights=False)
    peft.get_peft_model(network, settings).save_pretrained(target)
    return target
