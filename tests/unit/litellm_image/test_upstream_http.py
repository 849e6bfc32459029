"""Anthropic over HTTP: what is sent, what comes back, and connections that end at the wrong moment."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from testbed.fakes.anthropic_api import FakeAnthropic
from tests.unit.litellm_image.raw_upstream import BODY, KEY, Script, ask, content, said, served

from claude_gateway.errors import Failure
from claude_gateway.upstream import anthropic_http
from claude_gateway.upstream.anthropic_http import AnthropicHttp
from claude_gateway.upstream.anthropic_http import _keeping_alive as keeping_alive
from claude_gateway.upstream.base import passed_headers
from claude_gateway.upstream.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


@pytest.fixture
def fake() -> Iterator[FakeAnthropic]:
    server = FakeAnthropic()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


async def with_upstream(url: str, test: Callable[[AnthropicHttp], Awaitable[Any]]) -> Any:
    upstream = AnthropicHttp(SecretStr(KEY), url, None, None)
    await upstream.start()
    try:
        return await asyncio.wait_for(test(upstream), 10)
    finally:
        await upstream.close()


def test_a_proxy_that_is_silently_gone_is_given_up_in_two_minutes_whether_it_was_sent_something_or_not() -> None:
    with keeping_alive((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))) as made:
        idle, between, tries, unanswered = (
            made.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        )
    assert idle + between * tries == unanswered / 1000 == 120


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_arrives_as_it_was_asked_with_the_operators_key(fake: FakeAnthropic, stream: bool) -> None:
    asked = ask("hällo", stream=stream)

    async def test(upstream: AnthropicHttp) -> bytes:
        return await content(await upstream.ask(asked))

    answer = await with_upstream(fake.url, test)
    record = fake.records[0]
    assert record.body == asked.body
    headers = {name.lower(): value for name, value in record.headers.items()}
    assert (headers["x-api-key"], headers["anthropic-beta"]) == (KEY, "context-1m-2025-08-07")
    assert answer.endswith(b'message_stop"}\n\n') if stream else json.loads(answer)["type"] == "message"


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("400", 400, ""),
        ("401", 503, "operator"),
        ("403", 503, "operator"),
        ("404", 404, "setting models"),
        ("413", 413, "too large"),
        ("429:17", 429, "rate limit"),
        ("500", 500, "status 500"),
        ("529", 529, "overloaded"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_anthropic_refuses_keeps_its_status_and_loses_its_words_about_the_account(
    fake: FakeAnthropic, script: str, status: int, words: str, stream: bool
) -> None:
    async def test(upstream: AnthropicHttp) -> None:
        await content(await upstream.ask(ask(f"FAKE:{script}", stream=stream)))

    with pytest.raises(Failure) as refused:
        await with_upstream(fake.url, test)
    failure = refused.value
    assert failure.status == status
    assert words in failure.message
    assert "account-of-the-operator" not in failure.message
    assert failure.headers.get("retry-after") == {"429:17": "17", "529": "5"}.get(script)
    assert (failure.headers.get("x-should-retry") == "false") is (script in ("401", "403"))


@pytest.mark.parametrize(
    "words",
    ["Your credit balance is too low to access the Anthropic API.", "Third-party apps now draw from your extra usage"],
)
def test_who_pays_is_the_operators_matter(words: str) -> None:
    body = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": words}}).encode()
    failure = refusal(400, {}, body)
    assert (failure.status, failure.headers["x-should-retry"]) == (503, "false")
    assert "operator" in failure.message
    assert words not in failure.message


def test_a_middleboxs_page_does_not_reach_the_client() -> None:
    assert "<html>" not in refusal(502, {}, b"<html>proxy of the operator</html>").message


def test_headers_of_the_upstream_pass_but_for_the_account() -> None:
    given = {
        "Request-Id": "r",
        "anthropic-organization-id": "o",
        "Anthropic-RateLimit-Requests-Remaining": "3",
        "server": "s",
    }
    assert passed_headers(given) == {"request-id": "r", "anthropic-ratelimit-requests-remaining": "3"}


GOOD = said(BODY)


async def test_a_request_that_meets_the_end_of_an_idle_connection_is_sent_once_more() -> None:
    script = Script([GOOD, None], [GOOD])

    async def test(upstream: AnthropicHttp) -> list[bytes]:
        return [await content(await upstream.ask(ask())) for _ in range(2)]

    assert await served(script, test) == [BODY, BODY]
    assert script.requests == 3


async def test_a_request_that_was_worked_on_for_long_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the connection then: an answer that is lost may be billed all the same."""
    monkeypatch.setattr(anthropic_http, "END_SECONDS", 0.0)
    script = Script([GOOD, None], [GOOD])

    async def test(upstream: AnthropicHttp) -> None:
        for _ in range(2):
            await content(await upstream.ask(ask()))

    with pytest.raises(Failure) as failed:
        await served(script, test)
    assert (failed.value.status, script.requests) == (502, 2)


@pytest.mark.parametrize("plans", [[[None]], [[GOOD, None], [None]]], ids=["fresh", "twice"])
async def test_a_connection_that_breaks_otherwise_is_not_tried_again(plans: list[list[bytes | None]]) -> None:
    script = Script(*plans)

    async def test(upstream: AnthropicHttp) -> None:
        for _ in plans:
            await content(await upstream.ask(ask()))

    with pytest.raises(Failure) as failed:
        await served(script, test)
    assert failed.value.status == 502
    assert script.requests == sum(map(len, plans))


async def test_an_upstream_that_cannot_be_reached_is_tried_later() -> None:
    async def test(upstream: AnthropicHttp) -> None:
        await upstream.ask(ask())

    with pytest.raises(Failure) as failed:
        await with_upstream("http://127.0.0.1:9", test)
    assert failed.value.status == 503
    assert "retry-after" in failed.value.headers


async def test_a_silent_upstream_ends_in_a_status_that_is_not_paid_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claude_gateway.upstream.anthropic_http.SILENCE_SECONDS", 0.1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2)
        writer.close()

    async def test(upstream: AnthropicHttp) -> None:
        await upstream.ask(ask())

    with pytest.raises(Failure) as failed:
        await served(silent, test)
    assert (failed.value.status, failed.value.headers) == (504, {"x-should-retry": "false"})


async def test_the_upstream_is_read_no_faster_than_the_client_reads() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        sent = 0
        try:
            while sent < 64 * 1024**2:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
                progress.append(sent)
        except ConnectionError:
            pass
        writer.close()

    progress: list[int] = []

    async def test(upstream: AnthropicHttp) -> None:
        answer = await upstream.ask(ask(stream=True))
        pieces: AsyncIterator[bytes] = answer.content
        await anext(pieces)
        before = -1
        while before != len(progress):  # until the kernel's buffers are full
            before = len(progress)
            await asyncio.sleep(0.3)
        assert progress[-1] < 32 * 1024**2
        await answer.close()

    await served(endless, test)
