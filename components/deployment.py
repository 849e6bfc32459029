"""What every component of a stack shares: its name, its labels, and the engine it runs on."""

import os
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from rules import lengths, registry, swarm
from rules.layout import PROJECT, ROLE_LABEL, STACK_LABEL
from rules.setting_types import Orchestrator
from rules.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """One stack on one engine. ``name`` prefixes every resource, so that stacks can share an engine."""

    name: str
    settings: Settings
    engine: docker.Provider

    @classmethod
    def of(cls, settings: Settings) -> "Deployment":
        """Returns the current stack's deployment, on the engine of ``dockerHost``, else of DOCKER_HOST."""
        name = settings.name or pulumi.get_stack()
        if settings.orchestrator is Orchestrator.SWARM and (problem := swarm.name_fault(name, pulumi.get_stack())):
            raise pulumi.RunError(problem)
        if problem := lengths.name_fault(name, pulumi.get_stack(), acme=settings.acme is not None):
            raise pulumi.RunError(problem)
        engine = docker.Provider(
            "engine",
            host=settings.docker_host,
            context="",  # or DOCKER_CONTEXT of the shell would take the place of the host, unseen
            cert_path=settings.docker_cert_path,
            registry_auth=_registry_auth(settings),
        )
        return cls(f"{pulumi.get_project()}-{name}", settings, engine)

    @property
    def swarm(self) -> bool:
        """Whether the stack's parts are services of a Swarm."""
        return self.settings.orchestrator is Orchestrator.SWARM

    @property
    def short_name(self) -> str:
        """The stack's own name, without the project's."""
        return self.name.removeprefix(f"{PROJECT}-")

    def labels(self, role: str) -> dict[str, str]:
        """Returns the labels of the resource that plays ``role``."""
        return {STACK_LABEL: self.name, ROLE_LABEL: role}

    def child(self, parent: pulumi.Resource, **options: object) -> pulumi.ResourceOptions:
        """Returns options for a child of ``parent`` on this deployment's engine."""
        return pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(parent=parent, provider=self.engine),
            pulumi.ResourceOptions(**options),  # type: ignore[arg-type]
        )


def _registry_auth(settings: Settings) -> list[docker.ProviderRegistryAuthArgs] | None:
    """How the provider signs in where a Swarm's images are: as docker's own client does on this machine."""
    if settings.orchestrator is not Orchestrator.SWARM or settings.registry is None:
        return None
    signed_in = registry.signed_in(settings.registry, os.environ)
    return [
        docker.ProviderRegistryAuthArgs(
            address=registry.address(settings.registry), auth_disabled=None if signed_in else True
        )
    ]
