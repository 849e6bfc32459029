"""What is a Swarm's own: tasks, nodes, what goes between them, and who holds which secret."""

# ruff: noqa: D103 - a check's title says what it does

from collections import Counter
from collections.abc import Callable
from typing import Any

from posture.compare import pairs
from posture.context import Context
from posture.model import Outcome, Severity, check, failed, not_applicable, passed, verdict, warned
from posture.services_context import ServicesContext
from rules.tasks import as_declared

SOURCE = "docs/scaling.md: A Swarm"
ONE_ENGINE = not_applicable("the stack is on one engine, not on a Swarm")
OWNER_ONLY = 0o400
QUORATE = (3, 5, 7)
"""How many managers bear the loss of one (Docker, "Administer and maintain a swarm": an odd number, at most seven)."""
UP = "make up STACK={stack}; {docker} service ps --no-trunc SERVICE says what a task died of"

Judge = Callable[[ServicesContext], Outcome]


def of_services(judge: Judge) -> Callable[[Context], Outcome]:
    """Lets a check have no object on one engine."""
    return lambda context: judge(context) if isinstance(context, ServicesContext) else ONE_ENGINE


@check("swarm.tasks", "Every task runs as its service was declared, on each node", source=SOURCE, remediation=UP)
@of_services
def tasks(context: ServicesContext) -> Outcome:
    problems, nodes = [], Counter[str]()
    for service in context.swarm.services:
        name = service["Spec"]["Name"]
        for task in context.swarm.wanted(str(service["ID"])):
            node = context.swarm.node(str(task.get("NodeID")))
            if task["Status"]["State"] != "running":
                problems.append(
                    f"{name} on {node}: {task['Status']['State']} ({task['Status'].get('Err', 'no error')})"
                )
            elif not as_declared(task, service):
                problems.append(f"{name} on {node}: a task of an earlier declaration")
            else:
                nodes[node] += 1
        state = (service.get("UpdateStatus") or {}).get("State", "completed")
        if state not in ("completed", "updating"):
            problems.append(f"{name}: its last update is {state}")
    return verdict(problems, ", ".join(f"{node}: {count}" for node, count in sorted(nodes.items())) or "none")


@check(
    "swarm.containers",
    "What stands on this node is what its services ask for",
    source=SOURCE,
    remediation="{docker} service update --force SERVICE makes its tasks anew",
)
@of_services
def containers(context: ServicesContext) -> Outcome:
    """A manager tells what tasks are to be; the containers of its own node are looked at as they are."""
    problems = []
    for one in context.tasks_here():
        host, config = one["HostConfig"], one["Config"]
        wrong = {
            "is privileged": host.get("Privileged"),
            "has capabilities": "ALL" not in (host.get("CapDrop") or []) or bool(host.get("CapAdd")),
            "is writable": not host.get("ReadonlyRootfs"),
            "runs as root": str(config.get("User") or "0").partition(":")[0] in ("0", "root"),
            "has no memory limit": not host.get("Memory"),
            "mounts something of the node": any(mount["Type"] == "bind" for mount in _foreign(one)),
            "shares a namespace": any("host" in str(host.get(name)) for name in ("PidMode", "IpcMode", "NetworkMode")),
        }
        problems += [f"{one['Name'].removeprefix('/')} {words}" for words, found in wrong.items() if found]
    return verdict(problems, f"{len(context.tasks_here())} containers of this node; of others a manager tells no more")


def _foreign(container: Any) -> list[Any]:
    """What is mounted besides the Swarm's own secrets and configs."""
    own = f"/containers/{container['Id']}/"
    return [one for one in container["Mounts"] if own not in str(one.get("Source", ""))]


@check(
    "swarm.nodes",
    "The Swarm can still be changed when it loses a manager",
    source="CIS Docker 7.1; Docker: Administer and maintain a swarm (quorum)",
    severity=Severity.MEDIUM,
    remediation="{docker} node ls; {docker} swarm join-token manager says how a manager joins",
)
@of_services
def nodes(context: ServicesContext) -> Outcome:
    found = context.swarm.nodes
    managers = [one for one in found if one["Spec"]["Role"] == "manager"]
    problems = [
        f"{one['Description']['Hostname']} is {one['Status']['State']}"
        for one in found
        if one["Status"]["State"] != "ready"
    ]
    if problems:
        return failed("; ".join(problems))
    if len(managers) not in QUORATE:
        return warned(f"{len(managers)} managers: with 3 (or 5) the Swarm can be changed when one of them is lost")
    return passed(f"{len(managers)} managers of {len(found)} nodes, all ready")


@check(
    "swarm.encrypted",
    "What nodes send each other for the stack is encrypted",
    source="CIS Docker 7.3; Docker: Encrypt traffic on an overlay network",
    remediation="pulumi config set overlayEncryption true --stack {stack}; make down and make up STACK={stack}",
)
@of_services
def encrypted(context: ServicesContext) -> Outcome:
    clear = [name for name, one in context.running.networks.items() if "encrypted" not in (one.get("Options") or {})]
    if not clear:
        return passed("all networks of the stack (IPsec); that the kernels of all nodes can do it, its requests show")
    if context.settings.overlay_encryption:
        return failed(f"not encrypted: {', '.join(sorted(clear))}")
    return warned("overlayEncryption is false: prompts, answers and keys cross the nodes' network as it is")


@check(
    "swarm.sources",
    "No port is published by the routing mesh, which hides who calls",
    source="Docker: Use Swarm mode routing mesh",
)
@of_services
def sources(context: ServicesContext) -> Outcome:
    problems = []
    for service in context.swarm.services:
        endpoint = service["Spec"].get("EndpointSpec") or {}
        name, ports = service["Spec"]["Name"], endpoint.get("Ports") or []
        problems += [
            f"{name} publishes {one.get('PublishedPort', 'a port')} by the mesh" for one in ports if _meshed(one)
        ]
    return verdict(problems, "ports are the nodes' own (mode host), so that the allow-list sees real addresses")


def _meshed(port: Any) -> bool:
    return bool(port.get("PublishMode", "ingress") != "host")


@check(
    "swarm.attachable",
    "Nothing but services can join the stack's networks",
    source="Docker: attachable overlay networks",
)
@of_services
def attachable(context: ServicesContext) -> Outcome:
    found = [name for name, one in context.running.networks.items() if one.get("Attachable")]
    return verdict([f"any container of a node can join {name}" for name in found], "none is attachable")


@check(
    "swarm.secrets",
    "Secrets are files that their own user alone reads, and nothing else holds them",
    source="CIS Docker 7.4 (secrets in a Swarm)",
)
@of_services
def secrets(context: ServicesContext) -> Outcome:
    wanted, problems, count = context.declaration.secrets, [], 0
    for service in context.swarm.services:
        name, spec = service["Spec"]["Name"], service["Spec"]["TaskTemplate"]["ContainerSpec"]
        given = pairs(spec.get("Env")).items()
        problems += [f"{name}: {one} holds a secret" for one, value in given if any(s in value for s in wanted)]
        for one in spec.get("Secrets") or []:
            count += 1
            file = one["File"]
            if file["Mode"] != OWNER_ONLY or f"{file['UID']}:{file['GID']}" != spec.get("User"):
                problems.append(f"{name}: others may read {file['Name']}")
        for one in spec.get("Configs") or []:
            text = context.declaration.files.get(str(one["ConfigID"]), "")
            problems += (
                [f"{name}: the config {one['ConfigName']} holds a secret"] if any(s in text for s in wanted) else []
            )
    return verdict(problems, f"{count} files of mode 0400; none in environment or configs")
