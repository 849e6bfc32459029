"""`python -m bench.dashboard`, or `make dashboard-picture`: draws docs/images/dashboard.png from a run of its own.

A production stack serves clients who meet their limits, Prometheus reads it, and what monitoring/dashboard.json asks is
drawn with Grafana's own panel components (tools/dashboard/page.jsx) by Chromium. Grafana itself is not needed.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from testbed.deployment import ROOT, Deployment, deployment
from testbed.hosts import Internet, internet
from testbed.prometheus import DASHBOARD, Prometheus, prometheus, queries

PORT, METRICS_PORT, PROMETHEUS_PORT = 14697, 14698, 14699
PICTURE = ROOT / "docs" / "images" / "dashboard.png"
DRAWING = Path("tools/dashboard")
WIDTH, HEIGHT = 1600, 2000
MOST_BYTES = 300_000
LOOK_SECONDS = 5
SETTLE_SECONDS = 20
LOADERS = {".woff2": "dataurl", ".woff": "empty", ".ttf": "empty", ".svg": "text"}


@dataclass(frozen=True)
class Caller:
    """What one client asks for, again and again: ``at_once`` requests at a time, ``pause`` seconds after each."""

    client: str
    route: str
    model: str
    texts: tuple[str, ...]
    at_once: int
    pause: float

    def body(self, number: int) -> dict[str, Any]:
        """The request of that number: each text in its turn."""
        asked = self.texts[number % len(self.texts)]
        return {"model": self.model, "max_tokens": 500, "messages": [{"role": "user", "content": asked}]}


CALLERS = (
    Caller("alice", "/v1/messages", "sonnet", ("hello", "FAKE:long", "FAKE:slow:0.02"), 1, 2.0),
    Caller("bob", "/v1/chat/completions", "haiku", ("hello", "FAKE:long"), 2, 3.0),
    Caller("ci", "/v1/messages", "haiku", ("FAKE:slow:0.02",), 3, 4.0),
    Caller("nightly", "/v1/messages", "opus", ("FAKE:long",) * 19 + ("FAKE:500",), 1, 2.5),
)
TODAY = datetime.now(UTC).date()
CLIENTS = {
    "clients.alice.expires": str(TODAY + timedelta(days=120)),
    "clients.alice.requestsPerMinute": 20,
    "clients.bob.models": ["haiku"],
    "clients.ci.maxParallel": 2,
    "clients.ci.expires": str(TODAY + timedelta(days=45)),
    "clients.nightly.tokensPerMinute": 8000,
}


def work(stack: Deployment, caller: Caller, stopped: threading.Event) -> None:
    """One of ``caller``'s requests after another, until it is ``stopped``."""
    key, number = stack.output("client_keys")[caller.client], 0
    while not stopped.wait(caller.pause):
        stack.call(caller.route, key=key, body=caller.body(number))
        number += 1


@contextlib.contextmanager
def load(stack: Deployment) -> Iterator[None]:
    """All callers at work."""
    stopped = threading.Event()
    workers = [
        threading.Thread(target=work, args=(stack, caller, stopped))
        for caller in CALLERS
        for _ in range(caller.at_once)
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stopped.set()
        for worker in workers:
            worker.join()


def told(server: Prometheus, start: float, end: float) -> dict[str, Any]:
    """What page.jsx draws: the dashboard, and of each panel its series by name."""
    panels: dict[int, list[dict[str, Any]]] = {}
    for query in queries():
        found = server.history(query.expression, start, end, LOOK_SECONDS)
        shown = [{"name": query.name(one["metric"]), "points": one["values"]} for one in found]
        panels.setdefault(query.panel, []).extend(shown)
    return {"dashboard": json.loads(DASHBOARD.read_text()), "from": start, "to": end, "panels": panels}


def run(net: Internet, minutes: float) -> dict[str, Any]:
    """What a stack has shown of itself in so many minutes."""
    ports = {"port": PORT, "bindAddresses": ["127.0.0.1"], "metricsPort": METRICS_PORT}
    with deployment("prod", drainSeconds=5, **ports, **CLIENTS, **net.settings) as stack:
        stack.set_secret("claudeOauthToken", "sk-ant-oat01-of-the-picture")
        stack.up()
        with (
            tempfile.TemporaryDirectory() as folder,
            prometheus(stack, PROMETHEUS_PORT, Path(folder), LOOK_SECONDS) as server,
        ):
            server.series("up == 1", 2)
            start = time.time()
            with load(stack):
                time.sleep(minutes * 60)
            return told(server, start, time.time())


def drawn(data: dict[str, Any], picture: Path) -> None:
    """Writes the picture of ``data``."""
    subprocess.run([ROOT / "setup" / "node.sh", str(DRAWING), f".toolchain/{DRAWING}"], check=True)
    folder = ROOT / ".toolchain" / DRAWING
    shutil.copy(ROOT / DRAWING / "page.jsx", folder)
    (folder / "data.json").write_text(json.dumps(data))
    loaders = [f"--loader:{ending}={loader}" for ending, loader in LOADERS.items()]
    bundled = ["--bundle", "--jsx=automatic", "--minify", '--define:process.env.NODE_ENV="production"', *loaders]
    command = ["node_modules/.bin/esbuild", "page.jsx", "--log-level=error", "--outfile=page.js", *bundled]
    subprocess.run(command, cwd=folder, check=True)
    parts = '<link rel="stylesheet" href="page.css"><body style="background: #111217"><script src="page.js"></script>'
    (folder / "page.html").write_text(f'<!doctype html><meta charset="utf-8">{parts}')
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        size = [f"--window-size={WIDTH},{HEIGHT}", "--virtual-time-budget=10000", f"--screenshot={picture}"]
        subprocess.run(["chromium", *options, *size, (folder / "page.html").as_uri()], check=True, capture_output=True)


def main() -> int:
    """Returns 1 when the picture is too large for the repository, or there is no Chromium."""
    parser = argparse.ArgumentParser(prog="make dashboard-picture", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8)
    minutes = parser.parse_args().minutes
    if shutil.which("chromium") is None:
        sys.stderr.write("error: chromium is missing. Run: apt-get install chromium\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, internet(Path(folder)) as net:
        data = run(net, minutes)
    drawn(data, PICTURE)
    size = PICTURE.stat().st_size
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}: {size} bytes\n")
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
