"""What is counted of the pools of engines: waiting, refusals, retries. Implements `inference`'s `Watcher`."""

from appliance.metrics.families import Counters, Histograms

WAIT_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
FIRST_BYTE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)


class PoolMeters:
    """Is told by the pools. Models and replicas come from the settings, so their number is bounded."""

    def __init__(self) -> None:
        self.waits = Histograms(
            "appliance_queue_wait_seconds", "Wait for a slot of an engine.", ("model", "lane"), WAIT_SECONDS
        )
        self.refusals = Counters(
            "appliance_queue_refusals_total", "Requests that got no slot.", ("model", "lane", "code")
        )
        self.sent = Counters("appliance_replica_requests_total", "Requests sent to a replica.", ("model", "replica"))
        self.first_bytes = Histograms(
            "appliance_replica_first_byte_seconds",
            "From sending a request to a replica to its first byte.",
            ("model", "replica"),
            FIRST_BYTE_SECONDS,
        )
        self.retries = Counters(
            "appliance_retries_total", "Failures before the first byte.", ("model", "replica", "cause")
        )
        self.fallbacks = Counters("appliance_fallbacks_total", "Another model answered.", ("model", "to"))
        self.changes = Counters(
            "appliance_replica_changes_total",
            "A replica began or ceased to take requests.",
            ("model", "replica", "takes"),
        )

    def entered(self, model_id: str, lane: str, waited_s: float) -> None:
        """A request got its slot."""
        self.waits.of(model_id, lane).observe(waited_s)

    def refused(self, model_id: str, lane: str, code: str) -> None:
        """A request got none."""
        self.refusals.of(model_id, lane, code).value += 1

    def routed(self, model_id: str, replica: str, reason: str) -> None:  # noqa: ARG002 - the reason is for logs
        """A request goes to a replica."""
        self.sent.of(model_id, replica).value += 1

    def retried(self, model_id: str, replica: str, cause: str) -> None:
        """It failed there before its first byte."""
        self.retries.of(model_id, replica, cause).value += 1

    def first_byte(self, model_id: str, replica: str, lane: str, seconds: float) -> None:  # noqa: ARG002 - too many series
        """The first byte came."""
        self.first_bytes.of(model_id, replica).observe(seconds)

    def fell_back(self, model_id: str, to: str) -> None:
        """Another model answers instead."""
        self.fallbacks.of(model_id, to).value += 1

    def health(self, model_id: str, replica: str, *, takes: bool, reason: str) -> None:  # noqa: ARG002 - the reason is for logs
        """A replica begins or ceases to take requests."""
        self.changes.of(model_id, replica, "yes" if takes else "no").value += 1
