"""Schemas use only what every server reads alike."""

from collections.abc import Iterator
from typing import Any

import pytest

from planners import rules
from planners.wire import Wire
from planners.wire.scene_grammar import scene_schema
from planners.wire.whole_plan import plan_schema

PROMPT = 'Two dogs are running while a "cat" sits, and the camera circles a naïve élan that jumps'
PORTABLE = {
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "object": {"properties", "required", "additionalProperties"},
    "integer": {"minimum", "maximum"},
    "string": {"enum", "maxLength"},
}


def _schemas() -> list[dict]:
    plan = rules.plan(PROMPT).plan
    wires = [Wire(), Wire(16, named=False)]
    frames = [wire.frames_schema(plan, 8) for wire in wires]
    return [scene_schema(PROMPT), *frames, *(plan_schema(PROMPT, w, 8) for w in wires)]


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    parts = [*schema.get("properties", {}).values(), *schema.get("prefixItems", [])]
    parts += [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    for part in parts:
        yield from _nodes(part)


@pytest.mark.parametrize("schema", _schemas(), ids=["scene", "named", "plain", "one", "one plain"])
def test_every_node_is_in_the_portable_part(schema: dict[str, Any]) -> None:
    for node in _nodes(schema):
        assert isinstance(node, dict), "items: false is refused by llama.cpp"
        if "type" not in node:
            assert set(node) in ({"anyOf"}, {"const"})
            continue
        assert set(node) - {"type"} <= PORTABLE[node["type"]], node
        if node["type"] == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        if "prefixItems" in node:
            assert node["minItems"] == node["maxItems"] == len(node["prefixItems"])
