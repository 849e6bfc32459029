"""Containers with other settings: an API key, dropped parameters, draining, refusals."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import Any

import httpx
import pytest

from testbed.container import Bed, Gateway, container, docker, wait_for
from tests.conformance.ask import ANSWER

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


def chat(gateway: Gateway, prompt: str = "hi", *, key: str | None = None, **options: Any) -> httpx.Response:
    body = {"model": "sonnet", "messages": [{"role": "user", "content": prompt}], **options}
    headers = {"Authorization": f"Bearer {key or gateway.key}"}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


def test_an_api_key_uses_the_native_provider_and_no_cli(bed: Bed) -> None:
    with container(bed, CLAUDE_AUTH="api-key", ANTHROPIC_API_KEY="sk-ant-secret-of-the-test") as gateway:
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


@pytest.fixture
def gateway(small: Gateway) -> Gateway:
    small.forget()
    return small


def asked(gateway: Gateway, times: int) -> None:
    """Wait until Claude was asked so often."""
    assert wait_for(lambda: len(gateway.records()) >= times, 60), "Claude is not asked"


def test_parameters_are_dropped_only_when_told_so(gateway: Gateway) -> None:
    answer = chat(gateway, frequency_penalty=0.5, no_such_field=1, api_base="https://evil.example")
    assert answer.status_code == 200, answer.text
    (record,) = gateway.records()
    assert not {"frequency_penalty", "no_such_field", "api_base"} & set(record["body"])


def test_a_full_house_is_a_429_with_retry_after(gateway: Gateway) -> None:
    busy = [threading.Thread(target=chat, args=(gateway, "FAKE:hang:30")) for _ in range(2)]
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


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "LITELLM_MASTER_KEY is missing"),
        ({"LITELLM_MASTER_KEY": "no-prefix"}, "sk-"),
        ({"LITELLM_MASTER_KEY": "sk-x", "ANTHROPIC_API_KEY": "k"}, "never share"),
    ],
)
def test_it_refuses_to_start_with_one_clear_line(environment: dict[str, str], words: str, bed: Bed) -> None:
    options = [f"--env={name}={value}" for name, value in environment.items()]
    models = f"--env=GATEWAY_MODELS={json.dumps({'sonnet': 'claude-sonnet-5-5'})}"
    done = subprocess.run(
        ["docker", "run", "--rm", "--network=none", models, *options, bed.image],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith("ERROR: ")
    assert words in line
