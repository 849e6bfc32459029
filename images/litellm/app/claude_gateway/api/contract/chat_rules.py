"""OpenAI's chat completions and completions: what is decided about their fields; their types are the package's.

What LiteLLM understands beyond OpenAI's own fields, and what it puts into its answers, is taken from clients too: they
send answers back as they got them.
"""

from __future__ import annotations

from typing import Any

from anthropic.types import beta
from openai.types import completion_create_params
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.chat.chat_completion_content_part_param import ChatCompletionContentPartParam
from openai.types.chat.chat_completion_content_part_refusal_param import ChatCompletionContentPartRefusalParam
from openai.types.chat.chat_completion_content_part_text_param import ChatCompletionContentPartTextParam
from pydantic_core import core_schema
from typing_extensions import TypedDict

from claude_gateway.api.contract import cache_marks
from claude_gateway.api.contract import openai_rules as openai
from claude_gateway.api.contract.rules import PASSED, UNSET, Decision, Rules, passed_but, refused
from claude_gateway.api.contract.schema import ANY, FROM_ONE, FROM_ZERO, SHARE, Shape, refusing

CacheControl = beta.BetaCacheControlEphemeralParam
CACHED = {"cache_control": CacheControl, "prompt_cache_breakpoint": ANY}

# What GitHub Copilot in VS Code adds for services of its own, and what a model of theirs has thought.
COPILOTS = dict.fromkeys(("copilot_confirmations", "copilot_references"), ANY)
COPILOTS_THOUGHTS = dict.fromkeys(("cot_id", "cot_summary", "reasoning_opaque", "reasoning_text"), ANY)
MESSAGE = {**CACHED, **COPILOTS, cache_marks.COPILOTS: CacheControl}
NOT_SAID = frozenset({*COPILOTS, "name", "prompt_cache_breakpoint"})


class ThinkingBlock(TypedDict, total=False):
    """As LiteLLM gives it, in a stream without all of its parts."""

    type: str
    thinking: str
    signature: str
    data: str
    cache_control: CacheControl | None
    index: int | None  # of the block, where it was put together from a stream


class ProviderFields(TypedDict, total=False):
    """What LiteLLM makes blocks of Anthropic's from, of all that it puts there."""

    compaction_blocks: list[dict[str, object]]
    thinking_blocks: list[ThinkingBlock]
    tool_results: list[dict[str, object]]
    web_search_results: list[dict[str, object]]


class AnsweredText(ChatCompletionContentPartTextParam, total=False):
    """A text of the model, in which OpenAI's Agents SDK for Node keeps the rest of the message that it was in."""

    thinking_blocks: list[ThinkingBlock]


class AnsweredRefusal(ChatCompletionContentPartRefusalParam, total=False):
    """Likewise."""

    thinking_blocks: list[ThinkingBlock]


OF_ITS_MESSAGE = dict.fromkeys(
    (
        *("annotations", "audio", "function_call", "images", "parsed", "provider_specific_fields"),
        *("reasoning_content", "reasoning_items", "role", "tool_calls"),
    ),
    ANY,
)
CHAT_REQUEST = chat_create_params.CompletionCreateParamsBase
CHAT_ADDED: dict[str, Any] = {
    "stream": bool,
    "cache_control": CacheControl,
    "context_management": beta.BetaContextManagementConfigParam,
    "thinking": beta.BetaThinkingConfigParam,
    "top_k": FROM_ZERO,
}
CHAT: dict[str, Decision] = {
    **openai.COMMON,
    **openai.SAMPLING,
    **openai.MODERN,
    "audio": refused(openai.NO_AUDIO),
    "cache_control": PASSED,
    "context_management": PASSED,
    "function_call": refused("use tools and tool_choice", "none", "auto"),
    "functions": refused("use tools and tool_choice", []),
    "logprobs": refused(openai.NO_LOGPROBS, False),
    "max_completion_tokens": PASSED,
    "messages": PASSED,
    "modalities": refused(openai.NO_AUDIO, ["text"]),
    "prediction": refused("Claude takes no prediction of its answer"),
    "reasoning_effort": PASSED,
    "response_format": passed_but({"type": "text"}),
    "thinking": PASSED,
    "top_k": passed_but(UNSET),
    "verbosity": refused("say in the prompt how long the answer should be", "medium"),
    "web_search_options": PASSED,
}
BLOCKS_OF_FUNCTIONS = {
    **CACHED,
    "allowed_callers": list[str],
    "defer_loading": bool,
    "eager_input_streaming": bool,
    "input_examples": list[dict[str, object]],
}
CHAT_SHAPE = Shape(
    fields={
        CHAT_REQUEST.__name__: {
            "max_completion_tokens": core_schema.nullable_schema(FROM_ONE),
            "max_tokens": core_schema.nullable_schema(FROM_ONE),
            "temperature": core_schema.nullable_schema(SHARE),
            "top_p": core_schema.nullable_schema(SHARE),
        },
        "ChatCompletionSystemMessageParam": MESSAGE,
        "ChatCompletionDeveloperMessageParam": MESSAGE,
        "ChatCompletionUserMessageParam": MESSAGE,
        "ChatCompletionAssistantMessageParam": {
            **MESSAGE,
            **COPILOTS_THOUGHTS,
            "annotations": ANY,
            "audio": refusing(openai.NO_AUDIO),
            "content": str | list[AnsweredText | AnsweredRefusal] | None,
            "function_call": refusing("use tool_calls"),
            "images": ANY,
            "parsed": ANY,
            "provider_specific_fields": ProviderFields,
            "reasoning_content": str,
            "reasoning_items": ANY,
            "thinking_blocks": list[ThinkingBlock],
        },
        # Results of tools may be shown as images and files.
        "ChatCompletionToolMessageParam": {
            **MESSAGE,
            "name": str,
            "content": str | list[ChatCompletionContentPartParam],
        },
        "ChatCompletionContentPartTextParam": CACHED,
        "AnsweredText": {**CACHED, **OF_ITS_MESSAGE, "refusal": ANY},
        "AnsweredRefusal": {**OF_ITS_MESSAGE, "content": ANY},
        "ChatCompletionContentPartImageParam": CACHED,
        "File": CACHED,
        "FileFile": {"file_data": openai.FILE_DATA, "file_id": openai.FILE_ID, "format": str},
        "ImageURL": {"url": openai.SAFE_URL, "details": str, "format": str, "media_type": str},
        "ChatCompletionMessageFunctionToolCallParam": {
            "cache_control": CacheControl,
            "index": int,
            "provider_specific_fields": ANY,
        },
        "Function": {"parsed_arguments": ANY},
        "ChatCompletionFunctionToolParam": BLOCKS_OF_FUNCTIONS,
        "FunctionDefinition": {**CACHED, "name": openai.TOOL_NAME},
    },
    refused={
        "ChatCompletionContentPartInputAudioParam": openai.NO_AUDIO,
        "ChatCompletionCustomToolParam": openai.NO_FREE_TOOLS,
        "ChatCompletionMessageCustomToolCallParam": openai.NO_FREE_TOOLS,
        "ChatCompletionNamedToolChoiceCustomParam": openai.NO_FREE_TOOLS,
        "ChatCompletionAllowedToolChoiceParam": "send only the tools that Claude may use",
        "ChatCompletionFunctionMessageParam": "use a message with the role tool",
    },
    # Claude knows no names of those who speak, and looks at every image as closely as it can.
    left_out={
        "ImageURL": frozenset({"detail", "details", "media_type"}),
        "ThinkingBlock": frozenset({"index"}),
        "ChatCompletionAssistantMessageParam": frozenset(
            {
                *("annotations", "audio", "function_call", "images", "parsed", "reasoning_items"),
                *(*NOT_SAID, *COPILOTS_THOUGHTS),
            }
        ),
        **dict.fromkeys(
            (f"ChatCompletion{role}MessageParam" for role in ("System", "Developer", "User", "Tool")), NOT_SAID
        ),
        "ChatCompletionContentPartTextParam": frozenset({"prompt_cache_breakpoint"}),
        "AnsweredText": frozenset({*OF_ITS_MESSAGE, "prompt_cache_breakpoint", "refusal"}),
        "AnsweredRefusal": frozenset({*OF_ITS_MESSAGE, "content"}),
        "ChatCompletionContentPartImageParam": frozenset({"prompt_cache_breakpoint"}),
        "File": frozenset({"prompt_cache_breakpoint"}),
        "ChatCompletionMessageFunctionToolCallParam": frozenset({"provider_specific_fields"}),
        "Function": frozenset({"parsed_arguments"}),  # what OpenAI's SDKs have read in an answer, as `parsed`
    },
    open=frozenset({"ProviderFields"}),
)
CHAT_RULES = Rules(CHAT_REQUEST, CHAT, CHAT_SHAPE, CHAT_ADDED, frozenset({"messages", "model"}))

COMPLETIONS_REQUEST = completion_create_params.CompletionCreateParamsBase
COMPLETIONS: dict[str, Decision] = {
    **openai.COMMON,
    **openai.SAMPLING,
    "best_of": refused(openai.ONE_ANSWER, 1),
    "echo": refused("Claude's answer does not begin with the prompt", False),
    "logprobs": refused(openai.NO_LOGPROBS),
    "prompt": PASSED,
    "suffix": refused("Claude fills no gaps", ""),
    "top_k": passed_but(UNSET),
}
COMPLETIONS_SHAPE = Shape(
    fields={
        COMPLETIONS_REQUEST.__name__: {
            "max_tokens": core_schema.nullable_schema(FROM_ONE),
            "temperature": core_schema.nullable_schema(SHARE),
            "top_p": core_schema.nullable_schema(SHARE),
            "prompt": ANY,  # read by the rules of admission, which say more than a type
        }
    }
)
COMPLETIONS_RULES = Rules(
    COMPLETIONS_REQUEST,
    COMPLETIONS,
    COMPLETIONS_SHAPE,
    {"stream": bool, "top_k": FROM_ZERO},
    frozenset({"model", "prompt"}),
)
