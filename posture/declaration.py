"""What the stack was declared to be: its settings, and the inputs of its resources in Pulumi's state."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_origin

from posture import services_declared as services
from posture.compare import pairs
from posture.redaction import SHORTEST
from posture.secrets import config_secrets, plain, secrets_of, without_public
from rules.certificates import ANY_TIME
from rules.configuration import FIELDS
from rules.layout import PROJECT, REPLICA_LABEL, ROLE_LABEL, numbered, stack_name
from rules.pulumi_command import PulumiError, output
from rules.pulumi_types import CONTAINER, NETWORK, SERVICE, VOLUME
from rules.settings import Settings

STACK = "pulumi:pulumi:Stack"
AUTHORITY = "tls:index/selfSignedCert:SelfSignedCert"
SECONDS = 120
"""How long one pulumi command may take, which only reads."""
ROLES = ("egress", "litellm", "gateway", "front")


class DeclarationError(RuntimeError):
    """The stack's declaration cannot be read; says why and what to do."""


@dataclass(frozen=True)
class DeclaredContainer:
    """A container as Pulumi was told to make it. ``inputs`` are named as in the state and hold secrets."""

    role: str
    id: str
    inputs: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name on the engine."""
        return str(self.inputs["name"])

    @property
    def environment(self) -> dict[str, str]:
        """Variables and values, secrets among them."""
        return pairs(self.inputs.get("envs"))

    @property
    def networks(self) -> set[str]:
        """Names of the networks that it is on."""
        return {str(network["name"]) for network in self.inputs.get("networksAdvanced") or []}

    @property
    def ports(self) -> set[tuple[str, int, int]]:
        """Published ports as (host address, host port, container port)."""
        return {
            (str(port.get("ip") or "0.0.0.0"), int(port["external"]), int(port["internal"]))  # noqa: S104 - the default
            for port in self.inputs.get("ports") or []
        }


@dataclass(frozen=True)
class Declaration:
    """All that is declared. ``complete`` is false while an update is under way, when only part of it is known."""

    stack: str
    settings: Settings
    containers: Mapping[str, DeclaredContainer]
    networks: Mapping[str, Mapping[str, Any]]
    volume: str
    authority: str | None = None
    key_created: str | None = None
    clients: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)
    exported: str = field(default="", repr=False)
    complete: bool = True
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of a stack on a Swarm: what its secrets and configs hold, by id."""
    network_ids: Mapping[str, str] = field(default_factory=dict)
    """Of a stack on a Swarm: the names of its networks, by id."""

    @property
    def name(self) -> str:
        """The prefix of everything that belongs to the stack, and the value of its label."""
        return f"{PROJECT}-{self.settings.name or self.stack}"

    @property
    def replicas(self) -> list[str]:
        """What LiteLLM's containers are called, the first one ``litellm``."""
        return sorted(name for name in self.containers if name.partition("-")[0] == "litellm")

    @property
    def own_volumes(self) -> set[str]:
        """The volumes of its containers but the login's, which login.volume-shared judges."""
        mounted = (one for container in self.containers.values() for one in container.inputs.get("volumes") or [])
        return {str(one["volumeName"]) for one in mounted} - {self.volume}

    @property
    def key(self) -> str:
        """The current master key."""
        return self.containers["litellm"].environment.get("LITELLM_MASTER_KEY", "")

    @property
    def certificate(self) -> str | None:
        """The gateway's certificate chain in PEM; None while TLS is off, and when it is got by ACME."""
        return self.containers["gateway"].environment.get("GATEWAY_TLS_CERTIFICATE")


def read(
    stack: str, folder: Path, environment: Mapping[str, str] | None = None, *, exported: bool = True
) -> Declaration:
    """Reads the declaration of ``stack`` from its configuration and its state, whatever backend that is in.

    ``exported`` asks for the state as others may see it, too, without secrets: another run of pulumi.

    Raises:
        DeclarationError: with pulumi's own message, or when the stack is not up.
    """
    with ThreadPoolExecutor() as pool:
        shown, config, *others = (
            pool.submit(output, *command, stack=stack, seconds=SECONDS, folder=folder, environment=environment)
            for command in (
                ("stack", "export", "--show-secrets"),
                ("config", "--json", "--show-secrets"),
                *([("stack", "export")] if exported else []),
            )
        )
        try:
            seen = "".join(other.result() for other in others)
            return parse(stack_name(stack), json.loads(shown.result()), json.loads(config.result()), seen)
        except PulumiError as error:
            raise DeclarationError(str(error)) from None


def parse(stack: str, shown: Mapping[str, Any], config: Mapping[str, Any], exported: str) -> Declaration:
    """Builds the declaration from what pulumi printed.

    Raises:
        DeclarationError: when the stack is not up.
    """
    everything = (shown.get("deployment") or {}).get("resources") or []
    resources = [resource for resource in everything if not resource.get("delete")]
    files, network_ids = services.contents(resources), services.network_names(resources)
    containers = _containers(resources, files, network_ids)
    for role in ROLES:
        if role not in containers:
            raise DeclarationError(
                f"the stack '{stack}' has no {role} container in its state: it is not up. Run: make up STACK={stack}"
            )
    volumes = [str(inputs["name"]) for _, inputs in _of(resources, VOLUME) if not inputs.get("labels")]
    authorities = [str(plain(one["outputs"])["certPem"]) for one, _ in _of(resources, AUTHORITY)]
    outputs: Mapping[str, Any] = next((plain(one.get("outputs") or {}) for one, _ in _of(resources, STACK)), {})
    secrets = {*config_secrets(config), *(text for resource in resources for text in secrets_of(resource))}
    secrets |= {text for text in services.secrets(resources, files) if len(text) >= SHORTEST}
    return Declaration(
        stack=stack,
        settings=settings_of(config),
        containers=containers,
        networks={services.role_of(inputs): inputs for _, inputs in _of(resources, NETWORK)},
        volume=next(iter(volumes), ""),  # the login's; the others have labels
        authority=next(iter(authorities), None),
        key_created=outputs.get("key_created"),
        clients=outputs.get("clients") or {},
        secrets=without_public(secrets),
        exported=exported,
        files=files,
        network_ids=network_ids,
    )


def _of(resources: Iterable[Mapping[str, Any]], kind: str) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Yields the resources of a kind, each with its inputs."""
    for resource in resources:
        if resource["type"] == kind:
            yield resource, plain(resource.get("inputs") or {})


def _containers(
    resources: Sequence[Mapping[str, Any]], files: Mapping[str, str], network_ids: Mapping[str, str]
) -> dict[str, DeclaredContainer]:
    """Returns the containers by name, services of a Swarm as those that they stand for."""
    found = []
    for resource, inputs in _of(resources, CONTAINER):
        labels = {label["label"]: label["value"] for label in inputs["labels"]}
        name = numbered(labels[ROLE_LABEL], int(labels.get(REPLICA_LABEL, 1)))
        found.append(DeclaredContainer(name, str(resource["id"]), inputs))
    for resource, inputs in _of(resources, SERVICE):
        made = services.as_container(inputs, files, network_ids)
        found.append(DeclaredContainer(services.role_of(inputs), str(resource["id"]), made))
    return {one.role: one for one in found}


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Returns the settings from what ``pulumi config --json --show-secrets`` prints."""
    given = {}
    for name, entry in config.items():
        setting = name.removeprefix(f"{PROJECT}:")
        if setting in FIELDS and entry["value"] != "":
            structured = get_origin(FIELDS[setting].annotation) in (list, dict)
            given[setting] = entry.get("objectValue", entry["value"]) if structured else entry["value"]
    return Settings.model_validate(given, context={ANY_TIME: True})
