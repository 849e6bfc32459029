"""End a request's work when its client leaves, also when nothing has been sent yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def run_until_client_leaves(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app`; cancel it when the client disconnects after its request body was read.

    LiteLLM does not look at the connection of a request that is not streamed, so the model would go on (and bill) for
    nobody. Once the body is complete the only message that can follow is the disconnect, and this waits for it. It
    comes after each whole answer, too, and ends nothing then: what was used is still to be counted.
    """
    gone: asyncio.Task[Message] | None = None
    answered = False

    async def watched_receive() -> Message:
        nonlocal gone
        if gone is not None:
            return await asyncio.shield(gone)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            gone = asyncio.ensure_future(_disconnect(receive))
            gone.add_done_callback(lambda done: None if done.cancelled() or answered else work.cancel())
        return message

    async def watched_send(message: Message) -> None:
        nonlocal answered
        answered = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    work = asyncio.ensure_future(app(scope, watched_receive, watched_send))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        if not work.done():  # this task itself was cancelled, by the server
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            raise
        if not _left(gone):
            raise
    finally:
        if gone is not None:
            gone.cancel()


def _left(gone: asyncio.Task[Message] | None) -> bool:
    return gone is not None and gone.done() and not gone.cancelled()


async def _disconnect(receive: Receive) -> Message:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
