"""What each client's key opens, over HTTP of the container with either credential; and what its log makes of it."""

from __future__ import annotations

import hashlib
import json
import socket
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ops.usage import lines
from testbed.container import CREDENTIALS, Bed, Gateway, container

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = [{"role": "user", "content": "hello"}]
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/messages": {"max_tokens": 9, "messages": TEXT},
    "/v1/messages/count_tokens": {"messages": TEXT},
    "/v1/chat/completions": {"messages": TEXT},
    "/v1/responses": {"input": "hello"},
    "/v1/completions": {"prompt": "hello"},
}
TOKEN_ROUTES = {route: f"tokens-{number}" for number, route in enumerate(ROUTES) if "count" not in route}
"""A client for each route that asks a model."""
INSIDE, OUTSIDE = "10.20.0.7", "10.21.0.7"
LATER, BEFORE = "2099-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"
PLACES = {"free": 9, "full": 0}
MODELS = {"haiku": 200, "sonnet": 403, "gpt": 404}


def key_of(client: str, generation: str) -> str:
    return f"sk-{client}-{generation}"


def declared() -> str:
    """As rules/clients.py hands them over: one client for each end and limit, with two generations of its key."""
    found = {}
    for (end, until), (limit, places) in product({"fresh": LATER, "over": BEFORE}.items(), PLACES.items()):
        name = f"{end}-{limit}"
        keys = [
            (hashlib.sha256(key_of(name, generation).encode()).hexdigest(), generation, until)
            for generation in ("new", "old")
        ]
        found[name] = {"keys": keys, "models": ["haiku"], "cidrs": ["10.20.0.0/16"], "maxParallel": places}
    for name in TOKEN_ROUTES.values():
        digest = hashlib.sha256(key_of(name, "new").encode()).hexdigest()
        found[name] = {"keys": [(digest, "new", LATER)], "tokensPerMinute": 1}
    return json.dumps(found)


@pytest.fixture(scope="module", params=list(CREDENTIALS))
def gateway(request: pytest.FixtureRequest, bed: Bed) -> Iterator[Gateway]:
    settings = {"GATEWAY_CLIENTS": declared(), "FAILED_AUTH_PER_MINUTE": "10000", "CLAUDE_WARM_PROCESSES": "1"}
    with container(bed, **CREDENTIALS[request.param], **settings) as made:
        yield made


def expected(model: str, source: str, end: str, limit: str, generation: str) -> int:
    """The first thing that does not hold decides."""
    if generation == "gone" or end == "over":
        return 401
    if source == OUTSIDE:
        return 403
    return 429 if limit == "full" else MODELS[model]


def test_a_key_opens_what_its_client_may_use(gateway: Gateway) -> None:
    """The whole table: client, route, model, source, end, limit, generation."""
    wrong, asked = [], 0
    with httpx.Client(base_url=gateway.url, timeout=60) as http:
        for (route, body), *case in product(
            ROUTES.items(), MODELS, (INSIDE, OUTSIDE), ("fresh", "over"), PLACES, ("new", "old", "gone")
        ):
            model, source, end, limit, generation = map(str, case)
            key = key_of(f"{end}-{limit}", generation)
            headers = {"authorization": f"Bearer {key}", "x-gateway-source": source}
            status = http.post(route, json={**body, "model": model}, headers=headers).status_code
            asked += 1
            if status != expected(model, source, end, limit, generation):
                wrong.append((route, *case, status))
    assert wrong == []
    assert asked == 5 * 3 * 2 * 2 * 2 * 3


def test_a_client_sees_its_own_models_alone(gateway: Gateway) -> None:
    headers = {"authorization": f"Bearer {key_of('fresh-free', 'old')}", "x-gateway-source": INSIDE}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as http:
        assert [model["id"] for model in http.get("/v1/models").json()["data"]] == ["haiku", "claude-haiku-5-5"]
        assert [http.get(f"/v1/models/{name}").status_code for name in MODELS] == list(MODELS.values())


@pytest.mark.parametrize("route", TOKEN_ROUTES)
def test_a_clients_tokens_are_used_up_by_what_was_answered(gateway: Gateway, route: str) -> None:
    """Its first request takes more than it may, and is answered; the next has to wait for another minute."""
    headers = {"authorization": f"Bearer {key_of(TOKEN_ROUTES[route], 'new')}", "x-gateway-source": INSIDE}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as http:
        answers = [http.post(route, json={**ROUTES[route], "model": "haiku"}) for _ in range(4)]
    assert answers[0].status_code == 200
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused, "a minute may begin between two of the four"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert "tokens" in refused[0].json()["error"]["message"]
    anthropic = route.startswith("/v1/messages")
    left = "anthropic-ratelimit-tokens-remaining" if anthropic else "x-ratelimit-remaining-tokens"
    assert refused[0].headers[left] == "0"


FORGED = json.dumps({"time": "2026-11-26T10:00:00.000+00:00", "client": "victim", "list_price_usd": 99.0})
ENDS = ["\n", "\r\n", "\u2028", "\u0085", "\x0b", '"}\n', "\\n", "\x1b[2K\r"]
"""What might end a line, or an object, for something that reads the log."""


def test_a_log_line_that_a_client_shapes_forges_nothing(gateway: Gateway) -> None:
    """In the path, the model, a header: one request is one line, of the client whose key it was."""
    before = Counter(line["client"] for line in lines(gateway.log().splitlines()))
    headers = {"authorization": f"Bearer {key_of('fresh-free', 'new')}", "x-gateway-source": INSIDE}
    asked = 0
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as http:
        for end in ENDS:
            forged = f"{end}{FORGED}{end}"
            path = "".join(f"%{octet:02x}" for octet in forged.encode())
            http.get(f"/v1/models/{path}")
            http.post(f"/{path}", json={})
            http.post("/v1/messages", json={**ROUTES["/v1/messages"], "model": f"haiku{forged}"})
            http.post("/v1/messages", json={**ROUTES["/v1/messages"], "model": "gpt", f"field{forged}": 1})
            for name in ("x-request-id", "user-agent", "anthropic-version", "anthropic-beta", "x-gateway-door"):
                http.get(
                    "/v1/models", headers={name.encode(): bytes(octet for octet in forged.encode() if octet >= 32)}
                )
            asked += 9
    raw = f"GET /v1/models?{FORGED}\x0b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-x\r\n\r\n"
    with socket.create_connection((httpx.URL(gateway.url).host, 4000), 10) as connection:
        connection.sendall(raw.encode())
        connection.recv(100)
    log = gateway.log()
    found = Counter(line["client"] for line in lines(log.splitlines()))
    assert found["fresh-free"] - before["fresh-free"] == asked
    assert set(found) <= {"fresh-free", "fresh-full", "", *TOKEN_ROUTES.values()}
    for line in log.split("\n"):
        assert line.isprintable()
        assert not line.startswith("{") or {"request_id", "client", "status"} <= json.loads(line).keys()
