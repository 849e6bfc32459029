"""Guessing keys is slow, and locks nobody out who has the right one."""

from collections.abc import Callable

import pytest

from tests.gateway import bed
from tests.gateway.conftest import Caller, GatewayFactory


def guess(client: Caller, count: int) -> list[int]:
    return [client.call(key=f"sk-guess-{client.source}-{number}").status for number in range(count)]


@pytest.fixture
def fresh(make_gateway: GatewayFactory, litellm: str) -> bed.Gateway:
    """A gateway that has not seen a good key yet."""
    return make_gateway()


def test_failed_authentications_are_limited_per_source(
    fresh: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    guesser, other = caller(fresh), caller(fresh)
    statuses = guess(guesser, 15)
    assert statuses[:10] == [401] * 10
    assert statuses[10:] == [429] * 5
    answer = guesser.call(key="sk-again")
    assert answer.headers["retry-after"] == "60"
    assert "failed authentications" in answer.error
    assert guess(other, 1) == [401]
    # A key that has been accepted, from wherever, is not locked out by others' guesses from the same address.
    assert other.call().status == 200
    assert guesser.call().status == 200
    assert guesser.call(key=None, headers={"x-api-key": "sk-good"}).status == 200
    assert guesser.call(key="sk-again").status == 429


def test_only_success_makes_a_key_known(fresh: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> None:
    guesser = caller(fresh)
    assert guesser.call(key="sk-wrong", headers={"x-behave": "status=400"}).status == 400
    guess(guesser, 12)
    assert guesser.call(key="sk-wrong").status == 429


def test_requests_without_a_well_formed_key_are_401_and_never_count(
    gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    client = caller(gateway)
    assert {client.call(key=None).status for _ in range(30)} == {401}
    assert guess(client, 1) == [401]


def test_the_tables_hold_no_key(fresh: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> None:
    client = caller(fresh)
    assert client.call().status == 200
    memory = bed.docker("exec", fresh.name, "sh", "-c", "cat /run/gateway/* /proc/1/environ | tr '\\0' '\\n'")
    assert "sk-good" not in memory


def test_a_rotated_key_that_is_sent_on_and_on_does_not_lock_out_the_new_one(
    fresh: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    """Clients behind one address: some have not heard of the rotation, and the gateway has not seen the new key."""
    client = caller(fresh)
    old = [client.call(key="sk-old").status for _ in range(30)]
    assert old == [401] * 10 + [429] * 20
    assert client.call(key="sk-other").status == 401
    assert client.call().status == 200
    assert client.call(key="sk-old").status == 429
    assert guess(client, 12) == [401] * 8 + [429] * 4


def test_a_key_that_is_refused_at_first_is_accepted_as_soon_as_litellm_knows_it(
    fresh: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    """As it happens while containers are replaced."""
    client = caller(fresh)
    refused = {"x-behave": "status=401"}
    assert [client.call(headers=refused).status for _ in range(9)] == [401] * 9
    assert client.call().status == 200
    assert [client.call(headers=refused).status for _ in range(12)] == [401] * 12
    assert client.call().status == 200
