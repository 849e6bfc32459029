"""One Claude CLI process for many requests, one after another; nothing of one is left when the next begins.

What makes that safe, for each request: its body replaces the CLI's own (request.py), its system text is an agent named
by its digest, every variable is written anew, the session is a new one. What cannot be confirmed ends the process. The
wire sequence is that of CLI 2.1.331; tests/unit/litellm_image/test_cli_reuse.py compares it with fresh processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from claude_gateway.cli import answer
from claude_gateway.cli.environment import agents
from claude_gateway.cli.errors import UpstreamError
from claude_gateway.cli.request import DEFAULTS
from claude_gateway.config.time_limits import SILENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from claude_gateway.cli.answer import Event
    from claude_gateway.cli.channel import Channel
    from claude_gateway.cli.request import CliRequest

CONTROL_SECONDS = 30.0
INTERRUPT_SECONDS = 0.7  # a client that leaves ends its upstream call within a second: by this, or by SIGKILL
WIPE_SECONDS = 5.0
MAX_REQUESTS = 200  # each leaves some memory behind
MAX_SECONDS = 900.0
# What other errors leave behind is not known: a 400 that refuses a beta drops it for the life of the process.
HARMLESS = frozenset({429, 500, 529})


class UnfitError(Exception):
    """The process is not to be used any more: kill it."""


class CliProcess:
    """A process and the one conversation that it has at a time: `boot`, then `hand_over`, `events`, `wipe`, again."""

    def __init__(self, channel: Channel, credentials: Path | None = None) -> None:
        self.channel = channel
        self.owner: str | None = None  # whose requests it serves, once it has served one
        self.served = 0
        self.fit = False  # booted, or wiped after the last request
        self.started_at = self.idle_since = time.monotonic()
        self._credentials = credentials
        self._login: tuple[int, int, int] | None = None
        self._reusable = True
        self._agent: str | None = None
        self._betas: dict[str, str] = {}  # the CLI computes the beta header once for each model
        self._session = self._earlier_session = ""
        self._rate_limit: dict[str, Any] = {}
        self._idle = True  # no request runs: its result has come
        self._numbers = itertools.count(1)

    async def boot(self, system: str | None = None) -> None:
        """Start, and wait until it answers (0.3 s of one core). Raises UnfitError.

        With a `system` text the process serves one request, with this text as it is; without, any.
        """
        self._login = _stamp(self._credentials)
        try:
            await self.channel.start()
        except OSError as error:
            raise UnfitError(f"it does not start: {error.strerror}") from error
        self._reusable = system is None
        # Without systemPromptSnapshot: false the CLI renders its system prompt once, for good.
        prompt = {"systemPrompt": [system or ""], "systemPromptSnapshot": system is not None}
        await self._control({"subtype": "initialize", "hooks": None, **prompt})
        self.fit = True

    def suits(self, request: CliRequest) -> bool:
        """Whether `request` would get exactly what a process of its own would give it."""
        same_betas = self._betas.get(request.model, request.betas) == request.betas
        return self.usable and same_betas and not request.needs_own_process

    @property
    def usable(self) -> bool:
        """Whether it may take another request: it runs, nothing is left in it, and its login is the one on disk."""
        young = time.monotonic() - self.started_at < MAX_SECONDS
        return self.fit and self.channel.running and young and self._login == _stamp(self._credentials)

    def holds(self, system: str) -> bool:
        """Whether this system text is the one that it knows already, which saves 20 ms."""
        return self._agent == _name(system)

    async def hand_over(self, request: CliRequest) -> None:
        """Tell the CLI all of a request. Raises UnfitError before anything was sent to Anthropic."""
        self.fit = False
        self.served += 1
        self._betas[request.model] = request.betas
        agent = await self._agent_for(request.system) if self._reusable else None
        settings = {"model": request.model, "agent": agent, "env": {**DEFAULTS, **request.environment}}
        await self._control({"subtype": "apply_flag_settings", "settings": settings})  # fails for an unknown agent
        self._idle = False
        # client_composed: a text, whatever it looks like: no @file, no slash command.
        await self._line([{"type": "text", "text": request.line}], str(uuid.uuid4()), client_composed=True)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Anthropic's events. Raises UpstreamError, TimeoutError (silence), UnfitError (the process has ended)."""
        async with aclosing(self._frames()) as frames:
            try:
                async for event in answer.events(frames, self._rate_limit):
                    yield event
            except UpstreamError as error:
                self._reusable = self._reusable and error.status in HARMLESS
                raise

    async def wipe(self) -> None:
        """End what runs, then a new session with nothing in it: 10 to 30 ms. Raises UnfitError."""
        if not self._reusable or self.served >= MAX_REQUESTS:
            raise UnfitError("it has served")
        try:
            async with asyncio.timeout(INTERRUPT_SECONDS):
                await self._interrupt()
            async with asyncio.timeout(WIPE_SECONDS):
                await self._control({"subtype": "apply_flag_settings", "settings": {"env": DEFAULTS}})
                await self._new_session()
        except TimeoutError as error:
            raise UnfitError("it is not wiped in time") from error
        self.fit = True

    async def _interrupt(self) -> None:
        """1 to 6 ms; awaits the answer to it and the request's result."""
        number = await self._ask({"subtype": "interrupt"})
        answered = False
        while not (answered and self._idle):
            answered = _answers(await self._next(), number) or answered
        self._earlier_session = self._session

    async def _new_session(self) -> None:
        """/clear gives a new session id, an empty history, and a budget of which nothing is spent.

        Its own line is then the first of the history, from which the attribution would be computed: it is taken back.
        """
        number = str(uuid.uuid4())
        await self._line("/clear", number)
        reset = False
        while (frame := await self._next())["type"] != "result":
            reset = reset or frame["type"] == "conversation_reset"
        if not reset or frame.get("is_error"):
            raise UnfitError("/clear did nothing")
        reply = await self._control({"subtype": "rewind_conversation", "target_message_uuid": number})
        if not (reply.get("response") or {}).get("rewound"):
            raise UnfitError("/clear stays in the history")

    async def _agent_for(self, system: str) -> str | None:
        """The agent with this system text. Its name is the text's digest: a stale one cannot be taken for it."""
        if not system:
            return None
        name = _name(system)
        if name != self._agent:
            self._agent = None  # until the other is read in: who leaves before that leaves none
            folder = agents(self.channel.home)
            text = f"---\nname: {name}\ndescription: x\n---\n{system}\n"
            try:
                for file in folder.iterdir():
                    file.unlink()
                (folder / f"{name}.md").write_bytes(text.encode("utf-8", "replace"))
            except OSError as error:  # a full tmpfs
                raise UnfitError(f"its folder: {error.strerror}") from error
            await self._control({"subtype": "reload_plugins"})  # reads agents, too
            self._agent = name
        return name

    async def _frames(self) -> AsyncGenerator[Mapping[str, Any], None]:
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                frame = await self._next()
            if frame["type"] == "stream_event":
                if frame.get("session_id") == self._earlier_session:
                    raise UnfitError("an event of the request before")
                self._session = frame.get("session_id", "")
            yield frame

    async def _control(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(CONTROL_SECONDS):
                number = await self._ask(request)
                while not _answers(frame := await self._next(), number):
                    pass
        except TimeoutError as error:
            raise UnfitError(f"no answer to {request['subtype']}") from error
        response: dict[str, Any] = frame["response"]
        if response.get("subtype") != "success":
            raise UnfitError(f"{request['subtype']} is refused: {response.get('error')}")
        return response

    async def _ask(self, request: Mapping[str, Any]) -> str:
        number = f"request-{next(self._numbers)}"
        await self._send({"type": "control_request", "request_id": number, "request": request})
        return number

    async def _line(self, content: Any, number: str, **more: Any) -> None:
        message = {"role": "user", "content": content}
        line = {"type": "user", "message": message, "parent_tool_use_id": None, "session_id": "default", "uuid": number}
        await self._send({**line, **more})

    async def _send(self, line: Mapping[str, Any]) -> None:
        try:
            await self.channel.send(line)
        except OSError as error:
            raise UnfitError("it takes no input") from error

    async def _next(self) -> dict[str, Any]:
        try:
            frame = await self.channel.receive()
        except ValueError as error:
            raise UnfitError("a frame that is too large") from error
        if frame is None:
            raise UnfitError(f"it has ended: {self.channel.last_error_line or 'without a word'}")
        self._idle = self._idle or frame.get("type") == "result"
        return frame


def _stamp(credentials: Path | None) -> tuple[int, int, int] | None:
    """What tells one login from the next, whatever clock its file was written by; None without one."""
    try:
        found = credentials.stat() if credentials else None
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None


def _name(system: str) -> str:
    return "s" + hashlib.sha256(system.encode("utf-8", "surrogatepass")).hexdigest()


def _answers(frame: Mapping[str, Any], number: str) -> bool:
    return frame.get("type") == "control_response" and (frame.get("response") or {}).get("request_id") == number
