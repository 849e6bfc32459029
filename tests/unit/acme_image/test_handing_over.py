"""What the gateway has when a renewal is cut off: never a certificate that nobody thinks of renewing."""

import os
from pathlib import Path

import pytest

from tests.unit.acme_image.test_keeper import NAME, House, house

__all__ = ["house"]


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_renewal_that_is_killed_between_two_files_is_made_again(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    renamed: int,
) -> None:
    house.step()
    house.days = 200  # the new one is not due for long
    rename, done = Path.rename, list[Path]()

    def killed(path: Path, to: Path) -> Path:
        if path.name.endswith(".pem.new"):
            if len(done) == renamed:
                raise KeyboardInterrupt
            done.append(to)
        return rename(path, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            house.step(61)
    house.keeper = house.another()
    house.step(61)
    folder = house.root / "handed" / NAME
    assert (folder / "tls.pem").read_text().startswith((folder / "chain.pem").read_text())
    assert house.asked == 3


def test_both_files_are_on_the_disk_before_they_are_there(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A power cut left an empty one, which HAProxy refuses, and which nobody asks for again."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_ino))
    house.step()
    folder = house.root / "handed" / NAME
    assert set(synced) == {(folder / name).stat().st_ino for name in ("tls.pem", "chain.pem")}
