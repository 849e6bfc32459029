"""`make logs` and `make login`: which containers they mean, on an engine alone and on a Swarm."""

import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from ops import login, logs
from rules import docker
from tests.unit.conftest import Program

CONTAINERS = {"c1": ("old", "litellm", "unhealthy"), "c2": ("new", "litellm", "healthy"), "c3": ("door", "front", "")}
NOT_UP = "error: the stack 'dev' is not up. Run 'make up STACK=dev' first.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["x", "dev"])
    (tmp_path / "Pulumi.yaml").write_text("config:\n  orchestrator:\n    default: docker\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    return tmp_path


def container(identifier: str, running: bool = True) -> str:
    name, role, health = CONTAINERS[identifier]
    state = {"Status": "running" if running else "exited", "Health": {"Status": health}}
    labels = {"litellm-claude.role": role}
    found = {"Id": identifier, "Name": f"/{name}", "State": state, "Config": {"Labels": labels}, "NetworkSettings": {}}
    return json.dumps([found])


def engine(program: Program, *there: str, running: bool = True) -> None:
    """An engine with these containers of the stack."""
    cases = [f"*inspect*{one}) echo '{container(one, running)}';;" for one in there]
    listed = f"*' ps '*role=litellm*) echo {' '.join(one for one in there if one != 'c3')};;"
    all_of_them = f"*' ps '*label=litellm-claude.stack=litellm-claude-dev) echo {' '.join(there)};;"
    said = "*' logs '*) echo $4 $5 of $6; echo err of $6 >&2; echo more of $6;;"
    program("docker", "\n".join(['case " $*" in', listed, all_of_them, *cases, said, "*) exit 9;;", "esac"]))


def test_logs_are_those_of_each_container_in_the_order_of_its_lines(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    engine(program, "c2", "c3")
    assert logs.main() == 0
    door, new = (f"--tail 200 of {name}\nerr of {name}\nmore of {name}\n" for name in ("door", "new"))
    assert capsys.readouterr().out == f"==> front (door) <==\n{door}==> litellm (new) <==\n{new}"


@pytest.mark.parametrize(
    ("words", "options"),
    [([], "--tail 200"), (["--since=1h"], "--since 3600s"), (["--since", "7d"], "--since 604800s")],
)
def test_logs_are_the_last_lines_or_those_since_a_time(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    options: str,
) -> None:
    engine(program, "c2")
    monkeypatch.setattr("sys.argv", ["x", "dev", *words])
    assert logs.main() == 0
    assert f"{options} of new\n" in capsys.readouterr().out


def test_a_time_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["x", "dev", "--since=yesterday"])
    assert logs.main() == 1
    assert capsys.readouterr().err == "error: SINCE is 'yesterday', not a time such as 30m, 24h or 7d.\n"


def test_logs_of_services_are_asked_of_the_swarm_and_one_that_hangs_hides_no_other(
    folder: Path, program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config:\n  litellm-claude:orchestrator: swarm\n")
    monkeypatch.setattr(docker, "LOG_TRIES", (0.2, 0.2))

    def service(role: str) -> str:
        return json.dumps({"Spec": {"Name": f"the-{role}", "Labels": {"litellm-claude.role": role}}})

    def task(role: str) -> str:
        return json.dumps({"ID": f"task-{role}", "Status": {"ContainerStatus": {"ContainerID": "x"}}})

    program(
        "docker",
        f"""case " $*" in
        *"service ls"*label=litellm-claude.stack=litellm-claude-dev) echo s1 s2;;
        *"service inspect"*) echo '{service("litellm")}'; echo '{service("front")}';;
        *"service ps"*the-front) echo tf;;
        *"service ps"*the-litellm) echo tl;;
        *"type task"*tf) echo '{task("front")}';;
        *"type task"*tl) echo '{task("litellm")}';;
        *"service logs"*task-front) exec sleep 60;;
        *"service logs"*task-litellm) echo said;;
        *) exit 9;; esac""",
    )
    assert logs.main() == 0
    assert capsys.readouterr().out == (
        "==> front (the-front) <==\n(docker service did not finish in 0 s; ask again with make logs STACK=dev)\n"
        "==> litellm (the-litellm) <==\nsaid\n"
    )


@pytest.mark.parametrize("module", [logs, login])
def test_a_stack_of_which_nothing_is_there_is_not_up(
    program: Program, capsys: pytest.CaptureFixture[str], module: ModuleType
) -> None:
    engine(program)
    assert module.main() == 1
    assert capsys.readouterr().err == NOT_UP


def logged_in(monkeypatch: pytest.MonkeyPatch, *, terminal: bool = True) -> list[list[str]]:
    """What the program became."""
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execvp", lambda _file, words: became.append(words))
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    return became


def test_one_logs_in_where_it_serves_and_not_where_it_drains(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(program, "c1", "c2", "c3")
    became = logged_in(monkeypatch)
    assert login.main() == 0
    assert became == [["docker", "exec", "-it", "new", "claude-login"]]


@pytest.mark.parametrize(
    ("running", "terminal", "said"),
    [
        (False, True, NOT_UP),
        (True, False, "error: the login asks for a code: run 'make login STACK=dev' in a terminal.\n"),
    ],
)
def test_a_login_that_cannot_be_is_none(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    running: bool,
    terminal: bool,
    said: str,
) -> None:
    engine(program, "c1", running=running)
    became = logged_in(monkeypatch, terminal=terminal)
    assert (login.main(), became, capsys.readouterr().err) == (1, [], said)


def test_a_swarm_has_no_login(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config:\n  litellm-claude:orchestrator: swarm\n")
    assert login.main() == 1
    assert "it takes claudeOauthToken or anthropicApiKey" in capsys.readouterr().err
