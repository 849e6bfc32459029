"""What really runs, as the engine tells it."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from posture.compare import pairs
from posture.declaration import Declaration
from posture.engine import Engine
from rules.layout import LABEL, STACK_LABEL

PROBE = f"{LABEL}.probe"
"""Label of the throw-away container that posture itself starts."""


@dataclass(frozen=True)
class Running:
    """The containers, networks and volume of a stack, with whatever else stands on its networks or wears its label."""

    containers: tuple[Mapping[str, Any], ...]
    networks: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, Mapping[str, Any]]
    volume: Mapping[str, Any] | None
    engine: Mapping[str, Any]

    @property
    def live(self) -> list[Mapping[str, Any]]:
        """Those that run at the moment."""
        return [container for container in self.containers if container["State"]["Running"]]

    def published(self) -> dict[str, set[tuple[str, int, int]]]:
        """What each container really publishes, as (host address, host port, container port)."""
        found: dict[str, set[tuple[str, int, int]]] = {}
        for container in self.containers:
            bindings = {
                **(container["HostConfig"].get("PortBindings") or {}),
                **(container["NetworkSettings"]["Ports"] or {}),
            }
            ports = {
                (bound.get("HostIp") or "0.0.0.0", int(bound.get("HostPort") or 0), int(port.partition("/")[0]))  # noqa: S104 - the default
                for port, hosts in bindings.items()
                for bound in hosts or []
            }
            if ports:
                found[name_of(container)] = ports
        return found


def limits_processes(container: Mapping[str, Any]) -> bool:
    """Whether the engine lets a container have no more than a number of processes."""
    limit = container["HostConfig"].get("PidsLimit")
    return limit is not None and limit > 0


def name_of(container: Mapping[str, Any]) -> str:
    """A container's name without the slash."""
    return str(container["Name"]).removeprefix("/")


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    """A container's variables, secrets among them."""
    return pairs(container["Config"]["Env"])


def is_probe(container: Mapping[str, Any], edge: str) -> bool:
    """Whether it is what posture itself starts (posture/outsider.py); its label alone would hide whoever wears it."""
    host, labels = container["HostConfig"], container["Config"].get("Labels") or {}
    return PROBE in labels and bool(host.get("AutoRemove")) and set(container["NetworkSettings"]["Networks"]) <= {edge}


def beside(
    engine: Engine, containers: Iterable[Mapping[str, Any]], volumes: Collection[str]
) -> list[Mapping[str, Any]]:
    """Returns who is in a namespace of these containers, or has one of the volumes, on no network and without a label.

    A container in another one's network (``--network container:NAME``) is on no network for docker's own filters.
    """
    known = {str(container["Id"]) for container in containers}
    names = {name_of(container) for container in containers}
    others = set(engine.run("ps", "--all", "--quiet", "--no-trunc").split()) - known

    def shares(container: Mapping[str, Any]) -> bool:
        modes = [str(container["HostConfig"].get(mode) or "") for mode in ("NetworkMode", "PidMode", "IpcMode")]
        joined = {mode.removeprefix("container:") for mode in modes if mode.startswith("container:")}
        return bool(joined & (known | names)) or any(mount.get("Name") in volumes for mount in container["Mounts"])

    return [container for container in engine.inspect("container", others) if shares(container)]


def read(declaration: Declaration, engine: Engine) -> Running:
    """Asks the engine for everything at once.

    While an update is under way only the declared containers count: those that they replaced are still there, for
    better or worse, and go when the check has passed.
    """
    names = [str(network["name"]) for network in declaration.networks.values()]
    label = f"label={STACK_LABEL}={declaration.name}"
    with ThreadPoolExecutor() as pool:
        listed = pool.submit(engine.run, "ps", "--all", "--quiet", "--no-trunc", "--filter", label)
        on_networks = [
            pool.submit(engine.run, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"network={name}")
            for name in names
        ]
        networks = pool.submit(engine.inspect, "network", names)
        volume = pool.submit(engine.inspect, "volume", [declaration.volume])
        info = pool.submit(engine.json_lines, "info")
        ids = {container.id for container in declaration.containers.values()}
        if declaration.complete:
            ids |= {identifier for future in (listed, *on_networks) for identifier in future.result().split()}
        containers: list[Mapping[str, Any]] = [*engine.inspect("container", ids)]
        if declaration.complete:
            containers += beside(engine, containers, declaration.own_volumes)
        images = engine.inspect("image", {str(container["Image"]) for container in containers})
    (told,) = info.result()
    edge = str(declaration.networks.get("edge", {}).get("name"))
    return Running(
        containers=tuple(c for c in containers if not is_probe(c, edge)),
        networks={str(network["Name"]): network for network in networks.result()},
        images={str(image["Id"]): image for image in images},
        volume=next(iter(volume.result()), None),
        engine=told,
    )
