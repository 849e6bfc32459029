"""What comes from the upstream, or from something in its place, and is no answer."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from testbed.fakes.anthropic_script import Script as Scripted
from testbed.fakes.anthropic_script import events
from tests.unit.litellm_image.raw_upstream import BODY, Script, ask, content, said, served

from claude_gateway.errors import Failure
from claude_gateway.upstream.base import passed_headers
from claude_gateway.upstream.refusals import refusal

if TYPE_CHECKING:
    from claude_gateway.upstream.anthropic_http import AnthropicHttp


async def refused_with(answer: bytes, *, stream: bool) -> Failure:
    """The failure that the client gets when the upstream says `answer`."""

    async def test(upstream: AnthropicHttp) -> None:
        await content(await upstream.ask(ask(stream=stream)))

    with pytest.raises(Failure) as failed:
        await served(Script([answer]), test)
    return failed.value


OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (said(b"<html>middlebox</html>", kind=b"text/html"), 502),
        (said(b"<html>middlebox</html>"), 502),
        (said(b""), 502),
        (said(b"[1]"), 502),
        (said(b'{"blocked":"middlebox"}'), 502),
        (said(b'{"content":null}'), 502),
        (said(b'{"content":[', kind=b"application/json; charset=utf-8"), 502),
        (said(OVERLOADED), 529),
        (said(b"", b"location: http://middlebox/", status=b"302 Found"), 502),
        (said(b"", status=b"204 No Content"), 502),
        (said(b"\x1f\x8bmiddlebox", b"content-encoding: gzip", kind=b"text/html"), 502),
        (said(b"middlebox", b"content-encoding: br", kind=b"text/html"), 502),
        (b"middlebox\r\n\r\n", 502),
        (said(BODY).replace(b"content-length: 14", b"content-length: 99"), 502),
    ],
)
async def test_a_good_status_makes_no_good_answer(answer: bytes, status: int, stream: bool) -> None:
    if b"content-length: 99" in answer and stream:
        answer = answer.replace(b"application/json", b"text/html")
    failure = await refused_with(answer, stream=stream)
    assert failure.status == status
    assert "middlebox" not in failure.message


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nrequest-id: req_of_the_hint\r\n\r\n",
    ],
)
async def test_what_comes_before_an_answer_is_not_taken_for_it(interim: bytes) -> None:
    async def test(upstream: AnthropicHttp) -> None:
        answer = await upstream.ask(ask())
        assert "req_of_the_hint" not in str(answer.headers)
        assert await content(answer) == BODY

    await served(Script([interim + said(BODY)]), test)


async def test_an_upstream_that_wants_another_protocol_gives_no_answer() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: middlebox\r\nconnection: upgrade\r\n\r\n"
    failure = await refused_with(switching + said(BODY), stream=False)
    assert failure.status == 502
    assert "middlebox" not in failure.message


async def test_of_an_error_without_end_only_the_beginning_is_read() -> None:
    endless = said(b"x" * 10, status=b"500 Oops").replace(b"content-length: 10", b"content-length: 9999999999")
    assert (await refused_with(endless + b"x" * 1024 * 1024, stream=False)).status == 500


WHOLE = "".join(
    f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events(Scripted.for_request({}), {}, 5)
).encode()


@pytest.mark.parametrize("kept", [0, 20, len(WHOLE) // 2, len(WHOLE) - 60])
async def test_a_stream_that_ends_before_its_last_event_is_no_whole_answer(kept: int) -> None:
    """However well it ends: a proxy that loses its upstream may close its answer as if nothing were."""
    cut = said(WHOLE[:kept], kind=b"text/event-stream")
    assert (await refused_with(cut, stream=True)).status == 502


@pytest.mark.parametrize("ending", [b"\n\n", b": bye\n\n", b"\r\n\r\n", b""])
async def test_a_stream_with_its_last_event_is_whole(ending: bytes) -> None:
    whole = WHOLE.strip() + ending

    async def test(upstream: AnthropicHttp) -> None:
        assert await content(await upstream.ask(ask(stream=True))) == whole

    answer = said(whole, kind=b"text/event-stream")
    await served(Script([answer]), test)
    cut = answer.replace(b"content-length: %d" % len(whole), b"content-length: 99999")
    await served(Script([cut]), test)


@pytest.mark.parametrize("value", ["a\x01b", "a\x7f", "sch\xf6n", "a\rb", "\u2028"])
def test_a_header_that_no_answer_may_have_does_not_pass(value: str) -> None:
    """The server would drop the whole answer for it."""
    assert passed_headers({"anthropic-ratelimit-x": value, "request-id": "req_1"}) == {"request-id": "req_1"}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("0.2", 1),
        ("2.5", 3),
        ("-4", 1),
        ("soon", 30),
        ("nan", 30),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
    ],
)
def test_when_to_try_again_is_said_in_seconds(given: str, seconds: int) -> None:
    assert refusal(429, {"Retry-After": given}, b"").headers["retry-after"] == str(seconds)


def test_a_date_to_try_again_is_turned_into_seconds() -> None:
    headers = passed_headers({"Retry-After": formatdate(time.time() + 40, usegmt=True)})
    assert 1 < int(headers["retry-after"]) <= 41
