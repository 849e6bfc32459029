"""What a refused setting tells one to type is typed, and fixes it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from posture.declaration import settings_of
from rules.layout import PROJECT
from testbed.deployment import ROOT
from tests.unit.components.conftest import configuration
from tests.unit.components.test_certificates import pair
from tests.unit.components.test_configuration import STRONG, WRONG, refusal
from tests.unit.components.test_wrong_clients import WRONG_CLIENTS

STACK = pulumi.get_stack()  # outside of an update a name that stands for none
ROTATED = {"previousKeyRotation": "initial", "keyRotation": "2026-11-24"}
COMPANIONS = {
    "must have timezone info": ROTATED,
    "must be a time such as 2026-11-25T12:00:00Z": ROTATED,
}
"""Without these the value would be refused for another reason, once it is right."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stack that is configured, and never deployed."""
    folder = tmp_path_factory.mktemp("sentences")
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    chain, key = pair("localhost")
    (folder / "FILE").write_text(chain)  # what a sentence calls so is the operator's own
    (folder / "KEY").write_text(key)
    (folder / "FOLDER").mkdir()
    assert typed(folder, f"pulumi stack init {STACK}").returncode == 0
    return folder


def typed(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_CONFIG_PASSPHRASE": "of the tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def written(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / f"Pulumi.{STACK}.yaml"
    kept = yaml.safe_load(path.read_text())
    plain = {f"{PROJECT}:{name}": value for name, value in settings.items()}
    path.write_text(yaml.safe_dump({**kept, "config": plain}))


@pytest.mark.parametrize(("name", "value", "reason"), WRONG)
def test_the_command_of_a_refusal_mends_it(project: Path, name: str, value: Any, reason: str) -> None:
    values = {name: value, **COMPANIONS.get(reason, {})}
    said = refusal("prod", **values)
    command = said.partition(". Fix: ")[2]
    given = {key.rpartition(":")[2]: text for key, text in configuration("prod", values).items()}
    written(project, {key: structured(text) for key, text in given.items()})
    done = typed(project, command)
    assert done.returncode == 0, done.stderr
    settings_of(json.loads(typed(project, f"pulumi config --json --show-secrets --stack {STACK}").stdout))


@pytest.mark.parametrize(("clients", "sentence", "_command"), WRONG_CLIENTS)
def test_the_command_of_a_clients_refusal_mends_it(
    project: Path, clients: dict[str, Any], sentence: str, _command: str
) -> None:
    command = refusal("prod", clients=clients).partition(". Fix: ")[2]
    written(project, {"environment": "production", "clients": clients})
    done = typed(project, command)
    assert done.returncode == 0, f"{sentence}: {done.stderr}"
    settings_of(json.loads(typed(project, f"pulumi config --json --show-secrets --stack {STACK}").stdout))


def structured(text: str) -> Any:
    """Lists and maps as the stack's file has them; everything else is text there."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return text
    return found if isinstance(found, list | dict) else text


def test_a_generated_key_mends_a_weak_one(project: Path) -> None:
    written(project, {"environment": "production"})
    assert typed(project, f"printf sk-weak | pulumi config set --secret masterKey --stack {STACK}").returncode == 0
    command = refusal("prod", {"masterKey": STRONG[:-1]}).partition(". Fix: ")[2]
    assert typed(project, command).returncode == 0
    found = json.loads(typed(project, f"pulumi config --json --show-secrets --stack {STACK}").stdout)
    assert settings_of(found).master_key is not None
