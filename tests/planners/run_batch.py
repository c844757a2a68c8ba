"""A batch runner with vLLM's files, whose model says what the rules planner plans, in cells of 16
pixels. STANDIN_RUNNER says what is wrong with it: `deaf` ignores grammars, `lame` answers only the
proof and the first request, `dead` breaks off."""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from planners import rules
from planners.wire import Wire
from planners.wire.scene import write_scene

WRONG = os.environ.get("STANDIN_RUNNER", "")
LITERAL = re.compile(r'root ::= "([\w-]+)"')


def recited(body):
    if word := LITERAL.fullmatch(body["structured_outputs"]["grammar"]):
        return "Hello!" if WRONG == "deaf" else word[1]
    told = json.loads(body["messages"][-1]["content"])
    plan = rules.plan(told["prompt"])
    plan = replace(plan, plan=replace(plan.plan, motion="They move.", reasoning="They can."))
    return Wire(16).write_frames(plan) if "objects" in told else write_scene(plan.plan)


def answered(line):
    asked = json.loads(line)
    message = {"role": "assistant", "content": recited(asked["body"]), "refusal": None}
    body = {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": asked["body"]["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    response = {"status_code": 200, "request_id": "vllm-0", "body": body}
    return {"id": "vllm-0", "custom_id": asked["custom_id"], "response": response, "error": None}


def refused(line):
    error = {"message": "the prompt is too long", "type": "BadRequestError", "code": 400}
    response = {"status_code": 400, "request_id": "vllm-0", "body": None}
    key = json.loads(line)["custom_id"]
    return {"id": "vllm-0", "custom_id": key, "response": response, "error": error}


if __name__ == "__main__":
    if WRONG == "dead":
        sys.exit("RuntimeError: no memory left")
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
    lines = Path(given["-i"]).read_text(encoding="utf-8").splitlines()
    most = 2 if WRONG == "lame" else len(lines)
    said = [*map(answered, lines[:most]), *map(refused, lines[most:])]
    written = "".join(json.dumps(line) + "\n" for line in said)
    Path(given["-o"]).write_text(written, encoding="utf-8")
