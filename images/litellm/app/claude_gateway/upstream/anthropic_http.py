"""Anthropic's API over HTTPS, with the operator's API key."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from claude_gateway.config.time_limits import SILENCE_SECONDS
from claude_gateway.errors import NO_RETRY, Failure, retry_after
from claude_gateway.refusal_words import SILENT, UNREACHABLE, UNREACHABLE_RETRY_SECONDS
from claude_gateway.upstream.base import Answer, Ask, Endpoint, passed_headers
from claude_gateway.upstream.error_events import raised
from claude_gateway.upstream.refusals import no_answer, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from types import SimpleNamespace

    from pydantic import SecretStr

log = logging.getLogger(__name__)
T = TypeVar("T")

ANTHROPIC = "https://api.anthropic.com"
VERSION = "2023-06-01"
CONNECT_SECONDS = 10.0
# Shorter than what common servers keep (uvicorn and Node: 5 s), so that few requests meet an idle connection's end.
IDLE_SECONDS = 4.0
# So soon a request meets that end. One that had been worked on for longer may be billed already.
END_SECONDS = 5.0
# A connection that a NAT has forgotten, or whose proxy is gone with its node, is found out in about two minutes, also
# while something is on its way and keep-alive asks nothing (Linux tcp(7)).
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 120_000}
MEMBERS: dict[Endpoint, tuple[str, type]] = {
    Endpoint.MESSAGES: ("content", list),
    Endpoint.COUNT_TOKENS: ("input_tokens", int),
}
"""What tells a good answer from any other JSON."""
LAST_EVENT = re.compile(rb'"type": ?"(?:message_stop|error)"')
"""Of a stream that is whole, in its last bytes."""
TAIL_BYTES = 4096
KINDS = {True: "text/event-stream", False: "application/json"}
ERROR_BYTES = 64 * 1024
ERROR_SECONDS = 10.0
BROKEN = "The connection to Claude broke off."


class AnthropicHttp:
    """One pool of connections. `proxy` is the egress proxy's URL, if there is one."""

    def __init__(self, api_key: SecretStr, base_url: str | None, ca_bundle: str | None, proxy: str | None) -> None:
        self._base = (base_url or ANTHROPIC).rstrip("/")
        self._key = api_key
        self._ca_bundle = ca_bundle
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reuse)
        context = ssl.create_default_context(cafile=self._ca_bundle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=context, keepalive_timeout=IDLE_SECONDS, socket_factory=_keeping_alive
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS),
            trace_configs=[tracing],
            auto_decompress=True,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, ask: Ask) -> Answer:
        """Raises Failure. A request that met the end of an idle connection, unanswered, is sent once more."""
        response = await _translated(lambda: self._send(ask))
        if response.status != 200:
            raise refusal(response.status, response.headers, await _beginning(response))
        if response.headers.get("content-type") and response.content_type != KINDS[ask.streamed]:
            raise no_answer(response.headers, await _beginning(response))

        async def close() -> None:
            response.close()

        events = raised(_pieces(response), response.headers)
        content = events if ask.streamed else _whole(response, ask.endpoint)
        return Answer(content, passed_headers(response.headers), close)

    async def _send(self, ask: Ask) -> aiohttp.ClientResponse:
        content = ask.encoded()
        reused: dict[str, bool] = {}
        started = time.monotonic()
        try:
            return await self._post(ask, content, reused)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not reused or time.monotonic() - started > END_SECONDS:
                raise
            log.info("an idle connection to Claude had ended: sending the request once more")
            return await self._post(ask, content, {})

    async def _post(self, ask: Ask, content: bytes, reused: dict[str, bool]) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("not started")
        headers = {
            "x-api-key": self._key.get_secret_value(),
            "anthropic-version": ask.version or VERSION,
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "litellm-claude",
        }
        if ask.betas:
            headers["anthropic-beta"] = ",".join(ask.betas)
        return await self._session.post(
            self._base + ask.endpoint,
            data=content,
            headers=headers,
            proxy=self._proxy,
            allow_redirects=False,
            trace_request_ctx=reused,
        )


async def _translated(what: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await what()
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
        log.warning("no connection to Claude: %s: %s", type(error).__name__, error)
        raise Failure(503, UNREACHABLE, headers=retry_after(UNREACHABLE_RETRY_SECONDS)) from error
    except TimeoutError as error:  # aiohttp's own are among them
        raise Failure(504, SILENT, headers=NO_RETRY) from error
    except aiohttp.ClientError as error:
        log.warning("the connection to Claude: %s: %s", type(error).__name__, error)
        raise Failure(502, BROKEN) from error


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """What an error says, or a page in its place; the rest of it, and the connection, are given up."""

    async def read() -> bytes:
        content = bytearray()
        async for piece in response.content.iter_any():
            content += piece
            if len(content) > ERROR_BYTES:
                break
        return bytes(content)

    try:
        return await asyncio.wait_for(_translated(read), ERROR_SECONDS)
    except (TimeoutError, Failure):
        return b""  # the status says enough
    finally:
        response.close()


async def _whole(response: aiohttp.ClientResponse, endpoint: Endpoint) -> AsyncIterator[bytes]:
    content = await _translated(response.read)
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    name, kind = MEMBERS[endpoint]
    if not isinstance(found, dict) or not isinstance(found.get(name), kind):
        raise no_answer(response.headers, content)
    yield content


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The bytes as they come. A reader that pauses holds back the upstream: nothing is read ahead.

    A stream that somebody cuts may look like one that ends, and a whole one like one that is cut: its last event tells.
    Raises Failure.
    """
    tail, failure = b"", Failure(502, BROKEN)
    try:
        while piece := await _translated(response.content.readany):
            tail = (tail + piece)[-TAIL_BYTES:]
            yield piece
    except Failure as broken:
        failure = broken
    if not LAST_EVENT.search(tail):
        raise failure


async def _note_reuse(_session: aiohttp.ClientSession, context: SimpleNamespace, _: object) -> None:
    context.trace_request_ctx["reused"] = True


def _keeping_alive(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE.items():
        made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
