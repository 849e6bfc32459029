"""An HTTP/2 connection for a load: one request at a time, and an end that the server announces is no failure.

Not httpx: it stands on h2 as this does, and fails the answers that come after a GOAWAY.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from bench.rotation_load import Target

READ = 1 << 16


class Patient(H2Connection):
    """Goes on after a GOAWAY, as RFC 9113 (6.8) has it: h2 itself refuses every frame that follows."""

    def _receive_goaway_frame(self, frame: Any) -> tuple[list[Any], list[Any]]:
        event = ConnectionTerminated()
        event.last_stream_id = frame.last_stream_id
        return [], [event]


@dataclass
class Http2:
    """One connection. What a server has taken before it says GOAWAY it answers; what comes later needs a new one."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: Patient = field(default_factory=lambda: Patient(H2Configuration(header_encoding="utf-8")))
    ending: bool = False

    @classmethod
    async def open(cls, target: Target, context: ssl.SSLContext) -> "Http2":
        """Connects, and agrees on HTTP/2 in the handshake."""
        streams = await asyncio.open_connection(
            target.address or target.host, target.port, ssl=context, server_hostname=target.host
        )
        made = cls(*streams)
        made.protocol.initiate_connection()
        await made._send()
        return made

    async def _send(self) -> None:
        self.writer.write(self.protocol.data_to_send())
        await self.writer.drain()

    async def ask(self, target: Target, key: str, body: bytes) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection may be used again."""
        stream = self.protocol.get_next_available_stream_id()
        headers = {
            ":method": "POST",
            ":scheme": "https",
            ":authority": target.host,
            ":path": "/v1/chat/completions",
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        self.protocol.send_headers(stream, list(headers.items()))
        self.protocol.send_data(stream, body, end_stream=True)
        await self._send()
        status, content = 0, bytearray()
        while data := await self.reader.read(READ):
            ended = False
            for event in self._events(data):
                if isinstance(event, ConnectionTerminated) and (event.last_stream_id or 0) < stream:
                    raise EOFError("the request was not taken")
                if isinstance(event, ResponseReceived):
                    status = int(dict[Any, Any](event.headers)[":status"])
                elif isinstance(event, DataReceived):
                    content += event.data or b""
                    self.protocol.acknowledge_received_data(event.flow_controlled_length or 0, stream)
                elif isinstance(event, StreamReset):
                    raise EOFError("the stream was reset")  # noqa: TRY004 - an event, not an argument
                ended = ended or isinstance(event, StreamEnded)
            await self._send()
            if ended:
                return status, bytes(content), not self.ending
        raise EOFError("the connection was closed")

    def _events(self, data: bytes) -> list[Any]:
        try:
            events: list[Any] = self.protocol.receive_data(data)
        except ProtocolError as error:
            raise ValueError(str(error)) from error
        self.ending = self.ending or any(isinstance(event, ConnectionTerminated) for event in events)
        return events

    async def usable(self) -> bool:
        """Whether the server has not announced the end while the connection was idle."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                data = await self.reader.read(READ)
                if not data:
                    return False
                self._events(data)
                await self._send()
        return not self.ending

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.writer.close()
