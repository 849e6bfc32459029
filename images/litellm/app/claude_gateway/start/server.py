"""The server process: the front door, LiteLLM behind it, and an upstream; drained on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from claude_gateway.api.keys import operator
from claude_gateway.api.metrics import Metrics
from claude_gateway.api.usage_files import keep_usage
from claude_gateway.config.memory import body_budget
from claude_gateway.config.settings import ClaudeAuth, Settings
from claude_gateway.log_setup import set_up_log
from claude_gateway.start.counting import counts_of
from claude_gateway.start.entry import CA_BUNDLE, CLI_FOLDER, HANDOVER_VARIABLE, RUN
from claude_gateway.start.login import credentials_path, login_end
from claude_gateway.start.orphan_reaper import OrphanReaper
from claude_gateway.start.process_hardening import deny_memory_access
from claude_gateway.start.throttle import StartThrottle
from claude_gateway.upstream.usage import Metered

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Mapping
    from types import FrameType

    from claude_gateway.api.app import FrontDoor
    from claude_gateway.api.call import Call, Reply
    from claude_gateway.api.counts import Counts
    from claude_gateway.upstream.base import Upstream

log = logging.getLogger(__name__)
PORT = 4000
USAGE_FOLDER = Path("/home/app/usage")  # a volume, where usage is kept
# Longer than the longest timeout of the gateway (900 s): it ends idle connections, so that none is closed here while a
# request is on its way.
IDLE_SECONDS = 1000
# How a CLI process reaches Claude.
CLI_VARIABLES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "TZ",
)


class Protocol(HttpToolsProtocol):
    """Drops trailers: httptools hands them to `on_header` like headers, after the gateway has looked at those."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.headers = []


class DrainingServer(uvicorn.Server):
    """SIGTERM: say so on the readiness check for a while, then stop accepting, finish what is in flight, end.

    A second SIGTERM ends at once. `notice_seconds` is the time that a proxy needs to see the failing check; `close`
    ends the upstream, last of all.
    """

    def __init__(self, config: uvicorn.Config, notice_seconds: float, close: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.draining = False
        self._notice_seconds = notice_seconds
        self._close = close
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's own signature
        if self.draining:
            log.warning("second signal: ending at once")
            self.should_exit = self.force_exit = True
            return
        self.draining = True
        self._stop_at = time.monotonic() + self._notice_seconds
        log.info("draining: readiness answers 503, accepting for %g more seconds", self._notice_seconds)

    async def on_tick(self, counter: int) -> bool:
        if self._stop_at is not None and not self.should_exit and time.monotonic() >= self._stop_at:
            log.info(
                "accepting no more; finishing what is in flight for up to %s s", self.config.timeout_graceful_shutdown
            )
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await self._close()


def read_settings(env: Mapping[str, str]) -> Settings:
    """The settings, from the anonymous file that the entry point left open. Reads it once."""
    with os.fdopen(int(env[HANDOVER_VARIABLE])) as file:
        return Settings.from_environment(json.load(file))


def upstream_of(settings: Settings, env: Mapping[str, str]) -> Upstream:
    """Anthropic's API with an API key; else the Claude CLI."""
    if settings.claude_auth is ClaudeAuth.API_KEY and settings.credential is not None:
        from claude_gateway.upstream.anthropic_http import AnthropicHttp

        return AnthropicHttp(
            settings.credential, settings.anthropic_base_url, str(RUN / CA_BUNDLE), env.get("HTTPS_PROXY")
        )
    from claude_gateway.cli import ClaudePool, CliConfig
    from claude_gateway.upstream.claude_cli import ClaudeCli

    base_url = {"ANTHROPIC_BASE_URL": settings.anthropic_base_url} if settings.anthropic_base_url else {}
    config = CliConfig(
        limit=settings.claude_max_concurrency,
        warm=settings.claude_warm_processes,
        queue_seconds=settings.claude_queue_seconds,
        config_dir=Path(env["CLAUDE_CONFIG_DIR"]),
        scratch=RUN / CLI_FOLDER,
        reuse=settings.claude_process_reuse,
        oauth_token=settings.credential.get_secret_value() if settings.credential else None,
        environment={name: env[name] for name in CLI_VARIABLES if name in env} | base_url,
    )
    return ClaudeCli(ClaudePool(config), with_token=settings.credential is not None)


def application(
    settings: Settings,
    answer: Callable[[Call], Awaitable[Reply]],
    is_draining: Callable[[], bool],
    metrics: Metrics,
    counts: Counts,
) -> FrontDoor:
    """The front door for these settings."""
    from claude_gateway.api.app import FrontDoor
    from claude_gateway.api.body import Bodies
    from claude_gateway.api.contract import Models, prepare
    from claude_gateway.api.failed_keys import FailedKeys
    from claude_gateway.api.keys import Authenticator

    prepare(drop=settings.drop_params)
    callers = (*settings.clients, *([settings.scraper] if settings.scraper else ()))
    return FrontDoor(
        Authenticator(settings.current_key, settings.previous_key, callers),
        FailedKeys(settings.failed_auth_per_minute, shared=None if counts.shared is None else counts),
        Bodies(settings.max_request_bytes, body_budget(settings.memory_mib, settings.processes)),
        Models(settings.models),
        answer,
        is_draining,
        metrics,
        drop_params=settings.drop_params,
        master_key_calls_models=settings.master_key_calls_models,
        counts=counts,
        replica=os.environ.get("REPLICA", ""),
    )


def answerer(upstream: Upstream, settings: Settings) -> Callable[[Call], Awaitable[Reply]]:
    """Imports LiteLLM (some seconds), and gives what answers an admitted call."""
    gc.disable()  # the import makes millions of objects that live for ever
    from claude_gateway.api.anthropic_routes import ENDPOINTS, answer_anthropic
    from claude_gateway.api.openai_routes import OpenAIRoutes

    gc.enable()
    gc.freeze()
    openai = OpenAIRoutes(upstream, drop_params=settings.drop_params)

    async def answer(call: Call) -> Reply:
        return await (answer_anthropic(upstream, call) if call.route in ENDPOINTS else openai.answer(call))

    return answer


async def serve(server: DrainingServer, upstream: Upstream, counts: Counts, settings: Settings, started: float) -> None:
    """Serve until SIGTERM. The port opens when everything behind it is ready."""
    from claude_gateway.start.warm_up import warm_up

    await warm_up(next(iter(settings.models.values())))
    await upstream.start()
    OrphanReaper().start()
    log.info("ready in %.1f s; models: %s", time.monotonic() - started, ", ".join(settings.models))
    keeping = asyncio.get_running_loop().create_task(counts.keep())
    await server.serve()
    keeping.cancel()


def main() -> None:
    """Serve until SIGTERM."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _end)  # until the server has its own: process 1 would ignore it
    throttle = StartThrottle()
    throttle.start()
    deny_memory_access()
    settings = read_settings(os.environ)
    del os.environ[HANDOVER_VARIABLE]
    set_up_log(settings.log_level, settings.secrets)
    asked = upstream_of(settings, dict(os.environ))
    upstream = Metered(asked)
    answer = answerer(upstream, settings)
    counts = counts_of(settings.valkey_host, settings.valkey_password)
    shared = {} if counts.shared is None else {"limits_shared": lambda: float(bool(counts.shared))}
    metrics = Metrics(
        (*settings.clients, operator(settings.current_key, settings.previous_key)),
        {**getattr(asked, "gauges", {}), **shared},  # the CLI pool has some
        getattr(asked, "counts", {}),
        (lambda: login_end(credentials_path(os.environ))) if settings.claude_auth is ClaudeAuth.LOGIN else None,
    )
    set_up_log(settings.log_level, settings.secrets)  # again: LiteLLM has added handlers of its own
    if settings.usage_days:
        keep_usage(USAGE_FOLDER, settings.usage_days, settings.secrets)
    config = uvicorn.Config(
        application(settings, answer, lambda: server.draining, metrics, counts),
        host="0.0.0.0",  # noqa: S104 - the container's own network
        port=PORT,
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        ws="none",
        lifespan="off",
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    server = DrainingServer(config, settings.drain_notice_seconds, upstream.close)
    throttle.stop()
    uvloop.run(serve(server, upstream, counts, settings, started))


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
