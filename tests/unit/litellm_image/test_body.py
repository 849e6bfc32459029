"""What a body may cost while it arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from claude_gateway.api.body import FREE_BYTES, Bodies, ClientLeft
from claude_gateway.errors import Failure

if TYPE_CHECKING:
    from starlette.types import Message, Receive

KIB = 1024
LIMIT, BUDGET = 1024 * KIB, 2048 * KIB


def arriving(*sizes: int, hold: asyncio.Event | None = None) -> Receive:
    """Pieces of these sizes; with `hold` the last one waits for it."""
    pending = list(sizes)

    async def receive() -> Message:
        if len(pending) == 1 and hold is not None:
            await hold.wait()
        size = pending.pop(0)
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(pending)}

    return receive


async def read(bodies: Bodies, receive: Receive, headers: dict[bytes, bytes] | None = None) -> Any:
    reading = bodies.reading()
    try:
        return len(await reading.read(receive, headers or {}))
    except Failure as failure:
        return failure.status
    finally:
        reading.close()


async def test_a_body_is_read_whole_and_counts_until_its_request_is_over() -> None:
    bodies = Bodies(LIMIT, BUDGET)
    reading = bodies.reading()
    assert len(await reading.read(arriving(100 * KIB, 100 * KIB), {})) == 200 * KIB
    assert bodies.held == 200 * KIB - FREE_BYTES
    reading.close()
    assert bodies.held == 0


@pytest.mark.parametrize("headers", [{}, {b"content-length": str(LIMIT + 1).encode()}])
async def test_a_body_over_the_limit_is_refused(headers: dict[bytes, bytes]) -> None:
    assert await read(Bodies(LIMIT, BUDGET), arriving(LIMIT, 1), headers) == 413


async def test_a_slow_body_is_given_up() -> None:
    assert await read(Bodies(LIMIT, BUDGET, seconds=0.05), arriving(1, 1, hold=asyncio.Event())) == 408


async def test_bodies_that_never_end_keep_nobody_out() -> None:
    """P1 b: many connections that each send nearly a whole body of blanks and stop."""

    bodies, never = Bodies(LIMIT, BUDGET), asyncio.Event()
    stuck = [asyncio.create_task(read(bodies, arriving(1000 * KIB, 1, hold=never))) for _ in range(20)]
    while sum(task.done() for task in stuck) < 17:  # those that had no room; the others wait for what never comes
        await asyncio.sleep(0.005)
    assert bodies.held <= BUDGET
    assert await read(bodies, arriving(LIMIT)) == LIMIT
    done = [task.result() for task in stuck if task.done()]
    assert len(done) >= 18
    assert set(done) == {408}
    never.set()
    await asyncio.gather(*stuck)
    assert bodies.held == 0


async def test_when_all_are_whole_the_next_large_one_is_told_to_wait_and_a_small_one_passes() -> None:
    bodies = Bodies(LIMIT, BUDGET)
    for _ in range(2):
        await bodies.reading().read(arriving(LIMIT), {})
    assert await read(bodies, arriving(LIMIT)) == 503
    assert await read(bodies, arriving(FREE_BYTES)) == FREE_BYTES


async def test_a_client_that_leaves_holds_nothing() -> None:
    async def leaving() -> Message:
        return {"type": "http.disconnect"}

    bodies = Bodies(LIMIT, BUDGET)
    reading = bodies.reading()
    with pytest.raises(ClientLeft):
        await reading.read(leaving, {})


@pytest.mark.parametrize(
    "headers",
    [
        *(
            {b"content-encoding": kind}
            for kind in (b"gzip, identity", b"identity, gzip", b"gzip", b"deflate", b"br", b"zstd", b"GZIP")
        ),
        {b"content-type": b"application/x-www-form-urlencoded"},
        {b"content-type": b"Multipart/form-data; boundary=x"},
    ],
)
async def test_compressed_bodies_and_forms_are_refused_in_words(headers: dict[bytes, bytes]) -> None:
    assert await read(Bodies(LIMIT, BUDGET), arriving(5), headers) == 415


@pytest.mark.parametrize("kind", [b"", b"text/plain", b"APPLICATION/JSON; charset=UTF-8", b"application/vnd.api+json"])
async def test_other_content_types_are_read_as_json(kind: bytes) -> None:
    assert await read(Bodies(LIMIT, BUDGET), arriving(5), {b"content-type": kind}) == 5
