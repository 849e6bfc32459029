"""The door before LiteLLM, with an application of the test's own behind it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from claude_gateway.asgi import FrontDoor
from claude_gateway.keys import Authenticator
from claude_gateway.secret import Secret
from claude_gateway.settings import MasterKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_gateway.asgi_types import App, Message, Receive, Scope, Send

KEY = b"sk-the-key"
AUTHORIZED = [(b"authorization", b"Bearer " + KEY)]


class Call:
    """One request through the door to `app`, and everything that came out."""

    def __init__(self, app: App, *, draining: bool = False, own_provider: bool = True) -> None:
        self.sent: list[Message] = []
        self.ready = 0
        self.leave = asyncio.Event()
        authenticator = Authenticator(MasterKey(Secret(KEY.decode()), "now"))
        self.door = FrontDoor(
            app, authenticator, "sk-internal", lambda: draining, own_provider=own_provider, on_ready=self._note_ready
        )

    def _note_ready(self) -> None:
        self.ready += 1

    async def run(
        self, path: str = "/v1/x", headers: Any = AUTHORIZED, kind: str = "http", body: bytes = b"{}"
    ) -> Call:
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.sent.append(message)

        await self.door({"type": kind, "path": path, "method": "POST", "headers": headers}, receive, send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def run(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 10))


def answering(*messages: Message, before: Callable[[], None] = lambda: None, seen: list[Scope] | None = None) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if seen is not None:
            seen.append(scope)
        await receive()
        before()
        for message in messages:
            await send(dict(message))

    return app


def start(status: int = 200, content_type: bytes = b"application/json") -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]}


def body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
