"""The ASGI application: who asks, what for, and the one answer that each request gets."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from claude_gateway.api.body import ClientLeft
from claude_gateway.api.call import Call, Reply
from claude_gateway.api.contract import Models, Rejection, Route, admit, json_body, request_betas
from claude_gateway.api.counts import OwnCounts
from claude_gateway.api.disconnect import run_until_client_leaves
from claude_gateway.api.exchange import Exchange
from claude_gateway.api.keys import Authenticator, Refusal, presented_keys
from claude_gateway.api.limits import ClientLimits
from claude_gateway.api.metrics import CONTENT_TYPE, validity
from claude_gateway.api.model_list import model_answer
from claude_gateway.config.clients import MASTER, METRICS
from claude_gateway.errors import Failure, retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from claude_gateway.api.body import Bodies
    from claude_gateway.api.counts import Counts
    from claude_gateway.api.failed_keys import FailedKeys
    from claude_gateway.api.metrics import Metrics
    from claude_gateway.config.clients import Client

log = logging.getLogger(__name__)

REPLICA_PATH = "/health/replica/"
HEALTH_PATHS = frozenset({"/health/readiness", "/health/liveliness", "/health/liveness"})
METRICS_PATH = "/metrics"
DOOR_HEADER, METRICS_DOOR = b"x-gateway-door", b"metrics"  # set by the gateway in front, whoever asks
CERTIFICATE_HEADER, REPLICA_HEADER = b"x-gateway-certificate", b"x-gateway-replica"
SERVED = ", ".join(Route)
READING = ("GET", "HEAD")
GREETINGS = frozenset({"/", "/api/hello"})  # Claude Code asks these whether anybody is there
OWN_ADDRESS = "127.0.0.1"  # the checks of the stack's security ask from inside, also with wrong keys


class FrontDoor:
    """Answers every request: `answer` those that the contract admits; `is_draining` each readiness check."""

    def __init__(
        self,
        authenticator: Authenticator,
        failed_keys: FailedKeys,
        bodies: Bodies,
        models: Models,
        answer: Callable[[Call], Awaitable[Reply]],
        is_draining: Callable[[], bool],
        metrics: Metrics,
        *,
        drop_params: bool,
        master_key_calls_models: bool = True,
        counts: Counts | None = None,
        replica: str = "",
    ) -> None:
        self._authenticator = authenticator
        self._failed_keys = failed_keys
        self._bodies = bodies
        self._models = models
        self._answer = answer
        self._is_draining = is_draining
        self._metrics = metrics
        self._drop_params = drop_params
        self._master_key_calls_models = master_key_calls_models
        self._counts: Counts = counts or OwnCounts()
        self._replica = replica
        self._limits = ClientLimits(self._counts, metrics.limit_hit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await run_until_client_leaves(self._http, scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # uvicorn answers 403: no model speaks it here

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, send, draining=self._is_draining())
        try:
            await self._served(exchange, receive)
        except Failure as failure:
            await exchange.fail(failure)
        except Rejection as rejection:
            await exchange.fail(Failure(rejection.status, rejection.message, rejection.param, rejection.code))
        except ClientLeft:
            exchange.left = True
        except asyncio.CancelledError:
            exchange.left = True
            raise
        except Exception:
            log.exception("request %s failed", exchange.request_id)
            await exchange.fail(Failure(500, "The gateway failed: the operator finds the reason with make logs."))
        finally:
            exchange.note(self._metrics)

    async def _served(self, exchange: Exchange, receive: Receive) -> None:
        method, path = exchange.scope["method"], exchange.scope["path"]
        if path in HEALTH_PATHS:
            exchange.quiet = True
            _check_method(method, path, READING)
            draining = path == "/health/readiness" and self._is_draining()
            shared = self._counts.shared
            limits = {} if shared is None else {"limits": "of all replicas" if shared else "of this replica alone"}
            await exchange.json(503 if draining else 200, {"status": "draining" if draining else "ready", **limits})
            return
        if self._replica and path.startswith(REPLICA_PATH):  # where all replicas have one name, each is found by asking
            exchange.quiet = True
            await exchange.json(200 if path == f"{REPLICA_PATH}{self._replica}" else 404, {"replica": self._replica})
            return
        if method == "HEAD" and path in GREETINGS:
            await exchange.json(200, {})
            return
        client = await self._admitted(exchange)
        if client.name == METRICS:
            await self._scraped(exchange)
            return
        route, identifier = Route.of(path)
        exchange.route = route
        if route is None or (route is not Route.MODEL and b"%" in exchange.scope.get("raw_path", b"")):
            raise Failure(404, f"Not found: only the model API is served here: {SERVED}.")
        _check_method(method, path, route.methods)
        if route in (Route.MODELS, Route.MODEL):
            listed = model_answer(self._models.only(client.models), exchange.dialect, identifier)
            await exchange.json(200, listed)
            return
        if client.name == MASTER and not self._master_key_calls_models:
            raise Failure(403, "The master key is the operator's, and calls no model here: use a client's key.")
        async with self._limits.admitted(client, exchange.dialect) as left:
            exchange.limits = left
            try:
                await self._ask(exchange, client, route, receive)
            finally:
                await self._limits.used(client, exchange.usage.counted)

    async def _scraped(self, exchange: Exchange) -> None:
        """The key of the metrics opens nothing else, and that only at their own port."""
        if exchange.scope["path"] != METRICS_PATH or exchange.headers.get(DOOR_HEADER) != METRICS_DOOR:
            raise Failure(403, f"This key reads {METRICS_PATH} at the port of the metrics, and nothing else.")
        _check_method(exchange.scope["method"], METRICS_PATH, READING)
        exchange.quiet = True
        wanted = exchange.headers.get(REPLICA_HEADER, b"").decode("latin-1")
        if self._replica and wanted not in ("", self._replica):
            raise Failure(503, f"This is replica {self._replica}: try again.", headers=retry_after(1))
        certificate = validity(exchange.headers.get(CERTIFICATE_HEADER, b"").decode("latin-1"))
        await exchange.text(self._metrics.text(certificate), CONTENT_TYPE)

    async def _admitted(self, exchange: Exchange) -> Client:
        verdict = self._authenticator.check(presented_keys(exchange.scope["headers"]))
        if isinstance(verdict, Refusal):
            counts = verdict is not Refusal.MISSING and exchange.source != OWN_ADDRESS
            if counts and (wait := await self._failed_keys.note(exchange.source)):
                exchange.flood = True
                raise Failure(429, "Too many wrong keys from this address; try again later.", headers=retry_after(wait))
            raise Failure(401, verdict.value, headers={"www-authenticate": "Bearer"})
        exchange.admission = verdict
        if not verdict.client.admits(exchange.source):
            raise Failure(403, "This key may not be used from this address.", code="address_not_allowed")
        return verdict.client

    async def _ask(self, exchange: Exchange, client: Client, route: Route, receive: Receive) -> None:
        reading = self._bodies.reading()
        try:
            raw = await reading.read(receive, exchange.headers)
            asked = json_body.parse(raw)
            del raw
            models = self._models.only(client.models)
            body = admit(route, asked, models=models, drop=self._drop_params)
            exchange.model, exchange.upstream_model = asked["model"], body["model"]
            betas = request_betas(exchange.scope["headers"], drop=self._drop_params)
            version = exchange.headers.get(b"anthropic-version")
            call = Call(route, exchange.request_id, client.name, body, tuple(betas), usage=exchange.usage)
            call.version = version.decode("latin-1").rpartition(",")[2].strip() if version else None
            if call.streamed:
                await exchange.stream(self._answer(call))
            else:
                await exchange.whole(await self._answer(call))
        finally:
            reading.close()


def _check_method(method: str, path: str, allowed: tuple[str, ...]) -> None:
    if method not in allowed:
        raise Failure(405, f"{method[:20]} is not a method of {path}.", headers={"allow": ", ".join(allowed)})
