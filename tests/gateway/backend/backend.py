"""A stand-in for LiteLLM: reports what reached it, byte for byte, and drains as LiteLLM's container does.

Each request is one JSON line on stdout. The answer is chosen by the request header `x-behave`:
`sse` (five events, 0.2 s apart), `slow=SECONDS`, `drop` (close without an answer), `status=CODE`, `big=BYTES`.
Connections are kept, and `port` in a report says which one it was.
"""

# ruff: noqa: T201 (its report is what it prints)
import asyncio
import contextlib
import json
import os
import signal
import time
from typing import ClassVar

KEYS = {"Bearer sk-good", "Bearer sk-second"}
DRAIN_NOTICE_SECONDS = 3.0
START_SECONDS = float(os.environ.get("START_SECONDS", "0"))
NAME = os.environ.get("NAME", "backend")
REPLICA = os.environ.get("REPLICA", "")


class State:
    """What all connections share."""

    draining = False
    closing = False
    in_flight = 0
    idle: ClassVar[set[asyncio.StreamWriter]] = set()


async def read_body(reader: asyncio.StreamReader, headers: list[tuple[str, str]]) -> bytes:
    """Read what the framing headers announce, trusting each as a naive server would (chunked first)."""
    names = dict(headers)
    if "chunked" in names.get("transfer-encoding", "").lower():
        body = b""
        while size := int((await reader.readline()).split(b";")[0] or b"0", 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    return await reader.readexactly(int(names.get("content-length", "0")))


async def respond(writer: asyncio.StreamWriter, status: int, body: bytes, generation: str = "") -> None:
    kind = "application/json"
    inner = f"server: uvicorn\r\n{generation}request-id: req_upstream\r\nx-request-id: own\r\n"
    head = f"HTTP/1.1 {status} Status\r\n{inner}content-type: {kind}\r\n"
    writer.write(head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


async def stream_events(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for number in range(5):
        event = f"data: {json.dumps({'number': number, 'sent': time.time()})}\n\n".encode()
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.2)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":")[::2] for line in lines[1:] if line]
    headers = [(name.lower(), value.strip()) for name, value in pairs]
    names = dict(headers)
    target = lines[0].split(" ")[1] if " " in lines[0] else lines[0]
    if target == "/health/readiness":
        await respond(writer, 503 if State.draining else 200, b"{}")
        return
    if REPLICA and target.startswith("/health/replica/"):
        await respond(writer, 200 if target == f"/health/replica/{REPLICA}" else 404, b"{}")
        return
    report: dict[str, object] = {"backend": NAME, "line": lines[0], "headers": headers}
    report["port"] = writer.get_extra_info("peername")[1]
    print(json.dumps({**report, "event": "head"}))
    body = await read_body(reader, headers)
    report |= {"body_bytes": len(body), "last_byte": body[-1] if body else None}
    print(json.dumps({**report, "event": "request"}))
    behave, _, value = names.get("x-behave", "").partition("=")
    if behave == "slow":
        await asyncio.sleep(float(value))
    if behave == "drop":
        raise ConnectionAbortedError
    known = names.get("authorization") in KEYS
    generation = "x-key-generation: 2026-11-24\r\n" if known else ""
    if behave == "sse":
        await stream_events(writer)
    elif behave == "status":
        await respond(writer, int(value), json.dumps(report).encode(), generation)
    elif not known:
        await respond(writer, 401, b'{"error":{"message":"wrong key"}}')
    elif behave == "big":
        await respond(writer, 200, b"x" * int(value), generation)
    else:
        await respond(writer, 200, json.dumps(report).encode(), generation)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection. Whatever follows a request on it is a request too: that is how smuggling would show."""
    try:
        while not State.closing:
            State.idle.add(writer)
            head = await reader.readuntil(b"\r\n\r\n")
            State.idle.discard(writer)
            State.in_flight += 1
            try:
                await answer(reader, writer, head)
            finally:
                State.in_flight -= 1
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        State.idle.discard(writer)
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.sleep(START_SECONDS)
    server = await asyncio.start_server(serve, "0.0.0.0", 4000, limit=2**20)
    await stop.wait()
    State.draining = True
    await asyncio.sleep(DRAIN_NOTICE_SECONDS)
    server.close()
    State.closing = True
    for writer in State.idle:
        writer.close()
    while State.in_flight:  # noqa: ASYNC110 - a counter, not an event
        await asyncio.sleep(0.05)


asyncio.run(main())
