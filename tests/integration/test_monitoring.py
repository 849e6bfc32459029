"""Metrics as Prometheus reads them, and the alerts that are made of them."""

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testbed.deployment import ROOT, Deployment, deployment
from testbed.hosts import Internet
from tests.integration.conftest import TOKEN

PORT, PROMETHEUS_PORT, METRICS_PORT = 14690, 14691, 14692
MONITORING = ROOT / "monitoring"


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of prometheus and promtool."""
    done = subprocess.run([ROOT / "setup" / "debian_tool.sh", "prometheus"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def stack(net: Internet) -> Iterator[Deployment]:
    ports = {"port": PORT, "bindAddresses": ["127.0.0.1"], "metricsPort": METRICS_PORT}
    alice = {"clients.alice.expires": "2099-12-31", "clients.alice.requestsPerMinute": 2}
    with deployment("prod", drainSeconds=5, **ports, **alice, **net.settings) as made:
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


def scrape(stack: Deployment, path: str, key: str, port: int = METRICS_PORT) -> tuple[int, str]:
    context = ssl.create_default_context(cadata=stack.output("ca_certificate"))
    request = urllib.request.Request(f"https://localhost:{port}{path}", headers={"authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_metrics_are_well_formed(stack: Deployment, programs: Path) -> None:
    ask = {"model": "haiku", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}
    key = stack.output("client_keys")["alice"]
    assert [stack.call("/v1/messages", key=key, body=ask).status for _ in range(3)] == [200, 200, 429]
    status, shown = scrape(stack, "/metrics", stack.output("metrics_key"))
    assert status == 200
    for line in (
        'litellm_claude_tokens_total{client="alice",kind="output",model="claude-haiku-5-5"}',
        'litellm_claude_limits_hit_total{client="alice",limit="requests"} 1.0',
        'litellm_claude_expires_timestamp_seconds{what="certificate"}',
        'litellm_claude_key_expires_timestamp_seconds{client="alice",generation="initial"}',
        "litellm_claude_processes_idle",
        'litellm_claude_pool_events_total{event="',
    ):
        assert f"\n{line}" in shown, line
    gateway = scrape(stack, "/metrics/gateway", stack.output("metrics_key"))
    assert gateway[0] == 200
    for page in (shown, gateway[1]):
        checked = subprocess.run(
            [str(programs / "promtool"), "check", "metrics"], input=page, text=True, capture_output=True, check=False
        )
        said = [line for line in (checked.stdout + checked.stderr).splitlines() if not line.startswith("haproxy_")]
        assert said == []
        assert page is not shown or checked.returncode == 0


def test_the_metrics_are_read_with_their_own_key_and_port_alone(stack: Deployment) -> None:
    own, others = stack.output("metrics_key"), [stack.output("master_key"), stack.output("client_keys")["alice"]]
    for path in ("/metrics", "/metrics/gateway"):
        assert [scrape(stack, path, key)[0] for key in others] == [401, 401]
        assert scrape(stack, path, own, PORT)[0] == 403
        assert stack.call(path).status == 404
    assert [scrape(stack, "/v1/models", key)[0] for key in (own, *others)] == [404, 401, 401]
    assert stack.call("/v1/models", key=own).status == 403


def test_prometheus_reads_them_as_the_documentation_says(stack: Deployment, programs: Path, tmp_path: Path) -> None:
    """The page's own configuration, with the paths, the name and the port of this stack."""
    (tmp_path / "gateway.key").write_text(stack.output("metrics_key"))
    (tmp_path / "gateway-ca.pem").write_text(stack.output("ca_certificate"))
    page = (ROOT / "docs" / "monitoring.md").read_text()
    config = page.partition("```yaml\n")[2].partition("```")[0]
    for theirs, ours in {
        "/etc/prometheus": str(tmp_path),
        "gateway.example.org": "localhost",
        "127.0.0.1:9464": f"127.0.0.1:{METRICS_PORT}",
        "/path/to/litellm-claude": str(ROOT),
    }.items():
        assert theirs in config
        config = config.replace(theirs, ours)
    (tmp_path / "prometheus.yml").write_text(f"global: {{scrape_interval: 1s}}\n{config}")
    address = f"127.0.0.1:{PROMETHEUS_PORT}"
    options = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    server = subprocess.Popen(
        [str(programs / "prometheus"), *options, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
    )
    try:
        for name in ("litellm_claude_requests_total", "haproxy_frontend_current_sessions", "up == 1"):
            assert asked(address, name, 2 if name == "up == 1" else 1)
    finally:
        server.terminate()
        server.wait()


def asked(address: str, query: str, at_least: int) -> bool:
    """Whether Prometheus comes to know as many series within a minute."""
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    for _ in range(120):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if len(json.load(answer)["data"]["result"]) >= at_least:
                    return True
        except OSError:
            pass
        time.sleep(0.5)
    return False
