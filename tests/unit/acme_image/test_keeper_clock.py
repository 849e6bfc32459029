"""A clock that jumps, and a wish that failed: neither keeps a certificate from being renewed."""

from pathlib import Path

import pytest

from tests.unit.acme_image.test_keeper import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_was_a_year_ahead_when_asking_failed_holds_up_no_renewal(house: House, *, restarted: bool) -> None:
    house.step()
    house.refusal = "the CA's own certificate has expired"
    assert house.step(365)["state"] == "failed"
    house.refusal = ""
    if restarted:
        house.keeper = house.another()
    assert house.step(1)["state"] == "served", "what is not due has not failed"
    house.step(61)
    assert house.asked == 3


def test_a_clock_that_was_a_year_ahead_holds_up_no_first_certificate_either(house: House) -> None:
    house.refusal = "no"
    house.step(365)
    house.refusal = ""
    assert house.step()["state"] == "served"
    assert house.asked == 2


@pytest.mark.parametrize("restarted", [False, True])
def test_who_asks_for_a_new_one_gets_it_although_the_first_try_fails(house: House, *, restarted: bool) -> None:
    """The one that is held may be revoked by then."""
    house.step()
    house.refusal = "no"
    house.keeper.asked = True
    assert house.step()["state"] == "failed"
    if restarted:
        house.keeper = house.another()
    house.refusal = ""
    assert house.step(50 / 86400)["state"] == "failed", "its wait is a minute"
    assert house.step(65 / 86400)["state"] == "served"
    assert house.asked == 3
    house.step(1)
    assert house.asked == 3
