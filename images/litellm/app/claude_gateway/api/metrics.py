"""What Prometheus is told: requests, tokens and list price by client and model, how busy the gateway is, and what ends.

Every label value is one of a bounded set: declared clients, the stack's models, the API's routes, HTTP statuses.
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Metric

    from claude_gateway.api.usage_line import UsageLine
    from claude_gateway.config.clients import Client

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
OTHER = "other"
CERTIFICATE, LOGIN = "certificate", "login"
GAUGES = {
    "processes": "Processes of the Claude CLI, idle ones included.",
    "processes_busy": "Processes of the Claude CLI that serve a request, or are being started, wiped or ended.",
    "processes_idle": "Processes of the Claude CLI that wait for a request.",
    "requests_waiting": "Requests that wait for a process of the Claude CLI.",
    "limits_shared": "1 while limits hold for all replicas together, 0 while they hold for each alone.",
}
"""What is looked at when Prometheus asks."""


class Metrics:
    """The counters of one process; `/metrics` shows them."""

    def __init__(
        self,
        clients: Iterable[Client] = (),
        gauges: Mapping[str, Callable[[], float]] | None = None,
        pool_events: Mapping[str, int] | None = None,
        login_end: Callable[[], float | None] | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        self._login_end = login_end
        by_client = ["client", "model"]
        self._requests = self._counter(
            "requests", "Requests that reached the front door.", ["client", "route", "model", "status", "end"]
        )
        self._tokens = self._counter("tokens", "Tokens, as Anthropic counts them.", [*by_client, "kind"])
        self._price = self._counter("list_price_usd", "Tokens at list price; no bill with a Claude login.", by_client)
        self._limits = self._counter("limits_hit", "Requests beyond a limit of their client's.", ["client", "limit"])
        self._first_byte = self._histogram("first_byte_seconds", "Time to the first byte of an answer.")
        self._total = self._histogram("request_seconds", "Time to the end of an answer.")
        keys = self._gauge("key_expires_timestamp_seconds", "When a key ends (Unix time).", ["client", "generation"])
        for client in clients:
            for key in client.keys:
                if key.expires is not None:
                    keys.labels(client.name, key.generation).set(key.expires.timestamp())
        self._ends = self._gauge(
            "expires_timestamp_seconds", "When the certificate ends, or a login that does not renew itself.", ["what"]
        )
        self._begins = self._gauge("begins_timestamp_seconds", "Since when the certificate is valid.", ["what"])
        for name, read in (gauges or {}).items():
            self._gauge(name, GAUGES[name]).set_function(read)
        if pool_events is not None:
            self._registry.register(PoolEvents(pool_events))

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(f"litellm_claude_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"litellm_claude_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"litellm_claude_{name}", text, ["route"], buckets=SECONDS, registry=self._registry)

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

    def limit_hit(self, client: str, limit: str) -> None:
        """Counts a request that was refused because of a limit of its client's."""
        self._limits.labels(client, limit).inc()

    def text(self, certificate: tuple[float, float] | None = None) -> bytes:
        """All of it in Prometheus's text format. The gateway says from when until when its certificate is valid."""
        login_end = self._login_end() if self._login_end is not None else None
        begins, ends = certificate or (None, None)
        for gauge, what, moment in (
            (self._begins, CERTIFICATE, begins),
            (self._ends, CERTIFICATE, ends),
            (self._ends, LOGIN, login_end),
        ):
            if moment is None:
                gauge.remove_by_labels({"what": what})
            else:
                gauge.labels(what).set(moment)
        return generate_latest(self._registry)


def validity(said: str) -> tuple[float, float] | None:
    """Returns in Unix time what HAProxy says of its certificate, YYMMDDhhmmssZ twice; None when it has none."""
    try:
        begins, ends = (datetime.strptime(one, "%y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp() for one in said.split())
    except ValueError:
        return None
    return begins, ends


class PoolEvents(Collector):
    """What has happened in the pool of Claude CLI processes, as it counts by itself (cli/pool.py)."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """The counts, each an event's."""
        family = CounterMetricFamily(
            "litellm_claude_pool_events",
            "Claude CLI processes started for a request, prepared before it, reused, failed, discarded; "
            "requests queued for one, and refused.",
            labels=["event"],
        )
        for event, count in sorted(self._counts.items()):
            family.add_metric([event], count)
        yield family
