"""Reads a page of metrics."""

from prometheus_client.parser import text_string_to_metric_families


def value_of(text: str, name: str, **labels: str) -> float:
    """The sum of all samples of this name that have these labels; 0 when there is none."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
