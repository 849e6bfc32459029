"""A second Docker engine on this machine, in a network namespace of its own, which tests may stop and start."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.hosts import ROOT, Host, host
from testbed.nodes import remove_cgroups

ANSWER_SECONDS = 60
LOG_DISK_MIB = 20


class SecondEngine:
    """An engine with its own images, containers, networks and firewall rules; ports appear at ``machine.address``."""

    def __init__(self, machine: Host, folder: Path, programs: Path | None = None, *, containerd: bool = False) -> None:
        self.machine = machine
        self._path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
        self._driver = "overlayfs" if containerd else "overlay2"
        (folder / "daemon.json").write_text(
            json.dumps({"features": {"containerd-snapshotter": True}} if containerd else {})
        )
        self._folder = folder
        self.url = f"unix://{folder}/docker.sock"
        logs = folder / "data" / "containers"
        logs.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={LOG_DISK_MIB}m", "none", logs], check=True)
        self._log = (folder / "log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def docker(self, *arguments: str, check: bool = True) -> str:
        command = ["docker", "--host", self.url, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert not (check and done.returncode), done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        """Starts the engine and waits until it answers."""
        # Its /run/docker must not be the other engine's: plugins and namespaces are kept there by fixed names.
        program = 'mount -t tmpfs none /run/docker && exec dockerd "$@"'
        options = {
            "data-root": "data",
            "exec-root": "exec",
            "pidfile": "pid",
        }
        self._process = subprocess.Popen(
            [
                *("nsenter", f"--net=/run/netns/{self.machine.name}", "unshare", "--mount", "--propagation", "private"),
                *("sh", "-c", program, "sh", "--host", self.url, "--storage-driver", self._driver),
                *("--cgroup-parent", f"/{self.machine.name}", "--config-file", str(self._folder / "daemon.json")),
                *(part for name, path in options.items() for part in (f"--{name}", str(self._folder / path))),
            ],
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            env={**os.environ, "PATH": self._path},
        )
        deadline = time.time() + ANSWER_SECONDS
        while subprocess.run(["docker", "--host", self.url, "version"], capture_output=True, check=False).returncode:
            assert time.time() < deadline, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.2)

    def stop(self) -> None:
        """Stops the engine as a service manager would: its containers end, and come back with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def crash(self) -> None:
        """The machine loses its power: the engine and all containers end at once, and nothing is written any more."""
        if self._process is not None:
            self._process.kill()
        inside = [*Path("/sys/fs/cgroup").glob(f"**/{self.machine.name}/**/cgroup.procs")]
        found = [pid for path in inside for pid in path.read_text().split()]
        found += subprocess.run(
            ["ip", "netns", "pids", self.machine.name], capture_output=True, text=True, check=True
        ).stdout.split()
        for pid in set(found):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if self._process is not None:
            self._process.wait(60)
            self._process = None
        shutil.rmtree(self._folder / "exec", ignore_errors=True)  # /run is empty after a reboot
        (self._folder / "pid").unlink(missing_ok=True)

    @contextlib.contextmanager
    def full_log_disk(self) -> Iterator[None]:
        """The file system with the containers' logs has no free byte, for as long as the body takes."""
        filler = self._folder / "data" / "containers" / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        try:
            yield
        finally:
            filler.unlink()

    def load(self, name: str) -> None:
        """Takes an image over under its name."""
        with subprocess.Popen(["docker", "save", name], stdout=subprocess.PIPE) as source:
            subprocess.run(["docker", "--host", self.url, "load"], stdin=source.stdout, check=True, capture_output=True)

    def copy_image(self, image: str, role: str) -> str:
        """Takes an image over from this machine's own engine and returns its id here: each store has its own."""
        name = f"litellm-claude/{role}:{self.machine.name}"
        subprocess.run(["docker", "tag", image, name], check=True)
        self.load(name)
        subprocess.run(["docker", "image", "rm", "--force", "--no-prune", name], check=False, capture_output=True)
        return self.docker("image", "inspect", "--format", "{{.Id}}", name)

    def close(self) -> None:
        self._log.close()
        subprocess.run(["umount", "--lazy", self._folder / "data" / "containers"], check=False)


UNPACK = """
mirror=$(grep -rhoE 'https?://[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
rm -rf /etc/apt/sources.list.d/* && echo "deb $mirror $SUITE main" >/etc/apt/sources.list
apt-get -qq -o Acquire::Check-Valid-Until=false update
cd "$(mktemp -d)" && apt-get -qq download docker.io containerd
for package in *.deb; do dpkg-deb -x "$package" all; done
mkdir -p /out/new && find all -type f -perm /111 -path '*bin/*' -exec cp {} /out/new \\;
mv /out/new /out/bin
"""


def programs_of(suite: str) -> Path:
    """The engine of another Debian suite, unpacked once; runc stays this machine's, because of its C library."""
    folder = ROOT / ".toolchain" / "engines" / suite
    if not (folder / "bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "new", ignore_errors=True)
        command = ["docker", "run", "--rm", "--env", f"SUITE={suite}", "--volume", f"{folder}:/out"]
        subprocess.run([*command, "debian:trixie-slim", "sh", "-ec", UNPACK], check=True, timeout=600)
    return folder / "bin"


@contextlib.contextmanager
def second_engine(
    suite: str = "", *, containerd: bool = False, on: contextlib.AbstractContextManager[Host] | None = None
) -> Iterator[SecondEngine]:
    """An engine on a host of its own, gone at the end with all that it had; without a suite of this machine's kind."""
    programs = programs_of(suite) if suite else None
    with on or host() as machine, tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        engine = SecondEngine(machine, Path(folder), programs, containerd=containerd)
        try:
            engine.start()
            yield engine
        finally:
            for container in engine.docker("ps", "--all", "--quiet", check=False).split():
                engine.docker("rm", "--force", container, check=False)
            engine.stop()
            engine.close()
            shutil.rmtree(folder, ignore_errors=True)
            remove_cgroups(machine.name)
