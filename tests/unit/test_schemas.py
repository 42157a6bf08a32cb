"""Schemas that callers send."""

from typing import Any

import pytest

from appliance.openai_api.chat_completions.schemas import Checker, is_held, refuse_unheld
from appliance.openai_api.errors import UnsupportedSchema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "multipleOf": 3}}},
        {"type": "object", "properties": {"not": {"type": "string"}, "if": {"const": 1}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}]}}},
        {"allOf": [{"type": "string"}]},
        {"type": "string", "format": "date-time", "pattern": "^a{1,3}$", "maxLength": 9, "x-hint": 1, "title": "t"},
        {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}, "maxItems": 4096},
        {"type": "object", "additionalProperties": True},
    ],
)
def test_what_decoding_holds_is_taken(schema: dict[str, Any]) -> None:
    assert is_held(schema)


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"not": {}}, "s.not"),
        ({"properties": {"a": {"items": {"if": {}}}}}, "s.properties.a.items.if"),
        ({"anyOf": [{"type": "string"}, {"uniqueItems": True}]}, "s.anyOf[1].uniqueItems"),
        ({"allOf": [{"type": "string"}, {"maxLength": 5}]}, "s.allOf"),
        ({"$ref": "http://example.com/schema"}, "s"),
        ({"$defs": {"a": {"$ref": "#/properties/b"}}}, "s.$defs.a.$ref"),
        ({"format": "color"}, "s.format"),
        ({"type": "string", "maxLength": 10_000_000}, "s.maxLength"),
        ({"type": "string", "pattern": "a{100000}"}, "s.pattern"),
        ({"type": "elephant"}, "s"),
        ({"properties": {"a": False}}, "s.properties.a"),
        ({"enum": list(range(1001))}, "s.enum"),
    ],
)
def test_what_it_cannot_hold_is_refused_by_its_place(schema: dict[str, Any], place: str) -> None:
    with pytest.raises(UnsupportedSchema) as refused:
        refuse_unheld(schema, "s")
    assert refused.value.param == place


def test_deep_and_large_schemas_are_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        deep = {"type": "array", "items": deep}
    assert not is_held(deep)
    assert not is_held({"properties": {f"p{i}": {} for i in range(1001)}})


def test_a_value_is_compared_with_formats_too() -> None:
    day = Checker({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}})
    assert not day.complaint({"day": "2026-11-25"})
    assert day.complaint({"day": "yesterday"}).startswith("day: ")
