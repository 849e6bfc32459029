"""Only the model API passes, however it is spelled; everything else is 404, with a valid key too."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.gateway.conftest import Caller

WRITES = ["chat/completions", "completions", "embeddings", "messages", "messages/count_tokens", "responses"]
Received = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize("prefix", ["/v1/", "/"])
@pytest.mark.parametrize("path", WRITES)
def test_model_calls_pass(call: Caller, prefix: str, path: str) -> None:
    answer = call.call("POST", prefix + path, body=b'{"model":"sonnet"}')
    assert answer.status == 200
    assert answer.json()["line"] == f"POST {prefix}{path} HTTP/1.1"


@pytest.mark.parametrize("target", ["/v1/models", "/models", "/v1/models/sonnet", "/v1/models/claude-sonnet-4.5:x"])
def test_models_can_be_listed_and_looked_up(call: Caller, target: str) -> None:
    answer = call.call("GET", target)
    assert answer.status == 200
    assert answer.json()["line"] == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        *[("GET", f"/v1/{path}") for path in WRITES],
        *[(method, "/v1/models") for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "get")],
        *[(method, "/v1/messages") for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "post")],
    ],
)
def test_other_methods_are_not_found(call: Caller, received: Received, method: str, target: str) -> None:
    answer = call.call(method, target + "?marker=method")
    assert answer.status in (400, 404)
    assert not received("marker=method")


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/v1", "/v1/", "/docs", "/openapi.json", "/redoc", "/routes", "/ui", "/ui/", "/metrics", "/test"),
        *("/health", "/health/readiness", "/health/liveliness", "/health/services", "/healthz/", "/healthz/x"),
        *("/key/generate", "/key/info", "/user/new", "/team/new", "/model/new", "/model/info", "/v1/model/info"),
        *(
            "/config/update",
            "/global/spend",
            "/spend/logs",
            "/sso/key/generate",
            "/login",
            "/register",
            "/public/model_hub",
        ),
        *(
            "/v1/files",
            "/v1/batches",
            "/v1/images/generations",
            "/v1/audio/speech",
            "/v1/rerank",
            "/v1/fine_tuning/jobs",
        ),
        *("/anthropic/v1/messages", "/openai/deployments/x/chat/completions", "/engines/x/completions", "/vertex_ai/x"),
        *(
            "/mcp",
            "/mcp/",
            "/v1/mcp/server",
            "/v1/responses/abc",
            "/v1/messages/batches",
            "/v1/models/a/b",
            "/v1/v1/models",
        ),
        *(
            "/x/v1/models",
            "/V1/models",
            "/v1/MODELS",
            "/v1/Models",
            "/.well-known/jwks.json",
            "/robots.txt",
            "/favicon.ico",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_everything_else_is_not_found_even_with_a_valid_key(call: Caller, method: str, target: str) -> None:
    answer = call.call(method, target)
    assert answer.status == 404
    assert "only the model API" in answer.error
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("/v1/models/", "/v1/models"),
        ("/v1//models", "/v1/models"),
        ("//v1/models", "/v1/models"),
        ("///v1///models///", "/v1/models"),
        ("/v1/./models", "/v1/models"),
        ("/./v1/models/.", "/v1/models"),
        ("/v1/x/../models", "/v1/models"),
        ("/health/../v1/models", "/v1/models"),
        ("/key/generate/../../v1/models", "/v1/models"),
        ("/v1/%6dodels", "/v1/models"),
        ("/v1/%6Dodel%73/", "/v1/models"),
        ("/v1/%2e/models", "/v1/models"),
        ("/v1/x/%2E%2e/models", "/v1/models"),
        ("/../v1/models", "/v1/models"),
        ("/%2e%2e/v1/models", "/v1/models"),
    ],
)
def test_spellings_reach_litellm_as_the_one_that_was_matched(call: Caller, spelling: str, canonical: str) -> None:
    answer = call.call("GET", spelling)
    assert answer.status == 200
    assert answer.json()["line"] == f"GET {canonical} HTTP/1.1"


@pytest.mark.parametrize(
    "target",
    [
        "/v1/models/../../key/generate",
        "/v1/models/..%2f..%2fkey/generate",
        "/v1/models/..%2Fkey",
        "/v1%2fmodels",
        "/v1/models%2f..%2f..%2fhealth",
        "/v1/models/%252e%252e/health",
        "/v1/models/%25%32%65%25%32%65/health",
        "/v1/models;/../health",
        "/v1/models;x=y",
        "/v1/models/a;b",
        "/v1/models%3fx",
        "/v1/models%23x",
        "/v1/models%00",
        "/v1/models%00/../health",
        "/v1/models%0d%0aX-Y:%20z",
        "/v1/models%20",
        "/v1/models%09",
        "/v1\\models",
        "/v1/models\\..\\..\\health",
        "/v1/models/..%5c..%5chealth",
        "/v1/models/%c0%ae%c0%ae/health",
        "/v1/models/%e0%80%ae",
        "/v1/models/%u002e%u002e/health",
        "/v1/models/.../health",
        "/v1/models/..;/health",
        "/v1/models/.%2e/%2e./health",
        "/v1/models/%",
        "/v1/models/%zz",
        "/v1/models/%2",
        "/v1/models/-rf",
        "/v1/models/" + "a" * 129,
        "/v1/models/\xe4",
        "v1/models",
        "*",
        "http:/v1/models",
        "/v1/models/..",
        "/v1/models/../",
        "/v1/models/%2e%2e",
    ],
)
def test_path_tricks_reach_nothing(call: Caller, received: Received, target: str) -> None:
    answer = call.call("GET", target, headers={"x-marker": "path-trick"})
    assert answer.status in (400, 404)
    assert not received("path-trick")


def test_the_query_goes_on_and_a_fragment_does_not(call: Caller) -> None:
    assert (
        call.call("POST", "/v1/messages?beta=true", body=b"{}").json()["line"] == "POST /v1/messages?beta=true HTTP/1.1"
    )
    assert call.call("GET", "/v1/models#x").status in (200, 400)


def test_an_absolute_target_is_passed_on_as_a_path(call: Caller) -> None:
    answer = call.call("GET", "http://gateway.test/v1/models?x=1")
    assert answer.status == 200
    assert answer.json()["line"] == "GET /v1/models?x=1 HTTP/1.1"
    assert call.call("GET", "http://gateway.test/key/info").status == 404
    assert call.call("GET", "http://gateway.test").status == 404


def test_healthz_says_that_a_backend_is_up_and_nothing_else(call: Caller) -> None:
    answer = call.call(target="/healthz", key=None, host="any.name")
    assert (answer.status, answer.body) == (200, b"ok")
    assert call.call("POST", "/healthz", key=None).status == 404
