"""Metrics as Prometheus reads them, and the alerts that are made of them."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.conftest import TOKEN, reaching
from tests.integration.deployment import ROOT, Deployment, deployment
from tests.integration.hosts import Internet

PORT, PROMETHEUS_PORT = 14690, 14691
MONITORING = ROOT / "monitoring"


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of prometheus and promtool."""
    done = subprocess.run([ROOT / "setup" / "prometheus.sh"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def stack(net: Internet) -> Iterator[Deployment]:
    with deployment("dev", port=PORT, metrics=True, drainSeconds=5, **reaching(net)) as made:
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made


def test_each_alert_is_silent_where_it_must_be_and_speaks_where_it_must(programs: Path) -> None:
    command = [str(programs / "promtool"), "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tried = yaml.safe_load((MONITORING / "alerts_test.yml").read_text())["tests"]
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    for case in tried:
        assert {rule["alert"] for rule in rules} == {test["alertname"] for test in case["alert_rule_test"]}


def test_the_metrics_are_well_formed(stack: Deployment, programs: Path) -> None:
    ask = {"model": "haiku", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}
    assert stack.call("/v1/messages", body=ask).status == 200
    answer = stack.call("/metrics", key=stack.output("metrics_key"))
    assert answer.status == 200
    assert b'litellm_claude_tokens_total{client="master",kind="output",model="claude-haiku-5-5"}' in answer.body
    checked = subprocess.run(
        [str(programs / "promtool"), "check", "metrics"], input=answer.body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_the_key_of_the_metrics_opens_nothing_else(stack: Deployment) -> None:
    assert stack.call("/v1/models", key=stack.output("metrics_key")).status == 403
    assert stack.call("/metrics").status == 404
    assert stack.call("/metrics", key=None).status == 401


def test_prometheus_reads_them_as_the_documentation_says(stack: Deployment, programs: Path, tmp_path: Path) -> None:
    (tmp_path / "gateway.key").write_text(stack.output("metrics_key"))
    job = {
        "job_name": "litellm-claude",
        "scrape_interval": "1s",
        "authorization": {"credentials_file": str(tmp_path / "gateway.key")},
        "static_configs": [{"targets": [f"localhost:{PORT}"]}],
    }
    config = {"scrape_configs": [job], "rule_files": [str(MONITORING / "alerts.yml")]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{PROMETHEUS_PORT}"
    options = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    server = subprocess.Popen(
        [str(programs / "prometheus"), *options, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
    )
    try:
        query = f"http://{address}/api/v1/query?query=litellm_claude_requests_total"
        found: list[dict[str, object]] = []
        for _ in range(120):
            try:
                with urllib.request.urlopen(query, timeout=5) as answer:
                    found = json.load(answer)["data"]["result"]
            except OSError:
                pass
            if found:
                break
            time.sleep(0.5)
        assert found
    finally:
        server.terminate()
        server.wait()
