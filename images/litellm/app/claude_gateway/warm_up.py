"""A container that says it is ready is ready: LiteLLM's first request takes over a second, so it makes that itself.

Most of that second is modules imported at first use, the first HTTP client and its certificates. Without it the first
clients after a rotation would wait, and with them all others, for there is one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from claude_gateway.asgi_types import App, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
PATHS = ("/v1/chat/completions", "/v1/messages")
SECONDS = 20.0
NOBODY = "http://127.0.0.1:9"  # the discard port: a connection is refused at once
MESSAGES = [{"role": "user", "content": "warm-up"}]


class WarmStart:
    """LiteLLM's application, which answers requests of its own before it reports that it has started.

    They are answered by LiteLLM's mock: no provider is asked, and nothing is billed. `token` is one that may ask for
    the mock (`key_hook`). `prepare` is awaited besides, for what the mock leaves out.
    """

    def __init__(self, app: App, model: str, token: str, prepare: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._model = model
        self._token = token
        self._prepare = prepare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, self._after_warm_up(send) if scope["type"] == "lifespan" else send)

    def _after_warm_up(self, send: Send) -> Send:
        async def send_when_warm(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._warm_up()
            await send(message)

        return send_when_warm

    async def _warm_up(self) -> None:
        """Never fails: a cold container is slow at first, and no worse."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(SECONDS):
                statuses = [await self._ask(path, stream=stream) for path in PATHS for stream in (False, True)]
                with _silence():
                    await self._prepare()
        except Exception as error:
            log.warning("the warm-up did not finish (%s): the first requests will be slow", type(error).__name__)
            return
        gc.collect()
        gc.freeze()
        log.info("warmed up in %.1f s (statuses %s)", time.monotonic() - started, sorted(set(statuses)))

    async def _ask(self, path: str, *, stream: bool) -> int:
        content = {"model": self._model, "messages": MESSAGES, "max_tokens": 5, "mock_response": "warm"}
        body = json.dumps({**content, "stream": stream}).encode()
        statuses: list[int] = []
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        finished = asyncio.Event()

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await finished.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            elif not message.get("more_body"):
                finished.set()

        await self._app(self._scope(path, len(body)), receive, send)
        return statuses[0]

    def _scope(self, path: str, length: int) -> Scope:
        headers = {
            "host": "localhost",
            "content-type": "application/json",
            "content-length": str(length),
            "authorization": f"Bearer {self._token}",
        }
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
            "state": {},
        }


async def prepare_anthropic() -> None:
    """Take LiteLLM's way to Anthropic up to the connection, which nobody accepts; the client and its CAs stay."""
    import litellm

    with contextlib.suppress(Exception):
        await litellm.acompletion(
            model="anthropic/claude-sonnet-4-5",
            messages=MESSAGES,
            api_base=NOBODY,
            api_key="none",
            num_retries=0,
            max_retries=0,
        )


async def nothing_more() -> None:
    """With the Claude CLI there is nothing else: its processes are warmed by their pool."""


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """LiteLLM logs the refused connection, which was meant to be refused, as an error."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
