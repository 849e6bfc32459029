"""Containers with other settings: an API key, dropped parameters, rotation, draining, refusals."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.conformance.ask import ANSWER
from tests.conformance.harness import (
    TOKEN,
    Gateway,
    address,
    build_image,
    docker,
    network,
    start_fake,
    start_litellm,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGIN = {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": TOKEN, "CLAUDE_WARM_PROCESSES": "0"}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def bed() -> Iterator[tuple[str, str, str]]:
    """An image, a network, and the fake's address on it."""
    image = build_image()
    with network() as net:
        yield image, net, start_fake(image, net, f"{net}-fake")


@contextmanager
def started(bed: tuple[str, str, str], **environment: str) -> Iterator[Gateway]:
    image, net, fake_url = bed
    name, key = f"{net}-{secrets.token_hex(3)}", environment.get("LITELLM_MASTER_KEY", f"sk-{secrets.token_hex(32)}")
    try:
        gateway = Gateway("", key, fake_url, name)
        gateway.forget()
        start_litellm(image, net, name, {"LITELLM_MASTER_KEY": key, **environment})
        assert gateway.records() == [], "a start asks Claude nothing: answers are billed"
        yield replace(gateway, url=f"http://{address(name)}:4000")
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", name], capture_output=True, check=False)


def chat(gateway: Gateway, prompt: str = "hi", *, key: str | None = None, **options: Any) -> httpx.Response:
    body = {"model": "sonnet", "messages": [{"role": "user", "content": prompt}], **options}
    headers = {"Authorization": f"Bearer {key or gateway.key}"}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


def test_an_api_key_uses_the_native_provider_and_no_cli(bed: tuple[str, str, str]) -> None:
    with started(bed, CLAUDE_AUTH="api-key", ANTHROPIC_API_KEY="sk-ant-secret-of-the-test") as gateway:
        answer = chat(gateway, "FAKE:tool", tools=[TOOL])
        assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
        assert chat(gateway).json()["choices"][0]["message"]["content"] == ANSWER
        records = gateway.records()
        assert [record["headers"].get("x-api-key") for record in records] == ["sk-ant-secret-of-the-test"] * 2
        assert all("authorization" not in record["headers"] for record in records)
        refused = chat(gateway, "FAKE:401")
        assert refused.status_code == 503, "a refused upstream key is not the client's"
        assert chat(gateway, "FAKE:429").status_code == 429
        assert gateway.cli_processes() == 0
        assert "sk-ant-secret" not in gateway.log()


def test_the_previous_key_works_until_it_expires_without_a_restart(bed: tuple[str, str, str]) -> None:
    old = f"sk-{secrets.token_hex(32)}"
    for seconds in (30, 120):  # the first that is longer than this machine needs for a start
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        rotation = {
            "LITELLM_KEY_GENERATION": "2026-11-24",
            "LITELLM_PREVIOUS_MASTER_KEY": old,
            "LITELLM_PREVIOUS_KEY_GENERATION": "2026-08-01",
            "LITELLM_PREVIOUS_KEY_EXPIRES": expires.isoformat().replace("+00:00", "Z"),
        }
        with started(bed, **LOGIN, **rotation) as gateway:
            if datetime.now(UTC) + timedelta(seconds=3) < expires:
                the_previous_key_expires(gateway, old, expires)
                return
    pytest.fail("no container started within two minutes")


def the_previous_key_expires(gateway: Gateway, old: str, expires: datetime) -> None:
    assert chat(gateway).status_code == chat(gateway, key=old).status_code == 200
    time.sleep(max(0.0, (expires - datetime.now(UTC)).total_seconds()) + 0.1)
    refused = chat(gateway, key=old)
    assert refused.status_code == 401
    assert "rotated" in refused.json()["error"]["message"]
    assert chat(gateway).status_code == 200
    log = gateway.log()
    assert "generation 2026-08-01 in use" in log
    assert "generation 2026-11-24 in use" in log
    assert old not in log


@pytest.fixture(scope="module")
def small(bed: tuple[str, str, str]) -> Iterator[Gateway]:
    """A container for two requests at a time, and with dropped parameters; the test of its end is the last on it."""
    limits = {"CLAUDE_MAX_CONCURRENCY": "2", "CLAUDE_QUEUE_SECONDS": "0.5", "DROP_PARAMS": "true"}
    with started(bed, **LOGIN, **limits) as made:
        yield made


@pytest.fixture
def gateway(small: Gateway) -> Gateway:
    small.forget()
    return small


def asked(gateway: Gateway, times: int) -> None:
    """Wait until Claude was asked so often."""
    end = time.monotonic() + 15
    while len(gateway.records()) < times and time.monotonic() < end:
        time.sleep(0.05)


def test_parameters_are_dropped_only_when_told_so(gateway: Gateway) -> None:
    answer = chat(gateway, tools=[TOOL], seed=3, response_format={"type": "json_object"})
    assert answer.status_code == 200, answer.text
    (record,) = gateway.records()
    assert record["body"].get("tools", []) == []


def test_a_full_house_is_a_429_with_retry_after(gateway: Gateway) -> None:
    busy = [threading.Thread(target=chat, args=(gateway, "FAKE:hang:4")) for _ in range(2)]
    for thread in busy:
        thread.start()
    asked(gateway, 2)
    answer = chat(gateway)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    for thread in busy:
        thread.join()
    assert chat(gateway).status_code == 200


def test_sigterm_finishes_the_streams_and_then_ends(gateway: Gateway) -> None:
    got: list[str] = []

    def stream() -> None:
        body = {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "FAKE:slow:0.15"}]}
        with gateway.http() as http, http.stream("POST", "/v1/chat/completions", json=body) as answer:
            got.extend(line for line in answer.iter_lines() if line)

    reader = threading.Thread(target=stream)
    reader.start()
    asked(gateway, 1)
    time.sleep(1)
    docker("kill", "--signal", "TERM", gateway.container)
    time.sleep(0.5)
    readiness = httpx.get(f"{gateway.url}/health/readiness", timeout=5)
    assert readiness.status_code == 503
    assert chat(gateway).status_code == 200, "it serves during the notice"
    reader.join(30)
    assert got[-1] == "data: [DONE]"
    assert "word59" in "".join(got)
    assert docker("wait", gateway.container) == "0"


def test_the_development_key_is_warned_of(bed: tuple[str, str, str]) -> None:
    with started(bed, **LOGIN, LITELLM_MASTER_KEY="sk-development-only") as gateway:
        stdout = docker("logs", gateway.container)
        assert re.search(r"^WARNING: .*development key", stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "LITELLM_MASTER_KEY is missing"),
        ({"LITELLM_MASTER_KEY": "no-prefix"}, "sk-"),
        ({"LITELLM_MASTER_KEY": "sk-x", "ANTHROPIC_API_KEY": "k"}, "never share"),
    ],
)
def test_it_refuses_to_start_with_one_clear_line(
    environment: dict[str, str], words: str, bed: tuple[str, str, str]
) -> None:
    image = bed[0]
    options = [f"--env={name}={value}" for name, value in environment.items()]
    models = f"--env=GATEWAY_MODELS={json.dumps({'sonnet': 'claude-sonnet-4-5'})}"
    done = subprocess.run(
        ["docker", "run", "--rm", "--network=none", models, *options, image],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith("ERROR: ")
    assert words in line
