"""What a check can look at on a Swarm: services as the managers tell them, and inside of tasks on this node."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from posture import debian, inside
from posture import services_found as found
from posture.context import PROBES, Container, Context
from posture.engine import ElsewhereError, Engine, EngineError
from posture.running import Running, beside, name_of
from rules.layout import STACK_LABEL

GATEWAY_BRIDGE = "docker_gwbridge"
SERVICE_ID = "com.docker.swarm.service.id"
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Swarm:
    """What a manager tells: the stack's services and whatever else is on its networks, their tasks, and the nodes."""

    services: tuple[Answer, ...]
    tasks: tuple[Answer, ...]
    nodes: tuple[Answer, ...]

    def wanted(self, service: str) -> list[Answer]:
        """The tasks that should run of a service, by its id."""
        return [one for one in self.tasks if one["ServiceID"] == service and one.get("DesiredState") == "running"]

    def running(self, service: str) -> list[Answer]:
        """Those that do."""
        return [one for one in self.wanted(service) if one["Status"]["State"] == "running"]

    def node(self, identifier: str) -> str:
        """A node's host name."""
        return next((str(one["Description"]["Hostname"]) for one in self.nodes if one["ID"] == identifier), "a node")


class Inspected(dict[str, Any]):
    """What a manager tells of a service. Its ``Id`` is that of a task's container on this node, if there is one."""

    def __missing__(self, key: str) -> Any:
        raise ElsewhereError(
            f"no task of {name_of(self)} runs on this manager's node, and no other node lets itself be looked into"
            if key == "Id"
            else f"a manager does not tell {key}"
        )


class ServicesContext(Context):
    """As :class:`Context`; each service stands for its containers, and what runs on this node is looked into."""

    @property
    def words(self) -> Mapping[str, str]:
        """Of a service, because the Swarm makes its tasks' containers anew as they were."""
        docker = self.engine.typed
        return {
            **super().words,
            "remove": f"{docker} service rm SERVICE",
            "remove_other": f"{docker} service rm the service, or {docker} rm --force the container,",
            "disconnect": f"{docker} service update --network-rm NETWORK SERVICE",
        }

    @cached_property
    def swarm(self) -> Swarm:
        """What the manager tells."""
        engine = self.engine
        services = engine.inspect("service", engine.run("service", "ls", "--quiet").split())
        ours = tuple(one for one in services if self._ours(one))
        nodes = engine.inspect("node", engine.run("node", "ls", "--quiet").split())
        return Swarm(ours, tuple(engine.tasks(str(one["ID"]) for one in ours)), tuple(nodes))

    def _ours(self, service: Answer) -> bool:
        spec = service["Spec"]
        labelled = (spec.get("Labels") or {}).get(STACK_LABEL) == self.declaration.name
        targets = {str(one["Target"]) for one in spec["TaskTemplate"].get("Networks") or []}
        return labelled or bool(targets & set(self.declaration.network_ids))

    @cached_property
    def here(self) -> list[Container]:
        """The containers on this node that wear the stack's label or stand on its networks, as they are."""
        names = [str(network["name"]) for network in self.declaration.networks.values()]
        filters = [f"label={STACK_LABEL}={self.declaration.name}", *(f"network={name}" for name in names)]
        listed = [self.engine.run("ps", "--quiet", "--no-trunc", "--filter", one).split() for one in filters]
        found_here = self.engine.inspect("container", {identifier for ids in listed for identifier in ids})
        return [*found_here, *beside(self.engine, found_here, self.declaration.own_volumes)]

    def tasks_here(self, role: str = "") -> list[Container]:
        """Those of them that are tasks of declared services, of one or all."""
        declared = self.declaration.containers
        ids = {declared[role].id} if role else {one.id for one in declared.values()}
        return [one for one in self.here if _service(one) in ids]

    def serving_here(self, role: str = "") -> list[Container]:
        """Those of them that are to run on; one that drains can end while it is looked into."""
        wanted = {_container(task) for task in self.swarm.tasks if task.get("DesiredState") == "running"}
        return [one for one in self.tasks_here(role) if one["Id"] in wanted]

    @property
    def scope(self) -> str:
        """An engine lets nobody look into another one's containers: of those there is the manager's word."""
        try:
            total, here = (
                sum(len(self.swarm.running(str(one["ID"]))) for one in self.swarm.services),
                self.serving_here(),
            )
            node = str(self.running.engine.get("Name", "one node"))
        except EngineError:
            return ""
        return (
            f"looked into {len(here)} of {total} tasks, those of {node}, the node of the manager that was asked; "
            "of other nodes' tasks a manager tells no more than how they were declared, and whether they run"
        )

    @cached_property
    def running(self) -> Running:
        """Each service in the words of a container, and containers of this node that are no task of one."""
        declaration, swarm = self.declaration, self.swarm
        services = tuple(
            found.as_container(
                one,
                len(swarm.running(str(one["ID"]))),
                len(swarm.wanted(str(one["ID"]))),
                declaration.files,
                declaration.network_ids,
            )
            for one in swarm.services
        )
        known = {str(one["ID"]) for one in swarm.services}
        others = tuple(one for one in self.here if _service(one) not in known)
        names = [str(network["name"]) for network in declaration.networks.values()]
        (info,) = self.engine.json_lines("info")
        return Running(
            containers=(*services, *others),
            networks={str(one["Name"]): one for one in self.engine.inspect("network", names)},
            images={},
            volume=None,
            engine=info,
        )

    def live(self, role: str) -> Container:
        """The service that plays ``role``, with the ``Id`` of a container of its own on this node.

        Raises:
            EngineError: when none of its tasks runs anywhere.
        """
        service = super().live(role)
        one = Inspected({name: value for name, value in service.items() if name != "Id"})
        for task in self.serving_here(role):
            one.setdefault("Id", task["Id"])  # the first one's
        return one

    def look(self, name: str, *about: str) -> Any:
        """Takes a slow look; what goes into containers goes into those of this node."""
        return {**PROBES, **OWN}[name](self, *about)


def _container(task: Answer) -> str:
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID", ""))


def _service(container: Container) -> str:
    return str((container["Config"].get("Labels") or {}).get(SERVICE_ID, ""))


def _logs(context: ServicesContext) -> dict[str, str]:
    def read(engine: Engine, service: str) -> str:
        return engine.logged(service, "--tail", "5000")

    return {declared.name: read(context.engine, declared.id) for declared in context.declaration.containers.values()}


def _hosts(context: ServicesContext) -> dict[str, Container]:
    """Where a task would reach a host: the bridge that Swarm makes on each node, and the nodes' own addresses.

    The gateway of an overlay is none: what has its address is a namespace of that network's own.
    """
    bridges = {str(one["Name"]): one for one in context.engine.inspect("network", [GATEWAY_BRIDGE])}
    nodes = {str(one["ID"]): str((one.get("Status") or {}).get("Addr", "")) for one in context.swarm.nodes}
    return {**bridges, **{name: {"IPAM": {"Config": [{"Gateway": addr}]}} for name, addr in nodes.items()}}


OWN: dict[str, Any] = {
    "inside": lambda context, replica="litellm": inside.look(
        context.engine, context.live(replica)["Id"], inside.questions(context.declaration, _hosts(context))
    ),
    "processes": lambda context: {
        name_of(one): inside.processes(context.engine, str(one["Id"])) for one in context.serving_here()
    },
    "logs": _logs,
    "debian": lambda context: {
        role: debian.look(context.engine, context.live(role)["Id"])
        for role in context.built_here()
        if context.serving_here(role)
    },
}
