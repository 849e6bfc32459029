"""What measured nothing, or failed, is no promise that holds."""

from __future__ import annotations

import socket
from dataclasses import replace
from math import nan

import httpx
import pytest
import trustme

from bench import promises, siege
from bench.claude_load import leave
from bench.rotation_load import Sample
from bench.rotation_report import Figures, figures
from testbed.siege import Seen
from testbed.siege_load import KINDS, Attack, Target

GOOD = Figures("pulumi", 2000, 0, 0, {"200": 2000}, 8, 0, 0.1, 20.0, {}, {"before": 0.1, "during": 0.1, "after": 0.1})
CALM = Seen([0.1] * 20, memory=1.0, limit=100.0)


def test_a_rotation_that_loses_nothing_and_is_not_slow_holds() -> None:
    assert GOOD.misses() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"failed": 1}, "1 requests failed"),
        ({"refused": 1}, "1 requests failed"),
        ({"streams_cut": 1}, "1 streams were cut"),
        ({"streams": 7}, "only 7 streams, not 8"),
        ({"requests": 1999}, "only 1999 requests, not 2000"),
        ({"p99": {"before": 0.1, "during": 0.31}}, "p99 rose 3.1 times, more than 3"),
        ({"p99": {"before": 0.1, "during": nan}}, "p99 rose nan times, more than 3"),
        ({"p99": {"before": nan, "during": 0.1}}, "p99 rose nan times, more than 3"),
    ],
)
def test_a_rotation_that_breaks_a_promise_or_shows_nothing_is_a_miss(change: dict[str, object], words: str) -> None:
    assert replace(GOOD, **change).misses() == [words]  # type: ignore[arg-type]


def test_without_a_request_during_a_rotation_there_is_no_ratio() -> None:
    quiet = [Sample("kept", 0, at / 10, at / 10 + 0.01, 200, complete=True) for at in range(200)]
    found = figures("pulumi", quiet, began=30.0, ended=31.0)
    assert "p99 rose nan times, more than 3" in found.misses()


def test_a_benchmark_without_a_promise_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert promises.told([]) == 1
    assert "nothing was measured" in capsys.readouterr().out
    assert promises.told([(True, "one")]) == 0
    assert promises.told([(True, "one"), (False, "another")]) == 1


@pytest.mark.parametrize(
    ("tries", "holds"), [(dict.fromkeys(KINDS, 5), True), ({**dict.fromkeys(KINDS, 5), "slow": 0}, False), ({}, False)]
)
def test_a_siege_without_attackers_is_none(tries: dict[str, int], holds: bool) -> None:
    assert all(one for one, _ in siege.promises(CALM, CALM, tries, 0)) is holds


async def test_what_finds_nobody_is_no_attack() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        authority = trustme.CA().cert_pem.bytes().decode()
        attack = Attack(Target("127.0.0.1", closed.getsockname()[1], authority, "", {"slow": "127.0.0.1"}), "slow")
        with pytest.raises(ConnectionRefusedError):
            await attack.connect()
    assert attack.tries == 0


@pytest.mark.parametrize(("status", "began"), [(200, True), (429, False)])
async def test_who_is_refused_does_not_leave_in_the_middle_of_an_answer(status: int, began: bool) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text="data: a\n\ndata: b\n\n"))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert await leave(http) is began
