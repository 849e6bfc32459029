"""An estimate of a request's input tokens, where Anthropic's own count cannot be asked for (a Claude login).

Text is counted with OpenAI's tokenizer cl100k_base, which LiteLLM ships, times a factor; images and PDFs by the rules
of Anthropic's documentation (https://docs.anthropic.com/en/docs/build-with-claude/vision and /pdf-support).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

FACTOR = 1.15  # Claude's tokenizer makes more tokens of the same text
PIECE_CHARACTERS = 2048  # the tokenizer's time grows with the square of one long word
IMAGE_TOKENS = 1600  # the largest that an image takes
PDF_BYTES_PER_TOKEN = 25  # of the base64 text; a page of 50 kB is about 2,000 tokens
PER_MESSAGE, PER_TOOL, WITH_TOOLS = 4, 12, 340


def estimate_tokens(body: Mapping[str, Any]) -> int:
    """Input tokens of a Messages request, at least 1. Takes a thread's time: not for the event loop."""
    tools = body.get("tools") or []
    total = PER_MESSAGE * len(body.get("messages") or []) + PER_TOOL * len(tools) + (WITH_TOOLS if tools else 0)
    texts = []
    for kind, value in _parts([body.get("system"), body.get("messages"), tools]):
        if kind == "image":
            total += IMAGE_TOKENS
        elif kind == "document":
            total += max(1, len(value) // PDF_BYTES_PER_TOKEN)
        else:
            texts.append(value)
    return max(1, total + int(FACTOR * sum(map(_count, texts))))


def _parts(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield "text", value
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Mapping):
        source = value.get("source")
        if value.get("type") == "image":
            yield "image", ""
        elif value.get("type") == "document" and isinstance(source, Mapping) and source.get("type") == "base64":
            yield "document", str(source.get("data", ""))
        elif "input_schema" in value:
            yield "text", json.dumps(value)
        else:
            for name, item in value.items():
                if name not in ("type", "role", "id", "tool_use_id", "cache_control", "signature"):
                    yield from _parts(json.dumps(item) if name == "input" else item)


def _count(text: str) -> int:
    from litellm.litellm_core_utils.default_encoding import encoding

    pieces = (text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS))
    return sum(len(encoding.encode_ordinary(piece)) for piece in pieces)
