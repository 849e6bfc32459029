"""The front door with an answerer of the test's own behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from claude_gateway.api.app import FrontDoor
from claude_gateway.api.body import Bodies
from claude_gateway.api.call import Call, Reply
from claude_gateway.api.contract import Models
from claude_gateway.api.failed_keys import FailedKeys
from claude_gateway.api.keys import Authenticator
from claude_gateway.api.metrics import Metrics
from claude_gateway.config.settings import MasterKey

if TYPE_CHECKING:
    from starlette.types import Message

    from claude_gateway.api.counts import Counts
    from claude_gateway.config.clients import Client

KEY = b"sk-the-key"
AUTHORIZED = [(b"authorization", b"Bearer " + KEY)]
MODELS = Models({"sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-5-5"})
ASKED = {"model": "sonnet", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}

Answerer = Callable[[Call], Awaitable[Reply]]


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def good(_call: Call) -> Reply:
    return Reply(pieces(b'{"id": 1}'), {"request-id": "req_upstream"})


class Door:
    """One request, and everything that came out."""

    def __init__(
        self,
        answer: Answerer = good,
        *,
        draining: bool = False,
        bodies: Bodies | None = None,
        failures: int = 10,
        clients: Sequence[Client] = (),
        master_key_calls_models: bool = True,
        counts: Counts | None = None,
        replica: str = "",
    ) -> None:
        self.sent: list[Message] = []
        self.calls: list[Call] = []
        self.leave = asyncio.Event()
        self._answer = answer
        self.door = FrontDoor(
            Authenticator(MasterKey(SecretStr(KEY.decode()), "now"), None, clients),
            FailedKeys(failures, shared=counts),
            bodies or Bodies(1024**2, 1024**2),
            MODELS,
            self._answering,
            lambda: draining,
            Metrics(clients),
            drop_params=False,
            master_key_calls_models=master_key_calls_models,
            counts=counts,
            replica=replica,
        )

    async def _answering(self, call: Call) -> Reply:
        self.calls.append(call)
        return await self._answer(call)

    async def ask(
        self,
        path: str = "/v1/messages",
        body: Any = ASKED,
        headers: Any = AUTHORIZED,
        method: str = "POST",
        kind: str = "http",
        raw_path: bytes | None = None,
    ) -> Door:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        pending: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
        self.sent = []

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.sent.append(message)

        scope = {"type": kind, "path": path, "method": method, "headers": headers, "client": ("10.0.0.1", 1)}
        scope["raw_path"] = path.encode() if raw_path is None else raw_path
        await self.door(scope, receive, send)
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

    @property
    def error(self) -> dict[str, Any]:
        error = json.loads(self.body)["error"]
        assert isinstance(error, dict)
        return error
