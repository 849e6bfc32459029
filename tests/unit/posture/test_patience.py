"""How long the programs that run in containers wait for whom they ask, and where each limit comes from."""

import socket
from collections.abc import Callable

import pytest

from posture.programs import inside, outsider
from tests.unit.posture.test_programs import answer, listener


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """What sockets are told, in order; a connection keeps the limit with which it was begun."""
    told: list[float | None] = []
    settle = socket.socket.settimeout

    def settimeout(self: socket.socket, seconds: float | None) -> None:
        told.append(seconds)
        settle(self, seconds)

    monkeypatch.setattr(socket.socket, "settimeout", settimeout)
    return told


def test_a_stranger_waits_until_what_begins_a_connection_was_sent_three_times(limits: list[float | None]) -> None:
    """RFC 6298: after a second, and after twice as long; another one is for the answer."""
    with listener(answer("200 OK")) as place:
        outsider.attempt(*place, secure=False)
    assert limits == [1 + 2 + 1]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda: inside.status(None), [30]),  # a busy machine (posture/programs/inside.py)
        (inside.limits, [30]),
        (lambda: inside.tunnel("example.org:443"), [5, 8]),  # squid.conf: connect-timeout=5; under its connect_timeout
        (lambda: inside.answers(*inside.LITELLM), [0.7]),  # under a second (arp(7): retrans_time)
    ],
)
def test_what_is_asked_of_a_server_has_its_limit(
    monkeypatch: pytest.MonkeyPatch, limits: list[float | None], ask: Callable[[], object], expected: list[float]
) -> None:
    with listener(answer("403 No")) as (host, port):
        monkeypatch.setattr(inside, "LITELLM", (host, port))
        monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:{port}")
        ask()
    assert limits == expected


def test_a_name_that_nobody_knows_is_waited_for_half_as_long_as_a_resolver_would(
    monkeypatch: pytest.MonkeyPatch, limits: list[float | None]
) -> None:
    """resolv.conf(5): a try takes up to 5 s."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        monkeypatch.setattr(inside, "EMBEDDED_DNS", gone.getsockname())
    inside.resolves("example.org")
    assert limits == [5 / 2]
