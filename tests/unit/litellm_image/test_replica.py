"""Where all replicas have one name, each says which one it is, and gives no other one's metrics for its own."""

from __future__ import annotations

import logging

import pytest
from tests.unit.litellm_image.door import Door
from tests.unit.litellm_image.test_metrics import AT_ITS_DOOR, SCRAPER

NOBODY: list[tuple[bytes, bytes]] = []


async def asked(path: str, replica: str = "2", headers: list[tuple[bytes, bytes]] = NOBODY) -> Door:
    door: Door = await Door(clients=[SCRAPER], replica=replica).ask(path, b"", headers, "GET")
    return door


@pytest.mark.parametrize(("number", "status"), [("2", 200), ("1", 404), ("22", 404), ("", 404)])
async def test_a_replica_is_found_by_asking_for_its_number(
    number: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert (await asked(f"/health/replica/{number}")).status == status
    assert caplog.records == [], "it is asked every few seconds"


async def test_one_that_has_no_number_has_no_such_page() -> None:
    assert (await asked("/health/replica/2", replica="")).status == 401
    assert (await asked("/health/replica/", replica="")).status == 401


@pytest.mark.parametrize(
    ("replica", "wanted", "status"), [("2", b"2", 200), ("2", b"1", 503), ("2", None, 200), ("", b"1", 200)]
)
async def test_the_metrics_of_another_replica_are_not_given_for_ones_own(
    replica: str, wanted: bytes | None, status: int
) -> None:
    named = [] if wanted is None else [(b"x-gateway-replica", wanted)]
    assert (await asked("/metrics", replica, [*AT_ITS_DOOR, *named])).status == status
