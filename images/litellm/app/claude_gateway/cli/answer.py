"""Frames of the CLI as Anthropic's stream events, and those as one message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from claude_gateway.cli.errors import UpstreamError, from_result
from claude_gateway.refusal_words import BROKE_OFF, TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

Event = dict[str, Any]
REFUSAL_SUBTYPE = "model_refusal_no_fallback"
STOP: Event = {"type": "message_stop"}


async def events(frames: AsyncIterator[Mapping[str, Any]], rate_limit: dict[str, Any]) -> AsyncIterator[Event]:
    """Every event as Anthropic sent it, message_stop last. Raises UpstreamError, also in the middle.

    `rate_limit` is what the process last said about it, and is kept up to date: the CLI says it only when it changes.
    """
    refusal: Mapping[str, Any] | None = None
    async for frame in frames:
        kind = frame.get("type")
        if kind == "system" and frame.get("subtype") == REFUSAL_SUBTYPE:
            refusal = frame
        elif kind == "rate_limit_event":
            rate_limit.clear()  # of another limit the end may not be said
            rate_limit.update(frame.get("rate_limit_info") or {})
        elif kind == "result":
            if refusal is None:
                raise from_result(frame, rate_limit)
            yield _refused(refusal, frame)
            yield STOP
            return
        elif kind == "stream_event" and not _made_up(frame["event"]):
            yield frame["event"]
            if frame["event"]["type"] == "message_delta":
                yield STOP
                return
    raise UpstreamError(502, BROKE_OFF)


def _made_up(event: Event) -> bool:
    """Whether the CLI says that a message ends, without a reason: after a cut stream, or before a refusal."""
    return event["type"] == "message_stop" or (
        event["type"] == "message_delta" and event["delta"].get("stop_reason") is None
    )


def _refused(refusal: Mapping[str, Any], result: Mapping[str, Any]) -> Event:
    """The end of a message that the model refused, which the CLI's budget keeps it from passing on itself."""
    delta: dict[str, Any] = {"stop_reason": "refusal", "stop_sequence": None}
    category, explanation = refusal.get("api_refusal_category"), refusal.get("api_refusal_explanation")
    if category or explanation:
        delta["stop_details"] = {"type": "refusal", "category": category, "explanation": explanation}
    used = (result.get("modelUsage") or {}).values()
    usage = {"output_tokens": sum(model.get("outputTokens") or 0 for model in used)}
    return {"type": "message_delta", "delta": delta, "usage": usage}


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
    except RecursionError as error:
        raise UpstreamError(502, TOO_DEEP) from error
