"""A chat request as the CLI takes it: a system prompt, the history, the last user message, and model settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claude_gateway.claude.errors import unsupported
from claude_gateway.claude.parameters import model_environment

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
DATA_URL = re.compile(r"data:(?P<type>[\w/+.-]+);base64,(?P<data>[A-Za-z0-9+/=\s]+)")

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One role's part of the conversation; neighbours of the same role are one turn."""

    role: str
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What one CLI process is asked. `environment` are the CLI's settings for the call (see `parameters`)."""

    model: str
    system: str
    history: list[Turn]
    prompt: list[Block]
    environment: dict[str, str] = field(default_factory=dict)


def chat_request(
    model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], *, drop: bool
) -> ChatRequest:
    """Translate OpenAI-style messages. Raises ClaudeError(400) for what cannot be passed on.

    `drop` ignores unsupported parameters instead (LiteLLM's drop_params); messages are never dropped.
    """
    environment = model_environment(parameters, drop=drop)
    system: list[str] = []
    turns: list[Turn] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system.append("".join(block["text"] for block in _blocks(message, images=False)))
        elif role in ("user", "assistant"):
            _add(turns, role, _blocks(message, images=role == "user"))
        else:
            raise unsupported(f"Messages of role {role!r} are not supported with a Claude login; use an API-key stack.")
    return _request(model, system, turns, environment)


def _request(model: str, system: list[str], turns: list[Turn], environment: dict[str, str]) -> ChatRequest:
    if not turns:
        raise unsupported("The request has no message with content.")
    if turns[-1].role != "user":
        raise unsupported("The last message must be from the user: continuing an assistant message is not supported.")
    if turns[0].role != "user":
        raise unsupported("The first message after the system prompt must be from the user.")
    return ChatRequest(
        model=model.split("/", 1)[-1],
        system="\n\n".join(text for text in system if text),
        history=turns[:-1],
        prompt=turns[-1].blocks,
        environment=environment,
    )


def _add(turns: list[Turn], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if turns and turns[-1].role == role:
        turns[-1].blocks.extend(blocks)
    else:
        turns.append(Turn(role, blocks))


def _blocks(message: Mapping[str, Any], *, images: bool) -> list[Block]:
    if message.get("tool_calls") or message.get("function_call"):
        raise unsupported("Tool calls in the history are not supported with a Claude login; use an API-key stack.")
    content = message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, Sequence):
        raise unsupported("A message's content must be a string or a list of parts.")
    parts = [_block(part, images=images) for part in content]
    return [part for part in parts if part is not None]


def _block(part: Any, *, images: bool) -> Block | None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]} if part["text"] else None
    if kind == "image_url" and images:
        return _image(part.get("image_url"))
    raise unsupported(f"A content part of type {kind!r} is not supported here with a Claude login.")


def _image(value: Any) -> Block:
    url = value.get("url") if isinstance(value, Mapping) else value
    match = DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise unsupported("An image must be a base64 data: URL; the gateway fetches no addresses.")
    if match["type"] not in IMAGE_TYPES:
        raise unsupported(
            f"Images of type {match['type']} are not supported; use one of: {', '.join(sorted(IMAGE_TYPES))}"
        )
    return {"type": "image", "source": {"type": "base64", "media_type": match["type"], "data": match["data"]}}


def dump(value: Any) -> str:
    """One line of JSON for the CLI's stdin."""
    return json.dumps(value, separators=(",", ":")) + "\n"
