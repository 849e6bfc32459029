"""Responses as OpenAI's clients read them, made of Anthropic's answer; LiteLLM translates the request alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from litellm.litellm_core_utils.prompt_templates.mid_conversation_system import anthropic_tool_search_result
from litellm.responses.litellm_completion_transformation.transformation import LiteLLMCompletionResponsesConfig

from claude_gateway.api import free_tools
from claude_gateway.api.anthropic_events import event_in, events_of, lines
from claude_gateway.api.response_calls import Call, FreeCall, Search, ServerCall, ToolSearch, ToolsFound
from claude_gateway.api.response_items import Event, Item, Message, Reasoning
from claude_gateway.errors import Failure
from claude_gateway.refusal_words import BROKE_OFF

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

CUT = ("max_tokens", "model_context_window_exceeded", "pause_turn", "compaction")
INCOMPLETE = dict.fromkeys(CUT, "max_output_tokens") | {"refusal": "content_filter"}
"""Anthropic's reasons for an end that is none, and OpenAI's."""
SEARCHES = {
    "web_search": Search,
    "tool_search_tool_bm25": ToolSearch,
    "tool_search_tool_regex": ToolSearch,
}
ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "reasoning": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
"""What a response says of its request, and where the request says nothing."""
UNSAID: Mapping[str, Any] = {
    "background": False,
    "error": None,
    "incomplete_details": None,
    "metadata": {},
    "output": [],
    "previous_response_id": None,
    "store": False,
    "truncation": "disabled",
    "usage": None,
}


def broken_off() -> Failure:
    """What is told of an answer without an end. Made anew: a raised one keeps its frames, and what is in them."""
    return Failure(502, BROKE_OFF)


async def as_response(content: AsyncIterator[bytes], asked: Mapping[str, Any]) -> Event:
    """The response to the client's request `asked`, out of a whole message. Raises Failure."""
    message = json.loads(b"".join([piece async for piece in content]))
    made = _Response(asked)
    for event in events_of(message):
        for _ in made.events(event):
            pass
    return made.fields


async def as_events(content: AsyncIterator[bytes], asked: Mapping[str, Any]) -> AsyncIterator[Event]:
    """Its events, out of a stream. Raises Failure; one that has begun says before that it has failed."""
    made = _Response(asked)
    try:
        async for line in lines(content):
            if made.ended:
                continue  # to the end of the stream, whatever a proxy appends
            if event := event_in(line):
                for one in made.events(event):
                    yield one
        if not made.ended:
            raise broken_off()
    except Exception as error:
        for one in made.failed(error if isinstance(error, Failure) else broken_off()):
            yield one
        raise


class _Response:
    """A response that grows, event by event. `fields` are all of it."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        told = {name: asked.get(name, otherwise) for name, otherwise in ECHOED.items()}
        self.fields: Event = {"object": "response", "created_at": int(time.time()), "status": "in_progress"}
        self.fields |= {**UNSAID, **told}
        self._output = _Output(asked.get("tools") or [])
        self._usage: dict[str, Any] = {}
        self._stop: str | None = None
        self._number = 0

    def events(self, event: Mapping[str, Any]) -> Iterator[Event]:
        """OpenAI's events for one of Anthropic's."""
        for made in self._made(event):
            yield {**made, "sequence_number": self._number}
            self._number += 1

    @property
    def ended(self) -> bool:
        """Whether its last event has come."""
        return bool(self.fields["status"] != "in_progress")

    def failed(self, failure: Failure) -> Iterator[Event]:
        """The last event of a response that has begun; Codex knows its end by it."""
        if "id" in self.fields:
            code = "rate_limit_exceeded" if failure.status == 429 else "server_error"
            self.fields |= {"status": "failed", "error": {"code": code, "message": failure.message}}
            yield {"type": "response.failed", "response": self.fields, "sequence_number": self._number}

    def _made(self, event: Mapping[str, Any]) -> Iterator[Event]:
        match event["type"]:
            case "message_start":
                message = event["message"]
                self._usage |= message.get("usage") or {}
                self.fields |= {"id": "resp_" + message["id"].removeprefix("msg_"), "model": message["model"]}
                for kind in ("response.created", "response.in_progress"):
                    yield {"type": kind, "response": dict(self.fields)}
            case "message_delta":
                self._stop = event["delta"].get("stop_reason") or self._stop
                self._usage |= {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
            case "message_stop":
                yield from self._ended()
            case _:
                yield from self._output.events(event)

    def _ended(self) -> Iterator[Event]:
        reason = INCOMPLETE.get(self._stop or "")
        status = "incomplete" if reason else "completed"
        yield from self._output.end(status)
        self.fields |= {
            "status": status,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": [item.fields for item in self._output.items],
            "usage": _usage(self._usage),
        }
        yield {"type": f"response.{status}", "response": self.fields}


class _Output:
    """The items of one answer, one after another."""

    def __init__(self, tools: list[Any]) -> None:
        self.items: list[Item] = []
        self._open: Item | None = None
        self._searches: dict[str, Search] = {}  # without a result yet
        self._tools = tools
        self._free = free_tools.names(tools)
        self._spaces = LiteLLMCompletionResponsesConfig.namespace_tool_name_map(tools)

    def events(self, event: Mapping[str, Any]) -> Iterator[Event]:
        """OpenAI's events for one of Anthropic's about a block."""
        match event["type"]:
            case "content_block_start":
                yield from self._started(event["content_block"])
            case "content_block_delta" if self._open is not None:
                yield from self._open.delta(event["delta"])
            case "content_block_stop" if self._open is not None:
                yield from self._open.stop()
                if isinstance(self._open, Search):
                    self._open = None  # until its result

    def end(self, status: str) -> Iterator[Event]:
        """The answer ends, and with it what is not done yet."""
        yield from self._closed(status)
        for search in self._searches.values():
            yield from search.done("failed")

    def _started(self, block: Mapping[str, Any]) -> Iterator[Event]:
        if self._open is None or block["type"] not in self._open.blocks:
            yield from self._closed("completed")
            if search := self._searches.pop(block.get("tool_use_id", ""), None):
                yield from search.found(block)
            self._open = self._item(block)
            if self._open is None:
                return
            self.items.append(self._open)
            yield self._open.added()
        yield from self._open.start(block)

    def _closed(self, status: str) -> Iterator[Event]:
        if self._open is not None:
            yield from self._open.done(status)
            self._open = None

    def _item(self, block: Mapping[str, Any]) -> Item | None:
        """A new one for this block; None for what OpenAI has no item for."""
        place, kind = len(self.items), block["type"]
        if kind in Message.blocks:
            return Message(place)
        if kind in Reasoning.blocks:
            return Reasoning(place)
        if kind == "tool_use":
            name = block["name"]
            kind_of_call = FreeCall if name in self._free else Call
            space, name = self._free.get(name) or self._spaces.get(name, ("", name))
            return kind_of_call(place, block, name=name, **_within(space))
        made_there = ServerCall if kind == "mcp_tool_use" else SEARCHES.get(block.get("name", ""))
        if made_there and kind in ("server_tool_use", "mcp_tool_use"):
            return self._searches.setdefault(block["id"], made_there(place, block))
        found = anthropic_tool_search_result(block)
        return ToolsFound(place, found, self._tools) if found else None


def _within(space: str) -> dict[str, str]:
    return {"namespace": space} if space else {}


def _usage(said: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic counts what the cache held and took beside the input, OpenAI within it."""
    read, written = said.get("cache_read_input_tokens") or 0, said.get("cache_creation_input_tokens") or 0
    given, made = (said.get("input_tokens") or 0) + read + written, said.get("output_tokens") or 0
    thought = (said.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": given + made,
    }
