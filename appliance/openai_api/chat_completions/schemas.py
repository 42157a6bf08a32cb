"""JSON schemas that callers send: what decoding can hold, and whether an answer fits.

Engines ignore some keywords and choke on others. So a schema is read here first: only words that constrained decoding
holds are let through, sizes are bounded (a grammar of a million items takes an engine's memory), and no reference
leaves the schema. What an engine then wrote is checked once more, with all its formats.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from appliance.openai_api.errors import UnsupportedSchema

Schema = dict[str, Any]

ANNOTATIONS = frozenset(
    "$schema $id $comment title description default examples deprecated readOnly writeOnly discriminator".split()
)
"""Say nothing about which values fit."""

HELD = frozenset(
    "type enum const properties required additionalProperties items prefixItems minItems maxItems minLength maxLength "
    "pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf anyOf oneOf allOf "
    "$ref $defs definitions".split()
)
FORMATS = frozenset("email date time date-time duration ipv4 ipv6 hostname uuid uri uri-reference".split())

LONGEST_COUNT = 4096
"""Largest `minLength`, `maxItems` and the like."""
MOST_SCHEMAS = 1000
DEEPEST = 24
MOST_VALUES = 1000
"""Of an `enum`."""
LONGEST_PATTERN = 500
REPETITION = re.compile(r"\{\d*,?\d{4,}\}|\{\d{4,},?\d*\}")

ONE_BELOW = ("items", "additionalProperties")
LIST_BELOW = ("prefixItems", "anyOf", "oneOf", "allOf")
NAMED_BELOW = ("properties", "$defs", "definitions")
COUNTS = ("minLength", "maxLength", "minItems", "maxItems")


class Checker:
    """Tells whether a value fits one schema."""

    def __init__(self, schema: Schema) -> None:
        import jsonschema_rs  # noqa: PLC0415 - takes 3 MB, and many gateways never see a schema

        self._validator = jsonschema_rs.validator_for(
            schema,
            validate_formats=True,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),  # linear time, whatever the pattern
        )

    def complaint(self, value: Any) -> str:
        """What is wrong first, and where; empty when the value fits."""
        for error in self._validator.iter_errors(value):
            place = ".".join(map(str, error.instance_path))
            return f"{place or 'the value'}: {error.message}"[:300]
        return ""


def checker_for(schema: Schema, param: str) -> Checker:
    """Raises UnsupportedSchema when it is no schema."""
    try:
        return Checker(schema)
    except ValueError as error:
        raise UnsupportedSchema(f"It is no JSON schema: {str(error).splitlines()[0]}.", param=param) from error


def refuse_unheld(schema: Schema, param: str) -> None:
    """Raises UnsupportedSchema when it is no schema, or naming the first keyword that decoding cannot hold."""
    checker_for(schema, param)
    for count, (place, below, depth) in enumerate(_walk(schema, param, 0)):
        if count >= MOST_SCHEMAS or depth > DEEPEST:
            raise UnsupportedSchema("The schema is too large or too deep.", param=param)
        _check(below, place)


def is_held(schema: Schema) -> bool:
    """Whether decoding can hold all of it."""
    try:
        refuse_unheld(schema, "")
    except UnsupportedSchema:
        return False
    return True


def closed(schema: Schema) -> Schema:
    """The same with named properties only, where it leaves open whether there may be others.

    A model that may add any property goes on adding; OpenAI's strict schemas must say so themselves.
    """

    def close(below: Any) -> Any:
        if not isinstance(below, dict):
            return below
        made = dict(below)
        for key in ONE_BELOW:
            if key in below:
                made[key] = close(below[key])
        for key in LIST_BELOW:
            if key in below:
                made[key] = [close(b) for b in below[key]]
        for key in NAMED_BELOW:
            if key in below:
                made[key] = {name: close(b) for name, b in below[key].items()}
        if "properties" in below and not {"allOf", "$ref"} & set(below):
            made.setdefault("additionalProperties", False)
        return made

    found: Schema = close(schema)
    return found


def _walk(schema: Any, place: str, depth: int) -> Iterator[tuple[str, Any, int]]:
    yield place, schema, depth
    if not isinstance(schema, dict) or depth > DEEPEST:
        return
    for key in ONE_BELOW:
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], f"{place}.{key}", depth + 1)
    for key in LIST_BELOW:
        for at, below in enumerate(schema[key] if isinstance(schema.get(key), list) else ()):
            yield from _walk(below, f"{place}.{key}[{at}]", depth + 1)
    for key in NAMED_BELOW:
        for name, below in (schema[key] if isinstance(schema.get(key), dict) else {}).items():
            yield from _walk(below, f"{place}.{key}.{name}", depth + 1)


def _check(schema: Any, place: str) -> None:
    if not isinstance(schema, dict):
        if schema is True:
            return
        raise UnsupportedSchema(f"'{place}' is no schema that a value could fit.", param=place)
    for key, value in schema.items():
        wrong = _complaint(key, value)
        if wrong:
            raise UnsupportedSchema(wrong, param=f"{place}.{key}")


def _complaint(key: str, value: Any) -> str:
    """What is wrong with one keyword; empty when nothing is."""
    if key in ANNOTATIONS or key.startswith("x-"):
        return ""
    if key not in HELD:
        return f"The keyword '{key}' is not supported."
    if key in COUNTS:
        fits = isinstance(value, int) and 0 <= value <= LONGEST_COUNT
        return "" if fits else f"'{key}' must be 0 to {LONGEST_COUNT}."
    return _COMPLAINTS[key](value) if key in _COMPLAINTS else ""


def _of_reference(value: Any) -> str:
    fits = re.fullmatch(r"#|#/(\$defs|definitions)/[^/]+", str(value))
    return "" if fits else "'$ref' may point to '#' and into '#/$defs' only."


def _of_pattern(value: Any) -> str:
    fits = isinstance(value, str) and len(value) <= LONGEST_PATTERN and not REPETITION.search(value)
    return "" if fits else "The pattern is too long, or repeats too often."


_COMPLAINTS: dict[str, Callable[[Any], str]] = {
    "$ref": _of_reference,
    "pattern": _of_pattern,
    "format": lambda v: "" if v in FORMATS else f"The format '{v}' is not supported.",
    "enum": lambda v: "" if len(v) <= MOST_VALUES else f"An 'enum' may have {MOST_VALUES} values.",
    "allOf": lambda v: "" if len(v) == 1 else "'allOf' may have one part only: engines hold but one.",
}
"""Of keywords that are held within bounds. The values are of the right type: they were read as a schema before."""
