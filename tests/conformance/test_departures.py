"""A client that goes away ends its CLI process at once; nothing is left behind."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.harness import Gateway

REQUESTS: dict[str, tuple[str, dict[str, object]]] = {
    "openai": ("/v1/chat/completions", {"stream": False}),
    "openai-streamed": ("/v1/chat/completions", {"stream": True}),
    "anthropic": ("/v1/messages", {"stream": False, "max_tokens": 50}),
    "anthropic-streamed": ("/v1/messages", {"stream": True, "max_tokens": 50}),
}


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def outcomes(gateway: Gateway) -> list[str]:
    return [record["outcome"] for record in gateway.records()]


@pytest.mark.parametrize("fault", ["hang:60", "slow:0.5"])
@pytest.mark.parametrize("kind", list(REQUESTS))
def test_a_client_that_leaves_ends_the_upstream_call(kind: str, fault: str, gateway: Gateway) -> None:
    path, options = REQUESTS[kind]
    body: dict[str, object] = {"model": "sonnet", "messages": [{"role": "user", "content": f"FAKE:{fault}"}]}

    body.update(options)
    leaver = threading.Thread(target=lambda: _leave(gateway, path, body))
    leaver.start()
    assert wait_for(lambda: outcomes(gateway) == ["open"], 20), "the model is being asked"
    leaver.join()
    left = time.monotonic()
    assert wait_for(lambda: outcomes(gateway) == ["client-gone"], 3), "the CLI outlives its client"
    assert time.monotonic() - left < 3


def _leave(gateway: Gateway, path: str, body: dict[str, object]) -> None:
    """Send the request and close the connection 1.5 s after the upstream has got it."""
    with gateway.http() as http:
        request = http.build_request("POST", path, json=body, timeout=httpx.Timeout(30, read=2.5))
        try:
            answer = http.send(request, stream=True)
            end = time.monotonic() + 1.5
            for _ in answer.iter_raw():
                if time.monotonic() > end:
                    break
            answer.close()
        except httpx.TimeoutException:
            pass


def test_no_process_is_left_behind(gateway: Gateway) -> None:
    """After a mixed load only the warm processes remain, and no zombie."""
    before = gateway.cli_processes()
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "hi"}]}
    with gateway.http() as http:
        for _ in range(10):
            assert http.post("/v1/chat/completions", json=body).status_code == 200
    assert wait_for(lambda: gateway.cli_processes() <= max(before, 2), 15)
    states = gateway.run("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null").splitlines()
    assert not [line for line in states if ") Z " in line]
