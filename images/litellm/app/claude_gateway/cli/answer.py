"""Frames of the CLI as Anthropic's stream events, and those as one message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from claude_gateway.cli.errors import BROKE_OFF, UpstreamError, from_result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

Event = dict[str, Any]
REFUSAL_SUBTYPE = "model_refusal_no_fallback"


async def events(frames: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[Event]:
    """Every event as Anthropic sent it, message_stop last. Raises UpstreamError, also in the middle."""
    usage: dict[str, Any] = {}
    rate_limit: Mapping[str, Any] = {}
    refused = False
    async for frame in frames:
        kind = frame.get("type")
        if kind == "system" and frame.get("subtype") == REFUSAL_SUBTYPE:
            refused = True
        elif kind == "rate_limit_event":
            rate_limit = frame.get("rate_limit_info") or {}
        elif kind == "result":
            if not refused:
                raise from_result(frame, rate_limit)
            # The budget ends the CLI before it passes the stop reason on.
            yield {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_sequence": None}, "usage": usage}
            yield {"type": "message_stop"}
            return
        elif kind == "stream_event":
            event = frame["event"]
            if event["type"] != "message_delta":
                yield event
            elif event["delta"].get("stop_reason") is None:
                # Made up by the CLI: after a cut stream, or before a refusal.
                usage = {"output_tokens": (event.get("usage") or {}).get("output_tokens", 0)}
            else:
                yield event
                yield {"type": "message_stop"}
                return
    raise UpstreamError(502, BROKE_OFF)


async def whole(stream: AsyncIterator[Event]) -> dict[str, Any]:
    """The message that a request without `stream` gets: the sum of its events."""
    message: dict[str, Any] = {}
    raw: dict[int, str] = {}
    async for event in stream:
        kind = event["type"]
        if kind == "message_start":
            message = {**event["message"], "content": []}
        elif kind == "content_block_start":
            message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            _add(message["content"][event["index"]], event["delta"], raw, event["index"])
        elif kind == "content_block_stop" and event["index"] in raw:
            message["content"][event["index"]]["input"] = _parsed(raw[event["index"]])
        elif kind == "message_delta":
            final = {name: value for name, value in event.items() if name not in ("type", "delta", "usage")}
            usage = {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
            message |= {**event["delta"], **final, "usage": {**message.get("usage", {}), **usage}}
    return message


def _add(block: dict[str, Any], delta: Mapping[str, Any], raw: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "input_json_delta":
            raw[index] = raw.get(index, "") + delta["partial_json"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case _:
            block |= {name: value for name, value in delta.items() if name != "type"}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}  # cut by max_tokens
