"""The access log: one JSON object a line, with no credential, no query, and no way to forge a line."""

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable

import pytest

from testbed import gateway as bed
from tests.gateway.certificates import Pair
from tests.gateway.clients import request_bytes, tls
from tests.gateway.conftest import Caller, GatewayFactory


def test_each_request_is_a_line_with_what_an_operator_needs(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    gateway = make_gateway()
    client = caller(gateway)
    client.call("POST", "/v1/messages?beta=true&key=sk-in-query", body=b"{}")
    client.call(host="evil.test")
    client.call(key="sk-wrong-one")
    bed.wait_until(lambda: len(gateway.log()) == 3, 5, "three lines")
    by_status = {line["status"]: line for line in gateway.log()}  # a line is written when its answer has been read
    served, refused, wrong = by_status[200], by_status[421], by_status[401]
    assert str(served["time"]).endswith("Z")
    assert served["source"] == client.source
    assert (served["method"], served["path"], served["status"]) == ("POST", "/v1/messages", 200)
    assert str(served["server"]).startswith("litellm")
    assert str(served["request_id"]).startswith("req_")
    assert (served["upstream_request_id"], served["key_generation"]) == ("req_upstream", "2026-11-24")
    assert served["end"] == "----"
    for name in (
        "bytes_in",
        "bytes_out",
        "ms_headers",
        "ms_queue",
        "ms_connect",
        "ms_first_byte",
        "ms_total",
        "retries",
    ):
        assert isinstance(served[name], int), name
    assert (refused["path"], refused["status"]) == ("/v1/models", 421)
    assert wrong["status"] == 401
    assert "sk-" not in bed.docker("logs", gateway.name)


def test_no_path_can_break_a_line_or_carry_a_key(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    gateway = make_gateway()
    client = caller(gateway)
    for target in (
        '/v1/"models',
        "/v1/mod\\els",
        '/"},{"source":"1.2.3.4',
        "/v1/models/sk-good",
        "/sk-good/sk-good",
        "/v1/models/sk%2Dgood%22",
        "/\xe4\xf6\xfc",
        "/" + "a" * 3000,
        "/%0a%0d{}",
        "/v1/models\x1b[31m",
        "/\xff\xfe",
        "/\xc2\x9b31m",  # in UTF-8, what a terminal obeys
    ):
        client.call(target=target)
    client.send(b"\x16\x03\x01 garbage\r\n\r\n")
    client.send(b'GET /v1/models HTTP/1.1\r\nhost: "\r\nx: \x00\r\n\r\n')
    bed.wait_until(lambda: len(gateway.log()) >= 14, 5, "fourteen lines")
    lines = gateway.log()  # each line parses
    assert len(lines) == 14
    assert all(str(line["time"]).startswith("20") for line in lines)
    assert {line["source"] for line in lines} == {client.source}
    assert all("!" <= sign <= "~" for line in lines for sign in str(line.get("path", "")))
    assert "good" not in bed.docker("logs", gateway.name).replace("sk%2Dgood", "")


@pytest.mark.parametrize("keyless", [False, True])
def test_a_flood_loses_its_connections_and_leaves_room_in_the_log(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller], *, keyless: bool
) -> None:
    gateway = make_gateway(max_connections_per_source="1")  # 1,200 requests in ten seconds
    client, other = caller(gateway), caller(gateway)
    flood = request_bytes(key=None) * 110 if keyless else request_bytes("HEAD", "/") * 1500
    flood += request_bytes(headers={"connection": "close"})
    began, received = time.monotonic(), b""
    for _ in range(5):
        with client.clients.connect(client.source, client.port) as kept, contextlib.suppress(ConnectionError):
            kept.sendall(flood)
            while part := kept.recv(65536):
                received += part
    seconds = time.monotonic() - began
    assert other.call().status == 200
    bed.wait_until(lambda: other.source in {line["source"] for line in gateway.log()}, 5, "the other's line")
    found = Counter(line["status"] for line in gateway.log() if line["source"] == client.source)
    allowed, refused = (0, 401) if keyless else (1200, 429)
    assert set(found) <= {200, refused}
    assert f"HTTP/1.1 {refused} ".encode() in received
    # HAProxy's rates decay by the moment, so that a slow machine is allowed, and told, some more; and it drops a line
    # rather than wait for a reader, so that there may be fewer.
    assert found[200] <= allowed * (1 + seconds / 10) + 1
    assert found[refused] <= 100 * (1 + seconds / 10) + 1


@pytest.mark.parametrize("port", ["redirect_port", "metrics_port"])
def test_a_flood_of_another_port_leaves_room_in_the_log_too(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller], certificate: Pair, port: str
) -> None:
    tls_on = {"tls": "on", "tls_certificate": certificate.certificate, "tls_private_key": certificate.key}
    digest = hashlib.sha256(b"sk-metrics").hexdigest()
    gateway = make_gateway(redirect="true", metrics_key_sha256=digest, **tls_on)
    client, other = caller(gateway), caller(gateway)

    def ask(source: str, to: int, data: bytes) -> bytes:
        """All that comes back until the connection ends."""
        with client.clients.connect(source, to) as plain:
            connection = plain if to == gateway.redirect_port else tls(plain, certificate.path, "gateway.test")
            received = b""
            with contextlib.suppress(OSError):
                connection.sendall(data)
                while part := connection.recv(65536):
                    received += part
            return received

    last = {"connection": "close"}
    flood = request_bytes(target="/metrics", key="sk-wrong", headers=last)
    if port == "redirect_port":
        flood = request_bytes() * 9 + flood
    began = time.monotonic()
    answers = sum(ask(client.source, getattr(gateway, port), flood).count(b"HTTP/1.1 ") for _ in range(150))
    seconds = time.monotonic() - began
    assert answers >= 100
    scraped = ask(client.source, gateway.metrics_port, request_bytes(target="/metrics/gateway", key="sk-metrics"))
    assert scraped.startswith(b"HTTP/1.1 200 ")
    assert ask(other.source, other.port, request_bytes(headers=last)).startswith(b"HTTP/1.1 200 ")
    bed.wait_until(lambda: other.source in {line["source"] for line in gateway.log()}, 5, "the other's line")
    told = sum(line["source"] == client.source for line in gateway.log())
    assert 0 < told <= 100 * (1 + seconds / 10) + 1
