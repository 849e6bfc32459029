"""One request's conversation with one CLI process: text as it comes, then how it ended."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from claude_gateway.claude.ending import Ending
from claude_gateway.claude.errors import ClaudeError, from_result
from claude_gateway.claude.process import CliEndedError, CliProcess

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from claude_gateway.claude.pool import Pool
    from claude_gateway.claude.turns import ChatRequest

log = logging.getLogger(__name__)

FIRST_OUTPUT_SECONDS = 300.0  # a long prompt without a cached prefix
IDLE_SECONDS = 120.0  # between two pieces of one answer
# How the CLI reports a refusal whose stop reason it does not pass on, because its budget ends it first.
REFUSAL_SUBTYPE = "model_refusal_no_fallback"
RESULT_USAGE_FIELDS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_input_tokens": "cacheReadInputTokens",
    "cache_creation_input_tokens": "cacheCreationInputTokens",
}
CLIENT_LEFT = 499  # for the log; nobody is there to read it
HAND_OVER_TRIES = 2  # a warm process may have died since it was looked at
USAGE_FIELDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


async def converse(
    pool: Pool, request: ChatRequest, on_process: Callable[[Callable[[], None]], None]
) -> AsyncGenerator[str | Ending, None]:
    """Text pieces, then one Ending. Raises ClaudeError. The process is killed when this ends, however it ends.

    `on_process` is called with a function that ends the process at once, for a client that leaves.
    """
    process = await _handed_over(pool, request, on_process)
    answer, begun = _Answer(), False
    try:
        async for frame in process.frames(FIRST_OUTPUT_SECONDS, IDLE_SECONDS):
            text = answer.take(frame)
            if text:
                if not begun:
                    begun = True
                    pool.refill(request.model)
                yield text
            if answer.ending is not None:
                yield answer.ending
                return
        raise ClaudeError(502, "The answer from Claude broke off.")
    except TimeoutError:
        raise ClaudeError(504, "Claude did not answer in time.") from None
    except ClaudeError:
        raise
    except Exception as error:
        log.warning("a CLI process failed: %s: %s", type(error).__name__, process.transport.last_words)
        raise ClaudeError(502, "The answer from Claude broke off.") from error
    finally:
        _release_once(pool, process)


async def _handed_over(
    pool: Pool, request: ChatRequest, on_process: Callable[[Callable[[], None]], None]
) -> CliProcess:
    for attempt in range(1, HAND_OVER_TRIES + 1):
        try:
            process = await pool.acquire()
        except ClaudeError:
            raise
        except Exception as error:
            log.error("cannot start the Claude CLI: %s: %s", type(error).__name__, error)
            raise ClaudeError(500, "The gateway cannot start the Claude CLI: see make logs.") from error
        on_process(partial(_release_once, pool, process))
        try:
            await process.hand_over(request)
            return process
        except CliEndedError as error:
            if process.released:  # killed for a client that left: no second try
                raise ClaudeError(CLIENT_LEFT, "The client left.") from error
            log.warning("attempt %d of %d: %s", attempt, HAND_OVER_TRIES, error)
            _release_once(pool, process)
        except BaseException:
            _release_once(pool, process)
            raise
    raise ClaudeError(500, "The gateway's Claude CLI ends before it takes a request: see make logs.")


def _release_once(pool: Pool, process: CliProcess) -> None:
    if not process.released:
        process.released = True
        pool.release(process)


class _Answer:
    """Reads frames until the answer is complete."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self._usage: dict[str, int] = {}
        self._rate_limit: Mapping[str, Any] = {}
        self._refused = False

    def take(self, frame: Mapping[str, Any]) -> str | None:
        """The text in this frame, if any. Raises ClaudeError for a frame that says that the answer failed."""
        kind = frame.get("type")
        if kind == "stream_event":
            return self._event(frame["event"])
        if kind == "rate_limit_event":
            self._rate_limit = frame.get("rate_limit_info") or {}
        elif kind == "system" and frame.get("subtype") == REFUSAL_SUBTYPE:
            self._refused = True
        elif kind == "result":
            if self._refused:
                self.ending = Ending("refusal", None, _model_usage(frame) or dict(self._usage))
                return None
            if frame.get("is_error"):
                raise from_result(frame, self._rate_limit)
            # No stop reason was streamed: the upstream's stream was cut, which the CLI reports as a success.
            raise ClaudeError(502, "The answer from Claude broke off.")
        return None

    def _event(self, event: Mapping[str, Any]) -> str | None:
        kind = event.get("type")
        if kind == "message_start":
            self._count(event["message"].get("usage"))
        elif kind == "content_block_delta" and event["delta"].get("type") == "text_delta":
            text = event["delta"]["text"]
            return text if isinstance(text, str) else None
        elif kind == "message_delta":
            self._count(event.get("usage"))
            self._stop(event["delta"])
        return None

    def _stop(self, delta: Mapping[str, Any]) -> None:
        reason = delta.get("stop_reason")
        if reason is None:
            return  # made up by the CLI after a cut stream; the error follows in the result
        if reason == "tool_use":
            raise ClaudeError(502, "Claude asked for a tool although none was offered.")
        self.ending = Ending(reason, delta.get("stop_sequence"), dict(self._usage))

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        for name in USAGE_FIELDS:
            value = (usage or {}).get(name)
            if isinstance(value, int):
                self._usage[name] = value


def _model_usage(result: Mapping[str, Any]) -> dict[str, int]:
    """The tokens of a whole process by Anthropic's names, from its result frame; empty when it tells none."""
    models = [usage for usage in (result.get("modelUsage") or {}).values() if isinstance(usage, dict)]
    if not models:
        return {}
    return {name: sum(int(usage.get(key) or 0) for usage in models) for name, key in RESULT_USAGE_FIELDS.items()}
