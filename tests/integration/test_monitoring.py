"""Metrics as Prometheus reads them, and the alerts that are made of them."""

import hashlib
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from testbed.deployment import ROOT, Deployment, deployment
from testbed.hosts import Internet
from testbed.prometheus import Prometheus, Query, programs, prometheus, queries
from tests.integration.conftest import TOKEN
from tests.integration.test_secrets import spellings

PORT, PROMETHEUS_PORT, METRICS_PORT = 14690, 14691, 14692
FEW = 2
MONITORING = ROOT / "monitoring"


@pytest.fixture(scope="module")
def promtool() -> str:
    return str(programs() / "promtool")


@pytest.fixture(scope="module")
def stack(net: Internet) -> Iterator[Deployment]:
    ports = {"port": PORT, "bindAddresses": ["127.0.0.1"], "metricsPort": METRICS_PORT}
    alice = {"clients.alice.expires": "2099-12-31", "clients.alice.requestsPerMinute": FEW}
    with deployment("prod", drainSeconds=5, **ports, **alice, **net.settings) as made:
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made


@pytest.fixture(scope="module")
def server(stack: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has looked at a stack which answers, and whose client meets its limit."""
    with prometheus(stack, PROMETHEUS_PORT, tmp_path_factory.mktemp("prometheus")) as made:
        assert made.series("up == 1", 2)
        for _ in range(FEW + 1):
            ask(stack)
        assert made.series("litellm_claude_limits_hit_total")
        ask(stack)  # so that what is counted grows
        yield made


def test_each_alert_is_silent_where_it_must_be_and_speaks_where_it_must(promtool: str) -> None:
    command = [promtool, "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tried = yaml.safe_load((MONITORING / "alerts_test.yml").read_text())["tests"]
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    for case in tried:
        assert {rule["alert"] for rule in rules} == {test["alertname"] for test in case["alert_rule_test"]}


def ask(stack: Deployment) -> int:
    """One request of alice's; returns its status."""
    body = {"model": "haiku", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}
    return stack.call("/v1/messages", key=stack.output("client_keys")["alice"], body=body).status


def scrape(stack: Deployment, path: str, key: str, port: int = METRICS_PORT) -> tuple[int, str]:
    context = ssl.create_default_context(cadata=stack.output("ca_certificate"))
    request = urllib.request.Request(f"https://localhost:{port}{path}", headers={"authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_metrics_are_well_formed(stack: Deployment, promtool: str) -> None:
    assert [ask(stack) for _ in range(FEW + 1)] == [200, 200, 429]
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
            [promtool, "check", "metrics"], input=page, text=True, capture_output=True, check=False
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


def test_prometheus_reads_them_as_the_documentation_says(server: Prometheus) -> None:
    for name in ("litellm_claude_requests_total", "haproxy_frontend_current_sessions"):
        assert server.series(name)
    assert len(server.series("up == 1", 2)) == 2


@pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.title}, {query.legend or query.panel}")
def test_each_panel_of_the_dashboard_has_something_to_show(server: Prometheus, query: Query) -> None:
    """A name, a label or a function that is wrong gives no series; what is no number is none, either."""
    found = server.series(f"({query.expression}) > -Inf")
    assert found, query.expression
    assert [one for one in found if "{{" in query.name(one["metric"])] == [], "a label that a series does not have"


def test_no_metric_holds_a_key_or_its_digest(stack: Deployment) -> None:
    own = stack.output("metrics_key")
    keys = [own, stack.output("master_key"), *stack.output("client_keys").values()]
    texts = [text for key in keys for text in (*spellings(key), hashlib.sha256(key.encode()).hexdigest())]
    for path in ("/metrics", "/metrics/gateway"):
        status, page = scrape(stack, path, own)
        assert status == 200
        assert [text[:6] for text in texts if text in page] == []
