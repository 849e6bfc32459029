"""SIGTERM: say so, go on serving, then stop accepting, finish, end. And the log."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr

from claude_gateway.log_setup import RedactingFormatter
from claude_gateway.start.server import DrainingServer


async def closed() -> None:
    """Nothing behind the server."""


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Never called."""


@pytest.fixture
def server() -> DrainingServer:
    return DrainingServer(uvicorn.Config(nothing, timeout_graceful_shutdown=600, log_config=None), 0.2, closed)


async def tick(server: DrainingServer) -> bool:
    server.servers = []
    return await server.on_tick(1)


async def test_the_first_signal_gives_notice_before_it_stops_accepting(server: DrainingServer) -> None:
    assert (server.draining, await tick(server)) == (False, False)
    server.handle_exit(signal.SIGTERM, None)
    assert (server.draining, await tick(server)) == (True, False)
    await asyncio.sleep(0.25)
    assert await tick(server) is True
    assert not server.force_exit


async def test_a_second_signal_ends_at_once(server: DrainingServer) -> None:
    server.handle_exit(signal.SIGTERM, None)
    server.handle_exit(signal.SIGTERM, None)
    assert await tick(server) is True
    assert server.force_exit


@pytest.mark.parametrize("sign", list("\n\r\x1b\x00\x9b\u2028\u202e\u2066\ufeff\U000e0041"))
def test_nothing_that_a_client_sent_speaks_to_a_terminal_or_begins_a_line(sign: str) -> None:
    record = logging.LogRecord("n", logging.INFO, __file__, 1, "model %s here", (f"a{sign}b",), None)
    text = RedactingFormatter([]).format(record)
    assert text.isprintable()
    assert "b here" in text


def test_the_log_masks_every_secret_in_messages_and_tracebacks() -> None:
    formatter = RedactingFormatter([SecretStr("sk-very-secret"), SecretStr("token-very-secret")])
    try:
        raise ValueError("token-very-secret")  # noqa: TRY301 - the point
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, __file__, 1, "key %s", ("sk-very-secret",), sys.exc_info())
    text = formatter.format(record)
    assert "very-secret" not in text
    assert text.count("[redacted]") >= 2
