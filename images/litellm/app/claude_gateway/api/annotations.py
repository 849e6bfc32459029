"""What an answer on chat completions cites from the web, as OpenAI gives it: `annotations` of the message.

LiteLLM has it in `provider_specific_fields`, where no client of OpenAI's API looks, and in a stream without its place.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from claude_gateway.api import anthropic_events
from claude_gateway.api.response_items import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from claude_gateway.upstream.base import Answer


def may_come(body: Mapping[str, Any]) -> bool:
    """Whether the answer to this request on chat completions can cite a page."""
    return body.get("web_search_options") is not None


class Annotations:
    """Those of one answer, noted while LiteLLM reads it."""

    def __init__(self) -> None:
        self._message = Message(0)
        self._in_text = False

    def so_far(self) -> list[dict[str, Any]]:
        """In the form of chat completions: what a response has beside its type is a level deeper."""
        noted = [each for part in self._message.fields["content"] for each in part["annotations"]]
        return [{"type": kind, kind: rest} for kind, rest in ((each.pop("type"), each) for each in map(dict, noted))]

    def noted_in(self, answer: Answer, *, streamed: bool) -> Answer:
        """`answer` as it is, read on its way."""
        return replace(answer, content=self._stream(answer.content) if streamed else self._whole(answer.content))

    async def _stream(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for line in anthropic_events.lines(content):
            if event := anthropic_events.event_in(line):
                self._note(event)
            yield line + b"\n"

    async def _whole(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        raw = b"".join([piece async for piece in content])
        for event in anthropic_events.events_of(json.loads(raw)):
            self._note(event)
        yield raw

    def _note(self, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case "content_block_start":
                self._in_text = event["content_block"]["type"] in Message.blocks
                made = self._message.start(event["content_block"]) if self._in_text else ()
            case "content_block_delta" if self._in_text:
                made = self._message.delta(event["delta"])
            case "content_block_stop" if self._in_text:
                made = self._message.stop()
            case _:
                made = ()
        for _ in made:
            pass
