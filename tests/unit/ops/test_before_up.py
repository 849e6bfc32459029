"""What stops an update before it replaces anything, and what a person then types."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops import adopt, before_up, explain, preflight
from ops.commands import OperationError
from ops.engine import Engine
from ops.state import KINDS, State

GATEWAY = {
    "urn": "urn:pulumi:prod::litellm-claude::docker:index/container:Container::litellm-claude-prod-gateway",
    "type": KINDS["container"],
    "id": "gateway",
    "inputs": {"labels": [{"label": "litellm-claude.stack", "value": "litellm-claude-prod"}]},
}


def labelled(identifier: str) -> dict[str, Any]:
    """A running container, as docker inspects it."""
    return {
        "Id": identifier,
        "Name": f"/name-of-{identifier}",
        "Config": {},
        "State": {"Status": "running"},
        "NetworkSettings": {},
    }


class Docker:
    """Stands in for docker: the stack's containers by id, and the ids of those that carry its label."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.labelled: list[str] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[3] == "ps":
            return subprocess.CompletedProcess(command, 0, "\n".join(self.labelled), "")
        if command[3] == "inspect":
            return subprocess.CompletedProcess(command, 0, json.dumps([labelled(command[6])]), "")
        found = [json.dumps(self.known[name]) for name in command[7:] if name in self.known]
        return subprocess.CompletedProcess(command, 0 if found else 1, "\n".join(found), "No such container")


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    fake = Docker()
    monkeypatch.setattr(subprocess, "run", fake)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return fake


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[int]:
    """A port on which another program listens, and which the stack in the current folder wants."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        number = int(listener.getsockname()[1])
        monkeypatch.chdir(tmp_path)
        (tmp_path / "Pulumi.yaml").write_text("config:\n  bindAddresses: {type: array, default: [127.0.0.1]}\n")
        (tmp_path / "Pulumi.prod.yaml").write_text(f"config:\n  litellm-claude:port: {number}\n")
        yield number


def state(*resources: dict[str, Any]) -> State:
    return State("prod", {"deployment": {"resources": list(resources)}})


def refuse(found: State) -> None:
    before_up.refuse_taken_ports(found, found.engine(), "prod")


def running(port: int, *, up: bool = True) -> dict[str, Any]:
    bindings = {"8443/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    return {"State": {"Running": up}, "HostConfig": {"PortBindings": bindings}}


def test_a_port_of_another_program_stops_with_the_command_that_chooses_another(docker: Docker, port: int) -> None:
    with pytest.raises(OperationError, match=f"port {port} .*pulumi config set port NUMBER --stack prod"):
        refuse(state())


def test_the_stacks_own_containers_have_their_ports_rightly(docker: Docker, port: int) -> None:
    docker.known = {"gateway": running(port)}
    refuse(state(GATEWAY))


def test_a_new_port_is_looked_at_while_the_gateway_runs_on_the_old_one(docker: Docker, port: int) -> None:
    docker.known = {"gateway": running(port + 1)}
    with pytest.raises(OperationError, match=f"port {port} "):
        refuse(state(GATEWAY))


def test_another_working_copys_stack_of_the_same_name_is_named(docker: Docker, port: int) -> None:
    docker.labelled = ["another"]
    twin = (
        "name-of-another belong to a stack 'prod' of another working copy.*make down.*docker rm --force name-of-another"
    )
    with pytest.raises(OperationError, match=twin):
        refuse(state())


def test_what_is_left_of_the_stack_itself_is_not_taken_for_another_copys(docker: Docker, port: int) -> None:
    docker.labelled, docker.known = ["gateway"], {"gateway": running(port, up=False)}
    with pytest.raises(OperationError, match="is taken by another program") as refused:
        refuse(state(GATEWAY))
    assert "working copy" not in str(refused.value)


def test_the_ports_of_another_machine_are_not_looked_at(docker: Docker, port: int) -> None:
    engine = {"type": "pulumi:providers:docker", "urn": "engine", "inputs": {"host": "ssh://ann@far"}}
    refuse(state(engine))
    Path("Pulumi.prod.yaml").write_text(
        f"config:\n  litellm-claude:port: {port}\n  litellm-claude:dockerHost: ssh://ann@far\n"
    )
    refuse(state())


@pytest.mark.parametrize(
    ("volume", "released"),
    [
        ({"protect": True, "inputs": {"name": "old"}}, True),
        ({"protect": True, "inputs": {"name": "litellm-claude-prod-claude-auth"}}, False),
        ({"inputs": {"name": "old"}}, False),
    ],
)
def test_a_running_stack_may_adopt_a_volume_and_the_old_one_stays(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    port: int,
    volume: dict[str, Any],
    released: bool,
) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(before_up, "pulumi", lambda *arguments, stack: calls.append(arguments))
    resource = {"urn": "urn:volume", "type": KINDS["volume"], "id": "old", **volume}
    before_up.let_go_of_the_volume(state(resource), "prod")
    assert calls == ([("state", "unprotect", "urn:volume", "--yes")] if released else [])
    assert ("old stays as it is" in capsys.readouterr().err) is released


def test_all_of_it_is_done_on_one_reading_of_the_state(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: int
) -> None:
    read: list[str] = []
    monkeypatch.setattr(preflight, "refuse", lambda *_: None)

    def of(stack: str) -> State:
        read.append(stack)
        return state()

    monkeypatch.setattr(State, "of", of)
    monkeypatch.setattr("sys.argv", ["ops.before_up", "organization/litellm-claude/prod"])
    assert before_up.main() == 1
    assert f"error: port {port}" in capsys.readouterr().err
    Path("Pulumi.prod.yaml").write_text("config: {}\n")
    assert before_up.main() == 0
    assert read == ["organization/litellm-claude/prod"] * 2


def test_a_preview_looks_and_changes_nothing(docker: Docker, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    done: list[str] = []
    monkeypatch.setattr(State, "of", lambda _stack: state(GATEWAY))
    for place, name in (
        (preflight, "refuse"),
        (before_up, "reconcile"),
        (before_up, "refuse_taken_ports"),
        (adopt, "hand_over"),
        (before_up, "let_go_of_the_volume"),
    ):
        monkeypatch.setattr(place, name, lambda *_, name=name: done.append(name))
    before_up.prepare("prod", look=True)
    assert done == ["refuse", "refuse_taken_ports"]
    before_up.prepare("prod")
    assert done[2:] == ["refuse", "reconcile", "refuse_taken_ports", "hand_over", "let_go_of_the_volume"]
    done.clear()
    monkeypatch.setattr(before_up, "setting", lambda name, *_: "swarm" if name == "orchestrator" else None)
    before_up.prepare("prod")
    assert done == ["refuse", "reconcile", "refuse_taken_ports", "let_go_of_the_volume"]


def test_what_is_not_known_points_at_pulumis_own_words(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setattr(explain, "preview", lambda _stack: "something else")
    monkeypatch.setattr(preflight, "refuse", lambda *_: None)
    monkeypatch.setattr(State, "of", lambda _stack: state())
    assert f"port {port} on 127.0.0.1 is taken" in explain.explain("prod", "up", "")
    Path("Pulumi.prod.yaml").write_text("config: {}\n")
    assert "fix the cause and run 'make up STACK=prod' again" in explain.explain("prod", "up", "")


def test_a_bundled_image_that_the_engine_does_not_have_stops_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"litellm": "bundle.invalid/litellm-claude/litellm:0"}
    there = {*names.values()}

    def docker(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[3:5] == ["image", "inspect"]
        return subprocess.CompletedProcess(command, 0 if set(command[5:]) <= there else 1, "[]", "No such image")

    monkeypatch.setattr(subprocess, "run", docker)
    before_up.refuse_absent_images(Engine(), "prod")  # without a bundle nothing is asked
    monkeypatch.setattr("rules.bundle.images", lambda: names)
    before_up.refuse_absent_images(Engine(), "prod")
    there.clear()
    with pytest.raises(OperationError, match="make up BUNDLE=FILE STACK=prod"):
        before_up.refuse_absent_images(Engine(), "prod")
