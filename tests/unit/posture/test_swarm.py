"""The checks of what is a Swarm's own, each outcome with its words."""

from pathlib import Path
from typing import Any

import pytest

from posture import services_judged as judged
from posture.model import REGISTRY, Outcome
from posture.services_context import ServicesContext
from tests.unit.posture import services
from tests.unit.posture.services import KEY, Manager, context_of, task_container
from tests.unit.posture.test_services import judge, spec


def run(check: str, context: ServicesContext) -> tuple[str, str]:
    outcome: Outcome = judged.run(REGISTRY[check], context)
    return outcome.status.value, outcome.evidence


@pytest.fixture
def swarm(tmp_path: Path) -> tuple[ServicesContext, Manager]:
    return context_of(tmp_path)


def test_on_one_engine_there_is_no_swarm_to_judge(make: Any) -> None:
    outcome = REGISTRY["swarm.tasks"].run(make())
    assert (outcome.status.value, outcome.evidence) == ("not-applicable", "the stack is on one engine, not on a Swarm")


def test_running_tasks_are_counted_by_node(swarm: tuple[ServicesContext, Manager]) -> None:
    context, manager = swarm
    manager.task_list[0]["NodeID"] = "n2"
    manager.task_list[1]["NodeID"] = "unheard of"
    manager.task_list[2]["DesiredState"] = "shutdown"
    assert run("swarm.tasks", context) == ("pass", "a node: 1, node-1: 1, node-2: 1")


def test_where_no_task_is_wanted_none_is_counted(swarm: tuple[ServicesContext, Manager]) -> None:
    context, manager = swarm
    manager.task_list = []
    assert run("swarm.tasks", context) == ("pass", "none")


def test_a_task_that_does_not_say_why_has_no_error(swarm: tuple[ServicesContext, Manager]) -> None:
    context, manager = swarm
    manager.task_list[0]["Status"] = {"State": "starting"}
    assert run("swarm.tasks", context) == ("fail", "test-front on node-1: starting (no error)")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("completed", ("pass", "node-1: 4")),
        ("updating", ("pass", "node-1: 4")),
        ("rollback_completed", ("fail", "test-front: its last update is rollback_completed")),
    ],
)
def test_an_update_that_went_back_is_no_success(state: str, outcome: tuple[str, str], tmp_path: Path) -> None:
    context, _ = context_of(tmp_path, lambda told: told["front"].update(UpdateStatus={"State": state}))
    assert run("swarm.tasks", context) == outcome


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ({"CapDrop": None}, "has capabilities"),
        ({"CapAdd": ["NET_RAW"]}, "has capabilities"),
        ({"ReadonlyRootfs": False}, "is writable"),
        ({"Memory": 0}, "has no memory limit"),
        ({"PidMode": "host"}, "shares a namespace"),
        ({"IpcMode": "host"}, "shares a namespace"),
        ({"NetworkMode": "host"}, "shares a namespace"),
    ],
)
def test_a_container_of_this_node_is_looked_at_as_it_is(
    swarm: tuple[ServicesContext, Manager], host: dict[str, Any], words: str
) -> None:
    context, manager = swarm
    manager.containers = [task_container("front", **host)]
    assert run("swarm.containers", context) == ("fail", f"test-front.1.x {words}")


@pytest.mark.parametrize(("user", "is_root"), [(None, True), ("0:1", True), ("root", True), ("10:0", False)])
def test_a_user_is_judged_by_its_number_or_name(
    swarm: tuple[ServicesContext, Manager], user: str | None, is_root: bool
) -> None:
    context, manager = swarm
    container = task_container("front")
    container["Config"]["User"] = user
    manager.containers = [container]
    outcomes = {
        True: ("fail", "test-front.1.x runs as root"),
        False: ("pass", "1 containers of this node; of others a manager tells no more"),
    }
    assert run("swarm.containers", context) == outcomes[is_root]


FRONT = task_container("front")["Id"]


@pytest.mark.parametrize(
    ("mount", "status"),
    [
        ({"Type": "bind", "Source": "/etc"}, "fail"),
        ({"Type": "bind", "Source": f"/var/lib/docker/containers/{FRONT}/mounts/secrets"}, "pass"),
        ({"Type": "bind", "Source": "/var/lib/docker/containers/of-another/mounts/secrets"}, "fail"),
        ({"Type": "bind", "Source": "/srv/containers/x"}, "fail"),
        ({"Type": "volume", "Source": "/var/lib/docker/volumes/x"}, "pass"),
        ({"Type": "tmpfs"}, "pass"),
    ],
)
def test_nothing_of_a_node_is_mounted_but_what_the_swarm_puts_there(
    swarm: tuple[ServicesContext, Manager], mount: dict[str, Any], status: str
) -> None:
    context, manager = swarm
    container = task_container("front")
    container["Mounts"] = [mount]
    manager.containers = [container]
    assert run("swarm.containers", context)[0] == status


@pytest.mark.parametrize(
    ("managers", "status"),
    [(1, "warn"), (2, "warn"), (3, "pass"), (4, "warn"), (5, "pass"), (6, "warn"), (7, "pass"), (8, "warn")],
)
def test_a_quorum_is_of_an_odd_number_of_three_at_least(
    swarm: tuple[ServicesContext, Manager], managers: int, status: str
) -> None:
    """Docker, "Administer and maintain a swarm of Docker Engines": an odd number, and with 3 one may be lost."""
    context, manager = swarm
    one = manager.nodes[0]
    manager.nodes = [one] * managers + [{**one, "Spec": {"Role": "worker"}}]
    words = f"{managers} managers of {managers + 1} nodes, all ready"
    wanted = words if status == "pass" else f"{managers} managers: with 3 (or 5) the Swarm can be changed when"
    found = run("swarm.nodes", context)
    assert found[0] == status
    assert found[1].startswith(wanted)


@pytest.mark.parametrize(("wanted", "status"), [("true", "fail"), ("false", "warn")])
def test_networks_in_the_clear_are_a_failure_unless_they_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: str, status: str
) -> None:
    monkeypatch.setitem(services.CONFIG, "overlayEncryption", wanted)
    context, _ = context_of(tmp_path)
    assert run("swarm.encrypted", context)[0] == "pass"
    networks: Any = context.running.networks
    networks["test-door"]["Options"] = None
    assert run("swarm.encrypted", context)[0] == status


def test_a_network_that_any_container_can_join_is_named(swarm: tuple[ServicesContext, Manager]) -> None:
    context, _ = swarm
    assert run("swarm.attachable", context) == ("pass", "none is attachable")
    networks: Any = context.running.networks
    networks["test-door"]["Attachable"] = True
    assert run("swarm.attachable", context) == ("fail", "any container of a node can join test-door")


@pytest.mark.parametrize(("mode", "status"), [("host", "pass"), ("ingress", "fail"), (None, "fail")])
def test_a_port_is_the_meshs_unless_it_is_the_nodes(mode: str | None, status: str, tmp_path: Path) -> None:
    """Docker Engine API, EndpointPortConfig: PublishMode is ingress by default."""
    port = {"Protocol": "tcp", "TargetPort": 1, "PublishedPort": 2, **({"PublishMode": mode} if mode else {})}
    outcome = judge(
        "swarm.sources", tmp_path, lambda told: told["egress"]["Spec"].update(EndpointSpec={"Ports": [port]})
    )
    assert outcome.status.value == status


def test_a_port_of_the_swarms_choice_is_behind_the_mesh_too(tmp_path: Path) -> None:
    """Docker Engine API, EndpointPortConfig: without a PublishedPort the managers choose one."""
    outcome = judge("swarm.sources", tmp_path, lambda told: told["front"]["Spec"].update(EndpointSpec={"Ports": [{}]}))
    assert outcome.evidence == "test-front publishes a port by the mesh"


def test_what_publishes_nothing_is_behind_no_mesh(tmp_path: Path) -> None:
    outcome = judge("swarm.sources", tmp_path, lambda told: told["egress"]["Spec"].pop("EndpointSpec"))
    assert outcome.status.value == "pass"


def test_secrets_are_files_of_their_user_alone(tmp_path: Path) -> None:
    assert judge("swarm.secrets", tmp_path).evidence == "2 files of mode 0400; none in environment or configs"
    other = judge("swarm.secrets", tmp_path, lambda told: spec(told, "litellm")["Secrets"][0]["File"].update(GID="2"))
    assert other.evidence == "test-litellm: others may read LITELLM_MASTER_KEY"


def test_a_config_holds_no_secret(swarm: tuple[ServicesContext, Manager]) -> None:
    context, manager = swarm
    configs = [{"ConfigID": "c1", "ConfigName": "allow"}, {"ConfigID": "unheard of", "ConfigName": "other"}]
    manager.services["egress"]["Spec"]["TaskTemplate"]["ContainerSpec"]["Configs"] = configs
    files = context.declaration.files
    object.__setattr__(context.declaration, "files", {**files, "c1": "api.anthropic.com"})
    assert run("swarm.secrets", context)[0] == "pass"
    object.__setattr__(context.declaration, "files", {**files, "c1": f"x {KEY}"})
    assert run("swarm.secrets", context) == ("fail", "test-egress: the config allow holds a secret")
