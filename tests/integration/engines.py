"""A second Docker engine on this machine, in a network namespace of its own, which tests may stop and start."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.integration.hosts import Host, host

ANSWER_SECONDS = 60


class SecondEngine:
    """An engine with its own images, containers, networks and firewall rules; ports appear at ``machine.address``."""

    def __init__(self, machine: Host, folder: Path) -> None:
        self.machine = machine
        self._folder = folder
        self.url = f"unix://{folder}/docker.sock"
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
                *("sh", "-c", program, "sh", "--host", self.url, "--storage-driver", "overlay2"),
                *("--cgroup-parent", f"/{self.machine.name}", "--config-file", str(self._folder / "none.json")),
                *(part for name, path in options.items() for part in (f"--{name}", str(self._folder / path))),
            ],
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
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

    def copy_image(self, image: str) -> None:
        """Takes an image over from this machine's own engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as source:
            subprocess.run(["docker", "--host", self.url, "load"], stdin=source.stdout, check=True, capture_output=True)

    def close(self) -> None:
        self._log.close()


@contextlib.contextmanager
def second_engine(number: int) -> Iterator[SecondEngine]:
    """An engine on host ``number``, gone again at the end with all that it had."""
    with host(number) as machine, tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "none.json").write_text("{}")
        engine = SecondEngine(machine, Path(folder))
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


def remove_cgroups(name: str) -> None:
    """Removes the engine's control groups, which the kernel keeps even when they are empty."""
    for base, folders, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if f"/{name}" in base and not folders:
            with contextlib.suppress(OSError):
                Path(base).rmdir()
