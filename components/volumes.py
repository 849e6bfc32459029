"""Volumes that outlive containers, and the stack too."""

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment


def kept(deployment: Deployment, parent: pulumi.Resource, role: str, name: str) -> docker.Volume:
    """Makes the volume of this name, with the labels of ``role``; no `destroy` deletes it."""
    labels = [docker.VolumeLabelArgs(label=label, value=value) for label, value in deployment.labels(role).items()]
    return docker.Volume(name, name=name, labels=labels, opts=deployment.child(parent, retain_on_delete=True))
