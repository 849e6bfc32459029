"""One question through each official client, streamed and not, with the answer in one shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import openai

MODEL = "sonnet"
ANSWER = "word0 word1 word2 word3 word4 "


@dataclass(frozen=True)
class Answer:
    """What the user's program sees; tokens by Anthropic's meaning (without cached ones)."""

    text: str
    stop: str | None
    input_tokens: int
    output_tokens: int
    cache_read: int
    cache_written: int


class BrokenAnswerError(Exception):
    """A stream that failed after text had arrived."""

    def __init__(self, text: str, error: Exception) -> None:
        super().__init__(f"after {text!r}: {error}")
        self.text = text
        self.error = error


@dataclass(frozen=True)
class Clients:
    """Both official clients."""

    openai: openai.OpenAI
    anthropic: anthropic.Anthropic


Ask = Callable[..., Answer]


def ask_openai(clients: Clients, messages: Any, **options: Any) -> Answer:
    completion = clients.openai.chat.completions.create(model=MODEL, messages=_messages(messages), **options)
    choice = completion.choices[0]
    return _from_openai(choice.message.content or "", choice.finish_reason, completion.usage)


def ask_openai_streamed(clients: Clients, messages: Any, **options: Any) -> Answer:
    text, stop, usage = "", None, None
    try:
        for chunk in clients.openai.chat.completions.create(
            model=MODEL, messages=_messages(messages), stream=True, stream_options={"include_usage": True}, **options
        ):
            usage = chunk.usage or usage
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
                stop = chunk.choices[0].finish_reason or stop
    except openai.APIError as error:
        if text:
            raise BrokenAnswerError(text, error) from error
        raise
    return _from_openai(text, stop, usage)


def ask_anthropic(clients: Clients, messages: Any, **options: Any) -> Answer:
    options.setdefault("max_tokens", 50)
    message = clients.anthropic.messages.create(model=MODEL, messages=_messages(messages), **options)
    return _from_anthropic("".join(block.text for block in message.content if block.type == "text"), message)


def ask_anthropic_streamed(clients: Clients, messages: Any, **options: Any) -> Answer:
    options.setdefault("max_tokens", 50)
    text = ""
    try:
        with clients.anthropic.messages.stream(model=MODEL, messages=_messages(messages), **options) as stream:
            for piece in stream.text_stream:
                text += piece
            return _from_anthropic(text, stream.get_final_message())
    except anthropic.APIError as error:
        if text:
            raise BrokenAnswerError(text, error) from error
        raise


ASKS: dict[str, Ask] = {
    "openai": ask_openai,
    "openai-streamed": ask_openai_streamed,
    "anthropic": ask_anthropic,
    "anthropic-streamed": ask_anthropic_streamed,
}


def _messages(messages: Any) -> Any:
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages


def _from_openai(text: str, stop: str | None, usage: Any) -> Answer:
    details = usage.prompt_tokens_details
    read, written = details.cached_tokens or 0, usage.model_dump().get("cache_creation_input_tokens") or 0
    return Answer(text, stop, usage.prompt_tokens - read - written, usage.completion_tokens, read, written)


def _from_anthropic(text: str, message: Any) -> Answer:
    usage = message.usage
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return Answer(text, message.stop_reason, usage.input_tokens, usage.output_tokens, read, written)
