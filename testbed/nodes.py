"""An engine of the tests' own that can be lost like a machine: with a network, processes and mounts to itself."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from testbed.wires import Hub

ANSWER_SECONDS = 60
# Its /run/docker and /run/containerd must not be another engine's: namespaces and sockets have fixed names there.
PROGRAM = """
hostname "$1" && shift
mkdir -p /run/docker /run/containerd
mount -t tmpfs none /run/docker && mount -t tmpfs none /run/containerd && exec dockerd "$@"
"""
# What docs/scaling.md asks of a node, because no service can.
LIMITS = {"nofile": 16384, "nproc": 4096}
DAEMON = {
    "no-new-privileges": True,
    "userland-proxy": False,
    "default-ulimits": {name: {"Name": name, "Soft": limit, "Hard": limit} for name, limit in LIMITS.items()},
}


class Node:
    """An engine on a host of a hub; ``kill`` takes its power, and ``start`` gives it back with what was on its disk."""

    def __init__(self, hub: Hub, place: int, folder: Path, registries: list[str]) -> None:
        self.hub = hub
        self.host = hub.place(place)
        self.name = f"node-{place}"
        self.url = f"unix://{folder}/docker.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        (folder / "daemon.json").write_text(json.dumps({**DAEMON, "insecure-registries": registries}))

    @property
    def address(self) -> str:
        return self.host.address

    @property
    def running(self) -> bool:
        return self._process is not None

    def leads(self) -> bool:
        """Is this the swarm's leader?"""
        mine = self.docker(
            "node", "inspect", "self", "--format", "{{with .ManagerStatus}}{{.Leader}}{{end}}", check=False
        )
        return mine == "true"

    def docker(self, *arguments: str, check: bool = True, timeout: float = 120) -> str:
        """Runs the docker client on this engine and returns what it printed."""
        command = ["docker", "--host", self.url, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
        if check and done.returncode:
            raise RuntimeError(f"docker {' '.join(arguments[:2])} on {self.host.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def inspect(self, *arguments: str) -> Any:
        """What docker prints, as JSON."""
        return json.loads(self.docker(*arguments))

    def start(self) -> None:
        """Starts the machine and waits until its engine answers."""
        self.hub.connect(self.host)
        options = {"data-root": "data", "exec-root": "exec", "pidfile": "pid", "config-file": "daemon.json"}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(
                        "nsenter",
                        f"--net=/run/netns/{self.host.name}",
                        "unshare",
                        "--mount",
                        "--uts",
                        "--propagation",
                        "private",
                    ),
                    *("--pid", "--fork", "--mount-proc", "--kill-child"),
                    *("sh", "-c", PROGRAM, "sh", self.name, "--host", self.url, "--storage-driver", "overlay2"),
                    *("--cgroup-parent", f"/{self.host.name}"),
                    *(part for name, path in options.items() for part in (f"--{name}", str(self._folder / path))),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + ANSWER_SECONDS
        while subprocess.run(["docker", "--host", self.url, "version"], capture_output=True, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no engine answers on {self.host.name}: {self.log()[-2000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """The machine loses its power: nobody is told, and nothing that ran on it is there any more."""
        if self._process is None:
            return
        self.hub.disconnect(self.host)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._process.kill()  # unshare's --kill-child ends the engine, which is process 1 of all that it has started
        self._process.wait(60)
        self._process = None
        while any(Path("/proc", child).exists() for child in children):
            time.sleep(0.1)
        shutil.rmtree(self._folder / "exec", ignore_errors=True)  # /run is empty after a reboot
        (self._folder / "pid").unlink(missing_ok=True)

    def log(self) -> str:
        """What the engine itself has said."""
        return (self._folder / "log").read_text()

    def load(self, image: str) -> None:
        """Takes an image over from this machine's own engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as source:
            command = ["docker", "--host", self.url, "load"]
            subprocess.run(command, stdin=source.stdout, check=True, capture_output=True)


@contextlib.contextmanager
def node(hub: Hub, place: int, folder: Path, registries: list[str]) -> Iterator[Node]:
    """An engine, running; at the end it is gone with all that it had."""
    made = Node(hub, place, folder, registries)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        remove_cgroups(made.host.name)


def remove_disks(folders: list[Path]) -> None:
    """Removes what engines had, all at once: of hundreds of thousands of files Python's own way takes minutes."""
    removing = [subprocess.Popen(["rm", "-rf", "--one-file-system", folder]) for folder in folders]
    for one in removing:
        one.wait()


def remove_cgroups(name: str) -> None:
    """Removes the engine's control groups, which the kernel keeps even when they are empty."""
    for base, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if f"/{name}" in base:
            with contextlib.suppress(OSError):
                Path(base).rmdir()
