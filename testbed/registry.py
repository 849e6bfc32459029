"""A registry of images for the tests: Debian's docker-registry, over plain HTTP on an address of a hub."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ops.try_registry import configuration
from testbed.hosts import ROOT, Host

PORT = 5000


def programs() -> str:
    """The folder in which Debian's docker-registry is."""
    tool = [str(ROOT / "setup" / "debian_tool.sh"), "docker-registry"]
    return subprocess.run(tool, capture_output=True, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def registry(on: Host, folder: Path) -> Iterator[str]:
    """Serves from a host until the end; yields ADDRESS:PORT."""
    where = f"{on.address}:{PORT}"
    file = folder / "registry.json"
    file.write_text(configuration(where, folder / "images"))
    with (folder / "registry.log").open("ab") as log:
        command = ["ip", "netns", "exec", on.name, f"{programs()}/docker-registry", "serve", str(file)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for attempt in range(100):
            with contextlib.suppress(OSError), socket.create_connection((on.address, PORT), 1):
                break
            if server.poll() is not None or attempt == 99:
                raise RuntimeError(f"the registry does not answer: {(folder / 'registry.log').read_text()[-1000:]}")
            time.sleep(0.1)
        yield where
    finally:
        server.terminate()
        server.wait()
