"""The base image where no registry answers: which archives mmdebstrap gets, and what is said when it fails."""

import shlex
from pathlib import Path

import pytest

from tests.unit.scripts import Copy

MIRRORS = "mirror https://near.example/debian", "security http://near.example/security"


@pytest.fixture
def maker(copy: Copy) -> Copy:
    """No registry answers; mmdebstrap writes its arguments into its tar. What `answers` names can be reached."""
    keyring = copy.root / "keyring.gpg"
    keyring.touch()
    helper = copy.bin / "apt-helper"
    text = (copy.root / "setup" / "base_image.sh").read_text()
    text = text.replace("/usr/share/keyrings/debian-archive-keyring.gpg", str(keyring))
    (copy.root / "setup" / "base_image.sh").write_text(text.replace("/usr/lib/apt/apt-helper", str(helper)))
    copy.fake("apt-helper", f'grep -qxF "$2" "{copy.root}/answers"')
    copy.fake("docker", '[ "$1" = import ]')
    copy.fake("tar", "exit 0")
    copy.fake("mmdebstrap", f'printf "%s\\n" "$@" >"{copy.root}/arguments"; pwd >"$TMPDIR/base.tar"')
    return copy


def arguments(copy: Copy, mirrors: tuple[str, ...], *answers: str) -> list[str]:
    """Makes the image on a machine with these mirrors. Returns what mmdebstrap was called with."""
    lines = " ".join(shlex.quote(mirror) for mirror in mirrors)
    copy.fake("python3", f'case $1 in *apt_sources.py) printf "%s\\n" {lines};; *) echo 0;; esac')
    (copy.root / "answers").write_text("".join(f"{uri}/InRelease\n" for uri in answers))
    result = copy.run("base_image.sh")
    assert result.returncode == 0, result.stderr
    (imported,) = (shlex.split(call) for call in copy.calls() if call.startswith("docker import"))
    assert imported[-1] == "debian:trixie-slim"
    assert not Path(imported[-2]).parent.exists()
    return (copy.root / "arguments").read_text().splitlines()


def archives(given: list[str]) -> list[str]:
    """URI and suite of each archive; all are signed by Debian's keyring and by no other that the machine trusts."""
    lines = [line.split() for line in given if line.startswith("deb ")]
    assert all(line[1].startswith("[signed-by=/") and line[4] == "main" for line in lines)
    return [f"{line[2]} {line[3]}" for line in lines]


def test_the_machines_mirrors_are_the_images(maker: Copy) -> None:
    given = arguments(
        maker,
        MIRRORS,
        "https://near.example/debian/dists/trixie",
        "http://near.example/security/dists/trixie-security",
    )
    assert archives(given) == [
        "https://near.example/debian trixie",
        "https://near.example/debian trixie-updates",
        "http://near.example/security trixie-security",
    ]
    assert "--include=ca-certificates" in given  # apt inside could not reach an https mirror without


@pytest.mark.parametrize("mirrors", [(), MIRRORS[:1]], ids=["none", "without the release"])
def test_without_a_mirror_of_the_machine_it_is_mmdebstraps_own(maker: Copy, mirrors: tuple[str, ...]) -> None:
    given = arguments(maker, mirrors)
    assert archives(given) == []
    assert given[-2] == "trixie"
    assert f"--keyring={maker.root}/keyring.gpg" in given  # Ubuntu's apt knows none of its keys
    assert "--include=ca-certificates" not in given


def test_without_an_archive_of_security_updates_there_is_the_main_one(maker: Copy) -> None:
    given = arguments(maker, MIRRORS, "https://near.example/debian/dists/trixie")
    assert archives(given) == ["https://near.example/debian trixie", "https://near.example/debian trixie-updates"]


def test_what_mmdebstrap_copies_is_open_to_the_users_that_it_runs_as(maker: Copy) -> None:
    """Without root these are subordinate ones, to which a shell with a strict umask would close the certificates."""
    maker.fake("mmdebstrap", f'find "$TMPDIR" -printf "%m " >"{maker.root}/modes"; touch "$TMPDIR/base.tar"')
    maker.fake("python3", "echo 0")
    done = maker.started("bash", "-c", "umask 077; setup/base_image.sh")
    assert done.returncode == 0, done.stderr
    assert set((maker.root / "modes").read_text().split()) <= {"755", "644"}


@pytest.mark.parametrize("user", ["0", "1000"])
def test_what_mmdebstrap_says_of_its_failure_is_shown_and_nothing_is_imported(maker: Copy, user: str) -> None:
    """Also on a machine whose keyring is older than the release."""
    maker.environment["SETUP_ASSUME_UID"] = user
    maker.fake("python3", "echo 0")
    said = "E: The repository 'http://near.example/debian trixie InRelease' is not signed."
    maker.fake("mmdebstrap", f'echo "$TMPDIR" >"{maker.root}/work"; echo "{said}" >&2; echo "I: removing" >&2; exit 1')
    result = maker.run("base_image.sh")
    assert result.returncode == 1
    assert f"error: mmdebstrap failed: {said}\n" in result.stderr
    assert not [call for call in maker.calls() if call.startswith("docker import")]
    assert not Path((maker.root / "work").read_text().strip()).exists()
