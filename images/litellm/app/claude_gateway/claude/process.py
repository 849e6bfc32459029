"""One Claude CLI process: it is started before a request needs it, answers exactly one, and is killed.

The wire sequence (claude-agent-sdk 0.2.188): `initialize` with the system prompt, `apply_flag_settings` with the model
and its settings, the history (user lines with `shouldQuery: false`, each acknowledged by a result; assistant lines),
then the last user message; stream events follow. The process is killed at the first message_delta that carries a stop
reason, before the CLI could start a second turn of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from claude_gateway.claude.turns import Block, ChatRequest

CONTROL_SECONDS = 30.0


class Transport(Protocol):
    """What a process needs from `transport.CliTransport`."""

    last_words: str

    @property
    def pid(self) -> int | None: ...
    @property
    def running(self) -> bool: ...
    async def start(self) -> None: ...
    async def send(self, line: Mapping[str, Any]) -> None: ...
    async def receive(self) -> dict[str, Any] | None: ...
    def kill(self) -> None: ...
    async def close(self) -> None: ...


class CliEndedError(Exception):
    """The CLI ended, or stopped answering, before the conversation was handed over: another process may try."""


class CliProcess:
    """A process and its one conversation."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.started_at = time.monotonic()
        self.released = False
        self._numbers = itertools.count(1)
        self._applied: tuple[str, Mapping[str, str]] | None = None

    async def start(self) -> None:
        await self.transport.start()

    async def warm_up(self, model: str) -> None:
        """Wait until the CLI has booted (0.3 s of one core), set for `model`. Raises CliEndedError when it does not.

        `initialize` would show that, too, but fixes the system prompt, which is the request's. A request for another
        model, or with parameters, changes the settings once more, which takes 7 ms.
        """
        await self._apply(model, {})

    async def hand_over(self, request: ChatRequest) -> None:
        """Tell the CLI the whole conversation. Raises CliEndedError when it dies on the way."""
        await self._control({"subtype": "initialize", "hooks": None, "systemPrompt": [request.system]})
        await self._apply(request.model, request.environment)
        for turn in request.history:
            if turn.role == "user":
                await self._send_user(turn.blocks, query=False)
                await self._acknowledged()  # otherwise the assistant's line would overtake it
            else:
                await self._send(_assistant_line(request.model, turn.blocks))
        await self._send_user(request.prompt, query=True)

    async def frames(self, first_seconds: float, idle_seconds: float) -> AsyncIterator[dict[str, Any]]:
        """Frames as they come. Raises TimeoutError when one takes longer than allowed; ends with the process."""
        seconds = first_seconds
        while True:
            async with asyncio.timeout(seconds):
                frame = await self.transport.receive()
            if frame is None:
                return
            if frame.get("type") == "stream_event":
                seconds = idle_seconds
            yield frame

    async def _apply(self, model: str, environment: Mapping[str, str]) -> None:
        if (model, environment) != self._applied:
            settings = {"model": model, "env": environment}
            await self._control({"subtype": "apply_flag_settings", "settings": settings})
            self._applied = model, environment

    async def _control(self, request: dict[str, Any]) -> None:
        number = f"request-{next(self._numbers)}"
        await self._send({"type": "control_request", "request_id": number, "request": request})
        async for frame in self._replies(request["subtype"]):
            response = frame.get("response", {})
            if frame.get("type") == "control_response" and response.get("request_id") == number:
                if response.get("subtype") != "success":
                    raise CliEndedError(f"the CLI refused {request['subtype']}: {response.get('error')}")
                return

    async def _acknowledged(self) -> None:
        async for frame in self._replies("the history"):
            if frame.get("type") == "result":
                return

    async def _replies(self, what: str) -> AsyncIterator[dict[str, Any]]:
        try:
            async with asyncio.timeout(CONTROL_SECONDS):
                while (frame := await self.transport.receive()) is not None:
                    yield frame
        except TimeoutError:
            raise CliEndedError(f"the CLI did not answer {what} within {CONTROL_SECONDS:g} s") from None
        except Exception as error:
            raise CliEndedError(f"the CLI failed during {what}: {type(error).__name__}") from error
        raise CliEndedError(f"the CLI ended during {what}: {self.transport.last_words or 'it said nothing'}")

    async def _send(self, line: Mapping[str, Any]) -> None:
        try:
            await self.transport.send(line)
        except Exception as error:
            raise CliEndedError(f"the CLI takes no input: {type(error).__name__}") from error

    async def _send_user(self, blocks: list[Block], *, query: bool) -> None:
        line: dict[str, Any] = {
            "type": "user",
            "message": {"role": "user", "content": blocks},
            "parent_tool_use_id": None,
            "session_id": "default",
            "client_composed": True,  # verbatim: no @file, no slash command (needs CLI 2.1.248)
        }
        await self._send(line if query else {**line, "shouldQuery": False})


def _assistant_line(model: str, blocks: list[Block]) -> dict[str, Any]:
    message = {
        "id": "msg_history",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    return {"type": "assistant", "parent_tool_use_id": None, "session_id": "default", "message": message}
