"""Families of counters and histograms: one number or one row of numbers per combination of labels.

The client library's own classes take two locks and a dictionary per observation, which is more than the work that is
measured; here an observation is one bisection and two additions. The library writes the result.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

OTHER = "other"
MAX_SERIES = 1000
"""Combinations of labels in one family; later ones are counted as `other`."""

Reading = Iterable[tuple[Sequence[str], float]]
"""Values of labels, and the number."""

Child = TypeVar("Child")


class Count:
    """One counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Times:
    """One histogram, of seconds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class Family(Generic[Child]):
    """Children by their labels."""

    def __init__(self, name: str, about: str, labels: Sequence[str], make: Callable[[], Child]) -> None:
        self.name = name
        self._about = about
        self._labels = tuple(labels)
        self._make = make
        self._children: dict[tuple[str, ...], Child] = {}

    def of(self, *values: str) -> Child:
        """The child of these labels; keep it where it is used often."""
        child = self._children.get(values)
        if child is None:
            if len(self._children) >= MAX_SERIES:
                values = tuple(OTHER for _ in values)
            child = self._children.setdefault(values, self._make())
        return child


class Counters(Family[Count]):
    """Numbers that only grow; their name ends in `_total`."""

    def __init__(self, name: str, about: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, about, labels, Count)

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self.name, self._about, labels=self._labels)
        for labels, child in self._children.items():
            family.add_metric(labels, child.value)
        yield family


class Histograms(Family[Times]):
    """Distributions of seconds; their name ends in `_seconds`."""

    def __init__(self, name: str, about: str, labels: Sequence[str], bounds: tuple[float, ...]) -> None:
        super().__init__(name, about, labels, lambda: Times(bounds))

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self.name, self._about, labels=self._labels)
        for labels, child in self._children.items():
            family.add_metric(labels, list(_cumulative(child)), child.total)
        yield family


class Readings:
    """A gauge that is read when somebody asks."""

    def __init__(self, name: str, about: str, labels: Sequence[str], read: Callable[[], Reading]) -> None:
        self.name = name
        self._about = about
        self._labels = tuple(labels)
        self._read = read

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(self.name, self._about, labels=self._labels)
        for labels, value in self._read():
            family.add_metric(list(labels), value)
        yield family


def _cumulative(child: Times) -> Iterator[tuple[str, float]]:
    total = 0
    for bound, count in zip([*map(str, child.bounds), "+Inf"], child.counts, strict=True):
        total += count
        yield bound, total
