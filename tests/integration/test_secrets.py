"""Where a production stack's secrets stand: where they must, and nowhere else."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pulumi import automation

from testbed.deployment import Deployment, docker

ROLES = ("litellm", "gateway", "front", "egress")


@contextmanager
def watched_processes(texts: list[str]) -> Iterator[list[str]]:
    """Collects command lines of this machine's processes that hold one of ``texts``."""
    found: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.03):
            for process in (path for path in Path("/proc").iterdir() if path.name.isdigit()):
                try:
                    line = (process / "cmdline").read_text(errors="replace")
                except OSError:
                    continue
                found.extend(text for text in texts if text in line)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def spellings(secret: str) -> list[str]:
    """The key as it is, without its prefix, and its bytes in hexadecimal and both kinds of base64."""
    body = secret.removeprefix("sk-")
    raws = [secret.encode(), body.encode(), bytes.fromhex(body)]
    encoded = [f(raw).decode().rstrip("=") for raw in raws for f in (base64.b64encode, base64.urlsafe_b64encode)]
    return [body, *encoded, *(raw.hex() for raw in raws[:2])]


def test_the_key_stands_nowhere_in_the_clear(prod: Deployment) -> None:
    texts = spellings(prod.output("master_key"))
    exported = prod.pulumi("stack", "export").stdout
    with watched_processes(texts) as in_arguments:
        prod.printed.append(prod.pulumi("preview", "--diff").stdout)
        prod.set(litellmImage="registry.invalid/none@sha256:" + "0" * 64)
        with pytest.raises(automation.CommandError) as failed:
            prod.up()
        prod.set(litellmImage=None, drainSeconds=6)
        prod.up()
    places = {
        "printed": "".join(prod.printed),
        "the error of a failed update": str(failed.value),
        "export": exported + prod.pulumi("stack", "export").stdout,
        "stack file": (prod.project / f"Pulumi.{prod.name}.yaml").read_text(),
        **{f"log of {role}": docker("logs", prod.container(role)) for role in ROLES},
        **{f"layers of {role}": docker("history", "--no-trunc", prod.inspect(role)["Image"]) for role in ROLES},
        **{str(path): path.read_text(errors="replace") for path in prod.state.rglob("*") if path.is_file()},
    }
    assert len([name for name in places if str(prod.state) in name]) >= 3
    assert [(name, text[:6]) for name, content in places.items() for text in texts if text in content] == []
    assert in_arguments == []
    # Where it must stand, and nowhere else: the environment of the LiteLLM container.
    holders = [role for role in ROLES if texts[0] in json.dumps(prod.inspect(role))]
    assert holders == ["litellm"]


def test_the_private_key_reaches_the_gateway_alone_and_no_disk_of_its_own(prod: Deployment) -> None:
    assert "PRIVATE KEY" not in prod.pulumi("stack", "export").stdout
    assert "PRIVATE KEY" not in prod.exec("gateway", "cat", "/proc/1/environ")
    mounts = prod.exec("gateway", "grep", "/run/gateway", "/proc/mounts")
    assert mounts.split()[2] == "tmpfs"
