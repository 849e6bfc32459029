"""Random requests: whatever reaches LiteLLM is well-formed HTTP with something like a key, and the gateway stays up."""

# ruff: noqa: E501 (a request reads best on one line)

import contextlib
import json
import random
import re
import select
import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from testbed import gateway as bed
from tests.gateway.clients import read_answer
from tests.gateway.conftest import Caller, GatewayFactory

ANSWER_SECONDS = 0.05
REQUESTS = 10_000
SERVED = re.compile(r"[A-Za-z]+ /[!-~]* HTTP/1\.[01]|[A-Z]+ \* HTTP/1\.[01]")
PIECES = [
    *(
        "/",
        "//",
        "/v1",
        "/models",
        "/messages",
        "/chat/completions",
        "/key/generate",
        "/health",
        "..",
        ".",
        "%2e",
        "%2f",
        "%5c",
    ),
    *(
        "%00",
        "%0d%0a",
        ";",
        "?",
        "#",
        "\\",
        "%25",
        "%",
        "*",
        "http://litellm:4000",
        "@",
        " ",
        "\t",
        "\x00",
        "\x7f",
        "\xff",
        "a",
    ),
]
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PRI", "G\x00T", ""]
HEADERS = [
    *(
        "content-length: 0",
        "content-length: 5",
        "content-length: -1",
        "transfer-encoding: chunked",
        "transfer-encoding: x",
    ),
    *(
        "connection: close",
        "connection: upgrade",
        "upgrade: websocket",
        "expect: 100-continue",
        "host: b",
        "x-api-key: sk-good",
    ),
    *(
        "authorization: Bearer sk-good",
        "authorization: Bearer x",
        "x:y",
        " folded",
        "\x00: x",
        "x-forwarded-for: 1.1.1.1",
        ":",
    ),
    *(
        "cookie: token=x",
        "te: trailers",
        "trailer: x",
        "range: bytes=0-1",
        "content_length: 9",
        "accept-encoding: gzip",
    ),
]


def random_request(source: random.Random) -> bytes:
    start = source.choice(["", "", "/v1/models", "/v1/models/", "/v1/messages", "/responses?", "/v1/%6dodels"])
    target = start + "".join(source.choices(PIECES, k=source.randint(0 if start else 1, 6)))
    line = f"{source.choice(METHODS[:3] if source.random() < 0.6 else METHODS)} {target} HTTP/{source.choice(['1.1'] * 8 + ['1.0', '2.0'])}"
    headers = ["host: gateway.test", *source.choices(HEADERS, k=source.randint(0, 5))]
    if source.random() < 0.7:
        headers.append("authorization: Bearer sk-good")
    ending = source.choice(["\r\n"] * 9 + ["\n"])
    data = (ending.join([line, *headers]) + ending * 2).encode("latin-1") + source.choice(
        [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n"]
    )
    if source.random() < 0.1:
        at = source.randrange(len(data))
        data = data[:at] + source.randbytes(2) + data[at + 1 :]
    return data


def connect(client: Caller) -> socket.socket:
    """A connection; what broke off counts for its source for a second longer, so that there can be too many."""
    while True:
        try:
            return client.clients.connect(client.source, client.port)
        except ConnectionResetError:
            time.sleep(0.5)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_whatever_reaches_litellm_of_random_requests_is_well_formed(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    gateway = make_gateway(max_connections_per_source="1000")
    client = caller(gateway)
    source = random.Random(20261124)
    statuses: dict[int, int] = {}
    for _ in range(REQUESTS):
        status = 0
        connection = connect(client)
        with connection, contextlib.suppress(ConnectionError):
            connection.sendall(data := random_request(source))
            # A request that has an end is answered. Of any other the end is announced, or the gateway would wait for it.
            if not select.select([connection], [], [], ANSWER_SECONDS)[0]:
                connection.shutdown(socket.SHUT_WR)
            status = read_answer(connection, bodiless=data.startswith(b"HEAD ")).status
        statuses[status] = statuses.get(status, 0) + 1
    out = subprocess.run(["docker", "logs", litellm], capture_output=True, text=True, check=True).stdout
    reports = [json.loads(line) for line in out.splitlines()]
    lines = {report["line"] for report in reports}
    assert len(lines) > 50
    assert [line for line in lines if not SERVED.fullmatch(line)] == []
    for report in reports:
        names = [name for name, _ in report["headers"]]
        assert names.count("x-gateway-source") == names.count("x-request-id") == names.count("host") == 1, report
        assert "sk-" in str(report["headers"])
    assert statuses.get(200, 0) > 100
    assert statuses.get(500, 0) == 0
    assert bed.healthy(gateway.name, "gateway-healthcheck")
    assert client.call().status == 200
    assert len(gateway.log()) >= REQUESTS / 2
