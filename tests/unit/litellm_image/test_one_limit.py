"""Silence of the upstream has one limit and one end, whatever the credential."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_gateway.cli import UpstreamError, process
from claude_gateway.cli.environment import ENVIRONMENT, bundled_cli
from claude_gateway.cli.errors import ACCOUNT_REFUSED, LOGIN_EXPIRED
from claude_gateway.config.time_limits import SILENCE_SECONDS
from claude_gateway.errors import Failure
from claude_gateway.refusal_words import ACCOUNT, BROKE_OFF, SILENT
from claude_gateway.upstream import anthropic_http
from claude_gateway.upstream.base import Ask, Endpoint
from claude_gateway.upstream.claude_cli import ClaudeCli

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def test_a_login_waits_as_long_as_an_api_key() -> None:
    assert vars(process)["SILENCE_SECONDS"] == vars(anthropic_http)["SILENCE_SECONDS"] == SILENCE_SECONDS


class Failing:
    """A pool of which every request fails."""

    def __init__(self, error: UpstreamError) -> None:
        self._error = error

    async def events(self, _body: Any, **_more: Any) -> AsyncIterator[Any]:
        raise self._error
        yield


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "again"),
    [
        (UpstreamError(504, SILENT), False),
        (UpstreamError(503, LOGIN_EXPIRED), False),
        (UpstreamError(503, ACCOUNT_REFUSED), False),
        (UpstreamError(503, ACCOUNT), False),
        (UpstreamError(429, "limit", 7), True),
        (UpstreamError(502, BROKE_OFF), True),
    ],
)
async def test_sdks_do_not_ask_again_what_would_only_cost_twice(
    error: UpstreamError, again: bool, stream: bool
) -> None:
    cli = ClaudeCli(cast("Any", Failing(error)), with_token=False)
    with pytest.raises(Failure) as failed:
        async for _ in (await cli.ask(Ask(Endpoint.MESSAGES, {"stream": stream}, (), "somebody"))).content:
            pass
    assert failed.value.status == error.status
    assert (failed.value.headers.get("x-should-retry") == "false") is not again


LIMITS = (
    *("API_TIMEOUT_MS", "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS", "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS"),
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS",
)


@pytest.mark.parametrize("name", LIMITS)
def test_no_limit_of_the_clis_own_is_shorter(name: str) -> None:
    """Those of CLI 2.1.332 are 180 s without a byte and 300 s without an event, where it is told nothing."""
    assert float(ENVIRONMENT[name]) > SILENCE_SECONDS * 1000
    with bundled_cli().open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as program:
        assert program.find(b"." + name.encode()) > 0, "it reads this variable"
