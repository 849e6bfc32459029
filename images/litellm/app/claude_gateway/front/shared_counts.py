"""Counters that several replicas share, in Valkey. While that is not there each replica counts alone, and says so.

Nobody is let in or kept out because of a loss: the limits hold, but each replica has its own.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from valkey.asyncio import Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as Disconnected
from valkey.exceptions import ValkeyError

from claude_gateway.front.counts import OwnCounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from limits import RateLimitItem

log = logging.getLogger(__name__)
T = TypeVar("T")

PORT = 6379
USER = "litellm"  # images/valkey/valkey-entrypoint
PATIENCE_SECONDS = 0.25
"""How long a request waits for Valkey, which answers in less than a thousandth of that."""
AGAIN_SECONDS = 2.0
"""How long nobody asks one that did not answer."""
LEASE_SECONDS, RENEW_SECONDS = 30, 10
"""A replica that dies gives its clients' places back after the former."""
KEY = "LIMITS:places:{}"  # below the one prefix that Valkey lets us use (RedisStorage.PREFIX)

# Places are a sorted set of leases by their end, in Valkey's own time.
TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
RENEW = """
local ends = redis.call('TIME')[1] + ARGV[1]
for number = 2, #ARGV do redis.call('ZADD', KEYS[1], ends, ARGV[number]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def valkey_at(host: str, password: str) -> Valkey:
    """The client of the Valkey at `host`. One that was restarted has closed its connections: so each asks twice."""
    return Valkey(
        host=host,
        port=PORT,
        username=USER,
        password=password,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[Disconnected],
    )


class SharedCounts:
    """What OwnCounts does, in one place for all replicas (front/counts.py has the protocol)."""

    def __init__(self, valkey: Valkey, clock: Callable[[], float] = time.monotonic) -> None:
        self._valkey = valkey
        pool: Any = valkey.connection_pool  # the package's own type of its options is too narrow
        self._windows = FixedWindowRateLimiter(RedisStorage("async+valkey://", connection_pool=pool))
        self._own = OwnCounts()
        self._take, self._renew = valkey.register_script(TAKE), valkey.register_script(RENEW)
        self._held: dict[str, set[str]] = {}
        self._clock = clock
        self._silent_until = 0.0
        self.shared: bool | None = True

    async def hit(self, limit: RateLimitItem, who: str, kind: str, cost: int = 1) -> bool:
        return await self._asked(
            lambda: self._windows.hit(limit, who, kind, cost=cost), lambda: self._own.hit(limit, who, kind, cost)
        )

    async def test(self, limit: RateLimitItem, who: str, kind: str) -> bool:
        return await self._asked(lambda: self._windows.test(limit, who, kind), lambda: self._own.test(limit, who, kind))

    async def window(self, limit: RateLimitItem, who: str, kind: str) -> tuple[float, int]:
        return await self._asked(
            lambda: self._windows.get_window_stats(limit, who, kind), lambda: self._own.window(limit, who, kind)
        )

    @asynccontextmanager
    async def place(self, who: str, places: int) -> AsyncIterator[bool]:
        """Counted here, too: what runs is known when Valkey is lost, and told to one that comes back empty."""
        async with self._own.place(who, places) as free:
            if not free:
                yield False
                return
            lease = secrets.token_hex(8)
            if not await self._asked(lambda: self._taken(who, places, lease), _yes):
                yield False
                return
            self._held.setdefault(who, set()).add(lease)
            try:
                yield True
            finally:
                self._held[who].discard(lease)
                await self._asked(lambda: self._given_back(who, lease), _yes)

    async def keep(self) -> None:
        """Renew the leases of what runs, and notice a loss and its end while nobody asks; for ever."""
        while True:
            await self._asked(self._renewed, _yes)
            await asyncio.sleep(RENEW_SECONDS if self.shared else AGAIN_SECONDS)

    async def _renewed(self) -> bool:
        await self._valkey.ping()
        for who, leases in list(self._held.items()):
            if leases:
                await self._renew([KEY.format(who)], [LEASE_SECONDS, *leases])
            else:
                del self._held[who]
        return True

    async def _taken(self, who: str, places: int, lease: str) -> bool:
        return bool(await self._take([KEY.format(who)], [places, LEASE_SECONDS, lease]))

    async def _given_back(self, who: str, lease: str) -> bool:
        return bool(await self._valkey.zrem(KEY.format(who), lease))

    async def _asked(self, shared: Callable[[], Awaitable[T]], own: Callable[[], Awaitable[T]]) -> T:
        """What Valkey says; while it is silent, what this replica knows itself."""
        now = self._clock()
        if now < self._silent_until:
            return await own()
        if not self.shared:
            self._silent_until = now + AGAIN_SECONDS  # one request tries, the others do not wait for it
        try:
            async with asyncio.timeout(PATIENCE_SECONDS * 2):
                said = await shared()
        except (ValkeyError, OSError, TimeoutError) as error:
            self._silent_until = self._clock() + AGAIN_SECONDS
            if self.shared:
                self.shared = False
                log.warning(
                    "the counts of all replicas cannot be reached (%s): until they can be, limits hold for each "
                    "replica alone",
                    type(error).__name__,
                )
            return await own()
        if not self.shared:
            self.shared, self._silent_until = True, 0.0
            log.info("the counts of all replicas are reached again: limits hold for all of them together")
        return said


async def _yes() -> bool:
    return True
