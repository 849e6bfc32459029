"""A registry for a try: ``python -m ops.try_registry STACK``, in the project's folder; `make up` runs it.

When a stack of services names a registry without TLS at an address of this machine, and nobody answers there, Debian's
docker-registry is started, for as long as this machine runs. Whoever reaches the address may push to it and pull from
it; a stack's images are named by their digest all the same, under which nobody can put anything else.
"""

import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path

from rules import registry
from rules.layout import stack_name
from rules.messages import sayer
from rules.stack_settings import setting
from rules.waiting import until

say = sayer("setup")
ANSWER_SECONDS = 20


def address_of(stack: str, root: Path) -> tuple[str, int] | None:
    """Returns where the stack's registry is, if it is one for a try: without TLS, and on this machine."""
    name = str(setting("registry", stack, root) or "")
    if setting("orchestrator", stack, root) != "swarm" or not name.startswith(registry.PLAIN):
        return None
    host, _, port = registry.host(name).partition(":")
    engine = str(setting("dockerHost", stack, root) or "unix://")
    if host.startswith("127.") and not engine.startswith("unix://"):
        return None  # the engine's own loopback is another machine's
    with contextlib.suppress(OSError), socket.socket() as here:
        here.bind((host, 0))
        return host, int(port or 80)
    return None


def configuration(address: str, folder: Path) -> str:
    """Returns what docker-registry is told, to serve there what is in ``folder``; YAML has JSON in it."""
    storage = {"filesystem": {"rootdirectory": str(folder)}}
    return json.dumps({"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": {"addr": address}})


def answers(host: str, port: int) -> bool:
    """Whether anybody listens there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), 2):
        return True
    return False


def start(host: str, port: int, root: Path) -> None:
    """Starts the registry, and waits until it answers.

    Raises:
        RuntimeError: when it does not; with the end of what it has said.
    """
    folder, where = root.resolve() / ".toolchain" / "registry", f"{host}:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    tool = [str(root.resolve() / "setup" / "debian_tool.sh"), "docker-registry"]
    found = subprocess.run(tool, stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        raise RuntimeError(f"nobody answers at {where}, the stack's registry, and none could be started there")
    (folder / "registry.json").write_text(configuration(where, folder / "images"))
    with (folder / "log").open("ab") as log:
        command = [f"{found.stdout.strip()}/docker-registry", "serve", str(folder / "registry.json")]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    until(lambda: answers(host, port) or server.poll() is not None, ANSWER_SECONDS)
    if not answers(host, port):
        raise RuntimeError(f"the registry does not answer at {where}: {(folder / 'log').read_text()[-500:]}")
    say(
        f"nobody answered at {where}: Debian's docker-registry does now, for a try, without TLS and a password. "
        f'Each node\'s /etc/docker/daemon.json has to name it: "insecure-registries": ["{where}"]. '
        f"To end it: kill {server.pid}; its images are in {folder}"
    )


def main() -> int:
    """Returns the exit status: 1 with a sentence when there is no registry and none can be started."""
    place = address_of(stack_name(sys.argv[1]), Path())
    try:
        if place and not answers(*place):
            start(*place, Path())
    except RuntimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
