"""The Claude login stays where it is: processes read and renew it there, under the CLI's own lock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from testbed.fakes.anthropic_api import FakeAnthropic
from tests.unit.litellm_image.claude_cli import Bed, ask_pool, cli_bed, message, pool_of, scripted, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    with cli_bed(tmp_path, oauth_token=None) as made:
        yield made


def write_login(bed: Bed, *, expires_in: float) -> None:
    login = {
        "accessToken": "fake-access-of-the-test",
        "refreshToken": "fake-refresh-of-the-test",
        "expiresAt": int((time.time() + expires_in) * 1000),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    path = bed.config.config_dir / ".credentials.json"
    path.write_text(json.dumps({"claudeAiOauth": login}))
    path.chmod(0o600)


def access_token(bed: Bed) -> str:
    login = json.loads((bed.config.config_dir / ".credentials.json").read_text())
    return str(login["claudeAiOauth"]["accessToken"])


@contextlib.asynccontextmanager
async def anthropic_behind_a_proxy(folder: Path) -> AsyncIterator[tuple[FakeAnthropic, dict[str, str]]]:
    """Anthropic's names over TLS, through a proxy that leads all of them to one fake; with the settings for a CLI."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("platform.claude.com", "api.anthropic.com").configure_cert(context)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    with FakeAnthropic(tls=context) as fake:

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            there = await asyncio.open_connection("127.0.0.1", fake.server_address[1])
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

        async with await asyncio.start_server(connect, "127.0.0.1", 0) as proxy:
            port = proxy.sockets[0].getsockname()[1]
            yield (
                fake,
                {
                    "HTTPS_PROXY": f"http://127.0.0.1:{port}",
                    "NO_PROXY": "127.0.0.1",
                    "NODE_EXTRA_CA_CERTS": str(folder / "ca.pem"),
                },
            )


async def test_an_expired_login_is_renewed_once_in_its_own_place_by_many_processes(tmp_path: Path) -> None:
    """A refresh token works once: two refreshes would log the gateway out."""
    async with anthropic_behind_a_proxy(tmp_path) as (fake, settings):
        with cli_bed(tmp_path, oauth_token=None, environment=settings) as bed:
            write_login(bed, expires_in=-100)
            async with pool_of(bed) as pool:
                await asyncio.gather(*(ask_pool(pool, message(), client=f"client-{number}") for number in range(4)))
                assert sum(record.path.endswith("/oauth/token") for record in fake.records) == 1
                renewed = access_token(bed)
                assert renewed.startswith("fake-access-1")
                assert {record.headers["authorization"] for record in bed.calls} == {f"Bearer {renewed}"}
                await ask_pool(pool, message())
                assert bed.calls[-1].headers["authorization"] == f"Bearer {renewed}"
            assert [path for path in bed.files() if path.startswith("login/")] == ["login/.credentials.json"]
            assert (bed.config.config_dir / ".credentials.json").stat().st_mode & 0o777 == 0o600


async def test_two_containers_that_share_the_volume_renew_its_login_once(tmp_path: Path) -> None:
    """As in an update, while the old container still drains and the new one serves already."""
    async with anthropic_behind_a_proxy(tmp_path) as (fake, settings):
        with cli_bed(tmp_path, oauth_token=None, environment=settings) as bed:
            write_login(bed, expires_in=-100)
            (other := tmp_path / "other").mkdir()  # what is not the volume is each container's own
            second = replace(bed, config=replace(bed.config, scratch=other))
            async with pool_of(bed) as old, pool_of(second) as new:
                await asyncio.gather(*(ask_pool(pool, message()) for pool in (old, new, old, new)))
            assert sum(record.path.endswith("/oauth/token") for record in fake.records) == 1
            assert {record.headers["authorization"] for record in bed.calls} == {f"Bearer {access_token(bed)}"}


async def test_a_process_that_is_older_than_the_login_serves_no_more(bed: Bed) -> None:
    write_login(bed, expires_in=80_000)
    async with pool_of(bed) as pool:
        await ask_pool(pool, message())
        await until(lambda: pool.idle == 1)
        write_login(bed, expires_in=90_000)
        await ask_pool(pool, message())
        assert pool.counts["started"] == 2


async def test_the_clock_of_the_login_decides_nothing(tmp_path: Path) -> None:
    """It may be ahead, be set back, or be that of a backup: what counts is whether the file is another one."""
    with cli_bed(tmp_path, oauth_token=None, cli=scripted(tmp_path, "answer")) as bed:
        path = bed.config.config_dir / ".credentials.json"
        write_login(bed, expires_in=80_000)
        os.utime(path, times=(time.time() + 3600, time.time() + 3600))
        async with pool_of(bed) as pool:
            for _ in range(2):
                await ask_pool(pool, message())
                await until(lambda: pool.live == pool.idle)
            assert pool.counts["started"] == 1, "one that is ahead is a login like others"
            changes: list[Callable[[], None]] = [
                lambda: write_login(bed, expires_in=90_000),
                lambda: os.utime(path, times=(1_000_000_000, 1_000_000_000)),
                path.unlink,
                lambda: write_login(bed, expires_in=90_000),
            ]
            for change in changes:
                before = pool.counts["started"]
                change()
                await ask_pool(pool, message())
                await until(lambda: pool.live == pool.idle)
                assert pool.counts["started"] == before + 1


async def test_the_login_is_in_no_processs_environment_and_no_copy_is_made(bed: Bed) -> None:
    write_login(bed, expires_in=80_000)
    async with pool_of(bed) as pool:
        await ask_pool(pool, message())
        assert bed.calls[-1].headers["authorization"] == "Bearer fake-access-of-the-test"
        (running,) = pool._pool._all
        assert b"fake-access" not in Path(f"/proc/{running.channel.pid}/environ").read_bytes()
        copies = [
            path for path in bed.config.scratch.rglob("*") if path.is_file() and b"fake-access" in path.read_bytes()
        ]
        assert copies == []
