"""The load of the benchmark of updates: as bench/rotation_load.py, with HTTP/2, and 20 requests a second in all.

`python -m bench.updates_load`: 8 a second on new connections, 8 on kept ones, 4 over HTTP/2; and eight streams, half of
them over HTTP/2. No client tries anything twice.
"""

import asyncio
from dataclasses import dataclass, field

from bench.http2 import Http2
from bench.rotation_load import STREAM_TIMEOUT, STREAMS, Load, main


@dataclass
class UpdatesLoad(Load):
    """Three kinds of connections."""

    second: list[Http2] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.context is None:
            raise ValueError("HTTP/2 needs TLS")
        self.over_http2 = self.context_for("h2")

    async def http2(self, key: str) -> tuple[int, bool]:
        """A request on a kept HTTP/2 connection."""
        connection = self.second.pop() if self.second else None
        if connection is None or not await connection.usable():
            connection = await Http2.open(self.target, self.over_http2)
        try:
            status, _, again = await connection.ask(self.target, key, self.body("hi", stream=False))
        except BaseException:
            connection.close()
            raise
        if again:
            self.second.append(connection)
        else:
            connection.close()
        return status, status == 200

    async def http2_stream(self, key: str) -> tuple[int, bool]:
        """A stream on a new HTTP/2 connection."""
        connection = await Http2.open(self.target, self.over_http2)
        try:
            status, content, _ = await connection.ask(self.target, key, self.body(self.slow(), stream=True))
        finally:
            connection.close()
        return status, status == 200 and content.rstrip().endswith(b"data: [DONE]")

    async def streams(self) -> None:
        await asyncio.sleep(self.target.stream_after)
        async with asyncio.TaskGroup() as tasks:
            for number in range(STREAMS):
                act = self.http2_stream if number % 2 else self.stream
                tasks.create_task(self.note("stream", STREAM_TIMEOUT, act))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.obey())
            tasks.create_task(self.at_rate("fresh", self.fresh, 0.0, 8))
            tasks.create_task(self.at_rate("kept", self.kept, 0.06, 8))
            tasks.create_task(self.at_rate("http2", self.http2, 0.03, 4))
            tasks.create_task(self.streams())


if __name__ == "__main__":
    main(UpdatesLoad)
