"""OpenAI's responses: what is decided about their fields; their types are the package's."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

from anthropic.types import beta
from openai.types.responses import response_create_params
from pydantic_core import core_schema

from claude_gateway.api.contract import openai_rules as openai
from claude_gateway.api.contract.rules import LEFT_OUT, PASSED, Decision, Rules, refused
from claude_gateway.api.contract.schema import ANY, FROM_ONE, SHARE, Shape, refusing

CacheControl = beta.BetaCacheControlEphemeralParam
REQUEST = response_create_params.ResponseCreateParamsBase
OPENAIS_TOOL = "this tool runs at OpenAI alone"
OPENAIS_ITEM = "only OpenAI's own tools make items of this type"
RESPONSES: dict[str, Decision] = {
    **openai.COMMON,
    **openai.MODERN,
    "access_programs": refused("Anthropic has no such programs"),
    "background": refused("no answer is kept here", False),
    "background_options": refused("no answer is kept here"),
    "context_management": refused("send the items that are to be read"),
    "client_metadata": LEFT_OUT,
    "conversation": refused("no conversation is kept here; send all items as input"),
    "image": refused("Claude makes no images"),
    "include": LEFT_OUT,  # what may be asked for is there anyway; see the field's type
    "input": PASSED,
    "instructions": PASSED,
    "max_output_tokens": PASSED,
    "max_tool_calls": refused("Claude has no such setting"),
    "previous_response_id": refused("no response is kept here; send all items as input"),
    "prompt": refused("no prompts are kept here; send the text"),
    "reasoning": PASSED,
    "stream_options": LEFT_OUT,
    "text": PASSED,
    "truncation": refused("a conversation that is too long is refused, not cut", "disabled"),
}
NOT_FOR_SERVERS = "Anthropic has no such setting for MCP servers"
ITEM = {"cache_control": CacheControl, "created_by": str}
OF_AN_ANSWER = core_schema.nullable_schema(ANY)  # clients leave it out when they send an answer back
AT_ONCE = {"async": refusing("Claude waits for what a tool gives", False)}
FUNCTION = {
    **AT_ONCE,
    "name": openai.TOOL_NAME,
    "cache_control": CacheControl,
    "eager_input_streaming": bool,
    "input_examples": list[dict[str, object]],
}
WEB_SEARCH = {
    "external_web_access": bool | None,
    "search_content_types": refusing("Claude searches for texts alone"),
}


class SearchChoice(TypedDict):
    """A search that has to be made, by the tool's present name, which the package does not have here."""

    type: Required[Literal["web_search"]]


SEARCHES = ("web_search", "web_search_preview", "web_search_preview_2025_03_11")
HTTPS = core_schema.str_schema(pattern="^https://")
CACHED_PART = {"cache_control": CacheControl, "prompt_cache_breakpoint": ANY}
IMAGE_PART = {
    **CACHED_PART,
    "detail": Literal["auto", "low", "high", "original"] | None,
    "file_id": refusing("send the image itself, or its address"),
    "image_url": openai.SAFE_URL,
}
FILE_PART = {
    **CACHED_PART,
    "file_data": openai.FILE_DATA,
    "file_id": openai.FILE_ID,
    "file_url": HTTPS,
}
MESSAGE, CALL, OUTPUT = "EasyInputMessageParam", "ResponseFunctionToolCallParam", "FunctionCallOutput"
TEXT, IMAGE, FILE = "ResponseInputTextParam", "ResponseInputImageParam", "ResponseInputFileParam"
BREAKPOINT = frozenset({"prompt_cache_breakpoint"})
SHAPE = Shape(
    fields={
        REQUEST.__name__: {
            "include": list[
                Literal[
                    "file_search_call.results",
                    "web_search_call.results",
                    "web_search_call.action.sources",
                    "message.input_image.image_url",
                    "computer_call_output.output.image_url",
                    "code_interpreter_call.outputs",
                    "reasoning.encrypted_content",
                ]
            ],
            "max_output_tokens": core_schema.nullable_schema(FROM_ONE),
            "temperature": core_schema.nullable_schema(SHARE),
            "top_p": core_schema.nullable_schema(SHARE),
        },
        MESSAGE: ITEM,
        CALL: {**ITEM, "async_": ANY, "parsed_arguments": ANY},
        OUTPUT: ITEM,
        "ResponseCustomToolCallParam": {**ITEM, "async_": ANY, "status": OF_AN_ANSWER},
        "ResponseCustomToolCallOutputParam": {**ITEM, "status": OF_AN_ANSWER},
        "ResponseOutputTextParam": {
            "annotations": OF_AN_ANSWER,
            "cache_control": CacheControl,
            "logprobs": OF_AN_ANSWER,
            "parsed": ANY,
        },
        "ResponseReasoningItemParam": {"id": str | None, "status": ANY},
        TEXT: CACHED_PART,
        "ResponseInputTextContentParam": CACHED_PART,
        IMAGE: IMAGE_PART,
        "ResponseInputImageContentParam": IMAGE_PART,
        FILE: FILE_PART,
        "ResponseInputFileContentParam": FILE_PART,
        "FunctionToolParam": FUNCTION,
        "CustomToolParam": {**AT_ONCE, "name": openai.TOOL_NAME},
        "ToolFunction": AT_ONCE,  # of a namespace
        "Mcp": {
            "allowed_callers": refusing(NOT_FOR_SERVERS),
            "allowed_tools": list[str],
            "connector_id": refusing("the connectors are OpenAI's; send a server_url"),
            "defer_loading": Literal[False],
            "headers": refusing("Anthropic takes a token alone; send it as authorization"),
            "require_approval": Literal["never"],
            "server_url": HTTPS,
            "tunnel_id": refusing("the tunnels are OpenAI's; send a server_url"),
        },
        "WebSearchToolParam": {**WEB_SEARCH, "type": Literal["web_search"]},
        "WebSearchPreviewToolParam": {**WEB_SEARCH, "type": Literal["web_search_preview"]},
        "ToolSearchToolParam": {"execution": Literal["server"]},
        "ResponseTextConfigParam": {"verbosity": core_schema.str_schema(pattern="^medium$")},
        "ToolChoiceTypesParam": {"type": refusing(OPENAIS_TOOL, *SEARCHES)},
        "Reasoning": {
            "context": refusing("no reasoning is kept here"),
            "mode": refusing("Claude has no such setting"),
        },
    },
    refused={
        **dict.fromkeys(
            (
                *("FileSearchToolParam", "ComputerToolParam", "ComputerUsePreviewToolParam", "CodeInterpreter"),
                *("ProgrammaticToolCalling", "ImageGeneration", "LocalShell", "FunctionShellToolParam"),
                *("ApplyPatchToolParam", "ToolChoiceMcpParam", "ToolChoiceApplyPatchParam"),
                *("ToolChoiceShellParam", "ToolChoiceSpecificProgrammaticToolCallingParam"),
            ),
            OPENAIS_TOOL,
        ),
        **dict.fromkeys(
            (
                *("ResponseFileSearchToolCallParam", "ResponseComputerToolCallParam", "ComputerCallOutput"),
                *("ResponseConfigurationUpdateItemParamParam", "ResponseCompactionItemParamParam", "CompactionTrigger"),
                *("ImageGenerationCall", "ResponseCodeInterpreterToolCallParam", "LocalShellCall", "ShellCall"),
                *("LocalShellCallOutput", "ShellCallOutput", "ApplyPatchCall", "ApplyPatchCallOutput", "McpListTools"),
                *(
                    "McpApprovalRequest",
                    "McpApprovalResponse",
                    "AdditionalTools",
                    "Program",
                    "ProgramOutput",
                ),
            ),
            OPENAIS_ITEM,
        ),
        "ItemReference": "no item is kept here; send the item itself, as clients do with store: false",
        "ToolChoiceAllowedParam": "send only the tools that Claude may use",
    },
    left_out={
        MESSAGE: frozenset({"created_by"}),
        CALL: frozenset({"async_", "created_by", "parsed_arguments"}),
        OUTPUT: frozenset({"created_by"}),
        "ResponseCustomToolCallParam": frozenset({"async_", "created_by", "status"}),
        "ResponseCustomToolCallOutputParam": frozenset({"created_by", "status"}),
        "ResponseOutputTextParam": frozenset({"parsed"}),
        "ResponseReasoningItemParam": frozenset({"status"}),  # LangChain makes one item, and one word, of several
        "ResponseTextConfigParam": frozenset({"verbosity"}),
        "CustomToolParam": frozenset(AT_ONCE),
        **dict.fromkeys(("FunctionToolParam", "ToolFunction"), frozenset({*AT_ONCE, "output_schema"})),
        "Mcp": frozenset(
            {"allowed_callers", "connector_id", "defer_loading", "headers", "server_description", "tunnel_id"}
        ),
        "Reasoning": frozenset({"context", "mode"}),
        **dict.fromkeys((TEXT, "ResponseInputTextContentParam", FILE, "ResponseInputFileContentParam"), BREAKPOINT),
        **dict.fromkeys((IMAGE, "ResponseInputImageContentParam"), BREAKPOINT | {"detail", "file_id"}),
    },
)
ADDED: dict[str, Any] = {
    "client_metadata": dict[str, str],  # in which Codex names itself
    "stream": bool,
    "tool_choice": response_create_params.ToolChoice | SearchChoice,
}
RESPONSES_RULES = Rules(REQUEST, RESPONSES, SHAPE, ADDED, frozenset({"input", "model"}))
