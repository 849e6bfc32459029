"""A CLI process whose pipes break, in the event loop that serves in the container."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import uvloop
from tests.unit.litellm_image.claude_cli import TOKEN, until
from tests.unit.litellm_image.pool_house import House

from claude_gateway.cli import CliConfig
from claude_gateway.cli.channel import Channel


def test_a_process_that_has_ended_takes_no_input_however_often_it_is_tried(tmp_path: Path) -> None:
    """uvloop has an error of its own for a pipe that it has closed: RuntimeError."""
    config = CliConfig(1, 0, 0, tmp_path, tmp_path, oauth_token=TOKEN, cli=Path("/bin/true"))

    async def refused_at_last(channel: Channel) -> bool:
        try:
            await channel.send({"text": "x"})
        except OSError:
            return True
        return False

    async def test() -> None:
        channel = Channel(config, ())
        await channel.start()
        try:
            assert await channel.receive() is None
            while not await refused_at_last(channel):
                await asyncio.sleep(0.01)
            for _ in range(3):
                with pytest.raises(OSError, match="pipe"):
                    await channel.send({})
        finally:
            await channel.close()

    uvloop.run(test())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio
async def test_a_process_that_cannot_be_wiped_for_any_reason_gives_its_place_back() -> None:
    house = House(limit=1)
    process = await house.get()

    async def wipe() -> None:
        raise KeyError("type")

    process.wipe = wipe  # type: ignore[method-assign]
    house.pool.give_back(process)
    await until(lambda: not house.pool.live)
    assert await house.get() is not process
    await house.pool.close()
