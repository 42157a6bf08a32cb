"""What was measured of the gateway, beside what it was meant to cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Medians = Mapping[str, Mapping[str, Any]]
"""By server and scenario, as `compare.py` of the shared bench folder writes them."""

US, PEER, ROUTER, DIRECT = "appliance", "litellm", "vllm-router", "direct"
GAP_MS = 20.0
"""The stand-in's time between two tokens of a stream."""


@dataclass(frozen=True)
class Row:
    """One measure; `must` and `stretch` are sentences, and whether they hold."""

    name: str
    found: str
    must: tuple[str, bool]
    stretch: tuple[str, bool]


def rows(medians: Medians) -> list[Row]:
    """The goal table. Needs the scenarios chat1, chat64, stream64 and stream256 of all four servers."""

    def of(server: str, scenario: str, key: str) -> float:
        return float(medians[server][scenario][key])

    return [
        _cpu(of),
        _throughput(of),
        _added(of),
        *(_per_token(of, scenario) for scenario in ("stream64", "stream256")),
        _pace(of),
        _memory(medians, of),
        _errors(medians),
    ]


Of = Callable[[str, str, str], float]


def _cpu(of: Of) -> Row:
    ours, router = of(US, "chat64", "cpu_us_per_req"), of(ROUTER, "chat64", "cpu_us_per_req")
    return Row(
        "CPU a chat request, 64 connections",
        f"{ours:.0f} µs ({ours / router:.1f} × vllm-router's {router:.0f})",
        ("≤ 240 µs", ours <= 240),
        ("≤ 2 × vllm-router, ≤ 140 µs", ours <= min(140, 2 * router)),
    )


def _throughput(of: Of) -> Row:
    ours, peer, router = (of(s, "chat64", "req_s") for s in (US, PEER, ROUTER))
    return Row(
        "requests a second, 64 connections",
        f"{ours:.0f} ({ours / peer:.0f} × LiteLLM's {peer:.0f}, {ours / router:.2f} × vllm-router's {router:.0f})",
        ("≥ 35 × LiteLLM", ours >= 35 * peer),
        ("≥ 60 × LiteLLM, ≥ 0.5 × vllm-router", ours >= 60 * peer and ours >= router / 2),
    )


def _added(of: Of) -> Row:
    direct = of(DIRECT, "chat1", "lat_p50_ms")
    ours, peer, router = (of(s, "chat1", "lat_p50_ms") - direct for s in (US, PEER, ROUTER))
    return Row(
        "added p50, one connection",
        f"{ours:.2f} ms (LiteLLM {peer:.1f}, vllm-router {router:.2f})",
        ("≤ 0.6 ms, ≤ 1/15 of LiteLLM's", ours <= 0.6 and ours <= peer / 15),
        ("≤ 0.4 ms, ≤ 2 × vllm-router's", ours <= 0.4 and ours <= 2 * router),
    )


def _per_token(of: Of, scenario: str) -> Row:
    ours, router = of(US, scenario, "cpu_us_per_token"), of(ROUTER, scenario, "cpu_us_per_token")
    return Row(
        f"CPU a token, {scenario.removeprefix('stream')} streams",
        f"{ours:.0f} µs ({ours / router:.1f} × vllm-router's {router:.0f})",
        ("≤ 55 µs", ours <= 55),
        ("≤ 2 × vllm-router, ≤ 42 µs", ours <= min(42, 2 * router)),
    )


def _pace(of: Of) -> Row:
    share = of(US, "stream256", "tokens_s") / of(DIRECT, "stream256", "tokens_s")
    added = of(US, "stream256", "ttft_p50_ms") - of(DIRECT, "stream256", "ttft_p50_ms")
    gap = of(US, "stream256", "gap_p99_ms") / GAP_MS
    return Row(
        "256 streams at 50 tokens a second",
        f"{share:.1%} of direct's tokens, first token +{added:.1f} ms p50, gap p99 {gap:.1f} × the cadence",
        ("≥ 97 %, ≤ 25 ms, ≤ 2 ×", share >= 0.97 and added <= 25 and gap <= 2),
        ("≥ 99 %, ≤ 5 ms, ≤ 1.5 ×", share >= 0.99 and added <= 5 and gap <= 1.5),
    )


def _memory(medians: Medians, of: Of) -> Row:
    idle = {s: float(medians[s]["idle_mb"]) for s in (US, PEER, ROUTER)}
    busy = {s: of(s, "stream256", "rss_peak_mb") for s in (US, PEER, ROUTER)}
    return Row(
        "memory idle / at 256 streams",
        f"{idle[US]:.0f} / {busy[US]:.0f} MB (LiteLLM {idle[PEER]:.0f} / {busy[PEER]:.0f}, "
        f"vllm-router {idle[ROUTER]:.0f} / {busy[ROUTER]:.0f})",
        ("≤ 1/3 of LiteLLM's", idle[US] <= idle[PEER] / 3 and busy[US] <= busy[PEER] / 3),
        ("≤ vllm-router's", idle[US] <= idle[ROUTER] and busy[US] <= busy[ROUTER]),
    )


def _errors(medians: Medians) -> Row:
    kinds = ("errors_http", "errors_conn", "short_streams", "unfinished")
    count = sum(float(m.get(k, 0)) for m in medians[US].values() if isinstance(m, Mapping) for k in kinds)
    return Row("errors, short streams, unfinished", f"{count:.0f}", ("0", count == 0), ("0", count == 0))


def table(medians: Medians) -> str:
    """Markdown."""
    lines = ["| measure | found | must | | stretch | |", "|---|---|---|---|---|---|"]
    for row in rows(medians):
        must, stretch = (f"{text} | {'yes' if good else 'no'}" for text, good in (row.must, row.stretch))
        lines.append(f"| {row.name} | {row.found} | {must} | {stretch} |")
    return "\n".join(lines)
