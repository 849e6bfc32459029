"""The one way in which this project makes a container: nothing allowed that the service does not need."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_docker as docker

from components.stack import Deployment
from rules.layout import REPLICA_LABEL, numbered
from rules.version import VERSION

PROCESSES = 4096
"""In place of the PID limit that the provider lacks (CIS 5.29). It counts a uid's processes and threads on the whole
host, other stacks' too: so it stops a fork bomb, and leaves room for everything else."""
VERSION_LABEL = "org.opencontainers.image.version"
"""What made the container (OCI image spec, annotations). On the container and not in the image, so that a new version
rebuilds no image."""
TMPFS = "rw,nosuid,nodev,noexec"
NO_RESOLVER = "127.0.0.1"
"""Inside the container nothing listens there: names that the engine does not know itself do not resolve, because a name
that is forwarded to a resolver is a tunnel out."""
TMP = "/tmp"  # noqa: S108 - a container's own, and a tmpfs


def go_duration(seconds: int) -> str:
    """Returns ``seconds`` as the engine prints a duration: any other form shows as a change in every preview."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def environment(values: Mapping[str, pulumi.Input[str] | None]) -> list[pulumi.Input[str]]:
    """Returns ``NAME=value`` pairs in a stable order; an output keeps its secrecy, and None leaves the variable out."""
    return [pulumi.Output.concat(name, "=", value) for name, value in sorted(values.items()) if value is not None]


def hardened(
    deployment: Deployment,
    role: str,
    *,
    parent: pulumi.Resource,
    image: pulumi.Input[str],
    user: str,
    env: Mapping[str, pulumi.Input[str] | None],
    networks: Sequence[docker.Network],
    number: int = 1,
    aliases: Sequence[str] = (),
    door: docker.Network | None = None,
    tmpfs: Mapping[str, str],
    memory_mib: int,
    cpus: float,
    files: int,
    grace_seconds: int,
    start_seconds: int = 60,
    healthcheck: str | None = None,
    create_before_delete: bool = False,
    ports: Sequence[docker.ContainerPortArgs] | None = None,
    volumes: Sequence[docker.ContainerVolumeArgs] | None = None,
    dns: Sequence[str] | None = None,
    depends_on: Sequence[pulumi.Resource] = (),
    outlives_versions: bool = False,
    make_room: pulumi.ResourceHook | None = None,
) -> docker.Container:
    """Makes the container that plays ``role``, hardened as section 5 of the CIS Docker Benchmark v1.6.0 asks.

    :param user: ``uid:gid``, never root (CIS 4.1).
    :param env: environment; values may be secret outputs.
    :param networks: on each the container answers to ``role`` as its name, and to ``aliases``.
    :param number: which one it is of several that play the role.
    :param door: one network more, on which it answers to ``role``-door too, so that it knows this one from the others.
    :param tmpfs: writable directories and their mount options; everything else is read-only (5.13).
    :param memory_mib: memory limit in MiB, without swap (5.11).
    :param cpus: CPU limit in cores (5.12).
    :param files: limit of open files (5.19).
    :param grace_seconds: time between the image's stop signal and SIGKILL when the container is deleted.
    :param start_seconds: how long an update waits for the container to be healthy before it fails.
    :param healthcheck: the image's program for it, if it is not named after the role.
    :param create_before_delete: replace without an outage; impossible for a container that publishes a port.
    :param dns: resolvers for names that the engine does not know itself.
    :param outlives_versions: a new version of this project alone does not replace it, for it does not say it.
    :param make_room: runs before the container is created.
    """
    name = numbered(role, number)
    return docker.Container(
        f"{deployment.name}-{name}",
        image=image,
        hostname=name,
        user=user,
        envs=environment(env),
        labels=[
            docker.ContainerLabelArgs(label=label, value=value)
            for label, value in {
                **deployment.labels(role),
                **({REPLICA_LABEL: str(number)} if number > 1 else {}),
                **({} if outlives_versions else {VERSION_LABEL: VERSION}),
            }.items()
        ],
        network_mode="bridge",
        networks_advanced=[
            *([docker.ContainerNetworksAdvancedArgs(name=door.name, aliases=[role, f"{role}-door"])] if door else []),
            *(
                docker.ContainerNetworksAdvancedArgs(name=network.name, aliases=[role, *aliases])
                for network in networks
            ),
        ],
        ports=ports,
        volumes=volumes,
        dns=dns,
        read_only=True,
        tmpfs={path: f"{TMPFS},{options}" for path, options in tmpfs.items()},
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        ipc_mode="private",
        memory=memory_mib,
        memory_swap=memory_mib,
        cpus=str(float(cpus)),
        ulimits=[
            docker.ContainerUlimitArgs(name="nofile", soft=files, hard=files),
            docker.ContainerUlimitArgs(name="nproc", soft=PROCESSES, hard=PROCESSES),
        ],
        log_driver="json-file",
        log_opts={"max-size": "10m", "max-file": "5"},
        # Not on-failure:5 (CIS 5.15): the stack must come back after a reboot without a hand.
        restart="unless-stopped",
        healthcheck=docker.ContainerHealthcheckArgs(
            tests=["CMD", healthcheck or f"{role}-healthcheck"],
            interval="5s",  # each is a process started in the container: more often, and idle stacks cost more
            timeout="5s",
            retries=3,
            start_period=go_duration(start_seconds),
        ),
        wait=True,
        wait_timeout=start_seconds,
        destroy_grace_seconds=grace_seconds,
        opts=deployment.child(
            parent,
            delete_before_replace=not create_before_delete,
            depends_on=list(depends_on),
            hooks=pulumi.ResourceHookBinding(before_create=[make_room]) if make_room else None,
        ),
    )
