"""What every engine file has, and how options are read."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from planners import engines
from planners.engines.base import EngineError, Reply, Request, checked, extra, shown
from starvid_core.discovery import find, names
from starvid_core.errors import InputError


@pytest.mark.parametrize("name", names(engines))
def test_an_engine_is_a_file_with_load_whose_options_are_told(name) -> None:
    load = find(engines, name).load
    for option, parameter in inspect.signature(load, eval_str=True).parameters.items():
        assert f"`{option}`" in load.__doc__, option
        assert parameter.annotation in (str, int, float)
        assert isinstance(parameter.default, parameter.annotation)


def test_there_are_six_engines() -> None:
    assert names(engines) == ("llama_cpp", "openai", "outlines", "pasted", "recorded", "vllm")


def test_engines_are_imported_without_their_heavy_packages() -> None:
    heavy = "openai httpx httpx2 xllamacpp outlines llguidance torch transformers tqdm vllm"
    modules = ", ".join(f"planners.engines.{name}" for name in names(engines))
    code = f"import sys, {modules}; print(set({heavy.split()}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("llamacpp", {}, "engine 'llamacpp' is unknown; did you mean 'llama_cpp'"),
        ("base", {}, "engine 'base' is unknown"),
        ("openai", {"modell": "x"}, "has no option 'modell'; did you mean 'model'"),
        ("openai", {"seed": 1}, "has no option 'seed'; known: url, model, key, constraint"),
        (
            "openai",
            {"retries": "two"},
            "option 'retries' of engine 'openai' is 'two'; give a whole",
        ),
        ("openai", {"retries": 2.5}, "is 2.5; give a whole number"),
        ("openai", {"retries": True}, "is True; give a whole number"),
        ("openai", {"timeout": "long"}, "is 'long'; give a number"),
        ("openai", {"timeout": None}, "is None; give a number"),
        ("openai", {"model": 7}, "is 7; give a text"),
    ],
)
def test_a_wrong_name_or_option_is_refused(name, options, said) -> None:
    with pytest.raises(InputError) as caught:
        engines.load(name, **options)
    assert said in str(caught.value)


def test_numbers_may_be_given_as_text() -> None:
    with pytest.raises(InputError, match="timeout 0 and retries 3"):
        engines.load("openai", timeout="0", retries="3")
    with pytest.raises(InputError, match="timeout 0 and retries 2"):
        engines.load("openai", timeout=0)


REQUEST = Request((), 'root ::= "a"', None, 9)


@pytest.mark.parametrize(
    "finish, said",
    [
        ("length", "it stopped at 9 of 9 tokens before its reply was whole"),
        ("tool_calls", "it ended with finish_reason 'tool_calls' instead of 'stop'"),
        ("", "it ended with finish_reason '' instead of 'stop'"),
    ],
)
def test_a_reply_that_did_not_stop_by_itself_is_not_read(finish, said) -> None:
    with pytest.raises(EngineError, match=said):
        checked(Reply("[]", finish, 1, 9, 0.1), REQUEST, "it")


def test_a_whole_reply_passes_as_it_is() -> None:
    reply = Reply("\ud800" * 10, "stop", 1, 9, 0.1)
    assert checked(reply, REQUEST, "it") is reply


def test_a_missing_package_is_named_with_its_cure() -> None:
    with (
        pytest.raises(EngineError, match=r"needs nothing.*No module.*pip install 'starvid\[llm\]'"),
        extra("openai", "nothing"),
    ):
        import there_is_no_such_package  # noqa: F401


def test_foreign_text_is_quoted_and_cut() -> None:
    assert shown("a\x1b[2J\n\ud800é") == r"'a\x1b[2J\n\ud800é'"
    assert shown("x" * 300) == repr("x" * 200 + "...")
