"""The port of the metrics: its key reads the gateway's own numbers and LiteLLM's, and nobody else does."""

import hashlib
import http.client
from collections.abc import Callable
from typing import Any

import pytest

from testbed import gateway as bed
from tests.gateway.clients import KEY, Answer, request_bytes
from tests.gateway.conftest import Caller, GatewayFactory

SCRAPER = "sk-second"  # the stand-in for LiteLLM takes it too
PATHS = ("/metrics", "/metrics/gateway")


@pytest.fixture(scope="module")
def watched(make_gateway: GatewayFactory, litellm: str) -> bed.Gateway:
    return make_gateway(metrics_key_sha256=hashlib.sha256(SCRAPER.encode()).hexdigest())


@pytest.fixture
def scrape(watched: bed.Gateway, clients: bed.Clients) -> Callable[..., Answer]:
    caller = Caller(clients, watched.metrics_port, clients.new_address())

    def ask(target: str, **options: Any) -> Answer:
        return caller.call(target=target, **{"key": SCRAPER, **options})

    return ask


@pytest.fixture
def numbers(watched: bed.Gateway, clients: bed.Clients) -> Callable[[str], str]:
    """What the gateway says of itself: a long answer, in chunks."""

    def read(target: str) -> str:
        with clients.connect(clients.new_address(), watched.metrics_port) as connection:
            connection.sendall(request_bytes(target=target, key=SCRAPER))
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200
            return answer.read().decode()

    return read


def headers_of(answer: Answer) -> dict[str, str]:
    return dict(answer.json()["headers"])


def test_the_gateways_own_numbers_are_read_with_the_key(numbers: Callable[[str], str]) -> None:
    shown = numbers("/metrics/gateway")
    assert 'haproxy_frontend_http_requests_total{proxy="api"} ' in shown
    assert shown.count("haproxy_server_status{") <= 30
    assert "haproxy_sticktable" not in numbers("/metrics/gateway?scope=sticktable")


def test_litellm_is_asked_once_more_and_learns_by_which_door(scrape: Callable[..., Answer]) -> None:
    sent = {"x-gateway-door": "api", "x-gateway-certificate": "1", "x-gateway-source": "1.1.1.1"}
    received = headers_of(scrape("/metrics?x=1", headers=sent))
    assert received["x-gateway-door"] == "metrics"
    assert received["x-gateway-certificate"] == ""  # TLS is off here
    assert received["x-gateway-source"] != "1.1.1.1"
    assert received["authorization"] == f"Bearer {SCRAPER}"
    assert scrape("/metrics?x=1").json()["line"] == "GET /metrics HTTP/1.1"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [KEY, SCRAPER + "x", SCRAPER.upper(), "", None])
def test_no_other_key_opens_anything(scrape: Callable[..., Answer], path: str, key: str | None) -> None:
    answer = scrape(path, key=key)
    assert answer.status == 401
    assert b"haproxy" not in answer.body


@pytest.mark.parametrize("path", PATHS)
def test_the_key_counts_only_where_prometheus_sends_it(scrape: Callable[..., Answer], path: str) -> None:
    assert scrape(path, key=None, headers={"x-api-key": SCRAPER}).status == 401
    assert scrape(path, key=None, headers={"authorization": f"Basic {SCRAPER}"}).status == 401


def test_nothing_but_metrics_is_behind_that_port(scrape: Callable[..., Answer]) -> None:
    for path in ("/", "/v1/models", "/metrics/", "/metrics/gateway/", "//metrics", "/%6detrics", "/healthz"):
        assert scrape(path).status == 404, path
    assert scrape("/metrics", method="POST").status == 405
    assert scrape("/metrics/gateway", method="DELETE").status == 405


def test_the_port_of_the_api_shows_no_metrics(watched: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> None:
    client = caller(watched)
    for path in PATHS:
        answer = client.call(target=path, key=SCRAPER, headers={"x-gateway-door": "metrics"})
        assert headers_of(answer)["x-gateway-door"] == "api"  # it has come through to LiteLLM, which refuses it


def test_a_source_that_is_not_allowed_does_not_get_as_far_as_a_key(
    make_gateway: GatewayFactory, litellm: str, clients: bed.Clients
) -> None:
    digest = hashlib.sha256(SCRAPER.encode()).hexdigest()
    closed = make_gateway(metrics_key_sha256=digest, allowed_cidrs="192.0.2.0/24")
    source = clients.new_address()
    assert Caller(clients, closed.metrics_port, source).call(target="/metrics/gateway", key=SCRAPER).status == 0


def test_without_a_key_for_the_metrics_nothing_listens(gateway: bed.Gateway) -> None:
    listening = bed.docker("exec", gateway.name, "cat", "/proc/net/tcp")
    assert f":{8090:04X} " not in listening
    assert f":{8405:04X} " in listening
