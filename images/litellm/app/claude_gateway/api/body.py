"""Reading a request's body within bounds: its own size and time, and the bytes of all bodies together.

The budget over all bodies is what keeps LiteLLM alive: a body is copied while it is parsed, translated and sent. When
it is used up, the body that has been arriving for longest is given up (408), because an honest one is there in moments.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_gateway.errors import Failure, retry_after

if TYPE_CHECKING:
    from starlette.types import Receive

BODY_SECONDS = 60.0
"""How long one whole body may take."""
FREE_BYTES = 64 * 1024
"""What each request has besides the budget, so that no large body keeps a small one out."""
FORMS = ("application/x-www-form-urlencoded", "multipart/")
SLOW = "The request's body did not arrive in time: send it faster, or again when the gateway is less busy."
CROWDED = "The gateway holds as many large requests as its memory allows; try again shortly."


class ClientLeft(Exception):  # noqa: N818 - an event, not an error
    """The client went away while its body arrived."""


@dataclass(eq=False)
class _Body:
    """One that is being read; `task` waits for its next piece."""

    size: int = 0
    given_up: bool = False
    arriving: asyncio.Timeout | None = None


class Bodies:
    """All bodies in flight. `limit`: bytes of one; `budget`: bytes of all beyond FREE_BYTES each."""

    def __init__(self, limit: int, budget: int, *, seconds: float = BODY_SECONDS) -> None:
        self._limit, self._budget, self._seconds = limit, budget, seconds
        self._held = 0
        self._arriving: dict[_Body, None] = {}  # the oldest first

    @property
    def held(self) -> int:
        """Bytes that count against the budget now."""
        return self._held

    def reading(self) -> Reading:
        """A body to be read; it counts until it is closed, so close it when the request is over."""
        return Reading(self)

    async def read(self, body: _Body, receive: Receive, announced: int) -> bytes:
        if announced > self._limit:
            raise self._too_large()
        self._arriving[body] = None
        pieces = bytearray()
        try:
            async with asyncio.timeout(self._seconds) as body.arriving:
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientLeft
                    self._grow(body, len(message.get("body", b"")))
                    pieces += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            raise Failure(408, SLOW, headers={"connection": "close"}) from None
        finally:
            self._arriving.pop(body, None)
        return bytes(pieces)

    def _grow(self, body: _Body, size: int) -> None:
        if body.size + size > self._limit:
            raise self._too_large()
        before = max(0, body.size - FREE_BYTES)
        body.size += size
        self._held += max(0, body.size - FREE_BYTES) - before
        while self._held > self._budget and self._give_up_oldest(body):
            pass
        if self._held > self._budget:
            raise Failure(503, CROWDED, headers=retry_after(2))

    def _give_up_oldest(self, newcomer: _Body) -> bool:
        """Whether there was another large one that was still arriving."""
        for body in self._arriving:
            if body is not newcomer and body.size > FREE_BYTES and not body.given_up and body.arriving is not None:
                body.given_up = True
                body.arriving.reschedule(-1)
                self.release(body)
                return True
        return False

    def release(self, body: _Body) -> None:
        self._held -= max(0, body.size - FREE_BYTES)
        body.size = 0

    def _too_large(self) -> Failure:
        return Failure(
            413, f"The request is larger than this gateway accepts ({self._limit // 1024**2} MiB: maxRequestMib)."
        )


class Reading:
    """One request's share of the budget."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._body = _Body()

    async def read(self, receive: Receive, headers: dict[bytes, bytes]) -> bytes:
        """The whole body. Raises Failure (408, 413, 415, 503) or ClientLeft."""
        refuse_other_encodings(headers)
        length = headers.get(b"content-length", b"0")
        return await self._bodies.read(self._body, receive, int(length) if length.isdigit() else 0)

    def close(self) -> None:
        self._bodies.release(self._body)


def refuse_other_encodings(headers: dict[bytes, bytes]) -> None:
    """JSON alone, and not compressed: what a compressed body expands to has no bound. Raises Failure (415)."""
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if set(encoding.replace(" ", "").split(",")) - {"", "identity"}:
        raise Failure(
            415, f"Compressed bodies ({encoding[:20]!r}) are not read here: send the JSON without content-encoding."
        )
    kind = headers.get(b"content-type", b"").decode("latin-1").strip().lower()
    if kind.startswith(FORMS):
        raise Failure(415, "The body must be JSON: send it with content-type: application/json.")
