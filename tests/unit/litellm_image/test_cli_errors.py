"""What a client reads when the CLI reports an error: whose matter it is, and when to come back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from testbed.fakes import anthropic_script
from testbed.fakes.anthropic_script import ACCOUNT_TEXT, THIRD_PARTY
from tests.unit.litellm_image.claude_cli import ask_pool, cli_bed, message, pool_of

from claude_gateway.cli.errors import LOGIN_EXPIRED, UpstreamError, from_result
from claude_gateway.refusal_words import ACCOUNT, RETRY_SECONDS, UNREACHABLE

if TYPE_CHECKING:
    from pathlib import Path


def result(status: int | None, text: str = f"API Error: {ACCOUNT_TEXT}") -> dict[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": True, "api_error_status": status, "result": text}


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (401, 503),
        (403, 503),
        (404, 404),
        (413, 413),
        (429, 429),
        (500, 500),
        (503, 503),
        (529, 529),
        (418, 502),
        (None, 502),
    ],
)
def test_a_status_is_passed_on_without_a_word_about_the_account(status: int | None, seen: int) -> None:
    error = from_result(result(status), {})
    assert error.status == seen
    assert ACCOUNT_TEXT not in error.message


@pytest.mark.parametrize("words", ["Not logged in · Please run /login", "OAuth token revoked"])
def test_no_login_says_how_to_log_in(words: str) -> None:
    error = from_result(result(None, words), {})
    assert (error.status, error.message) == (503, LOGIN_EXPIRED)


@pytest.mark.parametrize("proxied", [False, True])
async def test_no_way_to_claude_is_told_as_with_an_api_key(tmp_path: Path, *, proxied: bool) -> None:
    """By the CLI itself: nothing listens, or the proxy opens no tunnel."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    environment = {"ANTHROPIC_BASE_URL": "https://127.0.0.1:9"}
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        if proxied:
            environment["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        with cli_bed(tmp_path, environment=environment) as bed:
            async with pool_of(bed) as pool:
                with pytest.raises(UpstreamError) as refused:
                    await ask_pool(pool, message())
    assert (refused.value.status, refused.value.message) == (503, UNREACHABLE)
    assert (refused.value.retry_after or 0) > 0


@pytest.mark.parametrize("form", ["API Error: 400 {}", "API Error: {}", "{}"])
def test_a_refused_request_gets_anthropics_own_sentence(form: str) -> None:
    sentence = "messages.0: all messages must have content"
    body = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": sentence}})
    for text in (sentence, body):
        error = from_result(result(400, form.replace("{}", text)), {})
        assert (error.status, error.message) == (400, sentence)


def test_extra_usage_is_the_operators_matter() -> None:
    error = from_result(result(400, f"API Error: 400 {THIRD_PARTY}"), {})
    assert (error.status, error.message) == (503, ACCOUNT)


def test_a_page_of_something_on_the_way_is_not_shown() -> None:
    error = from_result(result(400, "API Error: 400 <!DOCTYPE html><html>secret-proxy.internal</html>"), {})
    assert error.status == 400
    assert "secret-proxy" not in error.message


def test_a_limit_says_when_it_ends() -> None:
    assert from_result(result(429), {"resetsAt": 1040.2}, now=1000.0).retry_after == 41
    assert (
        from_result(result(429), {"resetsAt": 900}, now=1000.0).retry_after == from_result(result(429), {}).retry_after
    )
    assert (from_result(result(429), {}).retry_after or 0) > 1
    assert (from_result(result(529), {}).retry_after or 0) >= 1
    assert from_result(result(500), {}).retry_after is None


async def test_the_end_of_one_limit_is_not_told_of_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the CLI itself: the plan's limit, then one of Anthropic's servers, which says no end."""
    with cli_bed(tmp_path, limit=1) as bed:
        async with pool_of(bed) as pool:
            with pytest.raises(UpstreamError) as of_the_plan:
                await ask_pool(pool, message("FAKE:429:7000"))
            assert (of_the_plan.value.retry_after or 0) > 6000
            monkeypatch.setattr(anthropic_script, "error_headers", lambda *_: {})
            with pytest.raises(UpstreamError) as of_a_server:
                await ask_pool(pool, message("FAKE:429"))
            assert of_a_server.value.retry_after == RETRY_SECONDS[429]
            assert pool.counts["started"] == 1
