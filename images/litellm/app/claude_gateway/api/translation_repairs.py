"""What LiteLLM loses or invents when it translates a request to Anthropic's, put right in what it made.

Tools keep their schema as it was sent, and `strict`; files become the blocks that Anthropic has for them, with their
names; a tool of LiteLLM's own cannot be called.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from claude_gateway.api import thinking, tool_outputs
from claude_gateway.api.contract.answer_schema import with_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
BESIDE = ("strict", "input_examples", "defer_loading", "allowed_callers", "eager_input_streaming", "cache_control")
"""Fields of a tool that have the same name and meaning in both APIs, or only in Anthropic's."""
STAND_IN = "dummy_tool"
"""LiteLLM offers it when the history has calls and the request no tools, because Anthropic wants some."""
SCHEMA_PLACES = (("output_format",), ("output_config", "format"))


def repaired(made: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """LiteLLM's Messages request `made` for the client's request `asked`; it is changed in place."""
    if "tools" in made:
        _mend_tools(made, asked)
    tool_outputs.put_in(made.get("messages") or (), asked)
    _mend_files(made.get("messages") or (), asked)
    thinking.as_asked(made, asked)
    _authorize(made.get("mcp_servers") or (), asked)
    _mend_schema(made, asked)
    return made


def _mend_tools(made: dict[str, Any], asked: Mapping[str, Any]) -> None:
    asked_tools = asked.get("tools") or ()
    if not asked_tools and [tool.get("name") for tool in made["tools"]] == [STAND_IN]:
        made["tool_choice"] = {"type": "none"}
    given = dict(_given_tools(asked_tools))
    search: dict[str, Any] = next((tool for tool in asked_tools if str(tool.get("type")).startswith("web_search")), {})
    for tool in made["tools"]:
        tool.update(given.get(tool.get("name"), {}))
        if tool.get("description") == "":
            del tool["description"]
        if tool["type"].startswith("web_search_"):
            _mend_search(tool, search)


def _mend_search(tool: dict[str, Any], asked: Mapping[str, Any]) -> None:
    """Where the user is, and where to look; an empty list means everywhere."""
    if location := asked.get("user_location"):
        tool["user_location"] = {name: value for name, value in location.items() if value is not None}
    tool.update({name: domains for name, domains in (asked.get("filters") or {}).items() if domains})


def _given_tools(tools: Any, space: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The names of the client's functions, and what of them goes to Anthropic as it is."""
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from _given_tools(tool["tools"], f"{tool['name']}__")
        elif tool.get("type") == "function":
            function = tool.get("function") or tool
            made = {"input_schema": {"type": "object", **(function.get("parameters") or NO_PARAMETERS)}}
            for one in (function, tool):
                made |= {name: one[name] for name in BESIDE if one.get(name) is not None}
            yield space + function["name"], made


def _mend_files(messages: Any, asked: Mapping[str, Any]) -> None:
    """Files keep their order on the way, so that each finds its name again."""
    blocks = list(_files(messages))
    names = list(_names(asked.get("messages") or asked.get("input")))
    for block, name in zip(blocks, names if len(names) == len(blocks) else [None] * len(blocks), strict=True):
        _mend_file(block)
        if name and block["type"] == "document":
            block["title"] = name


def _files(value: Any) -> Iterator[dict[str, Any]]:
    """The blocks of Anthropic's that LiteLLM made of files, in results of tools, too."""
    for item in value if isinstance(value, list | tuple) else ():
        if not isinstance(item, dict):
            continue
        if kind := (item.get("source") or {}).get("media_type"):
            plain = kind.partition(";")[0].strip().lower()  # Anthropic takes no parameters, and one spelling
            item["source"]["media_type"] = "image/jpeg" if plain == "image/jpg" else plain  # its name
        if item.get("type") in ("document", "container_upload") or _is_image_file(item):
            yield item
        yield from _files(item.get("content"))


def _is_image_file(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "image" and block["source"].get("type") == "file"


def _names(value: Any) -> Iterator[str | None]:
    """The name of each file in the client's request, in order."""
    for item in value if isinstance(value, list) else ():
        kind = item.get("type")
        if kind == "file":
            yield item["file"].get("filename")
        elif kind == "input_file":
            yield item.get("filename")
        yield from _names(item.get("content"))
        yield from _names(item.get("output"))


def _mend_file(block: dict[str, Any]) -> None:
    """The right block for it (https://docs.anthropic.com/en/api/messages#body-messages-content)."""
    identifier = block.pop("file_id", None)  # of a container_upload, which only code execution would read
    source = block.get("source") or {"type": "file", "file_id": identifier}
    if source["type"] == "file" and str(source["file_id"]).startswith("https://"):
        source = {"type": "url", "url": source["file_id"]}
    kind = source.get("media_type", "")
    if source["type"] == "base64" and kind != "application/pdf" and not kind.startswith("image/"):
        source = _text_source(source["data"]) or source
    block["type"] = "image" if block["type"] == "image" or kind.startswith("image/") else "document"
    block["source"] = source


def _text_source(data: str) -> dict[str, Any] | None:
    """None for what is no text, whatever its type says: Anthropic refuses it."""
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if "\0" in text else {"type": "text", "media_type": "text/plain", "data": text}


def _authorize(servers: Any, asked: Mapping[str, Any]) -> None:
    """MCP servers with the token that the client has for each."""
    tokens = {
        tool["server_label"]: tool.get("authorization") for tool in asked.get("tools") or () if tool["type"] == "mcp"
    }
    for server in servers:
        if token := tokens.get(server["name"]):
            server["authorization_token"] = token


def _mend_schema(made: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """What an answer's schema is for, and the names in it."""
    described = ((asked.get("response_format") or {}).get("json_schema") or {}).get("description")
    described = described or ((asked.get("text") or {}).get("format") or {}).get("description")
    for place in SCHEMA_PLACES:
        found: Any = made
        for name in place:
            found = found.get(name) or {}
        if isinstance(found.get("schema"), dict):
            found["schema"] = with_names(found["schema"])
            if described:
                found["schema"].setdefault("description", described)
