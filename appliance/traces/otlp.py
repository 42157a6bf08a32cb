"""Spans, sent in batches by a thread of the OpenTelemetry SDK."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from appliance.foundation import Trail

SERVICE = "private-model-appliance"
EXPORT_S = 5
"""Longest wait for the collector, in the SDK's own thread."""


class OtlpTracing:
    """Implements `Tracing` over OTLP/HTTP."""

    def __init__(self, endpoint: str) -> None:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S)
        self._provider = TracerProvider(resource=Resource({"service.name": SERVICE}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("appliance")
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, trail: Trail, method: str) -> None:
        """Begin the request's span, below the caller's when it sent one."""
        above = self._propagator.extract({"traceparent": trail.traceparent.decode("ascii")})
        span = self._tracer.start_span("request", context=above, kind=SpanKind.SERVER)
        span.set_attributes({"request.id": trail.request_id, "http.request.method": method})
        root = _OtlpSpan(span)
        trail.tracer, trail.traceparent = _RequestTracer(self._tracer, root), root.traceparent

    def end(self, trail: Trail, endpoint: str, status: int) -> None:
        """End the request's span."""
        if isinstance(trail.tracer, _RequestTracer):
            facts = {"http.route": endpoint, "model": trail.model_id, "error.code": trail.error_code}
            told = {name: value for name, value in facts.items() if value}
            tokens = {"prompt_tokens": trail.prompt_tokens, "completion_tokens": trail.completion_tokens}
            trail.tracer.root.end(**told, **tokens, **{"http.response.status_code": status})

    def stop(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


class _OtlpSpan:
    def __init__(self, span: trace.Span) -> None:
        self.span = span

    @property
    def traceparent(self) -> bytes:
        context = self.span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}".encode("ascii")

    def end(self, **facts: str | int) -> None:
        self.span.set_attributes(facts)
        self.span.end()


class _RequestTracer:
    def __init__(self, tracer: trace.Tracer, root: _OtlpSpan) -> None:
        self._tracer = tracer
        self.root = root

    def start(self, name: str) -> _OtlpSpan:
        return _OtlpSpan(self._tracer.start_span(name, context=trace.set_span_in_context(self.root.span)))
