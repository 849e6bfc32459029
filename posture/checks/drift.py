"""What runs is what was declared. ``pulumi refresh`` does not see environment and labels; a digest does."""

# ruff: noqa: D103 - a check's title says what it does

from collections.abc import Callable, Mapping
from typing import Any

from posture.compare import differences, pairs
from posture.context import Context
from posture.declaration import DeclaredContainer
from posture.model import REPLACE, Outcome, Status, check, verdict
from posture.running import name_of
from rules.layout import LABEL, short

SOURCE = "design: envs and labels are never read back"
MTU = "com.docker.network.driver.mtu"
"""What an engine adds to each network of its own accord (its option default-network-opts)."""
VXLAN = "com.docker.network.driver.overlay.vxlanid_list"
"""What a Swarm notes of each of its networks."""
Container = Mapping[str, Any]


def compare(context: Context, problems: Callable[[DeclaredContainer, Container], list[str]], evidence: str) -> Outcome:
    """Fails with what ``problems`` says of each declared container that is there."""
    found = []
    for role in context.declaration.containers:
        container = context.container(role)
        if container is not None:
            found += [f"{role}: {text}" for text in problems(context.declared(role), container)]
    return verdict(found, evidence)


@check("drift.containers", "Every declared container runs, and is the one that Pulumi made", source=SOURCE, fast=True)
def containers(context: Context) -> Outcome:
    problems = []
    for role, declared in context.declaration.containers.items():
        container = context.container(role)
        if container is None:
            problems.append(f"{declared.name} does not exist")
        elif container["Id"] != declared.id:
            problems.append(f"{declared.name} was made by hand")
        elif name_of(container) != declared.name:
            problems.append(f"{declared.name} was renamed to {name_of(container)}")
        elif container["State"]["Status"] != "running":
            problems.append(f"{declared.name} is {container['State']['Status']}")
    return verdict(problems, ", ".join(declared.name for declared in context.declaration.containers.values()))


@check(
    "drift.unknown-containers",
    "No other container has the stack's labels, or is on its networks, in its namespaces or on its volumes",
    source="design: a container started by hand is found",
    remediation="{remove_other} that the evidence names",
)
def unknown_containers(context: Context) -> Outcome:
    known = {declared.id for declared in context.declaration.containers.values()}
    found = [name_of(c) for c in context.running.containers if c["Id"] not in known]
    return verdict([f"{name} is not declared" for name in found], "the declared containers alone")


@check("drift.environment", "The environment is the declared one", source=SOURCE, remediation=REPLACE, fast=True)
def environment(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        image = context.running.images.get(container["Image"]) or {"Config": {}}
        expected = {**pairs(image["Config"].get("Env")), **declared.environment}
        return differences(expected, pairs(container["Config"]["Env"]), "variable")

    return compare(context, problems, "equal by digest, the image's own variables aside")


@check("drift.labels", "The labels are the declared ones", source=SOURCE, remediation=REPLACE)
def labels(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        image = context.running.images.get(container["Image"]) or {"Config": {}}
        given = {str(label["label"]): str(label["value"]) for label in declared.inputs.get("labels") or []}
        expected = {**(image["Config"].get("Labels") or {}), **given}
        return differences(expected, container["Config"].get("Labels") or {}, "label")

    return compare(context, problems, f"equal by digest, {LABEL}.* among them")


@check("drift.image", "The image is the declared one", source="CIS Docker 4.2", remediation=REPLACE, fast=True)
def image(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        return [] if container["Image"] == declared.inputs["image"] else [f"runs {short(str(container['Image']))}"]

    return compare(context, problems, "image ids equal those in the state")


@check(
    "drift.process",
    "User, command and health check are the declared ones",
    source="pulumi-docker: Container",
    remediation=REPLACE,
)
def process(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        config, inputs = container["Config"], declared.inputs
        own = (context.running.images.get(container["Image"]) or {"Config": {}})["Config"]
        wanted = {
            "User": inputs["user"],
            "Hostname": inputs["hostname"],
            "Entrypoint": own.get("Entrypoint"),
            "Cmd": own.get("Cmd"),
            "WorkingDir": own.get("WorkingDir", ""),
        }
        found = [f"{name} differs" for name, value in wanted.items() if (config.get(name) or None) != (value or None)]
        test = (config.get("Healthcheck") or {}).get("Test")
        return [*found, *([] if test == inputs["healthcheck"]["tests"] else ["the health check differs"])]

    return compare(context, problems, "as declared; entry points are the images' own")


@check(
    "drift.mounts",
    "Mounts and writable directories are the declared ones",
    source="pulumi-docker: Container",
    remediation=REPLACE,
)
def mounts(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        inputs, host = declared.inputs, container["HostConfig"]
        wanted = {str(volume["containerPath"]): str(volume["volumeName"]) for volume in inputs.get("volumes") or []}
        found = {str(mount["Destination"]): str(mount.get("Name")) for mount in container["Mounts"]}
        texts = [f"{path} is mounted" for path in sorted(set(found) - set(wanted))]
        texts += [f"{path} is not the declared volume" for path, name in wanted.items() if found.get(path) != name]
        closed = {str(volume["containerPath"]) for volume in inputs.get("volumes") or [] if volume.get("readOnly")}
        open_ = {str(mount["Destination"]) for mount in container["Mounts"] if mount.get("RW", True)}
        texts += [f"{path} can be written" for path in sorted(closed & open_)]
        texts += [] if bool(host["ReadonlyRootfs"]) == bool(inputs.get("readOnly")) else ["the root is writable"]
        return [*texts, *([] if (host.get("Tmpfs") or {}) == (inputs.get("tmpfs") or {}) else ["tmpfs differ"])]

    return compare(context, problems, "as declared")


@check(
    "drift.networks",
    "Networks are the declared ones, and so are their properties",
    source="pulumi-docker: Network",
    remediation="{disconnect}, then make up STACK={stack}",
    fast=True,
)
def networks(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        found = set(container["NetworkSettings"]["Networks"])
        texts = [f"is on {name} too" for name in sorted(found - declared.networks)]
        return [*texts, *(f"is not on {name}" for name in sorted(declared.networks - found))]

    outcome = compare(context, problems, "as declared")
    texts = [outcome.evidence] if outcome.status is Status.FAIL else []
    for role, inputs in context.declaration.networks.items():
        network = context.running.networks.get(str(inputs["name"]))
        if network is None:
            texts.append(f"the network {inputs['name']} does not exist")
        elif "driver" in inputs:
            wanted = inputs.get("options") or {}
            options = {**(network.get("Options") or {})}
            for name in {MTU, VXLAN} - set(wanted):
                options.pop(name, None)
            same = network["Driver"] == inputs["driver"] and bool(network["Internal"]) == bool(inputs.get("internal"))
            texts += [] if same and options == wanted else [f"{role}: its properties differ"]
    return verdict(texts, outcome.evidence)
