"""The form that an answer with forced calls must have, for decoding by an engine that knows no tools.

It is one JSON array of `{"name", "parameters"}`. A free answer is not bound: of the engines' two grammars for text with
bound calls in it (vLLM 0.32), one ends the answer at its first token.
"""

import re
from typing import Any

from appliance.openai_api.chat_completions.schemas import LIST_BELOW, ONE_BELOW, Schema, is_held
from appliance.openai_api.chat_completions.tools.plan import ToolPlan

ANY_OBJECT: Schema = {"type": "object"}
LONGEST_TEXT, LONGEST_LIST = 1000, 30
"""Of what the caller's schema leaves open: a small model that begins to repeat itself would never end. For the same
reason objects have the named properties only."""


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
        parameters = _Mover(f"t{at}_", shared).moved(schema) if is_held(schema) else ANY_OBJECT
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"type": "string", "enum": [name]}, "parameters": parameters},
                "required": ["name", "parameters"],
                "additionalProperties": False,
            }
        )
    items = calls[0] if len(calls) == 1 else {"anyOf": calls}
    array: Schema = {"type": "array", "items": items, "minItems": 1, "maxItems": plan.most_calls if plan.several else 1}
    return {**array, "$defs": shared} if shared else array


class _Mover:
    """Makes a schema a part of a larger one: its definitions go into `shared`, its references follow them."""

    def __init__(self, prefix: str, shared: dict[str, Schema]) -> None:
        self._prefix = prefix
        self._shared = shared
        self._loops = False

    def moved(self, schema: Schema) -> Schema:
        for key in ("$defs", "definitions"):
            for name, below in schema.get(key, {}).items():
                self._shared[self._prefix + name] = self._follow(below)
        made: Schema = self._follow(schema)
        if self._loops:
            self._shared[f"{self._prefix}root"] = made
        return made

    def _follow(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        made = {k: self._below(k, v) for k, v in schema.items() if k not in ("$defs", "definitions")}
        if "properties" in schema and not {"allOf", "$ref"} & set(schema):
            made.setdefault("additionalProperties", False)
        if schema.get("type") == "string" and not {"maxLength", "enum", "const", "pattern", "format"} & set(schema):
            made["maxLength"] = max(LONGEST_TEXT, schema.get("minLength", 0))
        if schema.get("type") == "array" and "items" in schema and "maxItems" not in schema:
            made["maxItems"] = max(LONGEST_LIST, schema.get("minItems", 0))
        return made

    def _below(self, key: str, value: Any) -> Any:
        """Schemas below are followed; values, as of `enum`, stay as they are."""
        if key == "$ref":
            name = re.sub(r"^#/(\$defs|definitions)/", "", value)
            self._loops |= name == "#"
            return f"#/$defs/{self._prefix}{'root' if name == '#' else name}"
        if key in ONE_BELOW:
            return self._follow(value)
        if key in LIST_BELOW:
            return [self._follow(v) for v in value]
        if key == "properties":
            return {name: self._follow(below) for name, below in value.items()}
        return value
