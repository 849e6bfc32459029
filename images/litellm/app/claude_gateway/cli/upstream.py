"""Claude as an upstream: a Messages request in, Anthropic's stream events out, from a pool of CLI processes."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from claude_gateway.cli.channel import Channel
from claude_gateway.cli.errors import UpstreamError
from claude_gateway.cli.pool import NO_START
from claude_gateway.cli.process import CliProcess, UnfitError
from claude_gateway.cli.request import cli_request
from claude_gateway.cli.warm import WarmPool
from claude_gateway.config.process_reuse import ProcessReuse
from claude_gateway.refusal_words import BROKE_OFF, SILENT

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from claude_gateway.cli.answer import Event
    from claude_gateway.cli.environment import CliConfig
    from claude_gateway.cli.request import CliRequest

log = logging.getLogger(__name__)


class ClaudePool:
    """Claude, with the gateway's login. `start` once, `close` at the end, `events` for each request."""

    def __init__(self, config: CliConfig) -> None:
        self._shared = config.reuse is not ProcessReuse.CLIENT
        self._pool = WarmPool(config, lambda: CliProcess(Channel(config), config.credentials))

    def start(self) -> None:
        """Begin to keep processes ready. Needs a running loop."""
        self._pool.start()

    async def close(self) -> None:
        """Kill all processes, also of requests that still run, and delete what they wrote."""
        await self._pool.close()

    @property
    def counts(self) -> Counter[str]:
        """How often: reused, started, prepared, discarded, queued, refused."""
        return self._pool.counts

    @property
    def live(self) -> int:
        """Processes that exist, or are being started or reaped."""
        return self._pool.live

    @property
    def idle(self) -> int:
        """Processes that take a request at once."""
        return self._pool.idle

    @property
    def waiting(self) -> int:
        """Requests that wait for a process."""
        return self._pool.waiting

    async def events(
        self, body: Mapping[str, Any], *, betas: Sequence[str] = (), client: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Anthropic's stream events for a Messages request, message_start to message_stop.

        `betas` are the names in its anthropic-beta header; `client` says whose request it is. Raises UpstreamError,
        also in the middle. Closing the generator ends the upstream call within a second.
        """
        request = cli_request(body, betas)
        process = await self._handed_over(request, "" if self._shared else client)
        try:
            async with aclosing(process.events()) as events:
                async for event in events:
                    yield event
        except TimeoutError:
            process.channel.kill()
            raise UpstreamError(504, SILENT) from None
        except UnfitError as error:
            log.warning("a Claude CLI process is lost: %s", error)
            process.channel.kill()
            raise UpstreamError(502, BROKE_OFF) from error
        finally:
            self._pool.give_back(process)

    async def _handed_over(self, request: CliRequest, owner: str) -> CliProcess:
        """A process that has taken the request. One that fails before Claude was asked costs nothing: another tries."""
        for _ in range(2):
            process = await self._pool.acquire(request, owner)
            try:
                await process.hand_over(request)
            except UnfitError as error:
                log.warning("a Claude CLI process takes no request: %s", error)
                process.channel.kill()
                self._pool.give_back(process)
            except BaseException:
                self._pool.give_back(process)
                raise
            else:
                return process
        raise UpstreamError(502, NO_START)
