"""Responses as OpenAI's clients read them, where LiteLLM's have another form.

Above all their `reasoning` items: LiteLLM gives them the form of a message, and in a stream neither a beginning nor the
signed blocks, without which no second turn can think and call tools. Here `summary` holds the thoughts and
`encrypted_content` the blocks as Anthropic signed them, in the form in which LiteLLM takes them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm.litellm_core_utils.streaming_chunk_builder_utils import ChunkProcessor
from litellm.responses.litellm_completion_transformation.reasoning_items import encode_thinking_blocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    Event = dict[str, Any]

SUMMARY = "response.reasoning_summary_"


def as_response(made: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """LiteLLM's response `made` to the client's request `asked`; it is changed in place."""
    made["output"] = [_reasoning(item) if item["type"] == "reasoning" else item for item in made["output"]]
    made["parallel_tool_calls"] = asked.get("parallel_tool_calls", True)
    made["store"] = False
    if made.get("usage"):
        made["usage"].pop("cost", None)  # by LiteLLM's list of prices; Anthropic's answer has none
    return made


async def as_events(parts: AsyncIterator[Any], asked: Mapping[str, Any]) -> AsyncIterator[Event]:
    """The events of a response; `parts` is LiteLLM's iterator, which keeps the chunks that it has read."""
    stream = _Stream(parts)
    async for part in parts:
        event = part.model_dump(exclude_none=True, mode="json")
        if "response" in event:
            as_response(event["response"], asked)
        for made in stream.events(event):
            yield made


def _reasoning(item: Mapping[str, Any]) -> dict[str, Any]:
    texts = [part["text"] for part in item.get("content") or () if part.get("text")]
    return {
        "id": item["id"],
        "type": "reasoning",
        "status": item.get("status"),
        "summary": [{"type": "summary_text", "text": text} for text in texts],
        "encrypted_content": item.get("encrypted_content"),
    }


class _Stream:
    """Puts in what is missing, leaves out a summary of nothing, and counts anew."""

    def __init__(self, parts: Any) -> None:
        self._parts = parts
        self._number = 0
        self._has_summary = False

    def events(self, event: Event) -> list[Event]:
        made = self._mended(event)
        for one in made:
            one["sequence_number"] = self._number
            self._number += 1
        return made

    def _mended(self, event: Event) -> list[Event]:
        kind, item = event["type"], event.get("item") or {}
        if item.get("type") == "reasoning":
            if kind.endswith(".done"):
                item |= {"status": "completed", "encrypted_content": self._signed()}
                item["summary"] = item.get("summary") if self._has_summary else []
            else:
                item.setdefault("summary", [])
        if kind == f"{SUMMARY}text.delta" and not self._has_summary:
            self._has_summary = True
            part = {"type": "summary_text", "text": ""}
            place = {name: event[name] for name in ("item_id", "output_index", "summary_index")}
            return [{"type": f"{SUMMARY}part.added", **place, "part": part}, event]
        return [] if kind.startswith(SUMMARY) and not self._has_summary else [event]

    def _signed(self) -> str | None:
        """The blocks that have come so far, all of them signed."""
        chunks = [chunk for chunk in self._parts.collected_chat_completion_chunks if chunk["choices"]]
        blocks = ChunkProcessor(chunks).get_combined_thinking_content(chunks)
        return encode_thinking_blocks(blocks) if blocks else None
