"""A part as a service of a Swarm: what a container has, as far as the provider's services can say it.

docs/scaling.md lists what they cannot, and what stands in for it.
"""

import base64
import re

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from components.part import HEALTH_INTERVAL, HEALTH_TIMEOUT, HEALTH_TRIES, LOG_DRIVER, LOG_OPTIONS, Part
from rules.processors import BILLIONTHS
from rules.sizes import MIB

CONVERGE_SECONDS = 900
"""How long an update waits beyond a part's own times: a node has to pull the image first."""
REMOVAL_SECONDS = 30
"""The provider waits for as long as a task may take to end until its container is not only ended, but gone, too."""
MONITOR_SECONDS = 5
"""A task counts as running when its health check says so; for as long after that its end undoes the update."""
OWNER_ONLY, EVERYBODY, ANYBODY_WRITES = 0o400, 0o444, 0o777
CONFIGS = "/run/configs"
SIZE = re.compile(r"size=(\d+)m")


def short_duration(seconds: int) -> str:
    """Returns ``seconds`` as the provider prints a duration of a service: any other form shows as a change."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"
    text = text.removesuffix("0s") if text.endswith("m0s") else text
    return text.removesuffix("0m") if text.endswith("h0m") else text


def service(deployment: Deployment, part: Part, parent: pulumi.Resource) -> docker.Service:
    """Makes the part's service, its secrets and its configuration.

    Names are left to Pulumi: a secret cannot change, so a new value is a new one, which stands beside the old one until
    the service has it. A published port is the node's own (mode host), because the routing mesh would hide who calls.
    """
    order = "stop-first" if part.ports else "start-first"  # a port of a node belongs to one task
    return docker.Service(
        f"{deployment.name}-{part.role}",
        labels=[docker.ServiceLabelArgs(label=label, value=value) for label, value in _labels(deployment, part)],
        mode=docker.ServiceModeArgs(global_=True)
        if part.everywhere
        else docker.ServiceModeArgs(replicated=docker.ServiceModeReplicatedArgs(replicas=part.replicas)),
        task_spec=docker.ServiceTaskSpecArgs(
            container_spec=_container_spec(deployment, part, parent),
            networks_advanceds=_networks(part),
            resources=docker.ServiceTaskSpecResourcesArgs(
                limits=docker.ServiceTaskSpecResourcesLimitsArgs(
                    memory_bytes=part.memory_mib * MIB, nano_cpus=round(part.cpus * BILLIONTHS)
                )
            ),
            restart_policy=docker.ServiceTaskSpecRestartPolicyArgs(condition="any", delay="1s", window="0s"),
            placement=docker.ServiceTaskSpecPlacementArgs(constraints=list(part.placement)) if part.placement else None,
            log_driver=docker.ServiceTaskSpecLogDriverArgs(name=LOG_DRIVER, options=LOG_OPTIONS),
        ),
        update_config=docker.ServiceUpdateConfigArgs(
            parallelism=1,
            order=order,
            failure_action="rollback",
            monitor=short_duration(MONITOR_SECONDS),
        ),
        rollback_config=docker.ServiceRollbackConfigArgs(
            parallelism=1, order=order, monitor=short_duration(MONITOR_SECONDS)
        ),
        # The provider has none for a service on every node: ops/convergence.py waits for those.
        converge_config=None
        if part.everywhere
        else docker.ServiceConvergeConfigArgs(
            delay="1s", timeout=short_duration(CONVERGE_SECONDS + part.replicas * part.start_seconds)
        ),
        endpoint_spec=docker.ServiceEndpointSpecArgs(
            mode="dnsrr",  # a name stands for all its tasks: HAProxy finds and checks each of them
            ports=[
                docker.ServiceEndpointSpecPortArgs(
                    target_port=port.internal, published_port=port.external, publish_mode="host", protocol="tcp"
                )
                for port in part.ports
            ]
            or None,
        ),
        opts=deployment.child(
            parent,
            depends_on=list(part.depends_on),
            # What the engine adds of its own: for which processors the image is.
            ignore_changes=["taskSpec.placement.platforms"] if part.placement else None,
        ),
    )


def _labels(deployment: Deployment, part: Part) -> list[tuple[str, pulumi.Input[str]]]:
    return list({**deployment.labels(part.role), **part.version_label, **part.replaced_with}.items())


def _networks(part: Part) -> list[docker.ServiceTaskSpecNetworksAdvancedArgs]:
    """By id: with their names each refresh would replace the service."""
    named = [(part.door, [part.role, f"{part.role}-door"])] if part.door else []
    return [
        docker.ServiceTaskSpecNetworksAdvancedArgs(id=network.id, aliases=aliases)
        for network, aliases in [*named, *((network, [part.role]) for network in part.networks)]
    ]


def _container_spec(
    deployment: Deployment, part: Part, parent: pulumi.Resource
) -> docker.ServiceTaskSpecContainerSpecArgs:
    given = {name: value for name, value in part.env.items() if value is not None}
    files = {name for name in part.secrets | part.configuration if given.get(name, "") != ""}  # none may be empty
    labels = _labels(deployment, part)
    return docker.ServiceTaskSpecContainerSpecArgs(
        image=part.image,
        hostname=part.role,
        user=part.user,
        env={name: value for name, value in given.items() if name not in files},
        secrets=[_secret(deployment, part, parent, name, given[name]) for name in sorted(part.secrets & files)],
        configs=[_config(deployment, part, parent, name, given[name]) for name in sorted(part.configuration & files)],
        labels=[docker.ServiceTaskSpecContainerSpecLabelArgs(label=label, value=value) for label, value in labels],
        mounts=[
            docker.ServiceTaskSpecContainerSpecMountArgs(
                type="tmpfs",
                target=path,
                # It belongs to root: of the images' folders the mode says that their own user may write, too.
                tmpfs_options=docker.ServiceTaskSpecContainerSpecMountTmpfsOptionsArgs(
                    size_bytes=_mebibytes(options) * MIB, mode=ANYBODY_WRITES
                ),
            )
            for path, options in part.tmpfs.items()
        ],
        dns_config=docker.ServiceTaskSpecContainerSpecDnsConfigArgs(nameservers=list(part.dns)) if part.dns else None,
        read_only=True,
        cap_drops=["ALL"],
        healthcheck=docker.ServiceTaskSpecContainerSpecHealthcheckArgs(
            tests=part.health_command,
            interval=HEALTH_INTERVAL,
            timeout=HEALTH_TIMEOUT,
            retries=HEALTH_TRIES,
            start_period=short_duration(part.start_seconds),
        ),
        # Its ports have to be free at once, and HAProxy as process 1 does not hear a SIGTERM.
        stop_signal="SIGKILL" if part.ports else None,
        stop_grace_period=short_duration(part.grace_seconds + REMOVAL_SECONDS),
    )


def _mebibytes(options: str) -> int:
    (size,) = SIZE.findall(options)  # each part says one
    return int(size)


def _secret(
    deployment: Deployment, part: Part, parent: pulumi.Resource, name: str, value: pulumi.Input[str]
) -> docker.ServiceTaskSpecContainerSpecSecretArgs:
    """Makes the secret, and returns the file that the part's own user has it in."""
    secret = docker.Secret(
        _of_variable(deployment, name),
        data=_hidden(value),
        labels=[docker.SecretLabelArgs(label=label, value=of) for label, of in deployment.labels(part.role).items()],
        opts=deployment.child(parent),
    )
    uid, gid = part.user.split(":")
    return docker.ServiceTaskSpecContainerSpecSecretArgs(
        secret_id=secret.id,
        secret_name=secret.name,
        file_name=name,
        file_uid=uid,
        file_gid=gid,
        file_mode=OWNER_ONLY,
    )


def _config(
    deployment: Deployment, part: Part, parent: pulumi.Resource, name: str, value: pulumi.Input[str]
) -> docker.ServiceTaskSpecContainerSpecConfigArgs:
    """Makes the config, and returns the file that the part has it in."""
    labels = deployment.labels(part.role).items()
    config = docker.ServiceConfig(
        _of_variable(deployment, name),
        data=_base64(value),
        labels=[docker.ServiceConfigLabelArgs(label=label, value=of) for label, of in labels],
        opts=deployment.child(parent),
    )
    uid, gid = part.user.split(":")
    return docker.ServiceTaskSpecContainerSpecConfigArgs(
        config_id=config.id,
        config_name=config.name,
        file_name=f"{CONFIGS}/{name}",
        file_uid=uid,
        file_gid=gid,
        file_mode=EVERYBODY,
    )


def _of_variable(deployment: Deployment, name: str) -> str:
    """Returns the resource's name; short, because a Swarm takes 64 characters with those that Pulumi adds."""
    return f"{deployment.short_name}-{name.lower().replace('_', '-')}"


def _hidden(value: pulumi.Input[str]) -> pulumi.Output[str]:
    hidden: pulumi.Output[str] = pulumi.Output.secret(value)
    return _base64(hidden)


def _base64(value: pulumi.Input[str]) -> pulumi.Output[str]:
    given: pulumi.Output[str] = pulumi.Output.from_input(value)
    return given.apply(lambda text: base64.b64encode(text.encode()).decode())
