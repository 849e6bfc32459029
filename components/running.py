"""A part, run in the way of the stack's orchestrator: the one place that chooses."""

from collections.abc import Mapping

import pulumi
import pulumi_docker as docker

from components.container import containers
from components.deployment import Deployment
from components.part import Part
from components.service import service

Running = docker.Container | docker.Service
"""Either has an ``id``, and a ``name`` by which others on its networks find it."""


def run(deployment: Deployment, part: Part, parent: pulumi.Resource) -> dict[str, Running]:
    """Runs the part, and returns what runs by name: a container for each replica, or one service for all."""
    if deployment.swarm:
        return {part.role: service(deployment, part, parent)}
    return {**containers(deployment, part, parent)}


def run_one(deployment: Deployment, part: Part, parent: pulumi.Resource) -> Running:
    """Runs a part of which there is one."""
    return run(deployment, part, parent)[part.role]


def containers_of(running: Mapping[str, Running]) -> dict[str, docker.Container]:
    """Returns those that are containers."""
    return {role: one for role, one in running.items() if isinstance(one, docker.Container)}


def services_of(running: Mapping[str, Running]) -> dict[str, docker.Service]:
    """Returns those that are services."""
    return {role: one for role, one in running.items() if isinstance(one, docker.Service)}


def ids_of(running: Mapping[str, Running]) -> dict[str, pulumi.Output[str]]:
    """Returns the engine's ids."""
    return {role: one.id for role, one in running.items()}
