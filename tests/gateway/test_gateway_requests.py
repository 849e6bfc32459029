"""What the gateway itself answers to other hosts and malformed requests: JSON that both official clients read."""

from collections.abc import Callable
from typing import Any

import pytest

from testbed import gateway as bed
from tests.gateway.clients import exchange
from tests.gateway.conftest import Caller, GatewayFactory

KEYED = "host: gateway.test\r\nauthorization: Bearer sk-good\r\n"
WEBSOCKET = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def readable(document: dict[str, Any]) -> bool:
    """Whether both OpenAI's and Anthropic's clients find in it what they look for."""
    error = document["error"]
    return (
        document["type"] == "error"
        and set(error) == {"type", "message", "param", "code"}
        and document["request_id"].startswith("req_")
    )


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:4000", "127.0.0.1:4000", "127.0.0.2", "[::1]:4000", "gateway.test"]
)
def test_without_tls_the_hosts_own_names_are_served(call: Caller, host: str) -> None:
    assert call.call(host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.test:4000", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "[::2]", ""],
)
def test_a_page_of_another_name_that_leads_here_is_refused(call: Caller, host: str) -> None:
    """DNS rebinding: a browser sends the name of the page."""
    answer = call.call(host=host)
    assert (answer.status, answer.json()["error"]["code"]) == (421, "misdirected_request")
    assert readable(answer.json())


def test_an_absolute_target_counts_as_the_host_and_arrives_as_a_path(call: Caller) -> None:
    answer = call.call("GET", "http://gateway.test/v1/models?x=1")
    assert answer.json()["line"] == "GET /v1/models?x=1 HTTP/1.1"
    for target in ("http://evil.test/v1/models", "http://user@gateway.test/v1/models", "https://evil.test"):
        assert call.call("GET", target).status == 421


def test_an_ipv6_address_can_be_the_hostname(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    client = caller(make_gateway(hostname="fd00::1"))
    assert client.call(host="[fd00::1]:443").status == 200
    assert client.call(host="[fd00::2]").status == 421


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("GET /v1/models\xff HTTP/1.1", KEYED, 400),
        ("GET /\xe4 HTTP/1.1", KEYED, 400),
        ("GET /v1/models#x HTTP/1.1", KEYED, 400),
        ("GET /v1/models HTTP/3.7", KEYED, 400),
        ("GET /v1/models RTSP/1.0", KEYED, 400),
        ("GET /v1/models XTTP/1.1", KEYED, 400),
        ("OPTIONS * HTTP/1.1", KEYED, 400),
        ("GET /v1/models HTTP/1.1", KEYED + "x: a\0b\r\n", 400),
        ("GET /v1/models HTTP/1.1", KEYED + "x\0y: a\r\n", 400),
        ("GET /v1/models HTTP/1.1", KEYED + "x(y): a\r\n", 400),
        (
            "GET /v1/models HTTP/1.1",
            KEYED + WEBSOCKET,
            400,
        ),
        ("POST /v1/messages HTTP/1.1", KEYED + "trailer: x-api-key\r\ntransfer-encoding: chunked\r\n", 400),
        ("CONNECT gateway.test:443 HTTP/1.1", KEYED, 405),
        (f"GET /{'x' * 9000} HTTP/1.1", KEYED, 414),
        ("GET /v1/models HTTP/1.1", KEYED + f"x: {'y' * 17_000}\r\n", 431),
        ("GET /v1/models HTTP/1.1", KEYED + "".join(f"x-{n}: y\r\n" for n in range(120)), 431),
    ],
)
def test_a_request_that_is_wrong_gets_json(call: Caller, line: str, headers: str, status: int) -> None:
    answer = call.send(f"{line}\r\n{headers}\r\n".encode("latin-1"))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert readable(answer.json())
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "data",
    [
        *(b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET /v1/models HTTP/1.1\r\nno colon\r\n\r\n"),
        b"GET /v1/models HTTP/1.1\r\nhost: localhost@evil.test\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_no_html(call: Caller, data: bytes) -> None:
    with call.clients.connect(call.source, call.port, 15) as connection:
        assert b"<html" not in exchange(connection, data).body


def test_claude_code_finds_somebody_there_without_a_key(call: Caller) -> None:
    for target in ("/", "/api/hello"):
        answer = call.call("HEAD", target, key=None)
        assert (answer.status, answer.body) == (200, b"")
        assert call.call("GET", target, key=None).status == 401


def test_healthz_says_that_a_backend_is_up_and_nothing_else(call: Caller) -> None:
    answer = call.call(target="/healthz", key=None, host="any.name")
    assert (answer.status, answer.body) == (200, b"ok")
    assert call.call("POST", "/healthz", key=None).status == 401


def test_methods_paths_and_queries_reach_litellm_as_they_are(call: Caller) -> None:
    """Which of them exist, the front door in LiteLLM's container says."""
    for line in ("DELETE /v1/messages?a=%2e%2e", "GET /v1//models/../x", "PATCH /key/info;x?y", "GET /v1/models/%2F"):
        method, target = line.split(" ")
        assert call.call(method, target).json()["line"] == f"{line} HTTP/1.1"
