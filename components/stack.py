"""What every component of a stack shares: its name, its labels, and the engine it runs on."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from rules.layout import LABEL
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
        engine = docker.Provider("engine", host=settings.docker_host, cert_path=settings.docker_cert_path)
        return cls(f"{pulumi.get_project()}-{settings.name or pulumi.get_stack()}", settings, engine)

    def labels(self, role: str) -> dict[str, str]:
        """Returns the labels of the resource that plays ``role``."""
        return {f"{LABEL}.stack": self.name, f"{LABEL}.role": role}

    def child(self, parent: pulumi.Resource, **options: object) -> pulumi.ResourceOptions:
        """Returns options for a child of ``parent`` on this deployment's engine."""
        return pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(parent=parent, provider=self.engine),
            pulumi.ResourceOptions(**options),  # type: ignore[arg-type]
        )
