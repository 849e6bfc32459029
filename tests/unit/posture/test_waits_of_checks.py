"""How long checks, and their programs in containers, wait for whom they ask, and where each limit comes from."""

import socket
from collections.abc import Callable

import pytest

from components.part import Part
from posture import acme, ask, caller_address, declaration, edge, hook
from posture.engine import Engine
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


def test_a_look_inside_is_waited_for_until_all_that_it_asks_has_been_given_up() -> None:
    """All questions at once, and then for whom limits are counted."""
    assert Engine.seconds == inside.SECONDS + inside.SECONDS


def test_the_gateway_is_waited_for_longer_than_it_waits_itself() -> None:
    """haproxy.cfg: `timeout queue 10s`, `timeout connect 2s`, `timeout http-request 10s`; half as much again."""
    assert edge.SECONDS == 10 * 1.5


def test_who_was_just_started_gets_as_long_as_an_update_waits_for_it() -> None:
    assert Part.start_seconds == ask.SECONDS


def test_the_first_certificate_gets_five_minutes_and_is_used_in_seconds() -> None:
    """Name servers take minutes (RFC 8555, 8.4: a record may take some time to be there); a file is seen in seconds."""
    assert acme.SECONDS == 5 * 60
    assert (acme.TAKEN_SECONDS, acme.NOTICED_SECONDS) == (15, 1.5)


def test_pulumi_gets_two_minutes_and_a_log_two_seconds() -> None:
    """A state in a bucket far away; a line that the engine has from a container of this machine."""
    assert (declaration.SECONDS, caller_address.SECONDS) == (2 * 60, 2)


def test_the_gateway_gets_ten_health_checks_of_its_own_to_find_litellm() -> None:
    """haproxy.cfg: `check inter 1s`."""
    assert hook.PATIENCE == 10 * 1
