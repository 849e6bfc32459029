"""What a setting is for is told what it says: a rule that works and is never told is no rule."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.door import ASKED, Door

from claude_gateway.api.counts import OwnCounts
from claude_gateway.api.metrics import Metrics
from claude_gateway.cli import ProcessReuse
from claude_gateway.config.settings import Settings
from claude_gateway.start.server import application, upstream_of

if TYPE_CHECKING:
    from claude_gateway.cli import CliConfig

MASTER = [(b"x-api-key", b"sk-the-key")]
PREVIOUS = [(b"x-api-key", b"sk-the-previous")]
WRONG = [(b"x-api-key", b"sk-wrong")]
ALICE = [(b"x-api-key", b"sk-alice")]
SCRAPER = [(b"x-api-key", b"sk-scraper"), (b"x-gateway-door", b"metrics")]
ENV = {
    "LITELLM_MASTER_KEY": "sk-the-key",
    "GATEWAY_MODELS": '{"sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-5-5"}',
}


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def settings(**env: str) -> Settings:
    return Settings.from_environment({**ENV, **env})


def door(**env: str) -> Door:
    """The front door as the server makes it from these variables."""
    made, told = Door(), settings(**env)
    made.door = application(told, made._answering, lambda: False, Metrics(told.clients), OwnCounts())
    return made


async def status(of: Door, headers: Any = MASTER, **asked: Any) -> int:
    return int((await of.ask(headers=headers, **asked)).status)


async def test_the_keys_of_a_rotation_are_two() -> None:
    rotating = {"LITELLM_PREVIOUS_MASTER_KEY": "sk-the-previous"}
    assert [await status(door(**rotating), key) for key in (MASTER, PREVIOUS, WRONG)] == [200, 200, 401]
    assert [await status(door(), key) for key in (MASTER, PREVIOUS)] == [200, 401]
    over = {**rotating, "LITELLM_PREVIOUS_KEY_EXPIRES": "2026-01-01T00:00:00Z"}
    assert await status(door(**over), PREVIOUS) == 401


@pytest.mark.parametrize(("calls", "expected"), [("true", 200), ("false", 403)])
async def test_the_master_key_calls_models_when_it_may(calls: str, expected: int) -> None:
    assert await status(door(MASTER_KEY_CALLS_MODELS=calls)) == expected


async def test_a_source_may_be_wrong_as_often_as_it_is_said() -> None:
    one = door(FAILED_AUTH_PER_MINUTE="2")
    assert [await status(one, WRONG) for _ in range(3)] == [401, 401, 429]
    assert [await status(door(FAILED_AUTH_PER_MINUTE="3"), WRONG)] == [401]


async def test_a_request_may_be_as_large_as_it_is_said() -> None:
    large = {**ASKED, "messages": [{"role": "user", "content": "x" * 4000}]}
    assert await status(door(MAX_REQUEST_BYTES="2048"), body=large) == 413
    assert await status(door(MAX_REQUEST_BYTES="8192"), body=large) == 200


async def test_clients_and_who_reads_the_metrics_come_in_with_keys_of_their_own() -> None:
    alice = {"alice": {"keys": [(digest("sk-alice"), "initial", None)], "models": ["haiku"]}}
    one = door(GATEWAY_CLIENTS=json.dumps(alice), METRICS_KEY_SHA256=digest("sk-scraper"))
    assert await status(one, ALICE, body={**ASKED, "model": "haiku"}) == 200
    assert await status(one, ALICE) == 403, "sonnet is not hers"
    assert await status(one, SCRAPER, path="/metrics", method="GET") == 200
    assert [await status(door(), key) for key in (ALICE, SCRAPER)] == [401, 401]


@pytest.mark.parametrize(("drop", "expected"), [("true", 200), ("false", 400)])
async def test_what_is_not_known_is_dropped_when_told_so(drop: str, expected: int) -> None:
    assert await status(door(DROP_PARAMS=drop), body={**ASKED, "no_such_field": 1}) == expected


async def test_a_replica_says_which_one_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICA", "2")
    found = [await status(door(), [], path=f"/health/replica/{number}", method="GET") for number in (1, 2)]
    assert found == [404, 200]


@pytest.mark.parametrize("reuse", list(ProcessReuse))
def test_the_pool_is_told_who_shares_processes_and_how_many_there_may_be(
    monkeypatch: pytest.MonkeyPatch, reuse: ProcessReuse
) -> None:
    told: list[CliConfig] = []
    monkeypatch.setattr("claude_gateway.cli.ClaudePool", told.append)
    limits = {"CLAUDE_MAX_CONCURRENCY": "3", "CLAUDE_WARM_PROCESSES": "1", "CLAUDE_QUEUE_SECONDS": "7"}
    token = {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": "the-token", "ANTHROPIC_BASE_URL": "https://api.test"}
    environment = {
        "CLAUDE_CONFIG_DIR": "/login",
        "HTTPS_PROXY": "http://egress:3128",
        "LITELLM_MASTER_KEY": "sk-the-key",
    }
    upstream_of(settings(CLAUDE_PROCESS_REUSE=reuse, **limits, **token), environment)
    (config,) = told
    assert (config.reuse, config.limit, config.warm, config.queue_seconds) == (reuse, 3, 1, 7)
    assert (config.oauth_token, config.config_dir) == ("the-token", Path("/login"))
    assert config.environment == {"HTTPS_PROXY": "http://egress:3128", "ANTHROPIC_BASE_URL": "https://api.test"}


def test_an_api_key_goes_by_the_proxy_to_the_address_that_is_said() -> None:
    key = {"CLAUDE_AUTH": "api-key", "ANTHROPIC_API_KEY": "the-api-key", "ANTHROPIC_BASE_URL": "https://api.test"}
    made: Any = upstream_of(settings(**key), {"HTTPS_PROXY": "http://egress:3128"})
    assert (made._key.get_secret_value(), made._base, made._proxy) == (
        "the-api-key",
        "https://api.test",
        "http://egress:3128",
    )
