"""`json_object`: an answer that has to be a JSON object of any form.

Anthropic keeps an answer to a schema that it is given, and to nothing else. So the request goes to Claude as it is, and
the answer is read before the client gets it: an object is passed on, out of the code fence that Claude likes to put
round it; anything else is an error. As at OpenAI, the prompt has to say that it wants JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from claude_gateway.api.anthropic_events import event_in
from claude_gateway.errors import NO_RETRY, Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from claude_gateway.upstream.base import Answer

FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL | re.IGNORECASE)
NO_OBJECT = "Claude's answer is no JSON object. Ask again, or send a json_schema, which Claude keeps to."


def is_asked_for(body: Mapping[str, Any]) -> bool:
    """Whether a request of either of OpenAI's APIs wants it."""
    formats = (body.get("response_format"), (body.get("text") or {}).get("format"))
    return any(one and one["type"] == "json_object" for one in formats)


def without_format(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` without what LiteLLM has no translation for."""
    return {name: value for name, value in body.items() if name not in ("response_format", "text")}


async def object_alone(answer: Answer, *, streamed: bool) -> Answer:
    """A whole answer of Anthropic's whose text is one JSON object. Raises Failure."""
    raw = b"".join([piece async for piece in answer.content])
    events = [event for line in raw.splitlines() if (event := event_in(line))] if streamed else []
    said = _said_in(events) if streamed else _said(json.loads(raw))
    made = _object_in(said) if said is not None else None
    if said is not None and made is None:
        raise Failure(502, NO_OBJECT, code="no_json", headers=NO_RETRY)
    if made is not None and made != said:
        raw = _stream_of(events, made) if streamed else _message_of(json.loads(raw), made)

    async def content() -> AsyncIterator[bytes]:
        yield raw

    return replace(answer, content=content())


def _said(message: Mapping[str, Any]) -> str | None:
    """The text of an answer that came to its own end; a call of a tool or a cut answer is not judged."""
    if message.get("stop_reason") != "end_turn":
        return None
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def _said_in(events: list[dict[str, Any]]) -> str | None:
    if not any(event["type"] == "message_delta" and event["delta"]["stop_reason"] == "end_turn" for event in events):
        return None
    return "".join(event["delta"]["text"] for event in events if _is_text(event))


def _is_text(event: Mapping[str, Any]) -> bool:
    return event["type"] == "content_block_delta" and "text" in event["delta"]


def _object_in(text: str) -> str | None:
    fenced = FENCED.fullmatch(text)
    found = fenced[1] if fenced else text
    try:
        return found if isinstance(json.loads(found), dict) else None
    except ValueError:
        return None


def _message_of(message: dict[str, Any], text: str) -> bytes:
    """The message with `text` in place of all of its texts."""
    others = [block for block in message["content"] if block["type"] != "text"]
    return json.dumps({**message, "content": [*others, {"type": "text", "text": text}]}).encode()


def _stream_of(events: list[dict[str, Any]], text: str) -> bytes:
    """The events with `text` in the first that has text."""
    first = next(number for number, event in enumerate(events) if _is_text(event))
    events[first]["delta"]["text"] = text
    kept = [event for number, event in enumerate(events) if number == first or not _is_text(event)]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in kept)
