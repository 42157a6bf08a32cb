"""What is counted of every HTTP request."""

from dataclasses import dataclass

from appliance.metrics.families import Count, Counters, Histograms, Times

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class _Series:
    count: Count
    times: Times


class RequestMeters:
    """Requests by route and class of status, errors by code."""

    def __init__(self) -> None:
        self.requests = Counters(
            "appliance_http_requests_total", "Requests that were answered.", ("endpoint", "method", "status")
        )
        self.seconds = Histograms(
            "appliance_http_request_seconds",
            "From the head of a request to the last byte of its answer.",
            ("endpoint",),
            SECONDS,
        )
        self.errors = Counters("appliance_errors_total", "Error replies, by code.", ("code",))
        self.in_flight = 0
        self._series: dict[tuple[str, str, int], _Series] = {}

    def began(self) -> None:
        """A request came."""
        self.in_flight += 1

    def ended(self, endpoint: str, method: str, status: int, seconds: float, code: str = "") -> None:
        """A request is over.

        `endpoint` is the route as it is written, empty when there is none; `status` 0 is none; `code` of the error.
        """
        self.in_flight -= 1
        key = (endpoint, method, status)
        series = self._series.get(key)
        if series is None:
            series = self._resolve(endpoint, method, status)
            if len(self._series) < 10_000:
                self._series[key] = series
        series.count.value += 1
        series.times.observe(seconds)
        if code:
            self.errors.of(code).value += 1

    def _resolve(self, endpoint: str, method: str, status: int) -> _Series:
        route = endpoint or "other"
        known = method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"
        status_class = f"{status // 100}xx" if status else "none"
        return _Series(self.requests.of(route, known, status_class), self.seconds.of(route))
