"""What a client's key opens: its models, from its addresses, until it expires, within its limits."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.litellm_image.door import ASKED, KEY, Door, pieces

from claude_gateway.api.call import Call, Reply
from claude_gateway.config.clients import Client, ClientKey, parse

HOUR = timedelta(hours=1)
ROUTES: dict[str, Any] = {
    "/v1/messages": ASKED,
    "/v1/messages/count_tokens": {"messages": ASKED["messages"]},
    "/v1/chat/completions": {"messages": ASKED["messages"]},
    "/v1/responses": {"input": "hi"},
    "/v1/completions": {"prompt": "hi"},
}


def digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def alice(key: bytes = b"sk-alice", *, lasts: timedelta | None = None, **given: Any) -> Client:
    expires = datetime.now(UTC) + lasts if lasts is not None else None
    return Client("alice", (ClientKey(digest(key), "initial", expires),), **given)


def sent(key: bytes = b"sk-alice", source: bytes = b"10.20.0.7") -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + key), (b"x-gateway-source", source)]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("model", "inside", "fresh", "generation"),
    list(product(["sonnet", "haiku", "claude-haiku-5-5", "gpt"], [True, False], [True, False], ["old", "new", "gone"])),
)
async def test_a_key_opens_what_its_client_may_use(
    route: str, model: str, inside: bool, fresh: bool, generation: str
) -> None:
    """The whole table: client, model, source, expiry, generation."""
    later, before = datetime.now(UTC) + HOUR, datetime.now(UTC) - HOUR
    keys = (
        ClientKey(digest(b"sk-new"), "new", later if fresh else before),
        ClientKey(digest(b"sk-old"), "old", later if fresh else before),
    )
    client = replace(parse('{"alice": {"keys": [], "models": ["haiku"], "cidrs": ["10.20.0.0/16"]}}')[0], keys=keys)
    headers = sent(b"sk-" + generation.encode(), b"10.20.0.7" if inside else b"10.21.0.7")
    door = await Door(clients=[client]).ask(route, {**ROUTES[route], "model": model}, headers)
    if generation == "gone" or not fresh:
        expected = 401
    elif not inside:
        expected = 403
    else:
        expected = {"sonnet": 403, "gpt": 404}.get(model, 200)
    assert door.status == expected
    assert [call.client for call in door.calls] == (["alice"] if expected == 200 else [])
    assert (door.headers.get(b"x-key-generation") == generation.encode()) == (expected in (200, 403, 404))


@pytest.mark.parametrize(
    ("route", "code", "kind"),
    [("/v1/chat/completions", "model_not_allowed", "permission_error"), ("/v1/messages", None, "permission_error")],
)
async def test_a_model_that_is_not_the_clients_is_a_permission_error_that_names_its_own(
    route: str, code: str | None, kind: str
) -> None:
    door = await Door(clients=[alice(models=("haiku",))]).ask(route, {**ROUTES[route], "model": "sonnet"}, sent())
    assert (door.status, door.error["type"], door.error.get("code")) == (403, kind, code)
    assert "it may use: haiku, claude-haiku-5-5" in door.error["message"]


async def test_a_client_sees_its_own_models_alone() -> None:
    door = Door(clients=[alice(models=("haiku",))])
    listed = json.loads((await door.ask("/v1/models", b"", sent(), "GET")).body)
    assert [model["id"] for model in listed["data"]] == ["haiku", "claude-haiku-5-5"]
    assert (await door.ask("/v1/models/sonnet", b"", sent(), "GET")).status == 403
    assert (await door.ask("/v1/models/haiku", b"", sent(), "GET")).status == 200


async def test_a_removed_clients_key_counts_as_a_wrong_one() -> None:
    door = Door(failures=2)
    assert [(await door.ask(headers=sent())).status for _ in range(3)] == [401, 401, 429]


async def test_the_master_key_may_be_the_operators_alone() -> None:
    door = Door(clients=[alice()], master_key_calls_models=False)
    for route, body in ROUTES.items():
        assert (await door.ask(route, {**body, "model": "sonnet"}, sent(KEY))).status == 403
        assert (await door.ask(route, {**body, "model": "sonnet"}, sent())).status == 200
    assert (await door.ask("/v1/models", b"", sent(KEY), "GET")).status == 200
    assert [call.client for call in door.calls] == ["alice"] * len(ROUTES)


LEFT = {
    "/v1/chat/completions": (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests"),
    "/v1/messages": (b"anthropic-ratelimit-requests-limit", b"anthropic-ratelimit-requests-remaining"),
}


@pytest.mark.parametrize("route", LEFT)
async def test_requests_a_minute_are_counted_down_and_then_refused_until_the_next(route: str) -> None:
    limit, remaining = LEFT[route]
    door = Door(clients=[alice(requests_per_minute=2), Client("bob", (ClientKey(digest(b"sk-bob"), "initial"),))])
    body = {**ROUTES[route], "model": "sonnet"}
    for left in (b"1", b"0"):
        await door.ask(route, body, sent())
        assert (door.status, door.headers[limit], door.headers[remaining]) == (200, b"2", left)
    await door.ask(route, body, sent())
    assert (door.status, door.headers[remaining]) == (429, b"0")
    assert 1 <= int(door.headers[b"retry-after"]) <= 61
    assert "2 requests a minute" in door.error["message"]
    await door.ask(route, body, sent(b"sk-bob"))
    assert (door.status, limit in door.headers) == (200, False)


async def test_tokens_are_counted_when_they_are_known_and_refuse_the_next_request() -> None:
    async def costly(call: Call) -> Reply:
        call.usage.input, call.usage.output, call.usage.cache_read = 60, 40, 1000
        return Reply(pieces(b"{}"))

    door = Door(costly, clients=[alice(tokens_per_minute=150)])
    left = b"anthropic-ratelimit-tokens-remaining"
    assert [(await door.ask(headers=sent())).headers[left] for _ in range(2)] == [b"150", b"50"]
    await door.ask(headers=sent())
    assert door.status == 429
    assert "150 tokens a minute" in door.error["message"]


async def test_a_clients_own_limits_are_told_rather_than_the_accounts_behind_it() -> None:
    async def answer(_call: Call) -> Reply:
        return Reply(pieces(b"{}"), {"anthropic-ratelimit-requests-limit": "4000", "retry-after": "1"})

    door = Door(answer, clients=[alice(requests_per_minute=7)])
    assert (await door.ask(headers=sent())).headers[b"anthropic-ratelimit-requests-limit"] == b"7"
    assert (await door.ask()).headers[b"anthropic-ratelimit-requests-limit"] == b"4000"


async def test_more_requests_at_a_time_than_allowed_are_refused_and_a_place_is_free_again() -> None:
    go = asyncio.Event()

    async def slow(_call: Call) -> Reply:
        await go.wait()
        return Reply(pieces(b"{}"))

    doors = [Door(slow, clients=[alice(max_parallel=1)]) for _ in range(2)]
    doors[1].door = doors[0].door  # two requests at one door
    first = asyncio.ensure_future(doors[0].ask(headers=sent()))
    while not doors[0].calls:
        await asyncio.sleep(0)
    await doors[1].ask(headers=sent())
    assert (doors[1].status, doors[1].headers[b"retry-after"]) == (429, b"1")
    go.set()
    await first
    assert (await doors[1].ask(headers=sent())).status == 200


@pytest.mark.parametrize(
    "text", ["[]", "nonsense", '{"a": {}}', '{"a": {"keys": [["00", "g", null]]}}', '{"a": {"keys": [["zz"]]}}']
)
def test_clients_that_the_program_did_not_write_are_refused_without_a_quote(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not what the program writes: [A-Za-z]+$"):
        parse(text)


@given(st.text(max_size=50))
def test_a_source_that_is_no_address_is_in_no_network(source: str) -> None:
    (client,) = parse('{"a": {"keys": [], "cidrs": ["0.0.0.0/0"]}}')
    try:
        IPv4Address(source)
    except ValueError:
        assert not client.admits(source)
    else:
        assert client.admits(source)


def test_a_client_shows_no_digest() -> None:
    client = alice()
    assert digest(b"sk-alice").hex() not in repr(client)
    assert repr(digest(b"sk-alice")) not in repr(client) + repr(client.keys)
