"""A client that goes away ends its CLI process at once; nothing is left behind."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from testbed.container import wait_for

if TYPE_CHECKING:
    from testbed.container import Gateway

REQUESTS: dict[str, tuple[str, dict[str, object]]] = {
    "openai": ("/v1/chat/completions", {"stream": False}),
    "openai-streamed": ("/v1/chat/completions", {"stream": True}),
    "anthropic": ("/v1/messages", {"stream": False, "max_tokens": 50}),
    "anthropic-streamed": ("/v1/messages", {"stream": True, "max_tokens": 50}),
}


def outcomes(gateway: Gateway) -> list[str]:
    return [record["outcome"] for record in gateway.records()]


@pytest.mark.parametrize("fault", ["hang:60", "slow:0.5"])
@pytest.mark.parametrize("kind", list(REQUESTS))
def test_a_client_that_leaves_ends_the_upstream_call(kind: str, fault: str, gateway: Gateway) -> None:
    path, options = REQUESTS[kind]
    body = {"model": "sonnet", "messages": [{"role": "user", "content": f"FAKE:{fault}"}], **options}
    connection = connect(gateway)
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    assert wait_for(lambda: outcomes(gateway) == ["open"], 30), "the model is not being asked"
    time.sleep(1)
    connection.close()
    assert wait_for(lambda: outcomes(gateway) == ["client-gone"], 5), "the CLI outlives its client"


def connect(gateway: Gateway) -> http.client.HTTPConnection:
    address, trust = urlsplit(gateway.url), gateway.trust
    if isinstance(trust, ssl.SSLContext):
        return http.client.HTTPSConnection(address.hostname or "", address.port, timeout=60, context=trust)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)


def test_no_process_is_left_behind(gateway: Gateway) -> None:
    """After a mixed load there are no more than may be, and no zombie."""
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "hi"}]}
    with gateway.http() as client:
        for _ in range(10):
            assert client.post("/v1/chat/completions", json=body).status_code == 200
    assert wait_for(lambda: gateway.cli_processes() <= 4, 15)  # claudeMaxConcurrency
    states = gateway.run("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null").splitlines()
    assert not [line for line in states if ") Z " in line]
