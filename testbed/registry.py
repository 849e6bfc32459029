"""A registry of images for the tests: Debian's docker-registry, over plain HTTP on an address of a hub."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.hosts import ROOT, Host

PORT = 5000


@contextlib.contextmanager
def registry(on: Host, folder: Path) -> Iterator[str]:
    """Serves from a host until the end; yields ADDRESS:PORT."""
    found = subprocess.run(
        [ROOT / "setup" / "debian_tool.sh", "docker-registry"], capture_output=True, text=True, check=True
    ).stdout.strip()
    where = f"{on.address}:{PORT}"
    configuration = folder / "registry.json"  # YAML has JSON in it
    settings = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": where},
    }
    configuration.write_text(json.dumps(settings))
    with (folder / "registry.log").open("ab") as log:
        command = ["ip", "netns", "exec", on.name, f"{found}/docker-registry", "serve", str(configuration)]
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
