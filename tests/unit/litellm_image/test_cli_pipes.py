"""A CLI process whose pipes break, in the event loop that serves in the container."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.unit.litellm_image.claude_cli import TOKEN, until
from tests.unit.litellm_image.pool_house import House

from claude_gateway.cli import CliConfig
from claude_gateway.cli.channel import Channel


async def test_a_process_that_has_ended_takes_no_input_however_often_it_is_tried(tmp_path: Path) -> None:
    """uvloop has an error of its own for a pipe that it has closed: RuntimeError."""
    config = CliConfig(1, 0, 0, tmp_path, tmp_path, oauth_token=TOKEN, cli=Path("/bin/true"))

    async def refused_at_last(channel: Channel) -> bool:
        try:
            await channel.send({"text": "x"})
        except OSError:
            return True
        return False

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
    assert list(tmp_path.iterdir()) == []


SAYS_ODD_THINGS = b"""#!/bin/sh
cat "$0.lines"
"""
ODD_LINES = (
    b"\0\0 \xff\xfe",
    b"5",
    b'{"no": "type"}',
    b"[" * 100_000,
    b'{"type": "assistant", "input": ' + b"[" * 2000 + b"]" * 2000 + b"}",  # what a model may call a tool with
    b'{"type": "the frame"}',
    b'{"type": "res',
)


async def test_what_is_no_frame_of_the_cli_is_passed_over(tmp_path: Path) -> None:
    cli = tmp_path / "cli"
    cli.write_bytes(SAYS_ODD_THINGS)
    cli.with_name("cli.lines").write_bytes(b"\n".join(ODD_LINES))
    cli.chmod(0o755)
    channel = Channel(CliConfig(1, 0, 0, tmp_path, tmp_path, oauth_token=TOKEN, cli=cli), ())
    await channel.start()
    try:
        assert await channel.receive() == {"type": "the frame"}
        assert await channel.receive() is None
    finally:
        await channel.close()


LEAVES_A_CHILD = """#!/bin/sh
sleep 600 &
echo "{\\"type\\": \\"x\\", \\"child\\": $!}"
"""


async def test_what_a_process_that_ended_by_itself_has_started_ends_too(tmp_path: Path) -> None:
    cli = tmp_path / "cli"
    cli.write_text(LEAVES_A_CHILD)
    cli.chmod(0o755)
    channel = Channel(CliConfig(1, 0, 0, tmp_path, tmp_path, oauth_token=TOKEN, cli=cli), ())
    await channel.start()
    frame = await channel.receive()
    assert frame is not None
    await until(lambda: not channel.running)
    assert not ended(frame["child"])
    await channel.close()
    await until(lambda: ended(frame["child"]))


async def test_a_number_that_another_process_has_by_now_is_left_alone(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    try:
        channel = Channel(CliConfig(1, 0, 0, tmp_path, tmp_path, oauth_token=TOKEN))
        channel._process = Mock(pid=other.pid, returncode=0)
        channel.kill()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.wait(), 0.1)
    finally:
        other.kill()
        await other.wait()


def ended(pid: int) -> bool:
    """Gone, or a zombie that is for others to reap."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


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
