"""A stack under all attacks at all default limits at once, and one honest client who asks all the while.

The gateway and LiteLLM's container as a stack has them, an API key, and a fake API. Attackers hold a valid key: huge
bodies of JSON values, huge bodies that stop, a flood without a key, and HTTP/2 streams that are reset at once; 95
connections each. Needs root, because each attacker has an address of its own.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from statistics import quantiles
from typing import TYPE_CHECKING

import httpx
import trustme

from testbed.container import CREDENTIALS, ROOT, address, container, fresh_bed, memory
from testbed.front_and_gateway import gateway
from testbed.gateway import run
from testbed.siege_load import KINDS, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ATTACKERS = "10.219.7"
SOURCES = {kind: f"{ATTACKERS}.{number}" for number, kind in enumerate(KINDS, 1)}
CLIENT = f"{ATTACKERS}.9"
MEMORY_SHARE = 0.8
EVERY = 0.1  # seconds from one honest request to the next
BODIES = {
    "/v1/messages": {"model": "sonnet", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]},
    "/v1/chat/completions": {"model": "sonnet", "messages": [{"role": "user", "content": "hi"}]},
}


@dataclass
class Seen:
    """What the honest client noticed: seconds of good answers, and what went wrong; MiB that LiteLLM took at most."""

    times: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)
    memory: float = 0.0
    limit: float = 1.0

    @property
    def p95(self) -> float:
        return quantiles(self.times, n=20)[-1] if len(self.times) > 1 else float("inf")

    def __str__(self) -> str:
        return (
            f"{len(self.times)} answers, {len(self.wrong)} failures, p95 {self.p95 * 1000:.0f} ms, "
            f"{len(self.not_ready)} readiness checks without an answer, LiteLLM at most {self.memory:.0f} of "
            f"{self.limit:.0f} MiB"
        )


@dataclass(frozen=True)
class Siege:
    """A stack to besiege."""

    target: Target
    container: str

    async def watch(self, seconds: float) -> Seen:
        """The honest client, readiness and memory, for so long."""
        seen, end = Seen(), time.monotonic() + seconds
        trust = ssl.create_default_context(cadata=self.target.authority)
        transport = httpx.AsyncHTTPTransport(verify=trust, local_address=CLIENT)
        url = f"https://{self.target.address}:{self.target.port}"
        headers = {"authorization": f"Bearer {self.target.key}", "host": "localhost"}
        async with httpx.AsyncClient(transport=transport, base_url=url, headers=headers, timeout=30) as http:
            await asyncio.gather(self._ask(http, seen, end), self._ready(seen, end), self._weigh(seen, end))
        return seen

    async def _ask(self, http: httpx.AsyncClient, seen: Seen, end: float) -> None:
        """A request each tenth of a second, whatever became of those before it: a stall keeps all that are due."""
        first = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in count():
                due = first + number * EVERY
                if due >= end:
                    break
                await asyncio.sleep(due - time.monotonic())
                tasks.create_task(self._ask_once(http, seen, list(BODIES)[number % 2], due))

    async def _ask_once(self, http: httpx.AsyncClient, seen: Seen, path: str, due: float) -> None:
        try:
            answer = await http.post(path, json=BODIES[path], extensions={"sni_hostname": "localhost"})
        except httpx.HTTPError as error:
            seen.wrong.append(type(error).__name__)
        else:
            if answer.status_code == 200:
                seen.times.append(time.monotonic() - due)
            else:
                seen.wrong.append(f"{answer.status_code} {answer.text[:100]}")

    async def _ready(self, seen: Seen, end: float) -> None:
        """As HAProxy asks: within 5 s."""
        async with httpx.AsyncClient(timeout=5) as http:
            while time.monotonic() < end:
                try:
                    status = (await http.get(f"http://{address(self.container)}:4000/health/readiness")).status_code
                except httpx.HTTPError as error:
                    seen.not_ready.append(type(error).__name__)
                else:
                    if status != 200:
                        seen.not_ready.append(str(status))
                await asyncio.sleep(0.5)

    async def _weigh(self, seen: Seen, end: float) -> None:
        while time.monotonic() < end:
            used, seen.limit = await asyncio.to_thread(memory, self.container)
            seen.memory = max(seen.memory, used)

    def besieged(self, seconds: float) -> tuple[Seen, dict[str, int]]:
        """The same while everything is attacked; also how many tries the attackers had."""
        command = [sys.executable, "-m", "testbed.siege_load"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as load:
            assert load.stdin is not None
            assert load.stdout is not None
            load.stdin.write(json.dumps(asdict(self.target)) + "\n")
            load.stdin.flush()
            time.sleep(2)
            try:
                seen = asyncio.run(self.watch(seconds))
            finally:
                load.stdin.close()
                told = load.stdout.read()
        if load.returncode or not told:
            raise RuntimeError(f"the attackers ended by themselves, with status {load.returncode}: there was no siege")
        return seen, json.loads(told)


@contextmanager
def sources(gateway_address: str) -> Iterator[None]:
    """Addresses of this machine's own from which the gateway can be reached, one for each attacker and the client."""
    device = next(iter(json.loads(run("ip", "-json", "route", "get", gateway_address))))["dev"]
    made = [*SOURCES.values(), CLIENT]
    for one in made:
        run("ip", "address", "add", f"{one}/32", "dev", device)
    try:
        yield
    finally:
        for one in made:
            run("ip", "address", "del", f"{one}/32", "dev", device, check=False)


@contextmanager
def stack(kinds: Sequence[str] = KINDS) -> Iterator[Siege]:
    """A gateway with the default limits before LiteLLM with the default memory, and attackers of these kinds."""
    authority, allowed = trustme.CA(), {"GATEWAY_ALLOWED_CIDRS": f"{ATTACKERS}.0/24"}
    with (
        fresh_bed() as made,
        container(made, alias="litellm", **CREDENTIALS["API key"]) as litellm,
        gateway(made.network, authority, allowed) as through,
        sources(through),
    ):
        time.sleep(5)  # the gateway finds LiteLLM
        trusted = authority.cert_pem.bytes().decode()
        yield Siege(
            Target(through, 8443, trusted, litellm.key, {kind: SOURCES[kind] for kind in kinds}), litellm.container
        )
