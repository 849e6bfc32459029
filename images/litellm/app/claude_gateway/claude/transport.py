"""Starting the Claude CLI through the Agent SDK's subprocess transport.

The pool speaks the SDK's wire protocol itself, so this is the one module that touches SDK internals; the SDK is pinned,
and the wire sequence is tested (tests/unit/litellm_image, tests/conformance).
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from claude_agent_sdk import ClaudeAgentOptions
from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

from claude_gateway.claude.turns import dump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

WORKING_DIRECTORY = "/run/litellm/empty"
# The largest single frame from the CLI, in bytes: a whole answer, in the frame that repeats it.
MAX_FRAME_BYTES = 32 * 1024 * 1024
CLI_ENVIRONMENT = {
    "CLAUDE_CODE_DISABLE_THINKING": "1",  # thoughts have no place in what LiteLLM passes on here
    # One upstream call for one request: a retry, a refetch or a second turn would double text and cost.
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_RETRY": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK": "1",
    "CLAUDE_CODE_NO_MODEL_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",  # a 400 is retried without them
    # The prompt is the client's: no file mentions, no memory, no reminders of the CLI's own.
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1",
    # No network but the model call.
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}
# Plugins in the binary that read files for the prompt, or help to write plugins: neither is wanted, and each request
# would take 6 ms longer.
SETTINGS = {"enabledPlugins": {"agents-md@builtin": False, "plugin-authoring@builtin": False}}
FLAGS: dict[str, str | None] = {
    "no-session-persistence": None,
    "strict-mcp-config": None,
    "disable-slash-commands": None,
    # Any answer exceeds this budget (US dollars), so the CLI ends after the first one and never continues a cut answer
    # at the client's cost. The pool kills it at that moment anyway, but on a busy machine that can be late.
    "max-budget-usd": "0.000000001",
}


class _Transport(SubprocessCLITransport):
    """The SDK always passes --system-prompt: in argv it would be visible, capped, and fixed before a request."""

    def _build_command(self) -> list[str]:
        command = super()._build_command()
        at = command.index("--system-prompt")
        return command[:at] + command[at + 2 :]


class CliTransport:
    """One CLI process: lines of JSON in, frames out, and a kill that cannot be skipped."""

    def __init__(
        self, environment: Mapping[str, str], *, cli_path: str | None = None, cwd: str = WORKING_DIRECTORY
    ) -> None:
        self.last_words = ""
        options = ClaudeAgentOptions(
            tools=[],
            mcp_servers={},
            setting_sources=[],
            max_turns=1,
            include_partial_messages=True,
            verbatim_prompts=True,
            max_buffer_size=MAX_FRAME_BYTES,
            cwd=cwd,
            cli_path=cli_path,
            settings=json.dumps(SETTINGS),
            env={**CLI_ENVIRONMENT, **environment},
            extra_args=FLAGS,
            stderr=self._note_stderr,
        )
        self._transport = _Transport(prompt="", options=options)
        self._frames: AsyncIterator[dict[str, Any]] | None = None

    async def start(self) -> None:
        """Spawn the process. Raises claude_agent_sdk's CLIConnectionError or CLINotFoundError."""
        await self._transport.connect()
        self._frames = self._transport.read_messages()

    @property
    def pid(self) -> int | None:
        process = self._transport._process  # noqa: SLF001 - the SDK shows it nowhere else
        return process.pid if process is not None else None

    @property
    def running(self) -> bool:
        process = self._transport._process  # noqa: SLF001 - the SDK shows it nowhere else
        return process is not None and process.returncode is None

    async def send(self, line: Mapping[str, Any]) -> None:
        await self._transport.write(dump(line))

    async def receive(self) -> dict[str, Any] | None:
        """The next frame, or None when the CLI has ended."""
        if self._frames is None:
            raise RuntimeError("the CLI was not started")
        return await anext(self._frames, None)

    def kill(self) -> None:
        """SIGKILL, now: with a stream in flight SIGTERM takes as long as that. Nothing is kept, so nothing is lost."""
        process = self._transport._process  # noqa: SLF001 - the SDK shows it nowhere else
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Reap the process and free its pipes."""
        await self._transport.close()

    def _note_stderr(self, line: str) -> None:
        self.last_words = line[:300]
