"""A part as a container: nothing allowed that it does not need."""

from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from components.part import HEALTH_INTERVAL, HEALTH_TIMEOUT, HEALTH_TRIES, LOG_DRIVER, LOG_OPTIONS, Part, Values
from rules.layout import REPLICA_LABEL, numbered
from rules.processors import as_read_back

PROCESSES = 4096
"""In place of the PID limit that the provider lacks (CIS 5.29). It counts a uid's processes and threads on the whole
host, other stacks' too: so it stops a fork bomb, and leaves room for everything else."""
TMPFS = "rw,nosuid,nodev,noexec"


def go_duration(seconds: int) -> str:
    """Returns ``seconds`` as the engine prints a duration: any other form shows as a change in every preview."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def environment(values: Values) -> list[pulumi.Input[str]]:
    """Returns ``NAME=value`` pairs in a stable order; an output keeps its secrecy, and None leaves the variable out."""
    return [pulumi.Output.concat(name, "=", value) for name, value in sorted(values.items()) if value is not None]


def containers(deployment: Deployment, part: Part, parent: pulumi.Resource) -> dict[str, docker.Container]:
    """Makes the part's containers, and returns them by name: ``role``, ``role-2`` and so on.

    Each waits for the one before it, so that what serves keeps the processors of a small machine.
    """
    made: dict[str, docker.Container] = {}
    for number in range(1, part.replicas + 1):
        aliases = [part.role, f"{part.role}-{number}"] if part.replicas > 1 else [part.role]
        made[numbered(part.role, number)] = _container(
            deployment, part, parent, number, aliases, [*part.depends_on, *list(made.values())[-1:]]
        )
    return made


def _container(
    deployment: Deployment,
    part: Part,
    parent: pulumi.Resource,
    number: int,
    aliases: Sequence[str],
    depends_on: Sequence[pulumi.Resource],
) -> docker.Container:
    name = numbered(part.role, number)
    labels = {
        **deployment.labels(part.role),
        **({REPLICA_LABEL: str(number)} if number > 1 else {}),
        **part.version_label,
    }
    return docker.Container(
        f"{deployment.name}-{name}",
        image=part.image,
        hostname=name,
        user=part.user,
        envs=environment(part.env),
        labels=[docker.ContainerLabelArgs(label=label, value=value) for label, value in labels.items()],
        network_mode="bridge",
        networks_advanced=_networks(part, aliases),
        ports=_ports(part) or None,
        volumes=_volumes(part) or None,
        dns=list(part.dns) or None,
        read_only=True,
        tmpfs={path: f"{TMPFS},{options}" for path, options in part.tmpfs.items()},
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        ipc_mode="private",
        memory=part.memory_mib,
        memory_swap=part.memory_mib,
        cpus=as_read_back(part.cpus),
        ulimits=[
            docker.ContainerUlimitArgs(name="nofile", soft=part.files, hard=part.files),
            docker.ContainerUlimitArgs(name="nproc", soft=PROCESSES, hard=PROCESSES),
        ],
        log_driver=LOG_DRIVER,
        log_opts=LOG_OPTIONS,
        # Not on-failure:5 (CIS 5.15): the stack must come back after a reboot without a hand.
        restart="unless-stopped",
        healthcheck=docker.ContainerHealthcheckArgs(
            tests=part.health_command,
            interval=HEALTH_INTERVAL,
            timeout=HEALTH_TIMEOUT,
            retries=HEALTH_TRIES,
            start_period=go_duration(part.start_seconds),
        ),
        wait=True,
        wait_timeout=part.start_seconds,
        destroy_grace_seconds=part.grace_seconds,
        opts=deployment.child(
            parent,
            delete_before_replace=not part.create_before_delete,
            depends_on=list(depends_on),
            hooks=pulumi.ResourceHookBinding(before_create=[part.make_room]) if part.make_room else None,
        ),
    )


def _networks(part: Part, aliases: Sequence[str]) -> list[docker.ContainerNetworksAdvancedArgs]:
    named = [(part.door, [part.role, f"{part.role}-door"])] if part.door else []
    return [
        docker.ContainerNetworksAdvancedArgs(name=network.name, aliases=list(names))
        for network, names in [*named, *((network, aliases) for network in part.networks)]
    ]


def _ports(part: Part) -> list[docker.ContainerPortArgs]:
    return [
        docker.ContainerPortArgs(internal=port.internal, external=port.external, ip=port.address, protocol="tcp")
        for port in part.ports
    ]


def _volumes(part: Part) -> list[docker.ContainerVolumeArgs]:
    return [
        docker.ContainerVolumeArgs(volume_name=one.volume.name, container_path=one.path, read_only=one.read_only)
        for one in part.mounts
    ]
