"""A stack on a Swarm is judged by the checks of containers, as far as a manager tells what they ask."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from posture import services_judged as judged
from posture.inside import Process
from posture.model import REGISTRY, Outcome, Status
from posture.run import examine
from tests.unit.posture import services
from tests.unit.posture.conftest import INSIDE
from tests.unit.posture.services import KEY, context_of, declared, task_container

Change = Callable[[dict[str, Any]], None]
FROM_THE_MANAGER = [
    name
    for name, check in REGISTRY.items()
    if check.group in ("cis", "drift", "swarm") or name in ("key.strength", "key.as-declared", "network.published")
]


def spec(services: dict[str, Any], role: str) -> dict[str, Any]:
    found: dict[str, Any] = services[role]["Spec"]["TaskTemplate"]["ContainerSpec"]
    return found


def judge(check: str, folder: Path, change: Change = lambda _: None) -> Outcome:
    return judged.run(REGISTRY[check], context_of(folder, change)[0])


def test_secrets_are_known_by_the_names_that_containers_have_in_their_environment() -> None:
    made = declared()
    assert made.key == KEY
    assert made.secrets == {KEY, "sk-ant-of-the-tests"}
    assert made.replicas == ["litellm"]
    assert made.containers["front"].ports == {("0.0.0.0", 4000, 8443)}
    assert made.containers["egress"].networks == {"test-backend", "test-egress"}
    # Docker Engine API: NanoCPUs are in units of 10^-9 CPUs; a container's inputs have CPUs and MiB.
    limits = made.containers["front"].inputs
    assert (limits["cpus"], limits["memory"], limits["memorySwap"]) == ("0.5", 64, 64)


@pytest.mark.parametrize("check", FROM_THE_MANAGER)
def test_nothing_fails_where_services_are_as_declared(check: str, tmp_path: Path) -> None:
    outcome = judge(check, tmp_path)
    assert outcome.status is not Status.FAIL, outcome.evidence


@pytest.mark.parametrize("check", sorted(judged.REASONS))
def test_what_does_not_apply_says_why(check: str, tmp_path: Path) -> None:
    outcome = judge(check, tmp_path)
    assert outcome.status is Status.NOT_APPLICABLE
    assert outcome.evidence


def test_an_image_in_a_registry_is_shown_by_its_digest(tmp_path: Path) -> None:
    assert judge("supply.images", tmp_path).evidence == "a" * 12


def test_exceptions_are_of_checks_that_exist() -> None:
    assert {*judged.REASONS, *judged.INSTEAD} <= set(REGISTRY)


@pytest.mark.parametrize(
    ("check", "change", "words"),
    [
        ("cis.4.1", lambda s: spec(s, "egress").update(User="0"), "test-egress: runs as root"),
        ("cis.5.4", lambda s: spec(s, "front").update(CapabilityAdd=["CAP_NET_RAW"]), "adds NET_RAW"),
        ("cis.5.13", lambda s: spec(s, "front").update(ReadOnly=False), "test-front: is writable"),
        ("cis.5.6", lambda s: spec(s, "front")["Mounts"].append({"Type": "bind", "Source": "/", "Target": "/h"}), "/"),
        ("cis.5.11", lambda s: s["front"]["Spec"]["TaskTemplate"].update(Resources={}), "no memory limit"),
        ("drift.environment", lambda s: spec(s, "litellm")["Env"].append("X=1"), "variable X was added"),
        ("drift.environment", lambda s: spec(s, "litellm")["Secrets"].pop(), "ANTHROPIC_API_KEY is missing"),
        ("key.as-declared", lambda s: spec(s, "litellm")["Secrets"][0].update(SecretID="other"), "differs"),
        ("drift.image", lambda s: spec(s, "gateway").update(Image="x@sha256:b"), "gateway: runs"),
        ("drift.containers", lambda s: s.pop("gateway"), "test-gateway does not exist"),
        ("swarm.tasks", lambda s: spec(s, "gateway").update(Image="x@sha256:b"), "a task of an earlier declaration"),
        ("swarm.secrets", lambda s: spec(s, "egress")["Env"].append(f"A={KEY}"), "A holds a secret"),
        ("swarm.secrets", lambda s: spec(s, "litellm")["Secrets"][0]["File"].update(Mode=0o444), "others may read"),
        (
            "swarm.sources",
            lambda s: s["front"]["Spec"]["EndpointSpec"]["Ports"][0].update(PublishMode="ingress"),
            "publishes 4000 by the mesh",
        ),
        (
            "network.published",
            lambda s: s["egress"]["Spec"]["EndpointSpec"]["Ports"].append(
                {"Protocol": "tcp", "TargetPort": 3128, "PublishedPort": 3128, "PublishMode": "host"}
            ),
            "test-egress publishes",
        ),
    ],
)
def test_what_is_not_as_declared_is_named(check: str, change: Change, words: str, tmp_path: Path) -> None:
    outcome = judge(check, tmp_path, change)
    assert outcome.status is Status.FAIL
    assert words in outcome.evidence


def test_a_service_that_is_not_declared_is_found_on_the_networks(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    egress = manager.services["egress"]
    manager.services["other"] = {**egress, "ID": "other", "Spec": {**egress["Spec"], "Name": "other", "Labels": {}}}
    assert "other is not declared" in judged.run(REGISTRY["drift.unknown-containers"], context).evidence


def test_a_task_that_does_not_run_is_named_with_its_node(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    manager.task_list[0]["Status"] = {"State": "rejected", "Err": "No such image"}
    found = judged.run(REGISTRY["swarm.tasks"], context)
    assert "test-front on node-1: rejected (No such image)" in found.evidence
    assert "0 of 1 tasks" in judged.run(REGISTRY["drift.containers"], context).evidence


@pytest.mark.parametrize(
    ("state", "managers", "status"), [("ready", 3, "pass"), ("ready", 2, "warn"), ("down", 3, "fail")]
)
def test_a_swarm_wants_three_managers_that_are_there(state: str, managers: int, status: str, tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    manager.nodes = manager.nodes[:managers]
    manager.nodes[-1]["Status"] = {"State": state}
    assert judged.run(REGISTRY["swarm.nodes"], context).status == status


def test_what_a_service_cannot_ask_for_is_looked_for_in_the_engine(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    manager.containers = [task_container("front")]
    assert judged.run(REGISTRY["cis.5.26"], context).status == "warn"
    assert judged.run(REGISTRY["cis.5.29"], context).status == "warn"
    context, manager = context_of(tmp_path)
    manager.info = {"SecurityOptions": ["name=no-new-privileges"]}
    manager.containers = [task_container("front", Ulimits=[{"Name": "nproc", "Soft": 9, "Hard": 9}])]
    assert judged.run(REGISTRY["cis.5.26"], context).status == "pass"
    assert judged.run(REGISTRY["cis.5.29"], context).status == "pass"


@pytest.mark.parametrize(("second", "status"), [(True, "pass"), (False, "warn")])
def test_an_engine_that_does_not_tell_what_it_gives_is_known_by_its_processes(
    tmp_path: Path, second: bool, status: str
) -> None:
    context, _ = context_of(tmp_path)
    context._taken["processes"] = {
        name: [Process(1, name, 13, 0, no_new_privileges=given)] for name, given in (("squid", True), ("sh", second))
    }
    assert judged.run(REGISTRY["cis.5.26"], context).status == status


def test_a_container_of_this_node_that_is_another_than_its_service_asks_for_is_found(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    manager.containers = [task_container("front", Privileged=True)]
    assert "test-front.1.x is privileged" in judged.run(REGISTRY["swarm.containers"], context).evidence


def test_a_task_that_drains_is_judged_and_not_looked_into(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    new = {**task_container("litellm"), "Id": "id-new"}
    manager.containers = [task_container("litellm"), new]
    (old,) = [task for task in manager.task_list if task["ServiceID"] == "id-service litellm"]
    manager.task_list.append({**old, "Status": {"State": "running", "ContainerStatus": {"ContainerID": "id-new"}}})
    assert [one["Id"] for one in context.serving_here("litellm")] == ["id-container litellm", "id-new"]
    old["DesiredState"] = "shutdown"
    assert (context.live("litellm")["Id"], len(context.tasks_here("litellm"))) == ("id-new", 2)


def test_what_runs_on_another_node_alone_is_not_said_to_fail(tmp_path: Path) -> None:
    context, _ = context_of(tmp_path)
    report = examine(context, [REGISTRY["network.no-internet"]], only=["network"])
    assert report.findings[0].status is Status.NOT_APPLICABLE
    assert "no task of test-litellm runs on this manager's node" in report.findings[0].evidence


@pytest.mark.parametrize(
    ("settings", "limits", "check", "status", "words"),
    [
        ({"replicas": "1"}, None, "clients.limits-shared", "not-applicable", ""),
        ({"replicas": "2"}, "of all replicas", "clients.limits-shared", "pass", "they are counted in Valkey"),
        ({"replicas": "2"}, "of this one", "clients.limits-shared", "fail", "Valkey cannot be reached"),
        ({}, None, "clients.metrics", "pass", "no port serves them"),
        ({"metricsPort": "9464"}, None, "clients.metrics", "warn", "whoever has their key"),
        ({}, None, "cis.5.15", "exception", "any: a Swarm keeps 4 services there"),
        ({}, None, "cis.5.1", "pass", "it is needed: the stack is a Swarm's"),
    ],
)
def test_what_is_judged_of_services_in_another_way(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    limits: str | None,
    check: str,
    status: str,
    words: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setitem(services.CONFIG, name, value)
    context, _ = context_of(tmp_path)
    context._taken["inside"] = replace(INSIDE, limits=limits)
    outcome = judged.run(REGISTRY[check], context)
    assert outcome.status == status
    assert words in outcome.evidence


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ({"Ulimits": None, "PidsLimit": None}, "warn"),
        ({"Ulimits": [{"Name": "nofile"}], "PidsLimit": -1}, "warn"),
        ({"PidsLimit": 0}, "warn"),
        ({"PidsLimit": 1}, "pass"),
        ({"Ulimits": [{"Name": "nproc"}]}, "pass"),
    ],
)
def test_a_task_has_a_limit_of_processes_by_either_of_two_ways(
    tmp_path: Path, host: dict[str, Any], status: str
) -> None:
    """Docker Engine API, HostConfig: PidsLimit is 0 or -1 for unlimited, and null leaves it as it is."""
    context, manager = context_of(tmp_path)
    manager.containers = [task_container("front", **host)]
    assert judged.run(REGISTRY["cis.5.29"], context).status == status


def test_on_a_swarm_the_tasks_of_this_node_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, manager = context_of(tmp_path)
    manager.containers = [task_container("litellm"), task_container("front")]
    manager.nodes = [{"ID": "n1", "Status": {"Addr": "10.0.0.5"}}, {"ID": "n2"}]
    asked: list[Any] = []
    monkeypatch.setattr("posture.inside.look", lambda _, container, questions: asked.append((container, questions)))
    monkeypatch.setattr("posture.inside.processes", lambda _, container: container)
    monkeypatch.setattr("posture.debian.look", lambda _, container: container)
    context.look("inside")
    ((container, questions),) = asked
    assert container == "id-container litellm"
    assert [address for address, _ in questions["neighbours"]] == ["10.0.0.5", "172.17.0.1"]
    assert context.look("processes") == {
        "test-litellm.1.x": "id-container litellm",
        "test-front.1.x": "id-container front",
    }
    assert context.look("debian") == {"litellm": "id-container litellm", "front": "id-container front"}
    monkeypatch.setattr(manager, "logged", lambda *words: " ".join(words), raising=False)
    assert context.look("logs")["test-front"] == "id-service front --tail 5000"
