"""A CLI process as a pair of pipes: lines of JSON in, frames out, and a kill that cannot be skipped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_gateway.cli.environment import ARGUMENTS, prepare, working_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_gateway.cli.environment import CliConfig

# The largest single frame from the CLI, in bytes: a whole answer, in the frame that repeats it.
MAX_FRAME_BYTES = 64 * 1024 * 1024


class Channel:
    """One process, and the folder that holds all it writes; the folder goes with it."""

    def __init__(self, config: CliConfig, arguments: Sequence[str] = ARGUMENTS) -> None:
        self._config, self._arguments = config, arguments
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None
        self.home = Path()
        self.last_error_line = ""

    async def start(self) -> None:
        """Start the process. Raises OSError."""
        self.home = Path(tempfile.mkdtemp(prefix="cli-", dir=self._config.scratch))
        environment = prepare(self.home, self._config)
        self._process = await asyncio.create_subprocess_exec(
            str(self._config.cli),
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=working_directory(self.home),
            limit=MAX_FRAME_BYTES,
            start_new_session=True,
        )
        self._stderr = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def send(self, line: Mapping[str, Any]) -> None:
        """Raises OSError when the process takes no input."""
        assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018 - started
        try:
            self._process.stdin.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            await self._process.stdin.drain()
        except RuntimeError as error:  # uvloop's word for a pipe that has broken before
            raise BrokenPipeError("the pipe has broken") from error

    async def receive(self) -> dict[str, Any] | None:
        """The next frame, or None when the process has ended. Raises ValueError for a frame that is too large."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018 - started
        while line := await self._process.stdout.readline():
            # What is no frame, or one that is nested too deeply to be read: a call of a tool, told a second time.
            with contextlib.suppress(ValueError, RecursionError):
                frame = json.loads(line)
                if isinstance(frame, dict) and isinstance(frame.get("type"), str):
                    return frame
        return None

    def kill(self) -> None:
        """SIGKILL, now, to the process and all that it started. Nothing is kept, so nothing is lost.

        One that has ended by itself may have left children; its number is theirs until another process has it.
        """
        if self.pid and (self.running or not _exists(self.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Kill and reap the process, and delete what it wrote."""
        self.kill()
        try:
            if self._process is not None:
                await self._process.wait()
        finally:
            if self._stderr is not None:
                self._stderr.cancel()
            if self.home != Path():
                await asyncio.to_thread(shutil.rmtree, self.home, ignore_errors=True)

    async def _listen(self) -> None:
        assert self._process is not None and self._process.stderr is not None  # noqa: S101, PT018 - started
        with contextlib.suppress(ValueError):  # a line without an end
            async for line in self._process.stderr:
                self.last_error_line = line.decode(errors="replace").strip()[:300] or self.last_error_line


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
