"""What of an engine's answers goes into a recording: what is read, without secrets and without the machine's traits."""

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from posture.redaction import forms_of_all
from posture.secrets import MARK
from testbed.recording import question

Call = tuple[tuple[str, ...], int, str, str]
"""What stood behind ``docker``, and its status, output and errors."""
STACK = "recorded"
ROOT = "/var/lib/docker"
LINES = 4
"""Of logs and of lists of packages."""
ROOM = 1 << 30
"""What a volume's disk has free, at most."""
CONTAINER: dict[str, Any] = {
    **dict.fromkeys(("Id", "Name", "Image", "Args", "AppArmorProfile", "Mounts", "Config", "HostConfig"), True),
    "State": {"Status": True, "Running": True, "Health": {"Status": True}},
    "NetworkSettings": {"Ports": True, "Networks": {"*": {"Aliases": True, "NetworkID": True, "IPAddress": True}}},
}
KEPT: dict[str, dict[str, Any]] = {
    "container": CONTAINER,
    "network": {
        **dict.fromkeys(("Id", "Name", "Driver", "Internal", "EnableIPv6", "IPAM", "Options", "Labels"), True),
        "Containers": {"*": {"Name": True}},
    },
    "volume": dict.fromkeys(("Name", "Driver", "Options", "Labels"), True),
    "image": {"Id": True, "Config": dict.fromkeys(("Env", "Labels", "Entrypoint", "Cmd", "WorkingDir"), True)},
    "info": {
        **dict.fromkeys(("SecurityOptions", "SwapLimit", "MemoryLimit", "OperatingSystem"), True),
        "Swarm": {"LocalNodeState": True, "ControlAvailable": True},
    },
    "version": {"Server": {"Version": True, "Platform": True, "Components": True}},
}
"""What of an object is kept, by docker's word for its kind; an asterisk is any name."""
RESOURCES: dict[str, dict[str, Any]] = {
    "pulumi:pulumi:Stack": {"outputs": True},
    "pulumi:providers:docker": {"inputs": {"host": True}},
    "docker:index/container:Container": {"inputs": True},
    "docker:index/network:Network": {"inputs": True},
    "docker:index/volume:Volume": {"inputs": True, "protect": True, "retainOnDelete": True},
    "docker:index/remoteImage:RemoteImage": {"inputs": {"name": True}, "outputs": {"imageId": True}},
    "tls:index/selfSignedCert:SelfSignedCert": {"outputs": {"certPem": True}},
    "random:index/randomPassword:RandomPassword": {},
}
"""What of a resource in the state is kept besides its type, URN and id."""


class SecretLeftError(RuntimeError):
    """Something secret, or of this machine, would stand in the recording."""


def kept(value: Any, wanted: Any) -> Any:
    """Returns what of ``value`` is wanted."""
    if wanted is True or not isinstance(value, dict) or MARK in value:
        return value
    every = wanted.get("*")
    return {name: kept(one, wanted.get(name, every)) for name, one in value.items() if wanted.get(name, every)}


def made_up(secret: str, number: int) -> str:
    """Returns what stands in the recording in place of the ``number``-th secret: a key in place of a key."""
    digits = hashlib.sha256(f"recorded secret {number}".encode()).hexdigest()
    return f"sk-{digits}" if secret.startswith("sk-") else digits


class Scrubber:
    """Takes secrets and traits out, the same word for the same everywhere."""

    def __init__(self, secrets: Sequence[str], stack: str, folders: Mapping[str, str]) -> None:
        self._secrets = sorted(secrets)
        words = {secret: made_up(secret, number) for number, secret in enumerate(self._secrets)}
        words |= {stack: STACK, **folders}
        self._words = dict(sorted(words.items(), key=lambda pair: -len(pair[0])))

    def __call__(self, value: Any) -> Any:
        """Returns ``value``, whatever it consists of, without them."""
        if isinstance(value, dict):
            if "plaintext" in value:  # as Pulumi shows a secret, JSON in JSON
                return {**value, "plaintext": json.dumps(self(json.loads(value["plaintext"])))}
            return {self(name): self(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self(one) for one in value]
        if isinstance(value, str):
            for word, instead in self._words.items():
                value = value.replace(word, instead)
        return value

    def refuse(self, text: str) -> None:
        """Looks through what would be written.

        Raises:
            SecretLeftError: when a secret is in it in any form, this machine's name, or a folder of it.
        """
        if any(form in text.encode() for form in forms_of_all(self._secrets)):
            raise SecretLeftError("a secret of the stack would stand in the recording: leave out what holds it (KEPT)")
        words = [re.escape(word) for word in (platform.node(), str(Path.home()), str(Path.cwd())) if len(word) > 1]
        for trait in (*(rf"(?<![\w.-]){word}(?![\w-])" for word in words), "/tmp/", "PRIVATE KEY-----"):
            if found := re.search(trait, text):
                raise SecretLeftError(f"'{found[0]}' would stand in the recording: leave out what holds it (KEPT)")


def state(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is read of a state."""
    always = dict.fromkeys(("type", "urn", "id"), True)
    resources = [
        kept(one, always | RESOURCES[one["type"]])
        for one in shown["deployment"]["resources"]
        if one["type"] in RESOURCES and not one.get("delete")
    ]
    return {"deployment": {"resources": resources}}


def answers(calls: Sequence[Call], stack: str) -> list[dict[str, Any]]:
    """Returns what is read of the answers, each question once: what is asked again has an answer that may pass."""
    found: dict[str, dict[str, Any]] = {}
    for arguments, status, out, err in calls:
        asked = question(arguments)
        entry = {"asked": asked, "status": status, "out": _out(asked, out, stack), "err": _few(err)}
        found[json.dumps(asked)] = entry
    return sorted(found.values(), key=lambda one: list(map(str, one["asked"])))


def _out(asked: list[str], out: str, stack: str) -> Any:
    kind = asked[asked.index("--type") + 1] if "--type" in asked else asked[0]
    if kind in KEPT and out.startswith(("{", "[")):
        lines = [json.loads(line) for line in out.splitlines()] if out.startswith("{") else json.loads(out)
        return [kept(one, KEPT[kind]) for one in lines]
    if asked[0] == "logs" or "/etc/updated" in asked[-1]:
        return _few(out)
    if asked[0] == "exec" and out.startswith("{") and '"packages"' in out:
        told = json.loads(out)
        told["packages"] = {name: told["packages"][name] for name in told["packages"] if name == "litellm"}
        told["volume"]["free"] = min(told["volume"].get("free", ROOM), ROOM)
        return json.dumps(told)
    if asked[:2] == ["image", "ls"]:
        return "".join(f"{line}\n" for line in out.splitlines() if line.endswith(f"-{stack}"))
    return out


def _few(text: str) -> str:
    """The first lines; those of requests are left out, which say who called."""
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("{")]
    return "".join(lines[:LINES])
