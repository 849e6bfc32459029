"""When a certificate is asked for, when again after a failure, and what is handed to the gateway."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from acme_keeper import certificate
from acme_keeper.keeper import LAST_RETRY, Keeper
from acme_keeper.lego import RefusedError
from acme_keeper.settings import Settings

NAME = "gw.example.org"
SETTINGS = Settings(NAME, "you@example.org", "http-01", "https://ca.example.org/dir")
DAY = 86400


class House:
    """A keeper whose CA gives certificates for ``days``, or refuses with ``refusal``."""

    def __init__(self, root: Path) -> None:
        self.root, self.days, self.refusal, self.name = root, 90.0, "", NAME
        self.asked = 0
        for folder in ("run", "kept", "handed"):
            (root / folder).mkdir()
        self.keeper = self.another()

    def another(self, settings: Settings = SETTINGS) -> Keeper:
        return Keeper(settings, self.obtain, self.root / "run", self.root / "kept", self.root / "handed")

    def obtain(self, settings: Settings) -> tuple[str, str]:
        self.asked += 1
        if self.refusal:
            raise RefusedError(self.refusal)
        now = datetime.now(UTC)
        name = settings.hostname if self.name == NAME else self.name
        issued = trustme.CA().issue_cert(name, not_before=now, not_after=now + timedelta(days=self.days))
        chain = b"\n".join(blob.bytes() for blob in issued.cert_chain_pems)
        return chain.decode(), issued.private_key_pem.bytes().decode()

    def step(self, days: float = 0) -> dict[str, Any]:
        self.keeper.step(datetime.now(UTC).timestamp() + days * DAY)
        told: dict[str, Any] = json.loads((self.root / "run" / "state.json").read_text())
        return told


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_first_is_asked_for_at_once_and_the_next_with_a_third_of_its_time_left(house: House) -> None:
    assert house.step()["state"] == "served"
    for days, asked in ((0.1, 1), (59, 1), (61, 2)):
        house.step(days)
        assert house.asked == asked, days


def test_a_short_lived_one_is_renewed_in_time_too(house: House) -> None:
    house.days = 6
    house.step()
    house.step(3.9)
    assert house.asked == 1
    house.step(4.1)
    assert house.asked == 2


def test_the_gateway_gets_chain_and_key_as_one_file_that_its_group_alone_reads(house: House) -> None:
    house.step()
    folder = house.root / "handed" / NAME
    whole = (folder / "tls.pem").read_text()
    assert whole.count("BEGIN CERTIFICATE") == whole.count("PRIVATE KEY") // 2 == 1
    assert "\n\n" not in whole  # HAProxy's runtime API ends at an empty line
    assert "PRIVATE" not in (folder / "chain.pem").read_text()
    assert stat.S_IMODE((folder / "tls.pem").stat().st_mode) & 0o037 == 0
    assert sorted(path.name for path in folder.iterdir()) == ["chain.pem", "tls.pem"]


def test_a_failure_keeps_the_old_one_and_is_tried_again_less_and_less_often(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.step()
    old = (house.root / "handed" / NAME / "tls.pem").read_text()
    house.refusal = "rateLimited: too many"
    told = house.step(61)
    assert (told["state"], told["times"]) == ("failed", 1)
    assert told["said"] == f"ca.example.org gave no certificate for {NAME}: rateLimited: too many"
    assert told["ends"]
    assert (house.root / "handed" / NAME / "tls.pem").read_text() == old
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["level"], "rateLimited: too many" in line["message"]) == ("error", True)
    house.step(61 + 50 / DAY)
    assert house.asked == 2
    house.step(61 + 65 / DAY)
    assert house.asked == 3
    house.refusal = ""
    assert house.step(61.1)["state"] == "served"
    assert not (house.root / "kept" / "failed.json").exists()


def test_the_backoff_ends_at_hours_and_before_a_short_lived_one_does(house: House) -> None:
    now = 1_000_000.0
    held = certificate.Certificate(now - 100, now + 600)
    assert house.keeper._wait(1, None, now) == 60
    assert house.keeper._wait(1000, None, now) == LAST_RETRY
    assert house.keeper._wait(5, held, now) == 100
    assert house.keeper._wait(5, certificate.Certificate(0, now - 1), now) == 960


def test_a_restart_forgets_no_failure_but_an_update_need_not_tell_it_again(house: House) -> None:
    house.refusal = "no"
    house.step()
    assert not (house.root / "run" / "reported").exists()
    house.keeper = house.another()
    assert house.step()["state"] == "failed"
    assert house.asked == 1
    assert (house.root / "run" / "reported").exists()


@pytest.mark.parametrize(
    "fixed",
    [{"directory": "https://other.example.org/dir"}, {"variables": {"TOKEN": "s3cr3t"}}, {"email": "me@example.org"}],
)
def test_whatever_is_fixed_in_the_settings_is_tried_at_once(house: House, fixed: dict[str, Any]) -> None:
    house.refusal = "no"
    house.step()
    house.keeper = house.another(replace(SETTINGS, **fixed))
    house.step()
    assert house.asked == 2
    memory = house.root / "kept" / "failed.json"
    assert "s3cr3t" not in memory.read_text()
    memory.write_text("[")
    house.keeper = house.another()
    house.step()
    assert house.asked == 3


def test_a_restart_asks_for_no_new_certificate(house: House) -> None:
    house.step()
    house.keeper = house.another()
    assert house.step()["state"] == "served"
    assert house.asked == 1


def test_whoever_asks_gets_a_new_one_at_once_even_after_a_failure(house: House) -> None:
    house.step()
    house.refusal = "no"
    house.keeper.asked = True
    assert house.step()["state"] == "failed"
    house.keeper.asked = True
    house.refusal = ""
    assert house.step()["state"] == "served"
    assert house.asked == 3


def test_who_asks_while_the_ca_is_asked_gets_that_one_and_no_second(house: House) -> None:
    obtain = house.obtain

    def asked_meanwhile(settings: Settings) -> tuple[str, str]:
        house.keeper.asked = True
        return obtain(settings)

    house.keeper._obtain = asked_meanwhile
    house.step()
    house.step()
    assert house.asked == 1
    house.refusal = "no"
    house.keeper.asked = True
    house.step()
    house.refusal = ""
    assert house.step()["state"] == "served"  # at once, because what failed had begun before
    assert house.asked == 3


def test_a_failure_is_followed_by_its_whole_wait_however_long_it_took(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 40.0])
    monkeypatch.setattr("acme_keeper.keeper.time.monotonic", lambda: next(clock))
    house.refusal = "no"
    before = datetime.now(UTC).timestamp()
    assert house.step()["again"] - before >= 100


def test_a_volume_that_takes_nothing_is_a_failure_with_its_wait_and_not_the_end(house: House) -> None:
    (house.root / "kept" / "failed.json").mkdir()
    (house.root / "handed" / NAME).write_text("no folder")
    assert "File exists" in house.step()["said"]
    assert house.step()["state"] == "failed"
    assert house.asked == 1


def test_what_the_ca_wants_back_is_renewed_before_its_time_and_nothing_later_than_its_own(house: House) -> None:
    when = datetime.now(UTC).timestamp()
    wanted = {"at": when + 30 * DAY}
    run, kept, handed = (house.root / name for name in ("run", "kept", "handed"))
    house.keeper = Keeper(SETTINGS, house.obtain, run, kept, handed, lambda _held, _now: wanted["at"])
    for days, asked in ((0, 1), (29, 1), (31, 2)):
        house.step(days)
        assert house.asked == asked, days
    wanted["at"] = when + 300 * DAY
    house.step(61)
    assert house.asked == 3


def test_a_certificate_is_read_once_and_again_when_it_is_another_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    openssl = certificate.read

    def count(chain: Path, name: str) -> certificate.Certificate | None:
        read.append(chain)
        return openssl(chain, name)

    monkeypatch.setattr(certificate, "read", count)
    house.step()
    before = len(read)
    for _ in range(5):
        house.step()
    assert len(read) == before
    house.step(61)
    assert len(read) == before + 1
    (house.root / "handed" / NAME / "chain.pem").unlink()  # somebody has emptied the volume
    assert house.step()["state"] == "served"
    assert house.asked == 3


def test_another_name_has_a_folder_of_its_own_so_that_the_old_one_serves_on(house: House) -> None:
    house.step()
    house.keeper = house.another(Settings("other.example.org", "you@example.org", "http-01", "https://ca/dir"))
    house.step()
    assert sorted(path.name for path in (house.root / "handed").iterdir()) == [NAME, "other.example.org"]
    assert house.asked == 2


def test_a_certificate_for_somebody_else_is_a_failure(house: House) -> None:
    house.name = "else.example.org"
    assert "the certificate is not for gw.example.org" in house.step()["said"]
