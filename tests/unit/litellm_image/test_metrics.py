"""What Prometheus may read, and who may read it."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from tests.unit.litellm_image.door import ASKED, KEY, Door, pieces
from tests.unit.litellm_image.test_clients import alice, sent

from claude_gateway.api.call import Call, Reply
from claude_gateway.api.keys import operator
from claude_gateway.api.metrics import GAUGES, Metrics
from claude_gateway.config.clients import scraper
from claude_gateway.config.settings import MasterKey
from claude_gateway.start.login import login_end

MONITORING = Path(__file__).parents[3] / "monitoring"
SCRAPER = scraper(hashlib.sha256(b"sk-scraper").hexdigest())
AT_ITS_DOOR = [*sent(b"sk-scraper"), (b"x-gateway-door", b"metrics")]
SCRAPE: dict[str, Any] = {"path": "/metrics", "body": b"", "headers": AT_ITS_DOOR, "method": "GET"}


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """By name and label values, in the labels' order."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


async def costly(call: Call) -> Reply:
    call.usage.input, call.usage.output = 100, 20
    return Reply(pieces(b"{}"))


async def test_requests_tokens_and_price_are_counted_by_client_and_model() -> None:
    door = Door(costly, clients=[alice(requests_per_minute=2), SCRAPER])
    for _ in range(3):
        await door.ask(headers=sent())
    await door.ask("/v1/nowhere", headers=sent(KEY))
    await door.ask(**SCRAPE)
    assert door.status == 200
    assert door.headers[b"content-type"].startswith(b"text/plain; version=0.0.4")
    found = samples(door.body)
    total = "litellm_claude_requests_total"
    assert found[(total, "alice", "complete", "claude-sonnet-5-5", "/v1/messages", "200")] == 2
    assert found[(total, "alice", "refused", "", "/v1/messages", "429")] == 1
    assert found[(total, "master", "refused", "", "other", "404")] == 1
    assert found[("litellm_claude_tokens_total", "alice", "input", "claude-sonnet-5-5")] == 200
    assert found[("litellm_claude_tokens_total", "alice", "output", "claude-sonnet-5-5")] == 40
    assert found[("litellm_claude_list_price_usd_total", "alice", "claude-sonnet-5-5")] > 0
    assert found[("litellm_claude_request_seconds_count", "/v1/messages")] == 3


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/metrics", b"sk-wrong", 401),
        ("/metrics", KEY, 404),
        ("/metrics", b"sk-alice", 404),
        ("/v1/models", b"sk-scraper", 403),
        ("/v1/messages", b"sk-scraper", 403),
        ("/metrics", b"sk-scraper", 403),  # by the port of the API
    ],
)
async def test_the_metrics_key_reads_metrics_alone_and_no_other_key_does(path: str, key: bytes, status: int) -> None:
    door = Door(clients=[alice(), SCRAPER])
    assert (await door.ask(path, ASKED, sent(key), "GET" if path == "/metrics" else "POST")).status == status
    assert door.calls == []


async def test_a_flood_of_wrong_keys_is_counted_and_pushes_no_line_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        door = Door(clients=[SCRAPER], failures=3)
        for _ in range(50):
            await door.ask(headers=sent(b"sk-wrong"))
        await door.ask(headers=sent(KEY))
        await door.ask(**SCRAPE)
        total = "litellm_claude_requests_total"
        assert samples(door.body)[(total, "", "refused", "", "other", "429")] == 47

    with caplog.at_level(logging.INFO):
        await test()
    lines = [json.loads(record.message) for record in caplog.records if record.name == "usage"]
    assert [line["status"] for line in lines] == [401] * 3 + [200]


async def test_what_an_attacker_sends_becomes_no_label() -> None:
    door = Door(clients=[SCRAPER])
    for number in range(50):
        await door.ask(f'/v1/{number}\n"}}', {**ASKED, "model": f"m{number}"}, sent(KEY))
        await door.ask("/v1/messages", {**ASKED, "model": f'm{number}\\"\n'}, sent(f"sk-{number}".encode()))
    await door.ask(**SCRAPE)
    series = [name for name in samples(door.body) if name[0] == "litellm_claude_requests_total"]
    assert len(series) <= 4
    assert not [part for name in series for part in name if "\n" in part or part.startswith("m4")]


def test_the_end_of_a_key_and_the_pool_are_shown() -> None:
    client = alice(lasts=timedelta(days=3))
    found = samples(Metrics([client], dict.fromkeys(GAUGES, lambda: 7.0)).text())
    (ends,) = (key.expires for key in client.keys)
    assert ends is not None
    name = "litellm_claude_key_expires_timestamp_seconds"
    assert found[(name, "alice", "initial")] == ends.timestamp()
    assert [found[(f"litellm_claude_{gauge}",)] for gauge in GAUGES] == [7.0] * len(GAUGES)


async def test_each_limit_that_a_client_meets_is_counted() -> None:
    bob = replace(alice(b"sk-bob", tokens_per_minute=1), name="bob")
    eve = replace(alice(b"sk-eve", max_parallel=0), name="eve")
    door = Door(costly, clients=[alice(requests_per_minute=1), bob, eve, SCRAPER])
    for _ in range(3):
        for name in ("alice", "bob", "eve"):
            await door.ask(headers=sent(f"sk-{name}".encode()))
    await door.ask(**SCRAPE)
    found = {name[1:]: value for name, value in samples(door.body).items() if "limits_hit_total" in name[0]}
    assert found == {("alice", "requests"): 2, ("bob", "tokens"): 2, ("eve", "parallel"): 3}


def test_the_end_of_the_certificate_and_of_a_login_is_shown_where_it_is_known(tmp_path: Path) -> None:
    login = tmp_path / ".credentials.json"
    metrics = Metrics(login_end=lambda: login_end(login))
    name = "litellm_claude_expires_timestamp_seconds"

    def ends(certificate: float | None) -> dict[str, float]:
        validity = None if certificate is None else (1.0, certificate)
        return {one[1]: value for one, value in samples(metrics.text(validity)).items() if one[0] == name}

    assert ends(None) == {}
    assert ends(5.0) == {"certificate": 5.0}
    login.write_text(json.dumps({"claudeAiOauth": {"accessToken": "x", "expiresAt": 7_000_000, "refreshToken": None}}))
    assert ends(None) == {"login": 7000.0}
    login.write_text(json.dumps({"claudeAiOauth": {"accessToken": "x", "expiresAt": 7_000_000, "refreshToken": "y"}}))
    assert ends(None) == {}
    for text in ("", "[]", "{}", '{"claudeAiOauth": {"expiresAt": null}}', '{"claudeAiOauth": []}'):
        login.write_text(text)
        assert ends(6.0) == {"certificate": 6.0}


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (b"200913122640Z 300317174640Z", [1.6e9, 1.9e9]),
        *((header, []) for header in (b"300317174640Z", b"x 300317174640Z", b"200913122640Z 300230000000Z")),
        *((header, []) for header in (b" ", b"", b"0 0", b"-1 -1", b"200913122640Z 300317174640Z 1")),
    ],
)
async def test_the_gateway_says_from_when_until_when_its_certificate_is_valid(
    header: bytes, shown: list[float]
) -> None:
    door = Door(clients=[SCRAPER])
    await door.ask(**{**SCRAPE, "headers": [*AT_ITS_DOOR, (b"x-gateway-certificate", header)]})
    found = samples(door.body)
    names = ("litellm_claude_begins_timestamp_seconds", "litellm_claude_expires_timestamp_seconds")
    assert sorted(value for name, value in found.items() if name[0] in names) == shown


def test_the_previous_master_key_has_an_end_too() -> None:
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    keys = operator(MasterKey(SecretStr("sk-a"), "2026-11-26"), MasterKey(SecretStr("sk-b"), "initial", ends))
    found = samples(Metrics([keys]).text())
    name = "litellm_claude_key_expires_timestamp_seconds"
    assert {one: value for one, value in found.items() if one[0] == name} == {
        (name, "master", "initial"): ends.timestamp()
    }


@pytest.mark.parametrize("digest", ["", "zz", "00", json.dumps({})])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="is not the SHA-256 of a key"):
        scraper(digest)


def test_the_alerts_and_the_dashboard_name_what_is_counted() -> None:
    shown = (
        Metrics([alice(lasts=timedelta(days=1))], dict.fromkeys(GAUGES, lambda: 0.0), {"failed": 1})
        .text((0.0, 1.0))
        .decode()
    )
    known = set(re.findall(r"^# TYPE (\w+)", shown, re.MULTILINE))
    for file in ("alerts.yml", "dashboard.json"):
        named = set(re.findall(r"litellm_claude_\w+", (MONITORING / file).read_text(encoding="utf-8")))
        assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in named} <= known
        assert len(named) >= 3
