"""The form that an answer with forced calls must have, for decoding by an engine that knows no tools.

It is one JSON array of `{"name", "parameters"}`. A free answer is not bound: of the engines' two grammars for text with
bound calls in it (vLLM 0.32), one ends the answer at its first token.
"""

import re
from typing import Any

from appliance.openai_api.chat_completions.schemas import Schema, is_held
from appliance.openai_api.chat_completions.tools.plan import ToolPlan

ANY_OBJECT: Schema = {"type": "object"}


def call_format(plan: ToolPlan) -> dict[str, Any] | None:
    """A `response_format` for the engine; None when the answer is free.

    What decoding cannot hold becomes any object, and is checked later.
    """
    if not plan.forced:
        return None
    return {"type": "json_schema", "json_schema": {"name": "calls", "strict": True, "schema": _array(plan)}}


def _array(plan: ToolPlan) -> Schema:
    shared: dict[str, Schema] = {}
    calls = []
    for at, (name, schema) in enumerate(plan.parameters().items()):
        parameters = _moved(schema, f"t{at}_", shared) if is_held(schema) else ANY_OBJECT
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"type": "string", "enum": [name]}, "parameters": parameters},
                "required": ["name", "parameters"],
                "additionalProperties": False,
            }
        )
    items = calls[0] if len(calls) == 1 else {"anyOf": calls}
    array: Schema = {"type": "array", "items": items, "minItems": 1, "maxItems": plan.most_calls}
    return {**array, "$defs": shared} if shared else array


def _moved(schema: Schema, prefix: str, shared: dict[str, Schema]) -> Schema:
    """The schema as a part of a larger one: its definitions go into `shared`, its references follow them."""

    def follow(value: Any) -> Any:
        if isinstance(value, list):
            return [follow(v) for v in value]
        if not isinstance(value, dict):
            return value
        moved = {k: follow(v) for k, v in value.items() if k not in ("$defs", "definitions")}
        reference = value.get("$ref")
        if isinstance(reference, str):
            name = re.sub(r"^#/(\$defs|definitions)/", "", reference)
            moved["$ref"] = f"#/$defs/{prefix}{'root' if name == '#' else name}"
            loops.append(name == "#")
        return moved

    loops: list[bool] = []
    for key in ("$defs", "definitions"):
        for name, below in schema.get(key, {}).items():
            shared[prefix + name] = follow(below)
    made: Schema = follow(schema)
    if any(loops):
        shared[f"{prefix}root"] = made
    return made
