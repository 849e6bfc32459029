"""Two that begin at the same time on a fresh machine: the second takes what the first has made."""

import fcntl
import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts import Copy

DOCKER = '[ -e "{made}" ] || exit 1; [ "$1" != version ] || echo 28.2.2'


@pytest.mark.parametrize("script", ["engine.sh", "base_image.sh"])
def test_the_second_waits_and_makes_nothing(copy: Copy, script: str) -> None:
    """Its base image would take the other's place, and what was built on that be made anew at the next update."""
    made = copy.root / "made"
    copy.fake("docker", DOCKER.format(made=made))
    copy.environment |= {"SETUP_ASSUME_UID": "0", "SETUP_DAEMON_JSON": "/dev/null", "SETUP_DOCKERD_LOG": "/dev/null"}
    for name in ("dockerd", "iptables", "apt-get", "mmdebstrap", "setsid", "systemctl"):
        copy.fake(name, "exit 1")
    lock = copy.root / ".toolchain" / f"{script.removesuffix('.sh')}.lock"
    lock.parent.mkdir()
    with lock.open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        command = [str(copy.root / "setup" / script)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=copy.environment) as second:
            assert second.stderr
            assert "waiting for another make" in second.stderr.readline()
            made.touch()
            fcntl.flock(first, fcntl.LOCK_UN)
            assert second.wait() == 0, second.stderr.read()
    assert {call.split()[0] for call in copy.calls()} == {"docker"}
    assert not [call for call in copy.calls() if call.startswith("docker pull")]


def test_an_engine_that_was_started_holds_no_lock(copy: Copy) -> None:
    """It runs on for months, and the next make would wait for it."""
    if Path("/run/systemd/system").is_dir():
        copy.fake("systemctl", f'touch "{copy.root}/made"')
    copy.fake("docker", DOCKER.format(made=copy.root / "made"))
    copy.fake("dockerd", 'echo "Docker version 28.2.2, build x"')
    copy.fake("setsid", f'{{ : >&9; }} 2>/dev/null && echo held >>"{copy.root}/calls"; touch "{copy.root}/made"')
    copy.fake("iptables", "exit 0")
    copy.fake("apt-get", "exit 0")
    copy.environment |= {
        "SETUP_ASSUME_UID": "0",
        "SETUP_DAEMON_JSON": str(copy.root / "daemon.json"),
        "SETUP_DOCKERD_LOG": str(copy.root / "log"),
    }
    done = copy.run("engine.sh")
    assert done.returncode == 0, done.stderr
    assert "held" not in copy.calls()
