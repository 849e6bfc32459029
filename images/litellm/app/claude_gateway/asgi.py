"""The front door: an ASGI application around LiteLLM's.

Health and authentication are answered here, before LiteLLM reads a body, so a missing, wrong or malformed key is a 401
for every path and method. A request that passes carries an internal token in place of the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_gateway.answer_shape import AnswerShape
from claude_gateway.answers import error_body, send_json
from claude_gateway.disconnect import run_until_client_leaves
from claude_gateway.keys import Authenticator, Refusal
from claude_gateway.request_scope import RequestScope, current_request
from claude_gateway.upstream_refusal import hide_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_gateway.asgi_types import App, Message, Receive, Scope, Send

HEALTH_PATHS = frozenset({"/health/readiness", "/health/liveliness", "/health/liveness"})
# Every header from which LiteLLM would take a key (litellm/proxy/auth/user_api_key_auth.py, get_api_key).
KEY_HEADERS = frozenset(
    {b"authorization", b"x-api-key", b"x-litellm-api-key", b"api-key", b"x-goog-api-key", b"ocp-apim-subscription-key"}
)
BEARER = b"bearer "
GENERATION_HEADER = b"x-key-generation"  # the gateway takes it off the answer
UNAUTHORIZED_HEADERS = {"www-authenticate": "Bearer"}


class FrontDoor:
    """Readiness, authentication and the life of a request.

    `is_draining` is asked for every readiness check; `on_ready` is called once LiteLLM has started. `own_provider`:
    answers come from the Claude CLI, whose endings and errors are put right on the way out.
    """

    def __init__(
        self,
        app: App,
        authenticator: Authenticator,
        internal_token: str,
        is_draining: Callable[[], bool],
        *,
        own_provider: bool,
        on_ready: Callable[[], None],
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._authorization = b"Bearer " + internal_token.encode()
        self._is_draining = is_draining
        self._own_provider = own_provider
        self._on_ready = on_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._noting_readiness(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # uvicorn answers 403: no model speaks it here
        else:
            await self._http(scope, receive, self._closing(send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in HEALTH_PATHS:
            await self._health(scope["path"], send)
            return
        verdict = self._authenticator.check(presented_keys(scope["headers"]))
        if isinstance(verdict, Refusal):
            await send_json(send, 401, error_body(401, verdict.value), UNAUTHORIZED_HEADERS)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in KEY_HEADERS]
        admitted = {**scope, "headers": [*headers, (b"authorization", self._authorization)]}
        await self._serve(admitted, receive, naming_generation(send, verdict.generation))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = RequestScope()
        token = current_request.set(request)
        try:
            shaped = AnswerShape(send, request, scope["path"]) if self._own_provider else hide_refusal(send)
            await run_until_client_leaves(self._app, scope, receive, shaped)
        finally:
            request.close()
            current_request.reset(token)

    async def _health(self, path: str, send: Send) -> None:
        if path == "/health/readiness" and self._is_draining():
            await send_json(send, 503, {"status": "draining"})
        else:
            await send_json(send, 200, {"status": "ready"})

    def _noting_readiness(self, send: Send) -> Send:
        """Tell the server when LiteLLM has started, before the first request can come."""

        async def send_noted(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._on_ready()
            await send(message)

        return send_noted

    def _closing(self, send: Send) -> Send:
        """While draining, tell each client to open its next connection elsewhere."""

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and self._is_draining():
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        return send_and_close


def naming_generation(send: Send, generation: str) -> Send:
    """Tell the gateway which generation of the key was used: its log knows who asked, this process does not."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), (GENERATION_HEADER, generation.encode())]
        await send(message)

    return send_named


def presented_keys(headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    """The credentials of a request: `Authorization: Bearer KEY` (OpenAI) and `x-api-key: KEY` (Anthropic).

    A malformed one counts as presented, so that it is refused as wrong and never as an internal error.
    """
    found = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"authorization":
            found.append(value[len(BEARER) :].strip() if value[: len(BEARER)].lower() == BEARER else value)
        elif lowered == b"x-api-key":
            found.append(value.strip())
    return [value for value in found if value]
