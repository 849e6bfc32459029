"""Runs the real ``__main__.py`` against Pulumi's mocks and hands back the graph of what it declared."""

import asyncio
import json
import runpy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks, settings, stack

ROOT = Path(__file__).parents[3]
PROJECT = "litellm-claude"
MARK = "4dabf18193072939515e22adb298388d"
"""Key of the object in which Pulumi wraps a secret on the wire."""


@dataclass
class Declared:
    """One registered resource: its type, name, plain inputs, which of them are secret, and its options."""

    type: str
    name: str
    inputs: dict[str, Any]
    secret: bool
    request: Any


@dataclass
class Graph:
    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    waits: dict[str, set[str]] = field(default_factory=dict)
    """By output, the resources that it waits for."""
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    begun: int = 0
    """How many registrations had begun when Pulumi began to wait for them."""

    def of(self, type_: str) -> list[Declared]:
        return [r for r in self.resources if r.type == type_]

    def container(self, role: str) -> Declared:
        there = [r for r in self.of("docker:index/container:Container") if r.name.endswith(f"-{role}")]
        return min(there, key=lambda one: len(one.name))  # "egress" is no "acme-egress"

    def env(self, role: str) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in plain(self.container(role).inputs["envs"]))


def plain(value: Any) -> Any:
    """Strips the marks of secrets from a serialised value."""
    if isinstance(value, dict):
        return plain(value["value"]) if MARK in value else {key: plain(item) for key, item in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


class Recorder(mocks.MockMonitor):
    """Keeps each request whole, because the mocks themselves are not told a resource's options."""

    def __init__(self, answers: pulumi.runtime.Mocks, graph: Graph) -> None:
        super().__init__(answers)
        self.graph = graph

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the RPC's name
        inputs = json_format.MessageToDict(request.object)
        self.graph.resources.append(Declared(request.type, request.name, inputs, MARK in json.dumps(inputs), request))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


class Answers(pulumi.runtime.Mocks):
    """What a provider would add to a resource's inputs."""

    def __init__(self, outputs: dict[str, dict[str, Any]]) -> None:
        self.outputs = outputs

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        computed = {
            "docker:index/remoteImage:RemoteImage": {"imageId": f"sha256:{args.name}"},
            "random:index/randomPassword:RandomPassword": {"result": "0123456789abcdef" * 4},
            "tls:index/privateKey:PrivateKey": {"privateKeyPem": f"{args.name} private key"},
            "tls:index/selfSignedCert:SelfSignedCert": {"certPem": "CA\n"},
            "tls:index/certRequest:CertRequest": {"certRequestPem": "request"},
            "tls:index/locallySignedCert:LocallySignedCert": {"certPem": "server\n"},
        }.get(args.typ, {})
        named = {"name": args.inputs.get("name", f"{args.name}-1a2b3c4")}
        return f"{args.name}-id", {**named, **args.inputs, **computed, **self.outputs.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program must not read from the outside, but called {args.token}")


@cache
def committed(stack_name: str) -> dict[str, Any]:
    """The project's defaults and the stack file; secrets and salt that a user's `make up` left there stay out."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    values = {f"{PROJECT}:{name}": entry["default"] for name, entry in project.items()}
    stack_file = yaml.safe_load((ROOT / f"Pulumi.{stack_name}.yaml").read_text())["config"]
    return values | {k: v for k, v in stack_file.items() if not isinstance(v, dict) or "secure" not in v}


def configuration(stack_name: str, changes: dict[str, Any]) -> dict[str, str]:
    """What the CLI would hand over: the project's defaults, then the stack file, then ``changes``."""
    values = committed(stack_name) | {f"{PROJECT}:{name}": value for name, value in changes.items()}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


Deploy = Callable[..., Graph]


def deployed(
    stack_name: str,
    *,
    secrets: dict[str, str] | None = None,
    answers: dict[str, dict[str, Any]] | None = None,
    **changes: Any,
) -> Graph:
    """Runs the program for a stack; ``secrets`` are set with --secret."""
    secrets = secrets or {}
    graph = Graph()
    pulumi.runtime.set_all_config(
        configuration(stack_name, {**changes, **secrets}), [f"{PROJECT}:{name}" for name in secrets]
    )
    monitor = Recorder(Answers(answers or {}), graph)
    follow_ups: list[Callable[[], Awaitable[None]]] = []

    async def resolve() -> None:
        settings.set_root_resource(None)  # type: ignore[arg-type]
        pulumi.runtime.set_mocks(monitor.mocks, project=PROJECT, stack=stack_name, preview=False, monitor=monitor)
        root = settings.get_root_resource()
        assert isinstance(root, stack.Stack)
        try:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
            for follow_up in follow_ups:
                await follow_up()
            graph.begun = len(settings._get_rpc_manager().rpcs)
        finally:
            await stack.wait_for_rpcs()
        for name, value in root.outputs.items():
            output = pulumi.Output.from_input(value)
            graph.waits[name] = {one._name for one in await output.resources()}
            graph.outputs[name] = {"value": await output.future(), "secret": await output.is_secret()}

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(pulumi.log, "warn", lambda message, *_a, **_k: graph.warnings.append(message))
        patch.setattr(pulumi.log, "info", lambda message, *_a, **_k: graph.notes.append(message))
        patch.setattr(pulumi, "run", follow_ups.append)  # a mocked stack takes none
        asyncio.run(resolve())  # as Pulumi: each run of the program has a loop of its own, a test may have several
    return graph


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Runs the program as often as a test likes; what several tests only look at is better run once (``deployed``)."""
    monkeypatch.chdir(ROOT)
    return deployed
