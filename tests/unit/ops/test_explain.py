"""What Pulumi refuses is answered with a command."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ops import explain
from ops.state import State


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("error: incorrect passphrase", "this is not the passphrase of the stack 'prod'"),
        ("error: passphrase must be set with", "set PULUMI_CONFIG_PASSPHRASE_FILE"),
        (
            "Stack 'prod' with configuration key 'port' must be of type 'integer'",
            "Fix: pulumi config set --stack prod port VALUE, or for its default: pulumi config rm port --stack prod",
        ),
        (
            "Stack 'prod' with configuration key 'environment' must be of type 'string'",
            "wrong type. Fix: pulumi config set --stack prod environment production\n",
        ),
        (
            "Stack 'prod' with configuration key 'allowedCidrs' must be of type 'array<string>'",
            "rm allowedCidrs --stack prod; pulumi config set --stack prod --path 'allowedCidrs[0]' 10.0.0.0/8",
        ),
        (
            "Stack 'prod' with configuration key 'models' must be of type 'object'",
            "--stack prod --path 'models.sonnet' claude-sonnet-5-5",
        ),
        (
            "error: unable to read PULUMI_CONFIG_PASSPHRASE_FILE: open /a b: no such file or directory",
            "names /a b, which is not there. Put the passphrase into it, or, when make made the passphrase: unset",
        ),
        ('error: unable to open state directory "file:///no where": stat', "For a new one: mkdir -p '/no where'"),
        ("Logging in using access token from PULUMI_ACCESS_TOKEN\nerror: performing HTTP", "unset PULUMI_ACCESS_TOKEN"),
        ("error: no stack named 'prod' found", "no stack 'prod' is up. Bring it up: make up STACK=prod"),
        ("error: invalid YAML file: yaml: line 1: did not find", "Pulumi.prod.yaml is no YAML"),
        ("error: getting stack configuration: yaml: unmarshal errors:\n  line 7: mapping", "no YAML that pulumi takes"),
        (
            "error: invalid YAML file: could not unmarshal map: json: unsupported value: +Inf",
            "Pulumi.prod.yaml has the value .inf or .nan",
        ),
        (
            "error: getting stack configuration: get stack secrets manager: malformed state value",
            "`encryptionsalt:` in Pulumi.prod.yaml is not what pulumi wrote",
        ),
        (
            'get stack secrets manager: open secrets.Keeper: no driver registered for "foo"',
            "does not open the key service that `secretsprovider:` in Pulumi.prod.yaml names",
        ),
        ("error: validating stack config: bad value", "pulumi config set --secret NAME --stack prod"),
        ("pulumi stack export failed: organization name must be 'organization'", "make ... STACK=prod"),
        ("error: could not decrypt configuration values: bad value", "pulumi config set --secret NAME --stack prod"),
        (
            "unable to read PULUMI_CONFIG_PASSPHRASE_FILE: read /a b: is a directory",
            "cannot be read from /a b: is a directory",
        ),
        ("litellm-claude-prod-claude-auth ... is marked for protection", "make up STACK=prod takes the named one"),
    ],
)
def test_what_pulumi_refuses_is_answered_with_a_command(
    monkeypatch: pytest.MonkeyPatch, said: str, sentence: str
) -> None:
    monkeypatch.setattr(explain, "preview", lambda _stack: said)
    assert sentence in explain.explain("prod", "up", "") + "\n"
    monkeypatch.delattr(explain, "preview")
    assert sentence in explain.explain("prod", "up", "", said) + "\n", "without a stack to look at"
    assert "its own message is above" in explain.explain("prod", "up", "", "something else")


@pytest.mark.parametrize("operation", ["usage", "clients", "rotate", "retire", "authority"])
def test_each_operation_on_a_stack_that_is_not_there_says_how_to_bring_it_up(operation: str, tmp_path: Path) -> None:
    fake = tmp_path / "pulumi"
    fake.write_text("#!/bin/sh\necho \"error: no stack named 'prod' found\" >&2\nexit 255\n")
    fake.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", f"ops.{operation}", "prod"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "no stack 'prod' is up. Bring it up: make up STACK=prod"
    assert "Traceback" not in done.stderr


def test_a_damaged_state_is_named_with_its_backup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(explain, "preview", lambda _stack: "")
    folder = tmp_path / "stacks" / "litellm-claude"
    folder.mkdir(parents=True)
    (folder / "prod.json").write_text("{")
    (folder / "prod.json.bak").write_text('{"checkpoint": {"latest": {"resources": []}}}')
    assert f"cp {folder}/prod.json.bak " in explain.explain("prod", "up", str(tmp_path))


@pytest.mark.parametrize(
    ("target", "alive", "begins"),
    [
        ("up", True, "another update of the stack 'prod' runs (pid 7 of me on here, since noon). Wait for it"),
        ("up", False, "pulumi did not finish"),
        ("preview", True, "pulumi did not finish"),
    ],
)
def test_an_update_that_began_meanwhile_is_waited_for_and_not_cancelled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: str, alive: bool, begins: str
) -> None:
    """Two `make up` at once both find no lock; Pulumi then names `pulumi cancel`, which would break the first one."""
    monkeypatch.setattr(explain, "preview", lambda _stack: "")
    monkeypatch.setattr(State, "of", lambda _stack: stopped())
    monkeypatch.setattr("ops.repair_file_backend.runs_pulumi", lambda pid: alive and pid == 7)
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    lock = tmp_path / "locks" / "organization" / "litellm-claude" / "prod" / "one.json"
    lock.parent.mkdir(parents=True)
    lock.write_text('{"pid": 7, "username": "me", "hostname": "here", "timestamp": "noon"}')
    assert explain.explain("org/prod", target, str(tmp_path)).startswith(begins)


def stopped() -> NoReturn:
    raise SystemExit("error: pulumi did not finish")


@pytest.mark.parametrize("fault", [None, subprocess.TimeoutExpired("pulumi", 60)])
def test_a_preview_that_hangs_says_nothing(monkeypatch: pytest.MonkeyPatch, fault: Exception | None) -> None:
    def run(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        if fault:
            raise fault
        return subprocess.CompletedProcess([], 1, "out", "error")

    monkeypatch.setattr(subprocess, "run", run)
    assert explain.preview("prod") == ("" if fault else "outerror")


def test_what_pulumi_said_before_there_was_a_stack_is_the_last_word_of_the_command() -> None:
    command = [sys.executable, "-m", "ops.explain", "org/prod", "up", "", "error: no stack named 'org/prod' found"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "error: no stack 'prod' is up. Bring it up: make up STACK=org/prod\n"
