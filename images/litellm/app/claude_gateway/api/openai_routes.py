"""OpenAI's routes: LiteLLM, as a library, translates the request to Anthropic's Messages API and the answer back."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any

import litellm
from litellm.litellm_core_utils import core_helpers
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

from claude_gateway.api import free_tools, openai_form, own_calls
from claude_gateway.api.annotations import Annotations, may_come
from claude_gateway.api.call import Call, Reply, current_call
from claude_gateway.api.contract import Route
from claude_gateway.api.contract.answer_schema import with_names_hidden
from claude_gateway.api.json_mode import is_asked_for, without_format
from claude_gateway.api.litellm_transport import API_BASE, UpstreamTransport
from claude_gateway.api.responses import CUT, as_events, as_response, broken_off
from claude_gateway.api.untranslated import split
from claude_gateway.config.time_limits import SILENCE_SECONDS
from claude_gateway.errors import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from claude_gateway.upstream.base import Upstream

    Render = Callable[[Any], bytes]

log = logging.getLogger(__name__)

PREFIX = re.compile(r"^(litellm\.\w+: *|Anthropic\w* ?- ?|\w+Exception ?- ?)+")
# LiteLLM's advice to whoever runs LiteLLM, who is nobody here.
ADVICE = re.compile(
    r"(,? or set `litellm\.| ?To drop unsupported | ?If you want to use these params |\. ?Either provide one)"
    ".*",
    re.DOTALL,
)
NOT_TRANSLATED = (
    "The request cannot be translated for Claude: a message or parameter has a form that LiteLLM does not know."
)
DONE = b"data: [DONE]\n\n"


class OpenAIRoutes:
    """Chat completions, completions and responses."""

    def __init__(self, upstream: Upstream, *, drop_params: bool = False) -> None:
        litellm.telemetry = False
        # LiteLLM's list lacks some, and it would call an answer complete that is none.
        for reason in CUT:
            core_helpers._FINISH_REASON_MAP[reason] = "length"  # noqa: SLF001 - there is no other way in
        litellm.suppress_debug_info = True
        litellm.turn_off_message_logging = True
        litellm.drop_params = drop_params  # what a model cannot do by LiteLLM's list is left out, not refused
        self._drop_params = drop_params
        self._fixed: dict[str, Any] = {
            "api_key": "none",
            "api_base": API_BASE,
            "client": AsyncHTTPHandler(timeout=SILENCE_SECONDS, transport=UpstreamTransport(upstream)),
            # A retry would be paid for twice.
            "num_retries": 0,
            "max_retries": 0,
            "timeout": SILENCE_SECONDS,
        }

    async def answer(self, call: Call) -> Reply:
        """Raises Failure."""
        current_call.set(call)
        try:
            return await self._answered(call)
        except BaseException as error:
            if call.close is not None:
                await call.close()
            if isinstance(error, Failure) or not isinstance(error, Exception):
                raise
            raise failure(call, error) from error

    async def _answered(self, call: Call) -> Reply:
        if call.route is Route.RESPONSES:
            return await self._responses(call)
        if call.route is Route.COMPLETIONS:
            return await self._completions(call)
        return await self._chat(call)

    async def _chat(self, call: Call) -> Reply:
        cited = call.annotations = Annotations() if may_come(call.body) else None
        answer = await litellm.acompletion(**self._arguments(call, call.body))
        if call.streamed:
            calls = own_calls.OwnCalls()
            return await _stream(answer, call, lambda part: _chunk(calls.alone_in(part), cited))
        made = answer.model_dump(mode="json")
        made["choices"][0].setdefault("logprobs", None)
        message = made["choices"][0]["message"]
        own_calls.in_message(message)
        openai_form.message(message)
        if cited is not None:
            message["annotations"] = cited.so_far()
        made["usage"] = openai_form.usage(made["usage"])
        return Reply(_once(json.dumps(made)), call.headers)

    async def _responses(self, call: Call) -> Reply:
        arguments = self._arguments(call, free_tools.with_full_names(call.body))
        await litellm.aresponses(**{**arguments, "stream": False})
        if call.answer is None:
            raise broken_off()
        if call.streamed:
            return await _stream(as_events(call.answer.content, call.body), call, _typed_event, done=b"")
        return Reply(_once(json.dumps(await as_response(call.answer.content, call.body))), call.headers, call.close)

    async def _completions(self, call: Call) -> Reply:
        body = {**call.body, "messages": [{"role": "user", "content": call.body["prompt"]}]}
        del body["prompt"]
        answer = await litellm.acompletion(**self._arguments(call, body))
        if call.streamed:
            return await _stream(answer, call, _completion_chunk)
        return Reply(_once(json.dumps(_as_completion(answer.model_dump()))), call.headers)

    def _arguments(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        if not self._drop_params:
            body, call.passed = split(body)
        if is_asked_for(body):
            body = without_format(body)
        return {**with_names_hidden(body), **self._fixed, "model": f"anthropic/{body['model']}"}


def failure(call: Call, error: Exception) -> Failure:
    """What the client is told: the upstream's own failure, else LiteLLM's objection in its words, never Python's."""
    if call.failure is not None:
        return call.failure
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500 and status not in (401, 403, 408):
        return Failure(400, _plain(str(getattr(error, "message", error))))
    log.error("LiteLLM failed with %s: %s", type(error).__name__, str(error).partition("Traceback")[0][:500])
    return broken_off() if call.close else Failure(400, NOT_TRANSLATED)


def _plain(message: str) -> str:
    """LiteLLM's objection without its advice; a general sentence where it speaks of Python."""
    words = ADVICE.sub("", PREFIX.sub("", message)).strip()
    if not words or "Traceback" in words or "object" in words.partition(" ")[2][:12] or "Received Messages" in words:
        return NOT_TRANSLATED
    return words[:1000]


async def _once(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def _stream(answer: Any, call: Call, render: Render, done: bytes = DONE) -> Reply:
    """A stream whose first part has come: only then has LiteLLM asked the upstream, whose refusal has a status."""
    parts = aiter(answer)
    first = await anext(parts)
    if call.failure is not None:
        raise call.failure
    return Reply(_events(first, parts, call, render, done), call.headers, call.close)


async def _events(first: Any, parts: Any, call: Call, render: Render, done: bytes) -> AsyncIterator[bytes]:
    """The stream in OpenAI's form; one that breaks ends with an error and without `[DONE]`."""
    number = 0
    if call.route is Route.CHAT and first.choices:
        first.choices[0].delta.role = "assistant"  # an answer without any content has none by LiteLLM
    try:
        yield render(first)
        async for part in parts:
            number = part["sequence_number"] if isinstance(part, dict) else 0
            if getattr(part, "usage", None) is not None:
                part.usage.__dict__.pop("cost", None)  # by LiteLLM's list of prices; Anthropic's answer has none
                part.choices = [choice for choice in part.choices if choice.finish_reason]  # OpenAI's has none here
            yield render(part)
        if call.failure is not None:
            raise call.failure
        yield done
    except GeneratorExit:
        raise
    except Exception as error:
        broken = error if isinstance(error, Failure) else call.failure or broken_off()
        call.usage.broken_off = True
        log.warning("request %s broke off in its stream: %s", call.request_id, broken.message)
        if call.route is Route.RESPONSES:
            yield broken.response_event(number + 1)
        else:
            yield broken.event(call.route.dialect, call.request_id)


def _chunk(part: Any, cited: Annotations | None) -> bytes:
    for choice in part.choices:
        if cited is not None and choice.finish_reason and (noted := cited.so_far()):
            choice.delta.annotations = noted
    made = part.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    for choice in made["choices"]:
        choice.setdefault("finish_reason", None)
    if "usage" in made:
        made["usage"] = openai_form.usage(made["usage"])
    return _data(json.dumps(made))


def _typed_event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _data(json.dumps(event))


def _completion_chunk(part: Any) -> bytes:
    return _data(json.dumps(_as_completion(part.model_dump(exclude_none=True))))


def _data(text: str) -> bytes:
    return f"data: {text}\n\n".encode()


def _as_completion(chat: dict[str, Any]) -> dict[str, Any]:
    """A chat completion, or a chunk of one, as the older completions API gives it."""
    choices = [
        {
            "index": choice.get("index", 0),
            "text": (choice.get("message") or choice.get("delta") or {}).get("content") or "",
            "finish_reason": choice.get("finish_reason"),
            "logprobs": None,
        }
        for choice in chat["choices"]
    ]
    usage = {"usage": openai_form.usage(chat["usage"])} if chat.get("usage") else {}
    made = {"id": chat["id"], "object": "text_completion", "created": chat.get("created") or int(time.time())}
    return {**made, "model": chat["model"], "choices": choices, **usage}
