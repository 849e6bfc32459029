"""An error of Anthropic's in the middle of a stream is told as one before it: by its kind, without the operator's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.raw_upstream import Script, ask, said, served
from tests.unit.litellm_image.test_upstream_answers import WHOLE

from claude_gateway.api.anthropic_routes import answer_anthropic
from claude_gateway.api.call import Call
from claude_gateway.api.contract import Route
from claude_gateway.errors import Failure
from claude_gateway.upstream.error_events import raised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_gateway.upstream.anthropic_http import AnthropicHttp

BEGUN = WHOLE[: WHOLE.index(b"event: message_delta")]
SECRET = "organization 3f2a of the operator"


def error(kind: str) -> bytes:
    event = {"type": "error", "error": {"type": kind, "message": f"Refused for {SECRET}"}, "request_id": "req_1"}
    return b"event: error\ndata: " + json.dumps(event).encode() + b"\n\n"


async def read(*pieces: bytes) -> tuple[bytes, Failure | None]:
    """What comes of a stream in these pieces, and how it fails."""

    async def given() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    sent = b""
    try:
        async for piece in raised(given(), {}):
            sent += piece
    except Failure as failure:
        return sent, failure
    return sent, None


@pytest.mark.parametrize(("kind", "status"), [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 502)])
async def test_an_error_in_a_stream_has_a_status_and_the_gateways_words(kind: str, status: int) -> None:
    async def test(upstream: AnthropicHttp) -> Any:
        call = Call(Route.MESSAGES, "req_2", "master", dict(ask(stream=True).body))
        reply = await answer_anthropic(upstream, call)
        with pytest.raises(Failure) as failed:
            assert b"".join([piece async for piece in reply.content]) == BEGUN
        return failed.value

    failure = await served(Script([said(BEGUN + error(kind), kind=b"text/event-stream")]), test)
    assert failure.status == status
    assert SECRET not in failure.message


@pytest.mark.parametrize("size", [1, 2, 5, 13, 10_000])
@pytest.mark.parametrize("blank", [b" ", b""])
async def test_however_a_stream_is_cut_into_pieces_the_error_is_found_and_nothing_lost(size: int, blank: bytes) -> None:
    """The blank behind a field's name may be left out (https://html.spec.whatwg.org/#parsing-an-event-stream)."""
    whole = BEGUN + error("overloaded_error").replace(b": ", b":" + blank, 2)
    sent, failure = await read(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert sent == BEGUN
    assert failure is not None
    assert failure.status == 529
    assert await read(*(WHOLE[at : at + size] for at in range(0, len(WHOLE), size))) == (WHOLE, None)


@pytest.mark.parametrize(
    "pieces",
    [
        (b'data: {"text":"', b'event: error"}\n\n'),
        (b'data: {"text":"\\nevent: error"}\n\n',),
        (b"event: err", b"atum\n\n"),
        (b"a\neve",),
    ],
)
async def test_a_text_that_reads_like_an_error_is_none(pieces: tuple[bytes, ...]) -> None:
    assert await read(*pieces) == (b"".join(pieces), None)
