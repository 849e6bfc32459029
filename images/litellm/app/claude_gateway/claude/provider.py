"""LiteLLM's custom provider `claude-sdk`: chat completions through the pool of CLI processes."""

from __future__ import annotations

import os
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import litellm
from litellm import ModelResponse
from litellm.exceptions import APIError
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import GenericStreamingChunk

from claude_gateway.claude.conversation import converse
from claude_gateway.claude.ending import Ending
from claude_gateway.claude.errors import ClaudeError
from claude_gateway.claude.pool import Pool
from claude_gateway.claude.process import CliProcess
from claude_gateway.claude.transport import CliTransport
from claude_gateway.claude.turns import chat_request
from claude_gateway.request_scope import current_request
from claude_gateway.settings import ClaudeAuth, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class ClaudeProvider(CustomLLM):
    """The handler that LiteLLM calls. `configure` comes before the first request."""

    def __init__(self) -> None:
        super().__init__()
        self._settings: Settings | None = None
        self._pool: Pool | None = None

    def configure(self, settings: Settings) -> None:
        self._settings = settings

    def start(self) -> None:
        """Begin to warm the pool. Needs a running loop."""
        self.pool.start()

    @property
    def pool(self) -> Pool:
        if self._settings is None or self._settings.auth is ClaudeAuth.API_KEY:
            raise RuntimeError("the Claude CLI is not configured in this container")
        if self._pool is None:
            settings = self._settings
            self._pool = Pool(
                lambda: _spawn(settings),
                next(iter(settings.models.values())),
                warm=settings.warm_processes,
                limit=settings.max_concurrency,
                queue_seconds=settings.queue_seconds,
                credentials=credentials_file() if settings.auth is ClaudeAuth.LOGIN else None,
            )
        return self._pool

    async def acompletion(self, model: str, messages: list[Any], *_: Any, **kwargs: Any) -> ModelResponse:
        """The whole answer at once."""
        texts: list[str] = []
        ending = Ending("end_turn")
        async for piece in self._answer(model, messages, kwargs.get("optional_params")):
            if isinstance(piece, Ending):
                ending = piece
            else:
                texts.append(piece)
        response = ModelResponse(model=model, created=int(time.time()))
        response.choices[0].message.content = "".join(texts)
        response.choices[0].finish_reason = finish_reason(ending)
        response.usage = litellm.Usage(**usage(ending))
        return response

    async def astreaming(  # type: ignore[override]  # LiteLLM calls it as the generator that its own docs show
        self, model: str, messages: list[Any], *_: Any, **kwargs: Any
    ) -> AsyncIterator[GenericStreamingChunk]:
        """The answer as it comes."""
        async for piece in self._answer(model, messages, kwargs.get("optional_params")):
            yield _chunk(piece)

    async def _answer(
        self, model: str, messages: list[Any], parameters: Mapping[str, Any] | None
    ) -> AsyncIterator[str | Ending]:
        scope = current_request.get()
        try:
            drop = self._settings is not None and self._settings.drop_params
            request = chat_request(model, messages, parameters or {}, drop=drop)
            conversation = converse(self.pool, request, scope.on_close if scope else _ignore)
            async with aclosing(conversation):
                async for piece in conversation:
                    if scope is not None:
                        scope.answering = True
                        scope.ending = piece if isinstance(piece, Ending) else None
                    yield piece
        except ClaudeError as error:
            if scope is not None:
                scope.error = error
            raise litellm_error(error, model) from error


def _chunk(piece: str | Ending) -> GenericStreamingChunk:
    last = isinstance(piece, Ending)
    return GenericStreamingChunk(
        text="" if isinstance(piece, Ending) else piece,
        is_finished=last,
        finish_reason=finish_reason(piece) if isinstance(piece, Ending) else "",
        index=0,
        tool_use=None,
        usage=cast("Any", usage(piece)) if isinstance(piece, Ending) else None,
    )


def _ignore(callback: Callable[[], None]) -> None:
    """Outside of an HTTP request nothing ends early."""


async def _spawn(settings: Settings) -> CliProcess:
    token = {"CLAUDE_CODE_OAUTH_TOKEN": settings.credential.reveal()} if settings.credential else {}
    process = CliProcess(CliTransport(token))
    await process.start()
    return process


def credentials_file() -> Path:
    """Where the CLI keeps its login (CLAUDE_CONFIG_DIR)."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR", "/home/app/.claude")) / ".credentials.json"


def finish_reason(ending: Ending) -> str:
    """OpenAI's name for the end of an answer."""
    return FINISH_REASONS.get(ending.stop_reason, "stop")


def usage(ending: Ending) -> dict[str, int]:
    """OpenAI's counts: prompt_tokens include what came from and went into the cache."""
    counts = ending.usage
    cache = {name: counts.get(name, 0) for name in ("cache_read_input_tokens", "cache_creation_input_tokens")}
    prompt, completion = counts.get("input_tokens", 0) + sum(cache.values()), counts.get("output_tokens", 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **cache}


def litellm_error(error: ClaudeError, model: str) -> Exception:
    """The exception that LiteLLM's own code understands; `answer_shape` makes the client's answer from the original."""
    return APIError(status_code=error.status, message=error.message, llm_provider="claude-sdk", model=model)


handler = ClaudeProvider()
