"""What is decided about the fields of OpenAI's three routes alike."""

from __future__ import annotations

from pydantic_core import CoreSchema, core_schema

from claude_gateway.api.contract.rules import LEFT_OUT, PASSED, UNSET, Decision, passed_but, refused

ONE_ANSWER = "Claude gives one answer to a request"
NO_LOGPROBS = "Claude does not tell the probabilities of tokens"
NO_PENALTIES = "Claude has no such setting"
NO_AUDIO = "Claude neither hears nor speaks"
NO_FREE_TOOLS = "Claude calls tools with JSON alone; use a tool of type function"
NO_MODERATION = "there is no moderation of OpenAI's here"
# A URL that is left to LiteLLM would be fetched by the gateway itself.
SAFE_URL: CoreSchema = core_schema.str_schema(pattern=r"^(?:https://|data:[^,]*;base64,)")
FILE_ID: CoreSchema = core_schema.str_schema(pattern=r"^(?:https://[^\s]+|[A-Za-z0-9_-]+)$")
FILE_DATA: CoreSchema = core_schema.str_schema(pattern=r"^data:[^,]*;base64,")
TOOL_NAME: CoreSchema = core_schema.str_schema(pattern=r"^[A-Za-z0-9_-]{1,128}$")
COMMON: dict[str, Decision] = {
    "model": PASSED,
    "stream": PASSED,
    "stream_options": PASSED,
    "temperature": PASSED,
    "top_p": passed_but(UNSET, 1),  # clients send 1 beside a temperature, and newer models take one of the two
    "user": LEFT_OUT,
}
# Of chat completions and completions.
SAMPLING: dict[str, Decision] = {
    "frequency_penalty": refused(NO_PENALTIES, 0),
    "logit_bias": refused(NO_PENALTIES, {}),
    "max_tokens": PASSED,
    "n": refused(ONE_ANSWER, 1),
    "presence_penalty": refused(NO_PENALTIES, 0),
    "seed": LEFT_OUT,
    "stop": PASSED,
}
# Of chat completions and responses.
MODERN: dict[str, Decision] = {
    "metadata": LEFT_OUT,
    "moderation": refused(NO_MODERATION),
    "parallel_tool_calls": passed_but(True),
    "prompt_cache_key": LEFT_OUT,
    "prompt_cache_options": LEFT_OUT,
    "prompt_cache_retention": LEFT_OUT,
    "safety_identifier": LEFT_OUT,
    "service_tier": refused("OpenAI's tiers of service do not exist at Anthropic", "auto", "default"),
    "store": refused("no answer is kept here", False),
    "tool_choice": PASSED,
    "tools": passed_but([]),
    "top_logprobs": refused(NO_LOGPROBS, 0),
}
