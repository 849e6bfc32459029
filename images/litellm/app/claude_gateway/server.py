"""The server process: LiteLLM behind the front door, drained on SIGTERM."""

from __future__ import annotations

import gc
import json
import logging
import os
import secrets
import time
from typing import TYPE_CHECKING, cast

import uvicorn

from claude_gateway.asgi import FrontDoor
from claude_gateway.courtesy import Courtesy
from claude_gateway.entry import HANDOVER_VARIABLE
from claude_gateway.keys import Authenticator
from claude_gateway.litellm_config import API_KEY_VARIABLE
from claude_gateway.log_setup import set_up_log
from claude_gateway.orphans import OrphanReaper
from claude_gateway.process_hardening import deny_memory_access
from claude_gateway.settings import ClaudeAuth, Settings
from claude_gateway.warm_up import WarmStart, nothing_more, prepare_anthropic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from claude_gateway.asgi_types import App

log = logging.getLogger(__name__)
PORT = 4000
# Longer than the longest timeout of the gateway (900 s): it ends idle connections, so that none is closed here while a
# request is on its way.
IDLE_SECONDS = 1000
LITELLM_KEY_VARIABLE = "LITELLM_MASTER_KEY"


class DrainingServer(uvicorn.Server):
    """SIGTERM: say so on the readiness check for a while, then stop accepting, finish what is in flight, end.

    A second SIGTERM ends at once. `notice_seconds` is the time that a proxy needs to see the failing check.
    """

    def __init__(self, config: uvicorn.Config, notice_seconds: float) -> None:
        super().__init__(config)
        self.draining = False
        self._notice_seconds = notice_seconds
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


def read_settings(env: Mapping[str, str]) -> Settings:
    """The settings, with the secrets from the anonymous file that the entry point left open. Reads it once."""
    with os.fdopen(int(env[HANDOVER_VARIABLE])) as file:
        return Settings.from_environment({**env, **json.load(file)})


def load_litellm(settings: Settings) -> App:
    """Import LiteLLM's application (several seconds). It gets a master key that nobody else knows."""
    os.environ[LITELLM_KEY_VARIABLE] = "sk-" + secrets.token_hex(32)
    if settings.auth is ClaudeAuth.API_KEY and settings.credential is not None:
        os.environ[API_KEY_VARIABLE] = settings.credential.reveal()
    gc.disable()  # the import makes millions of objects that live for ever
    from litellm.proxy.proxy_server import app

    gc.enable()
    gc.freeze()
    return cast("App", app)


def main() -> None:
    """Serve until SIGTERM."""
    started = time.monotonic()
    courtesy = Courtesy()
    courtesy.start()
    deny_memory_access()
    settings = read_settings(os.environ)
    del os.environ[HANDOVER_VARIABLE]
    set_up_log(settings.log_level, settings.secrets)
    app = load_litellm(settings)
    from claude_gateway.claude.provider import handler
    from claude_gateway.key_hook import INTERNAL_TOKEN, WARM_UP_TOKEN

    set_up_log(settings.log_level, settings.secrets)  # again: LiteLLM has added handlers of its own
    handler.configure(settings)
    config = uvicorn.Config(
        app,
        host="0.0.0.0",  # noqa: S104 - the container's own network
        port=PORT,
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        ws="none",
        lifespan="on",
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    server = DrainingServer(config, settings.drain_notice_seconds)
    own_provider = settings.auth is not ClaudeAuth.API_KEY
    orphans = OrphanReaper()

    def ready() -> None:
        """LiteLLM has read its own secrets by now; what is started from here on must not inherit them."""
        courtesy.stop()
        for name in (LITELLM_KEY_VARIABLE, API_KEY_VARIABLE):
            os.environ.pop(name, None)
        orphans.start()
        if own_provider:
            handler.start()

    prepare = nothing_more if own_provider else prepare_anthropic
    config.app = FrontDoor(
        WarmStart(app, next(iter(settings.models)), WARM_UP_TOKEN, prepare),
        Authenticator(settings.current_key, settings.previous_key),
        INTERNAL_TOKEN,
        lambda: server.draining,
        own_provider=own_provider,
        on_ready=ready,
    )
    log.info("LiteLLM loaded in %.1f s; models: %s", time.monotonic() - started, ", ".join(settings.models))
    server.run()


if __name__ == "__main__":
    main()
