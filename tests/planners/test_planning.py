"""Options of a planner and plans of many prompts."""

import threading
import time

import pytest

from planners.engines.base import Reply
from planners.planning import Exchange, Planned, PlanOptions, batch, wire_of
from planners.rules import plan
from planners.wire import Wire
from starvid_core.errors import InputError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "frames is 0; give a whole number from 1 to 256"),
        ({"frames": 8.0}, "frames is 8.0"),
        ({"decode": "greedy"}, "decode is 'greedy'; choose oneshot or stepwise"),
        ({"template": "long"}, "template is 'long'; choose paper or short"),
        ({"attempts": 0}, "attempts is 0; give 1 to 10"),
        ({"attempts": 11}, "attempts is 11"),
        ({"attempts": True}, "attempts is True"),
        ({"temperature": -0.1}, "temperature is -0.1; give a number from 0 to 2"),
        ({"temperature": float("nan")}, "temperature is nan"),
    ],
)
def test_other_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        PlanOptions(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "tuned", "template", "wire"),
    [
        (PlanOptions(template=""), True, "short", Wire(16, named=False)),
        (PlanOptions(template=""), False, "paper", Wire()),
        (PlanOptions(template="", wire=Wire(8)), False, "paper", Wire(8)),
        (PlanOptions(template="paper"), True, "paper", Wire()),
        (PlanOptions(template="short", wire=wire_of("short", 4)), False, "short", Wire(4, False)),
    ],
)
def test_a_tuned_model_is_asked_as_it_was_taught(
    asked: PlanOptions, tuned: bool, template: str, wire: Wire
) -> None:
    found = asked.suited(tuned)
    assert (found.template, found.wire) == (template, wire)
    assert found.attempts == asked.attempts


def _planned(prompt: str) -> Planned:
    exchange = Exchange("key", "scene", Reply("[]", "stop", 10, 5, 0.5))
    return Planned(plan(prompt), (), (exchange, exchange))


def test_the_cost_of_a_plan_is_that_of_its_exchanges() -> None:
    planned = _planned("a dog runs")
    assert (planned.seconds, planned.prompt_tokens, planned.tokens) == (1.0, 20, 10)


def test_a_batch_keeps_the_order_and_the_refusals() -> None:
    prompts = ["a dog runs", "no subject", "a cat sits", ""]
    found = batch(_planned, prompts, 3)
    assert [isinstance(answer, Planned) for answer in found] == [True, False, True, False]
    assert found[0].trajectory.plan.prompt == "a dog runs"  # type: ignore[union-attr]
    assert isinstance(found[1], InputError) and "no subject" in str(found[1])
    assert batch(_planned, [], 3) == []


def test_as_many_prompts_are_asked_at_once_as_the_engine_takes() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def slow(prompt: str) -> Planned:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return _planned(prompt)

    batch(slow, ["a dog runs"] * 8, 4)
    assert most == 4


def test_other_errors_are_not_hidden() -> None:
    def broken(prompt: str) -> Planned:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        batch(broken, ["a dog runs"], 1)
