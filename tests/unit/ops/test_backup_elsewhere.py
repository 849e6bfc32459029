"""A backup that is restored on another engine than the one on which it was made."""

from typing import Any

import pytest
import yaml

from ops import backup_file
from ops.commands import OperationError
from ops.state import ENGINE, KINDS
from tests.unit.ops.test_backup import a_backup

COMMENTED = """# Who may call is in the wiki.
config:
    litellm-claude:port: 443 # as agreed
    litellm-claude:dockerHost: tcp://lost:2376
    dockerCertPath: /certificates
    litellm-claude:clients: {dockerHost: {models: [sonnet]}}
encryptionsalt: v1:salt
"""


@pytest.mark.parametrize(
    "text", [COMMENTED, "config: {litellm-claude:port: 443, dockerHost: tcp://lost}\n", "config:\n", "config:", ""]
)
def test_a_backup_is_restored_on_another_engine_where_its_own_is_lost(text: str) -> None:
    told: dict[str, Any] = {
        "type": ENGINE,
        "inputs": {"host": "tcp://lost:2376", "certPath": "/c", "context": ""},
        "outputs": {},
    }
    volume = {"type": KINDS["volume"], "inputs": {"name": "host"}}
    backup = a_backup(settings=text, sealed=text, state={"version": 3, "deployment": {"resources": [told, volume]}})
    moved = backup_file.on_engine(backup, "ssh://ann@new")
    for settings in (moved.settings, moved.sealed):
        assert setting_of(settings, "dockerHost") == "ssh://ann@new"
        assert setting_of(settings, "dockerCertPath") is None
        assert setting_of(settings, "port") == setting_of(text, "port")
        assert yaml.safe_load(settings).get("encryptionsalt") == (yaml.safe_load(text) or {}).get("encryptionsalt")
    there = {"host": "ssh://ann@new"}
    assert moved.state["deployment"]["resources"] == [
        {**told, "inputs": {"context": "", **there}, "outputs": there},
        volume,
    ]
    assert (told["inputs"]["host"], moved.volumes) == ("tcp://lost:2376", backup.volumes)


def setting_of(text: str, name: str) -> Any:
    config = (yaml.safe_load(text) or {}).get("config") or {}
    return config.get(f"litellm-claude:{name}", config.get(name))


def test_what_a_person_wrote_beside_the_engine_stays() -> None:
    moved = backup_file.on_engine(a_backup(settings=COMMENTED), "unix:///var/run/docker.sock").settings
    assert "# Who may call is in the wiki." in moved
    assert "443 # as agreed" in moved
    assert yaml.safe_load(moved)["config"]["litellm-claude:clients"] == {"dockerHost": {"models": ["sonnet"]}}


@pytest.mark.parametrize("host", ["new.example.org", "http://new", "tcp://new:2376"])
def test_an_engine_that_is_none_is_refused_with_an_example(host: str) -> None:
    with pytest.raises(
        OperationError, match=r"^ENGINE=.* docker(Host|CertPath) must .* Example: ENGINE=ssh://USER@HOST"
    ):
        backup_file.on_engine(a_backup(), host)


def test_without_another_engine_a_backup_is_restored_as_it_is() -> None:
    for host in (None, ""):
        assert backup_file.on_engine(a_backup(), host) == a_backup()
