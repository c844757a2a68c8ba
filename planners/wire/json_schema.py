"""Pieces of JSON Schema that every server reads alike; a unit test holds them to that part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def one_of(values: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(values)}


def text(longest: int) -> Schema:
    return {"type": "string", "maxLength": longest}


def exactly(items: Sequence[Schema]) -> Schema:
    """A list of just these items."""
    count = len(items)
    return {"type": "array", "prefixItems": list(items), "minItems": count, "maxItems": count}


def listed(item: Schema, least: int, most: int) -> Schema:
    """A list of items of one kind."""
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def closed(properties: Mapping[str, Schema]) -> Schema:
    """An object with all these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
