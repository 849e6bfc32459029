"""What Prometheus is told: requests, tokens and list price by client and model, and how busy the gateway is.

Every label value is one of a bounded set: declared clients, the stack's models, the API's routes, HTTP statuses.
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from claude_gateway.front.usage_line import UsageLine
    from claude_gateway.start.clients import Client

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
OTHER = "other"


class Metrics:
    """The counters of one process; `/metrics` shows them."""

    def __init__(self, clients: Iterable[Client] = (), gauges: Mapping[str, Callable[[], float]] | None = None) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "litellm_claude_requests",
            "Requests that reached the front door.",
            ["client", "route", "model", "status", "end"],
            registry=registry,
        )
        self._tokens = Counter(
            "litellm_claude_tokens", "Tokens, as Anthropic counts them.", ["client", "model", "kind"], registry=registry
        )
        self._price = Counter(
            "litellm_claude_list_price_usd",
            "Tokens at list price; no bill with a Claude login.",
            ["client", "model"],
            registry=registry,
        )
        self._first_byte = Histogram(
            "litellm_claude_first_byte_seconds",
            "Time to the first byte of an answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._total = Histogram(
            "litellm_claude_request_seconds",
            "Time to the end of an answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        ends = Gauge(
            "litellm_claude_client_key_expires_timestamp_seconds",
            "When a client's key ends (Unix time).",
            ["client", "generation"],
            registry=registry,
        )
        for client in clients:
            for key in client.keys:
                if key.expires is not None:
                    ends.labels(client.name, key.generation).set(key.expires.timestamp())
        for name, read in (gauges or {}).items():
            Gauge(f"litellm_claude_{name}", GAUGES[name], registry=registry).set_function(read)

    def observe(self, line: UsageLine, route: str | None, model: str | None) -> None:
        """Counts one request. `route` and `model` are those of the contract, None where there is none."""
        route, model = route or OTHER, model or ""
        self._requests.labels(line.client, route, model, line.status, line.end).inc()
        self._first_byte.labels(route).observe(line.ms_first_byte / 1000)
        self._total.labels(route).observe(line.ms_total / 1000)
        if model:
            for kind in ("input", "output", "cache_read", "cache_write"):
                self._tokens.labels(line.client, model, kind).inc(getattr(line, f"{kind}_tokens"))
            self._price.labels(line.client, model).inc(line.list_price_usd)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)


GAUGES = {
    "processes": "Processes of the Claude CLI, idle ones included.",
    "processes_idle": "Processes of the Claude CLI that wait for a request.",
    "requests_waiting": "Requests that wait for a process of the Claude CLI.",
}
"""What is looked at when Prometheus asks."""
