"""Results of tools in responses, which LiteLLM would change: it joins their texts to one, and loses files and marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_gateway.api.contract.cross_field_rules import OUTPUTS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def put_in(messages: Any, asked: Mapping[str, Any]) -> None:
    """Give each result in LiteLLM's `messages` the parts that the client sent; results keep their order on the way."""
    results = [block for block in _blocks(messages) if block.get("type") == "tool_result"]
    items = asked.get("input")
    outputs = [item["output"] for item in items if item.get("type") in OUTPUTS] if isinstance(items, list) else []
    for block, output in zip(results, outputs if len(outputs) == len(results) else [None] * len(results), strict=True):
        if isinstance(output, list):
            block["content"] = [_block(part) for part in output]


def _blocks(messages: Any) -> Iterator[dict[str, Any]]:
    for message in messages:
        if isinstance(message["content"], list):
            yield from message["content"]


def _block(part: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic's block for one part; a file is a document still, whatever is in it (translation_repairs.py)."""
    marked = {"cache_control": part["cache_control"]} if part.get("cache_control") else {}
    if part["type"] in TEXTS:
        return {"type": "text", "text": part["text"], **marked}
    if part["type"] == "input_image":
        return {"type": "image", "source": _source(part["image_url"]), **marked}
    address = part.get("file_data") or part.get("file_url")
    source = _source(address) if address else {"type": "file", "file_id": part.get("file_id")}
    return {"type": "document", "source": source, **marked}


def _source(address: str) -> dict[str, Any]:
    """Of a data URL or an address; the contract lets no other in."""
    if not address.startswith("data:"):
        return {"type": "url", "url": address}
    kind, _, data = address.removeprefix("data:").partition(",")
    return {"type": "base64", "media_type": kind.partition(";")[0], "data": data}
