"""What the model calls, as OpenAI's response items: the client's functions and free tools, and what Anthropic does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from litellm.responses.litellm_completion_transformation.tool_search_results import build_tool_search_output
from litellm.types.responses.main import build_web_search_call
from pydantic_core import from_json

from claude_gateway.api.response_items import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claude_gateway.api.response_items import Event


class Call(Item):
    """A call of a function."""

    written: ClassVar[str] = "function_call_arguments"

    def __init__(self, place: int, block: Mapping[str, Any], **names: str) -> None:
        super().__init__(place, "fc", "function_call", call_id=block["id"], **names, arguments="")

    def start(self, block: Mapping[str, Any]) -> Iterator[Event]:
        if block.get("input"):
            yield from self._written(json.dumps(block["input"], ensure_ascii=False))

    def delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        yield from self._written(delta.get("partial_json") or "")

    def _written(self, text: str) -> Iterator[Event]:
        if text:
            self.fields["arguments"] += text
            yield self._event(f"{self.written}.delta", delta=text)

    def stop(self) -> Iterator[Event]:
        if not self.fields["arguments"]:
            yield from self._written("{}")

    def done(self, status: str) -> Iterator[Event]:
        whole = {"name": self.fields["name"], "arguments": self.fields["arguments"]}
        yield self._event(f"{self.written}.done", **whole)
        yield from super().done(status)


class FreeCall(Call):
    """A call of a custom tool: a text, which Claude gives as the one field of an object."""

    def __init__(self, place: int, block: Mapping[str, Any], **names: str) -> None:
        Item.__init__(self, place, "ctc", "custom_tool_call", call_id=block["id"], **names, input="")
        self._raw = ""

    def _written(self, text: str) -> Iterator[Event]:
        self._raw += text
        yield from ()

    def stop(self) -> Iterator[Event]:
        self.fields["input"] = _text_in(self._raw)
        yield self._event("custom_tool_call_input.delta", delta=self.fields["input"])

    def done(self, status: str) -> Iterator[Event]:
        yield self._event("custom_tool_call_input.done", input=self.fields["input"])
        yield from Item.done(self, status)


def _text_in(arguments: str) -> str:
    """Also of arguments that max_tokens has cut: as far as it goes, without the JSON around it."""
    try:
        given = from_json(arguments or "{}", allow_partial="trailing-strings")
    except ValueError:
        return arguments
    if not isinstance(given, dict) or (given and "content" not in given):
        return arguments
    return str(given.get("content", ""))


class Search(Item):
    """A search of the web, which Anthropic does; it ends with its result, a block of its own."""

    def __init__(self, place: int, block: Mapping[str, Any]) -> None:
        super().__init__(place, "ws", "web_search_call", action={"type": "search", "query": ""})
        self._call = block["id"]
        self._raw = ""

    def start(self, block: Mapping[str, Any]) -> Iterator[Event]:
        self._raw = json.dumps(block["input"]) if block.get("input") else ""
        yield self._event("web_search_call.in_progress")

    def delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        self._raw += delta.get("partial_json") or ""
        yield from ()

    def stop(self) -> Iterator[Event]:
        yield self._event("web_search_call.searching")

    def found(self, result: Mapping[str, Any]) -> Iterator[Event]:
        """The result has come."""
        made = build_web_search_call(self._call, json.loads(self._raw or "{}"), result)
        self.fields["action"] = made.model_dump(mode="json", exclude_none=True)["action"]
        yield self._event("web_search_call.completed")
        yield from self.done(made.status)


class ServerCall(Call, Search):
    """A call of a tool of an MCP server, which Anthropic makes; it ends with its result, as a search does."""

    written = "mcp_call_arguments"

    def __init__(self, place: int, block: Mapping[str, Any]) -> None:
        named = {"server_label": block["server_name"], "name": block["name"]}
        told = dict.fromkeys(("approval_request_id", "output", "error"))
        Item.__init__(self, place, "mcp", "mcp_call", **named, arguments="", **told)

    def start(self, block: Mapping[str, Any]) -> Iterator[Event]:
        yield self._event("mcp_call.in_progress")
        yield from super().start(block)

    def stop(self) -> Iterator[Event]:
        yield from super().stop()
        yield self._event(f"{self.written}.done", arguments=self.fields["arguments"])

    def done(self, status: str) -> Iterator[Event]:
        yield from Item.done(self, status)

    def found(self, result: Mapping[str, Any]) -> Iterator[Event]:
        said = result["content"]
        text = said if isinstance(said, str) else "\n".join(part.get("text") or "" for part in said)
        status = "failed" if result.get("is_error") else "completed"
        if status == "failed":
            self.fields["error"] = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": text}]}
        else:
            self.fields["output"] = text
        yield self._event(f"mcp_call.{status}")
        yield from self.done(status)


class ToolSearch(Search):
    """A search among the client's own tools."""

    def __init__(self, place: int, block: Mapping[str, Any]) -> None:
        call = {"call_id": block["id"], "execution": "server", "arguments": {}}
        Item.__init__(self, place, "tsc", "tool_search_call", **call)
        self._raw = ""

    def start(self, block: Mapping[str, Any]) -> Iterator[Event]:
        self._raw = json.dumps(block["input"]) if block.get("input") else ""
        yield from ()

    def stop(self) -> Iterator[Event]:
        yield from ()

    def found(self, _result: Mapping[str, Any]) -> Iterator[Event]:
        self.fields["arguments"] = json.loads(self._raw or "{}")
        yield from self.done("completed")


class ToolsFound(Item):
    """What such a search has found."""

    def __init__(self, place: int, result: Any, tools: list[Any]) -> None:
        made = build_tool_search_output(result, tools).model_dump(mode="json", exclude_none=True)
        self._status = made["status"]
        found = {name: made[name] for name in ("call_id", "execution", "tools")}
        super().__init__(place, "tso", "tool_search_output", **found)

    def done(self, _status: str) -> Iterator[Event]:
        yield from super().done(self._status)
