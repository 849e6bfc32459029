"""What the fake Anthropic API answers: faults and contents by a marker in the last user message, as stream events."""

from __future__ import annotations

import json
import re
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

try:
    from testbed.fakes.anthropic_blocks import CONTENTS, Block, text, tool
except ImportError:  # beside the other files in a container
    from anthropic_blocks import CONTENTS, Block, text, tool  # type: ignore[import-not-found, no-redef]

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = re.compile(r"FAKE:(?P<name>[a-z0-9_]+)(?::(?P<argument>[0-9.]+))?")
AGENT = re.compile(r"^FAKE:agent (\S+) (\{.*\})$", re.MULTILINE)
CANARY = re.compile(r"[A-Z]+-\d+-canary")
USAGE = {
    "input_tokens": 7,
    "cache_creation_input_tokens": 2,
    "cache_read_input_tokens": 3,
    "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 1,
    "service_tier": "standard",
}
ACCOUNT_TEXT = "account-of-the-operator"  # must never reach a client
THIRD_PARTY = "Third-party apps now draw from your extra usage, not your plan limits. Ask your workspace admin."
ERRORS = {
    "400": (400, "invalid_request_error", "messages: the fake does not like this"),
    "400beta": (400, "invalid_request_error", "Unexpected value(s) `fine-1` for the `anthropic-beta` header."),
    "400extra": (400, "invalid_request_error", THIRD_PARTY),
    "401": (401, "authentication_error", f"OAuth token has expired ({ACCOUNT_TEXT})"),
    "403": (403, "permission_error", f"OAuth is not allowed for this organization ({ACCOUNT_TEXT})"),
    "404": (404, "not_found_error", "model: unknown"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (429, "rate_limit_error", f"This request would exceed the rate limit ({ACCOUNT_TEXT})"),
    "500": (500, "api_error", "Internal server error"),
    "529": (529, "overloaded_error", "Overloaded"),
}
STOP_REASONS = {
    **dict.fromkeys(("maxtok", "maxtooltok"), "max_tokens"),
    **dict.fromkeys(("tool", "texttool", "paralleltools", "thinktool", "badjsontool", "first_tool"), "tool_use"),
    "interleaved": "tool_use",
    "agent": "tool_use",
    "stopseq": "stop_sequence",
    "refusal": "refusal",
    "window": "model_context_window_exceeded",
    "pause": "pause_turn",
}
WORDS = {"long": 400, "slow": 60}


@dataclass(frozen=True)
class Script:
    """What to do with one request. Seconds are waited before the head and between two pieces."""

    name: str = ""
    argument: float | None = None
    step: tuple[str, ...] = ()

    @classmethod
    def for_request(cls, body: dict[str, Any]) -> Script:
        """The script of the last user message, in its last marker; of an agent the first line `FAKE:agent TOOL {...}`
        that has no result yet; a plain answer without either."""
        if steps := agent_steps(body):
            return cls("agent", zlib.crc32("".join(steps[0]).encode()), steps[0])
        matches = list(MARKER.finditer(last_user_text(body)))
        if not matches:
            return cls()
        return cls(matches[-1]["name"], float(matches[-1]["argument"]) if matches[-1]["argument"] else None)

    @property
    def stop_reason(self) -> str:
        return STOP_REASONS.get(self.name, "end_turn")

    @property
    def seconds_before_head(self) -> float:
        return (self.argument or 30.0) if self.name == "hang" else 0.0

    @property
    def seconds_between_pieces(self) -> float:
        return (self.argument or 0.2) if self.name == "slow" else 0.0

    def contents(self, body: dict[str, Any], words: int) -> list[Block]:
        """The blocks of the answer: scripted ones, a call of the first tool, the canaries seen, or so many words."""
        if body.get("max_tokens") == 0:
            return []  # the cache is filled
        if self.name == "first_tool" and body.get("tools"):
            asked = body["tools"][0]
            return [tool("toolu_fake", asked["name"], asked["input_schema"].get("default", {}))]
        if self.name == "agent":
            return [tool(f"toolu_{self.argument}", *self.step)]
        if self.name == "echo":
            return [text(*(f"{canary} " for canary in CANARY.findall(json.dumps(body))))]
        count = WORDS.get(self.name, words)
        return CONTENTS.get(self.name) or [text(*(f"word{index} " for index in range(count)))]


def last_user_text(body: dict[str, Any]) -> str:
    """The text of the last user message: of its text blocks, and of the tools' results."""
    users = [message for message in body.get("messages", []) if message.get("role") == "user"]
    return _text(users[-1].get("content", "")) if users else ""


def agent_steps(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The calls that are still to be made; nothing where no tools are."""
    left: list[tuple[str, str]] = []
    for message in body.get("messages", []) if body.get("tools") else []:
        for block in message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]:
            if block.get("type") == "tool_result":
                left = left[1:]
            elif message["role"] == "user":
                left += AGENT.findall(block.get("text", ""))
    return left


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = [block for block in content or [] if isinstance(block, dict)]
    return "\n".join(block.get("text") or _text(block.get("content")) for block in blocks)


def error_body(kind: str, message: str) -> dict[str, Any]:
    """Anthropic's error object (https://docs.anthropic.com/en/api/errors)."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}


def error_headers(name: str, argument: float | None) -> dict[str, str]:
    """The headers beside an error: for 429 what Anthropic sends for a subscription."""
    if name != "429":
        return {}
    seconds = int(argument or 7)
    return {
        "retry-after": str(seconds),
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(int(time.time()) + seconds),
    }


def message(body: dict[str, Any]) -> dict[str, Any]:
    """The message object of an answer, still empty."""
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "unknown"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": dict(USAGE),
    }


def events(script: Script, body: dict[str, Any], words: int) -> Iterator[dict[str, Any]]:
    """A complete stream for `script`."""
    started = message(body)
    if script.step:
        started["id"] = f"msg_{script.argument}"  # an agent takes messages of one id for one
    yield {"type": "message_start", "message": started}
    pieces = 0
    for index, (block, deltas) in enumerate(script.contents(body, words)):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
        pieces += len(deltas)
    sequence = "END" if script.stop_reason == "stop_sequence" else None
    final: dict[str, Any] = {"stop_reason": script.stop_reason, "stop_sequence": sequence}
    if script.stop_reason == "refusal":
        final["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": "The fake refuses."}
    yield {"type": "message_delta", "delta": final, "usage": {"output_tokens": pieces}}
    yield {"type": "message_stop"}


def whole(stream: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """The message that a request without `stream` gets: the sum of its events."""
    answer: dict[str, Any] = {}
    for event in stream:
        if event["type"] == "message_start":
            answer = {**event["message"], "usage": {**event["message"]["usage"]}}
            answer["content"] = []
        elif event["type"] == "content_block_start":
            answer["content"].append({**event["content_block"]})
            raw = ""
        elif event["type"] == "content_block_delta":
            block, delta = answer["content"][-1], event["delta"]
            raw += delta.get("partial_json", "")
            if "citation" in delta:
                block["citations"] = [*block["citations"], delta["citation"]]
            for name in {"text", "thinking", "signature"} & set(delta):
                block[name] += delta[name]
        elif event["type"] == "content_block_stop" and raw:
            answer["content"][-1]["input"] = json.loads(raw) if raw.endswith("}") else {}
        elif event["type"] == "message_delta":
            answer |= event["delta"]
            answer["usage"] |= event["usage"]
    return answer
