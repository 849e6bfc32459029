"""Who may come in: 401 for everything but the key, whatever the path, the method or the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import httpx
import httpx2
import openai
import pytest

from testbed.container import container, docker

if TYPE_CHECKING:
    from testbed.container import Bed, Gateway

PATHS = ["/v1/models", "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/nothing"]
WRONG = "sk-wrong-key-with-a-text-that-no-log-may-hold"
BAD_HEADERS: list[dict[str, str | bytes]] = [
    {},
    {"Authorization": f"Bearer {WRONG}"},
    {"Authorization": WRONG},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer ."},
    {"Authorization": "Basic c2stYTpi"},
    {"Authorization": "Bearer sk-one sk-two"},
    {"Authorization": b"Bearer \xff\xfe\x80"},
    {"Authorization": "Bearer nothing-like-a-key"},
    {"Authorization": "Bearer " + "sk-" * 3000},
    {"x-api-key": WRONG},
    {"x-api-key": b"\xc3\x28"},
    {"x-api-key": ""},
    {"api-key": "KEY"},
    {"x-goog-api-key": "KEY"},
    {"x-litellm-api-key": "KEY"},
]


@pytest.fixture
def gateway(small: Gateway) -> Gateway:
    """LiteLLM itself, without the gateway before it: it must not need one to keep strangers out."""
    small.forget()
    return small


def raw(gateway: Gateway) -> httpx.Client:
    return httpx.Client(base_url=gateway.url, verify=gateway.trust, timeout=30)


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=lambda headers: repr(headers)[:40])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/v1/messages"])
def test_a_missing_wrong_or_malformed_key_is_a_401(
    path: str, headers: dict[str, str | bytes], gateway: Gateway
) -> None:
    sent = {name: gateway.key if value == "KEY" else value for name, value in headers.items()}
    with raw(gateway) as http:
        method = "GET" if path == "/v1/models" else "POST"
        answer = http.request(method, path, headers=sent, content=b"{" if method == "POST" else None)  # type: ignore[arg-type]
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error["type"] == "authentication_error"
    assert WRONG not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_no_method_goes_round_the_key(method: str, gateway: Gateway) -> None:
    with raw(gateway) as http:
        assert http.request(method, "/v1/chat/completions").status_code in (401, 403, 405)
        assert http.request(method, "/v1/models").status_code in (401, 403, 405)


def test_both_headers_open_the_door(gateway: Gateway) -> None:
    with raw(gateway) as http:
        for headers in ({"Authorization": f"Bearer {gateway.key}"}, {"authorization": f"bearer {gateway.key}"}):
            assert http.get("/v1/models", headers=headers).status_code == 200
        assert http.get("/v1/models", headers={"x-api-key": gateway.key}).status_code == 200


def test_a_wrong_key_is_the_clients_own_exception(gateway: Gateway) -> None:
    transport = {"verify": gateway.trust}
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(
            base_url=f"{gateway.url}/v1",
            api_key=WRONG,
            max_retries=0,
            http_client=httpx2.Client(**transport),  # type: ignore[arg-type]
        ).models.list()
    with pytest.raises(anthropic.AuthenticationError):
        anthropic.Anthropic(
            base_url=gateway.url,
            api_key=WRONG,
            max_retries=0,
            http_client=httpx2.Client(**transport),  # type: ignore[arg-type]
        ).messages.create(model="sonnet", max_tokens=5, messages=[{"role": "user", "content": "x"}])


def test_the_log_shows_no_key_and_says_which_generation_was_used(gateway: Gateway) -> None:
    with raw(gateway) as http:
        statuses = [http.get("/v1/models", headers={"x-api-key": key}).status_code for key in (WRONG, gateway.key)]
    assert statuses == [401, 200], "both were sent"
    log = gateway.log()
    assert WRONG not in log
    assert gateway.key not in log
    assert "master key of generation" in log


def test_no_process_shows_the_secrets_to_others_of_its_user(bed: Bed) -> None:
    """The engine starts health checks and claude-login with all of the container's variables (proc(5), environ)."""
    secret = "sk-ant-of-the-operator"
    with container(bed, CLAUDE_AUTH="api-key", ANTHROPIC_API_KEY=secret) as made:
        for interpreter in ("/usr/bin/python3", "/opt/venv/bin/python"):
            docker("exec", "--detach", made.container, interpreter, "-IS", "-c", "import time; time.sleep(60)")
        look = "for one in /proc/[0-9]*; do echo $one; cat $one/environ 2>/dev/null; done; true"
        found = made.run("env", "-i", "/bin/sh", "-c", look)
        assert len(found.splitlines()) > 3, "the looker sees the processes, the health check's among them"
        assert made.key not in found
        assert secret not in found
