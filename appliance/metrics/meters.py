"""All meters of the process, and how they are written down."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import Metric

from appliance.metrics.calls import CallMeters
from appliance.metrics.families import Counters, Histograms, Reading, Readings
from appliance.metrics.pools import PoolMeters
from appliance.metrics.requests import RequestMeters
from appliance.metrics.turns import TurnMeters


class Meters:
    """One per process; made first, so that every part can be given its own."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, groups: Sequence[UUID] = ()) -> None:
        """Only these groups have series of their own."""
        self.requests = RequestMeters()
        self.calls = CallMeters(groups)
        self.pools = PoolMeters()
        self.turns = TurnMeters()
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        for part in (self.requests, self.calls, self.pools, self.turns):
            for family in vars(part).values():
                if isinstance(family, Counters | Histograms):
                    self._registry.register(family)
        self.add_reading(
            "appliance_http_requests_in_flight", "Requests in work.", (), lambda: [((), self.requests.in_flight)]
        )

    def know(self, *, models: Iterable[str], assistants: Iterable[str]) -> None:
        """Only these models and assistants have series of their own."""
        assistants = tuple(assistants)
        self.calls.know((*models, *assistants))
        self.turns.know(assistants)

    def add_reading(self, name: str, about: str, labels: Sequence[str], read: Callable[[], Reading]) -> None:
        """A gauge that is read at each scrape. `read` must be quick."""
        self._registry.register(Readings(name, about, labels, read))

    def families(self) -> Iterator[Metric]:
        """Every family, also those without a number yet."""
        return iter(self._registry.collect())

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)
