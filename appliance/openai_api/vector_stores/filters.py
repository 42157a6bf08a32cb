"""From a filter as it is sent to a condition that the shelf can ask."""

from msgspec import UNSET

from appliance.library import AllOf, AnyOf, AttributeFilter, AttributeValue, Comparison, Operator
from appliance.openai_api.vector_stores.errors import BadFilter
from appliance.openai_api.vector_stores.wire import Filter

ORDERED = ("gt", "gte", "lt", "lte")
LISTS = ("in", "nin")
MOST_COMPARISONS = 100
DEEPEST = 10
"""Both keep the query small enough for every database."""


def read_filter(sent: Filter) -> AttributeFilter:
    """Raises BadFilter."""
    if _size(sent, 1) > MOST_COMPARISONS:
        raise BadFilter(f"The filter has more than {MOST_COMPARISONS} comparisons.")
    return _read(sent)


def _size(sent: Filter, level: int) -> int:
    if level > DEEPEST:
        raise BadFilter(f"The filter is nested more than {DEEPEST} levels deep.")
    return 1 if sent.filters is UNSET else sum(_size(f, level + 1) for f in sent.filters)


def _read(sent: Filter) -> AttributeFilter:
    match sent.type:
        case "and" | "or":
            if sent.filters is UNSET or sent.key is not UNSET or sent.value is not UNSET:
                raise BadFilter(f"'{sent.type}' takes 'filters' and nothing else.")
            parts = tuple(_read(f) for f in sent.filters)
            return AllOf(parts) if sent.type == "and" else AnyOf(parts)
        case operator:
            return _comparison(sent, operator)


def _comparison(sent: Filter, operator: Operator) -> Comparison:
    if sent.key is UNSET or sent.value is UNSET or sent.filters is not UNSET:
        raise BadFilter(f"'{operator}' takes 'key' and 'value' and nothing else.")
    values: list[AttributeValue] = [*sent.value] if isinstance(sent.value, list) else [sent.value]
    if isinstance(sent.value, list) != (operator in LISTS):
        raise BadFilter(f"'{operator}' takes {'a list of values' if operator in LISTS else 'one value'}.")
    if operator in ORDERED and isinstance(values[0], str | bool):
        raise BadFilter(f"'{operator}' compares numbers.", remedy="Keep dates as seconds since 1970.")
    return Comparison(sent.key, operator, tuple(values))
