"""Counters that several replicas share, in Valkey. While that is not there each replica counts alone, and says so.

Nobody is let in or kept out because of a loss: the limits hold, but each replica has its own.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from valkey.asyncio import Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as Disconnected
from valkey.exceptions import ValkeyError

from claude_gateway.api.counts import OwnCounts

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
"""How long until one that did not answer is looked for again, beside the requests: none of them waits for it."""
LEASE_SECONDS, RENEW_SECONDS = 30, 10
"""A replica that dies gives its clients' places back after the former."""
KEY = "LIMITS:places:{}"  # below the one prefix that Valkey lets us use (RedisStorage.PREFIX)

LOSSES = (ValkeyError, OSError, TimeoutError, RuntimeError)  # the last is uvloop's word for a connection it has closed

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


class Store:
    """The counters of one Valkey, as they are asked for at one address."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.pool = valkey.connection_pool
        options: Any = {"connection_pool": self.pool}  # the package's own type of its options is too narrow
        self.windows = FixedWindowRateLimiter(RedisStorage("async+valkey://", **options))
        self.take, self.renew = valkey.register_script(TAKE), valkey.register_script(RENEW)


class SharedCounts:
    """What OwnCounts does, in one place for all replicas (api/counts.py has the protocol).

    `connect` gives the client of the Valkey at an address.
    """

    def __init__(self, connect: Callable[[str], Valkey], host: str = "") -> None:
        self._connect = connect
        self._store = Store(connect(host))
        # While Valkey is down nobody answers for its name, and a look-up takes 20 s. In the event loop's own threads it
        # would leave none for the names of others.
        self._host, self._address = host, ""
        self._resolver = ThreadPoolExecutor(1, "valkey-name")
        self._own = OwnCounts()
        self._held: dict[str, set[str]] = {}
        self.shared: bool | None = True

    async def hit(self, limit: RateLimitItem, who: str, kind: str, cost: int = 1) -> bool:
        return await self._asked(
            lambda: self._store.windows.hit(limit, who, kind, cost=cost), lambda: self._own.hit(limit, who, kind, cost)
        )

    async def test(self, limit: RateLimitItem, who: str, kind: str) -> bool:
        return await self._asked(
            lambda: self._store.windows.test(limit, who, kind), lambda: self._own.test(limit, who, kind)
        )

    async def window(self, limit: RateLimitItem, who: str, kind: str) -> tuple[float, int]:
        return await self._asked(
            lambda: self._store.windows.get_window_stats(limit, who, kind), lambda: self._own.window(limit, who, kind)
        )

    @asynccontextmanager
    async def place(self, who: str, places: int) -> AsyncIterator[bool]:
        """Counted here, too: what runs is known when Valkey is lost, and told to one that comes back empty."""
        async with self._own.place(who, places) as free:
            if not free:
                yield False
                return
            lease = secrets.token_hex(8)
            try:
                taken = await self._asked(lambda: self._taken(who, places, lease), _yes)
            except BaseException:  # whoever leaves while Valkey is asked may have it all the same
                await self._asked(lambda: self._given_back(who, lease), _yes)
                raise
            if not taken:
                yield False
                return
            self._held.setdefault(who, set()).add(lease)
            try:
                yield True
            finally:
                self._held[who].discard(lease)
                await self._asked(lambda: self._given_back(who, lease), _yes)

    async def keep(self) -> None:
        """Renew the leases of what runs, and notice a loss and its end; for ever."""
        while True:
            await self._look()
            await asyncio.sleep(RENEW_SECONDS if self.shared else AGAIN_SECONDS)

    async def _look(self) -> None:
        try:
            if self._host and not (self._address and self.shared):
                await self._locate()
            async with asyncio.timeout(PATIENCE_SECONDS * 2):
                await self._renewed()
        except LOSSES as error:
            self._lost(error)
        else:
            if not self.shared:
                self.shared = True
                log.info("the counts of all replicas are reached again: limits hold for all of them together")

    async def _locate(self) -> None:
        """One that was started again may have another address. Connections know a number, and ask for no name."""
        loop = asyncio.get_running_loop()
        address = await loop.run_in_executor(self._resolver, socket.gethostbyname, self._host)
        if address != self._address:
            # Whoever asks at the former one at this moment goes on with its connection, and gives it back to its pool.
            former, self._store, self._address = self._store, Store(self._connect(address)), address
            await former.pool.disconnect(inuse_connections=False)

    async def _renewed(self) -> None:
        await self._store.valkey.ping()
        for who, leases in list(self._held.items()):
            if leases:
                renewed = list(leases)
                await self._store.renew([KEY.format(who)], [LEASE_SECONDS, *renewed])
                # What was given back meanwhile may have been so on another connection, before this.
                if gone := set(renewed) - self._held[who]:
                    await self._store.valkey.zrem(KEY.format(who), *gone)
            else:
                del self._held[who]

    async def _taken(self, who: str, places: int, lease: str) -> bool:
        return bool(await self._store.take([KEY.format(who)], [places, LEASE_SECONDS, lease]))

    async def _given_back(self, who: str, lease: str) -> bool:
        return bool(await self._store.valkey.zrem(KEY.format(who), lease))

    async def _asked(self, shared: Callable[[], Awaitable[T]], own: Callable[[], Awaitable[T]]) -> T:
        """What Valkey says; while it is silent, what this replica knows itself."""
        if self.shared:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS * 2):
                    return await shared()
            except LOSSES as error:
                self._lost(error)
        return await own()

    def _lost(self, error: Exception) -> None:
        if self.shared:
            self.shared = False
            log.warning(
                "the counts of all replicas cannot be reached (%s): until they can be, limits hold for each replica "
                "alone",
                type(error).__name__,
            )


async def _yes() -> bool:
    return True
