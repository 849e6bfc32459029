"""With an Anthropic API key: a 401 from upstream is the operator's matter, not the client's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_gateway.answers import error_body, send_json

if TYPE_CHECKING:
    from claude_gateway.asgi_types import Message, Send

REFUSED = "Anthropic refuses the gateway's API key: set it again: pulumi config set --secret anthropicApiKey; make up"


def hide_refusal(send: Send) -> Send:
    """Turn a 401 of an admitted request into a 503: the client's key was right, and proxies count 401s as attacks."""
    replaced = False

    async def send_hidden(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and message["status"] == 401:
            replaced = True
            await send_json(send, 503, error_body(503, REFUSED))
        elif not replaced:
            await send(message)

    return send_hidden
