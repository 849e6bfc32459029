"""An upstream that says what a test wrote down, byte for byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from claude_gateway.upstream.anthropic_http import AnthropicHttp
from claude_gateway.upstream.base import Answer, Ask, Endpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MESSAGE = {"model": "claude-sonnet-5-5", "max_tokens": 5}
KEY = "sk-ant-of-the-operator"
BODY = b'{"content":[]}'


def ask(text: str = "hi", *, stream: bool = False) -> Ask:
    body = {**MESSAGE, "messages": [{"role": "user", "content": text}], "stream": stream}
    return Ask(Endpoint.MESSAGES, body, ("context-1m-2025-08-07",), "master")


async def content(answer: Answer) -> bytes:
    try:
        return b"".join([piece async for piece in answer.content])
    finally:
        await answer.close()


class Script:
    """A raw HTTP server: each connection answers its requests by the next of `plans`."""

    def __init__(self, *plans: list[bytes | None]) -> None:
        self.plans = list(plans)
        self.requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in self.plans.pop(0) if self.plans else []:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = int(
                next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            )
            await reader.readexactly(length)
            self.requests += 1
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()


async def served(
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    test: Callable[[AnthropicHttp], Awaitable[Any]],
) -> Any:
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    upstream = AnthropicHttp(SecretStr(KEY), f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", None, None)
    await upstream.start()
    try:
        return await asyncio.wait_for(test(upstream), 10)
    finally:
        await upstream.close()
        server.close()


def said(body: bytes, *headers: bytes, status: bytes = b"200 OK", kind: bytes = b"application/json") -> bytes:
    """An answer as it stands on the wire."""
    lines = [b"HTTP/1.1 " + status, b"content-type: " + kind, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])
