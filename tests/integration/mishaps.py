"""What happens to a stack when nobody means harm: kills, removals, damaged files, a full disk, a taken port.

A mishap is done to a running stack. It returns what `make up` may say of it and what a person then does, or None when
`make up` alone must repair it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from testbed.deployment import Deployment, docker
from testbed.operations import Operations

MIB = 1024 * 1024
DISK_MIB = 40
MARKER = "/home/app/.claude/marker"
ROLES = ("litellm", "gateway", "front", "egress")
SIGNALS = {"killed": signal.SIGKILL, "hung up": signal.SIGHUP, "terminated": signal.SIGTERM}


@dataclass
class Way:
    """A sentence that `make up` ends with, and the one thing that it names."""

    sentence: str
    follow: Callable[[str], None] = lambda _said: None
    environment: dict[str, str] = field(default_factory=dict)


class Bed:
    """The stack, and ways to harm it. ``number`` makes each changed setting another one."""

    def __init__(self, stack: Deployment, operations: Operations) -> None:
        self.stack, self.operations = stack, operations
        self.number = 0

    @property
    def state_file(self) -> Path:
        (path,) = (self.stack.state / ".pulumi").glob(f"stacks/*/{self.stack.name}.json")
        return path

    def mark(self) -> None:
        """What stands for a login in its volume."""
        self.stack.exec("litellm", "sh", "-c", f"echo kept >{MARKER}")

    def one(self, role: str) -> str:
        return self.stack.there(role)[0]

    def networks(self) -> list[str]:
        return self.stack.there(kind="network")

    def removed(self, role: str) -> None:
        docker("rm", "--force", self.one(role))

    def stopped(self, role: str, how: str) -> None:
        docker(how, self.one(role))

    def renamed(self, role: str) -> None:
        docker("rename", self.one(role), f"by-hand-{self.stack.name}")

    def disconnected(self, role: str) -> None:
        name = self.one(role)
        attached = json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"]
        docker("network", "disconnect", "--force", min(attached), name)

    def connected_by_hand(self, role: str) -> None:
        """Away from one network and back, without its names there; and to one that is none of its own."""
        name = self.one(role)
        network = max(json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"])
        docker("network", "disconnect", network, name)
        docker("network", "connect", network, name)
        docker("network", "connect", "bridge", name)

    def hangs(self, role: str) -> None:
        os.kill(int(docker("inspect", "--format", "{{.State.Pid}}", self.one(role))), signal.SIGSTOP)

    def pruned(self) -> None:
        """All containers and networks are gone, as after `docker system prune` on a machine that was off."""
        docker("rm", "--force", *self.stack.there())
        docker("network", "rm", *self.networks())

    def image_removed(self, role: str) -> None:
        image = json.loads(docker("inspect", self.one(role)))[0]["Image"]
        docker("rm", "--force", self.one(role))
        docker("image", "rm", "--force", image)

    def login_removed(self, *, replaced: bool) -> None:
        """The login's volume is gone, with what was in it; or somebody has put an empty one there."""
        name = str(self.stack.output("claude_auth_volume"))
        docker("rm", "--force", self.one("litellm"))
        docker("volume", "rm", name)
        if replaced:
            docker("volume", "create", name)

    def login_of_root(self) -> None:
        """Root restores a backup into the volume, while the stack runs."""
        volume = f"{self.stack.output('claude_auth_volume')}:/volume"
        docker("run", "--rm", "--volume", volume, "debian:trixie-slim", "chown", "--recursive", "0:0", "/volume")
        docker("run", "--rm", "--volume", volume, "debian:trixie-slim", "chmod", "--recursive", "go-rwx", "/volume")

    def power_lost(self) -> None:
        """All processes end at once, and nobody asked docker for it; the engine itself others use, too."""
        pids = docker("inspect", "--format", "{{.State.Pid}}", *self.stack.there()).split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def changed(self) -> None:
        """Another grace for LiteLLM: the next update replaces it."""
        self.number += 1
        self.stack.set(drainSeconds=2 + self.number % 5)

    def interrupted(self, how: str, after: float, *, pulumi_alone: bool) -> None:
        """An update that replaces a container ends at some moment, whole or its pulumi alone."""
        self.changed()
        update = self.operations.start("ops/up.sh", self.stack.name)
        with contextlib.suppress(subprocess.TimeoutExpired):
            update.wait(after)
        if update.poll() is None and pulumi_alone:
            for pid in children(update.pid, "pulumi"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, SIGNALS[how])
        elif update.poll() is None:
            os.killpg(update.pid, SIGNALS[how])
        update.communicate(timeout=280)

    def two_at_once(self) -> None:
        """Both may be refused or the second alone; the third, which follows, repairs what there is."""
        self.changed()
        both = [self.operations.start("ops/up.sh", self.stack.name) for _ in range(2)]
        for update in both:
            said = update.communicate(timeout=280)[0]
            assert not update.returncode or "another update" in said or "currently locked" in said, said

    def half_written(self, what: str) -> Way | None:
        if what == "state":
            whole = self.state_file.read_text()
            self.state_file.write_text(whole[: len(whole) // 2])
            return Way("is damaged", lambda said: shell(said.rpartition("try again: ")[2].splitlines()[0]))
        if what == "no state":
            self.state_file.unlink()
            return Way("is gone", lambda said: shell(said.rpartition("try again: ")[2].splitlines()[0]))
        if what == "meta":
            (self.stack.state / ".pulumi" / "meta.yaml").write_text("")
            return None
        if what == "notes":
            self.state_file.with_name(f"{self.state_file.name}.attrs").write_text("")
            return None
        folder = self.stack.state / ".pulumi" / "locks" / "organization" / "litellm-claude" / self.stack.name
        folder.mkdir(parents=True, exist_ok=True)
        name, text = {
            "lock": ("0.json.1.tmp", ""),
            "cut lock": ("0b0a.json", '{"pid": 12'),
            "dead lock": (
                "0c0d.json",
                json.dumps(
                    {"pid": 4194303, "username": "root", "hostname": socket.gethostname(), "timestamp": "2026-01-01"}
                ),
            ),
        }[what]
        (folder / name).write_text(text)
        return None

    def damaged_settings(self) -> Way:
        path = self.stack.project / f"Pulumi.{self.stack.name}.yaml"
        whole = path.read_bytes()
        path.write_bytes(whole + b"  litellm-claude:prot: 1\n" if b"encryptionsalt" not in whole else b"a: [" + whole)
        return Way("error", lambda _said: (path.write_bytes(whole), None)[1])

    def wrong_passphrase(self) -> Way:
        return Way("passphrase", environment={"PULUMI_CONFIG_PASSPHRASE": "another one"})

    def taken_port(self) -> Way:
        listener = socket.socket()
        port = int(self.stack.output("url").rpartition(":")[2])
        for name in self.stack.there():
            if docker("port", name, check=False):
                docker("rm", "--force", name)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))
        listener.listen()
        return Way(f"port {port} on ", lambda _said: listener.close())

    def expired_certificate(self) -> Way:
        """A provided certificate is over, and on that day the gateway is gone, too."""
        name, yesterday = (
            str(self.stack.output("url")).split("/")[2].rpartition(":")[0],
            datetime.now(UTC) - timedelta(1),
        )
        issued = trustme.CA().issue_cert(name, not_after=yesterday)
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
        self.stack.set(tls="provided", tlsCertificate=chain)
        self.stack.set_secret("tlsPrivateKey", issued.private_key_pem.bytes().decode())
        exported = self.stack.stack.export_stack()
        for resource in (exported.deployment or {})["resources"]:
            if resource["type"].endswith(":ServerCertificate"):
                resource["outputs"]["provided"] = chain  # the stack has served it while it was good
        self.stack.stack.import_stack(exported)
        self.removed("gateway")

        def follow(_said: str) -> None:
            running = docker("inspect", "--format", "{{.State.Running}}", *self.stack.there()).split()
            assert running == ["true"] * len(ROLES), "all is back, if with the old certificate"
            self.stack.set(tls="managed", tlsCertificate=None)

        return Way("tlsCertificate: expired on", follow)

    def full_disk(self) -> Way:
        """The state's file system has no free byte while an update runs."""
        self.changed()
        filler = self.stack.state / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(MIB // 16))
        return Way("no space left on device", lambda _said: filler.unlink())


def children(pid: int, name: str) -> Iterator[int]:
    """The processes of that name below ``pid``."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    below = {str(pid)}
    for _ in rows:
        below |= {row[0] for row in rows if row[1] in below}
    yield from (int(row[0]) for row in rows if row[0] in below and row[2] == name)


def shell(command: str) -> None:
    subprocess.run(["sh", "-c", command], check=True)


@contextlib.contextmanager
def small_disk(stack: Deployment) -> Iterator[None]:
    """The stack's state is on a file system of its own, which can be full."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "none", stack.state], check=True)
    try:
        yield
    finally:
        time.sleep(0.2)
        subprocess.run(["umount", "--lazy", stack.state], check=False)
