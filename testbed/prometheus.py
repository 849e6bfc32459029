"""A real Prometheus that reads a stack as docs/monitoring.md says, and what the dashboard asks of it."""

import contextlib
import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.deployment import ROOT, Deployment

DASHBOARD = ROOT / "monitoring" / "dashboard.json"
PAGE = ROOT / "docs" / "monitoring.md"
EVERYTHING = ".*"
"""What Grafana puts in the place of the dashboard's variables where all are chosen."""


def programs() -> Path:
    """Returns the folder of prometheus and promtool: Debian's, unpacked where they are not installed."""
    done = subprocess.run([ROOT / "setup" / "debian_tool.sh", "prometheus"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@dataclass(frozen=True)
class Query:
    """One expression of the dashboard's; ``legend`` has the labels of its series in double braces."""

    panel: int
    title: str
    expression: str
    legend: str

    def name(self, labels: Mapping[str, str]) -> str:
        """Returns what the legend calls the series with ``labels``."""
        name = self.legend
        for label, value in labels.items():
            name = name.replace(f"{{{{{label}}}}}", value)
        return name


def queries() -> list[Query]:
    """Returns all that the dashboard asks, in its panels' order."""
    return [
        Query(panel["id"], panel["title"], target["expr"].replace("$instance", EVERYTHING), target["legendFormat"])
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel["targets"]
    ]


@dataclass(frozen=True)
class Prometheus:
    """A server, by the ``address`` of its API."""

    address: str

    def _get(self, path: str, **fields: Any) -> list[dict[str, Any]]:
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(fields)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def series(self, query: str, at_least: int = 1) -> list[dict[str, Any]]:
        """Returns the series of ``query`` as soon as there are as many; after a minute those that there are."""
        found: list[dict[str, Any]] = []
        for _ in range(120):
            with contextlib.suppress(OSError):
                found = self._get("query", query=query)
            if len(found) >= at_least:
                break
            time.sleep(0.5)
        return found

    def history(self, query: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Returns the series of ``query`` from ``start`` to ``end`` (Unix time), a value each ``step`` seconds."""
        return self._get("query_range", query=query, start=start, end=end, step=step)


@contextlib.contextmanager
def prometheus(stack: Deployment, port: int, folder: Path, every: int = 1) -> Iterator[Prometheus]:
    """Runs one at ``port``: the page's own configuration, with the stack's paths, name and ``metricsPort``.

    :param every: seconds between two looks.
    """
    (folder / "gateway.key").write_text(stack.output("metrics_key"))
    (folder / "gateway-ca.pem").write_text(stack.output("ca_certificate"))
    published = stack.pulumi("config", "get", "metricsPort").stdout.strip()
    config = PAGE.read_text().partition("```yaml\n")[2].partition("```")[0]
    for theirs, ours in {
        "/etc/prometheus": str(folder),
        "gateway.example.org": "localhost",
        "127.0.0.1:9464": f"127.0.0.1:{published}",
        "/path/to/litellm-claude": str(ROOT),
    }.items():
        if theirs not in config:
            raise ValueError(f"{PAGE.name} says nothing of {theirs} any more")
        config = config.replace(theirs, ours)
    (folder / "prometheus.yml").write_text(f"global: {{scrape_interval: {every}s}}\n{config}")
    address = f"127.0.0.1:{port}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    server = subprocess.Popen(
        [str(programs() / "prometheus"), *options, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
    )
    try:
        yield Prometheus(address)
    finally:
        server.terminate()
        server.wait()
