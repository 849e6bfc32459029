"""What posture asks of docker and pulumi, and how it takes their answers."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from posture import ask, declaration, outsider, run, running
from posture.context import PROBES, Context
from posture.declaration import DeclarationError
from posture.engine import Engine, EngineError
from posture.inside import Process
from posture.services_context import ServicesContext
from rules.setting_types import Orchestrator
from tests.unit.conftest import Program
from tests.unit.posture.conftest import IMAGE, Make


class Told(Engine):
    """Answers each command by how it begins, and remembers what was asked."""

    def __init__(self, answers: dict[str, str], objects: dict[str, list[dict[str, Any]]] | None = None) -> None:
        super().__init__("unix:///nowhere")
        self.answers, self.of_kind = answers, objects or {}
        self.asked: list[tuple[str, ...]] = []

    def run(self, *arguments: str, stdin: str | None = None, **_: Any) -> str:
        self.asked.append((*arguments, stdin) if stdin else arguments)
        text = " ".join(arguments)
        return next((answer for words, answer in self.answers.items() if words in text), "")

    def inspect(self, kind: str, names: Any, seconds: float | None = None) -> list[dict[str, Any]]:
        return [one for one in self.of_kind.get(kind, []) if (one.get("Id") or one.get("Name")) in set(names)]

    def json_lines(self, *_: str) -> list[dict[str, Any]]:
        return [{"Name": "engine"}]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What docker does next: status, output and error; a command without one takes too long."""
    steps: list[Any] = []

    def run(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        if not steps:
            raise subprocess.TimeoutExpired(command, given["timeout"])
        return subprocess.CompletedProcess(command, *steps.pop(0))

    monkeypatch.setattr(subprocess, "run", run)
    return steps


def test_what_docker_prints_is_text_and_its_warnings_are_apart(docker: list[Any]) -> None:
    docker += [(0, "out", "warning"), (0, "out", "warning"), (1, "", "no such thing\n"), (1, "half", "broken")]
    engine = Engine("unix:///nowhere")
    assert engine.run("ps") == "out"
    assert engine.run("logs", "x", both=True) == "outwarning"
    with pytest.raises(EngineError, match=r"^docker exec: no such thing$"):
        engine.run("exec", "x")
    assert engine.run("exec", "x", check=False) == "half"
    with pytest.raises(EngineError, match=r"^docker ps did not finish in 60 s$"):
        engine.run("ps")


def test_objects_are_read_from_lines(docker: list[Any]) -> None:
    docker += [(0, 'a warning\n{"A": 1}\n{"A": 2}\n', "")]
    assert Engine("unix:///nowhere").json_lines("info") == [{"A": 1}, {"A": 2}]


@pytest.mark.parametrize(("tls", "port", "secure"), [("managed", "8443", "on"), ("off", "8080", "off")])
def test_a_stranger_asks_at_the_fronts_own_address(make: Make, tls: str, port: str, secure: str) -> None:
    declared = make(settings={"environment": "development", "tls": tls}).declaration
    declared = replace(declared, networks={"edge": {"name": "test-edge"}})
    engine = Told({"run --rm": 'a line of docker\'s\n"TimeoutError"\n'})
    front = {"NetworkSettings": {"Networks": {"test-edge": {"IPAddress": "10.9.0.2"}}}}
    assert outsider.try_as_outsider(declared, engine, front) == "TimeoutError"
    (command,) = engine.asked
    assert command[-4:] == ("10.9.0.2", port, secure, declared.settings.hostname)
    assert command[command.index("--network") + 1] == "test-edge"
    assert command[command.index("--label") + 1] == f"{running.PROBE}=litellm-claude-test"
    assert command[command.index("--entrypoint") + 2] == IMAGE


def test_logs_and_processes_are_those_of_what_runs(make: Make) -> None:
    def stop(found: dict[str, Any]) -> None:
        found["front"]["State"]["Running"] = False
        found["egress"]["State"]["Running"] = False

    context = make(stop)
    context.engine = engine = Told({"logs": "said", "exec": "1 0 0 0 :sh\n"})
    assert PROBES["logs"](context) == {"litellm": "said", "gateway": "said"}
    assert ("logs", "--tail", "5000", "id-litellm") in engine.asked
    assert PROBES["processes"](context) == {name: [Process(1, "sh", 0, 0)] for name in ("litellm", "gateway")}
    with pytest.raises(EngineError, match="the front container does not run"):
        context.live("front")


def test_what_fails_while_looks_are_taken_fails_the_check_that_asks(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make(replicas=2)
    context._taken.clear()
    looks: list[str] = []

    def look(name: str, *about: str) -> str:
        looks.append(" ".join((name, *about)))
        if name == "logs":
            raise EngineError("no engine")
        return "seen"

    monkeypatch.setattr(context, "look", look)
    context.warm(["inside", "logs"])
    assert sorted(looks) == ["inside", "inside litellm-2", "logs"]
    assert context.probe("inside") == "seen"
    with pytest.raises(EngineError, match="no engine"):
        context.probe("logs")
    assert len(looks) == 3


@pytest.mark.parametrize(
    ("settings", "built"),
    [
        ({}, ["litellm", "gateway", "egress", "front"]),
        ({"gatewayImage": "x@sha256:" + "b" * 64}, ["litellm", "egress", "front"]),
        ({"replicas": 2}, ["litellm", "gateway", "egress", "front", "valkey"]),
    ],
)
def test_the_images_of_the_roles_that_there_are_were_built_here(
    make: Make, settings: dict[str, Any], built: list[str]
) -> None:
    assert make(settings=settings).built_here() == built


def test_pulumi_is_asked_for_state_and_settings_with_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[list[str], Any]] = []

    def answer(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        asked.append((command[1:-3], given["cwd"]))
        return subprocess.CompletedProcess(command, 0, json.dumps({"of": command[1]}), "")

    monkeypatch.setattr(subprocess, "run", answer)
    monkeypatch.setattr(declaration, "parse", lambda *given: given)
    shown, config = ["stack", "export", "--show-secrets"], ["config", "--json", "--show-secrets"]
    for exported, text in ((True, '{"of": "stack"}'), (False, "")):
        asked.clear()
        found: Any = declaration.read("org/project/test", tmp_path, {"A": "b"}, exported=exported)
        assert found == ("test", {"of": "stack"}, {"of": "config"}, text)
        wanted = [shown, config, *([["stack", "export"]] if exported else [])]
        assert sorted(asked) == sorted(([*command, "--stack", "org/project/test"], tmp_path) for command in wanted)


def test_what_pulumi_refuses_is_said_in_its_words(program: Program, tmp_path: Path) -> None:
    program("pulumi", "echo \"error: no stack named 'x' found\" >&2; exit 255")
    said = r"^pulumi (stack export|config --json) failed: no stack named 'x' found\n.*make up"
    with pytest.raises(DeclarationError, match=said):
        declaration.read("x", tmp_path)


@pytest.mark.parametrize(("problem", "status"), [(None, 0), ("no answer", 1), (DeclarationError("no such stack"), 1)])
def test_the_last_act_of_an_update_fails_with_a_sentence(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], problem: Any, status: int
) -> None:
    def read(stack: str, *_: Any, exported: bool) -> Any:
        assert (stack, exported) == ("test", False)
        if isinstance(problem, Exception):
            raise problem
        return make().declaration

    monkeypatch.setattr(ask, "read", read)
    monkeypatch.setattr(ask, "fault", lambda *_: problem)
    monkeypatch.setattr("sys.argv", ["posture.ask", "test"])
    assert ask.main() == status
    assert capsys.readouterr().err == (f"error: {problem}\n" if problem else "")


@pytest.mark.parametrize(("orchestrator", "kind"), [("docker", Context), ("swarm", ServicesContext)])
def test_a_stack_on_a_swarm_is_judged_by_its_services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, orchestrator: str, kind: type[Context]
) -> None:
    settings = SimpleNamespace(orchestrator=Orchestrator(orchestrator), docker_host=None, docker_cert_path=None)
    monkeypatch.setattr(declaration, "read", lambda *_: SimpleNamespace(settings=settings, replicas=["litellm"]))
    monkeypatch.setattr(run, "examine", lambda context, *_, **given: (type(context), given["skip"]))
    found: Any = run.verify("test", tmp_path, {"A": "b"})
    assert found == (kind, {})
