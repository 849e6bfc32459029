"""A stack's file that was put back to before a rotation: its key is gone, and no other one is made in its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.master_key import KeySource
from ops.commands import OperationError
from ops.lost_keys import STACK, refuse_lost_keys
from ops.state import State

KEY = "urn:pulumi:prod::litellm-claude::random:index/randomPassword:RandomPassword::litellm-claude-prod-"
NOW = "2026-11-24"
MADE = {"key_generation": NOW, "master_key_source": KeySource.GENERATED.value}
ALICE = {"clients": {"alice": {"generation": NOW, "created": NOW}}}


def state(outputs: dict[str, Any], *keys: str) -> State:
    made = [{"urn": KEY + key, "type": "random:index/randomPassword:RandomPassword"} for key in keys]
    return State("prod", {"deployment": {"resources": [{"urn": "s", "type": STACK, "outputs": outputs}, *made]}})


def refuse(folder: Path, known: State, **settings: Any) -> None:
    (folder / "Pulumi.yaml").write_text("config: {}\n")
    told = {f"litellm-claude:{name}": value for name, value in {"environment": "production", **settings}.items()}
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": told}))
    refuse_lost_keys(known, "prod", folder)


@pytest.mark.parametrize(
    ("outputs", "settings", "fix"),
    [
        (MADE, {}, f"keyRotation {NOW} (for a new key: make rotate STACK=prod)"),
        (MADE, {"keyRotation": "2026-11-01"}, f"keyRotation {NOW}"),
        ({**MADE, "key_generation": f"{NOW}.2"}, {"keyRotation": ""}, f"keyRotation {NOW}.2"),
        ({**MADE, "key_generation": f"{NOW}.10"}, {"keyRotation": f"{NOW}.9"}, f"keyRotation {NOW}.10"),
        ({**MADE, "key_generation": f"{NOW}.2"}, {"keyRotation": NOW}, f"keyRotation {NOW}.2"),
        (ALICE, {"clients": {"alice": {}}}, f"--path 'clients.alice.keyRotation' {NOW} (for a new key: make rotate"),
        (ALICE, {"clients": {"alice": None}}, "make rotate STACK=prod CLIENT=alice)"),
    ],
)
def test_a_key_that_is_gone_is_not_made_anew(
    tmp_path: Path, outputs: dict[str, Any], settings: dict[str, Any], fix: str
) -> None:
    with pytest.raises(OperationError, match="there would be a new one, which no client has") as refused:
        refuse(tmp_path, state(outputs), **settings)
    assert "Fix: pulumi config set --stack prod " in str(refused.value)
    assert fix in str(refused.value)


@pytest.mark.parametrize(
    ("outputs", "keys", "settings"),
    [
        ({}, (), {}),  # a first update
        ({**MADE, "key_generation": "initial"}, ("master-key-initial",), {"keyRotation": NOW}),
        (MADE, (f"master-key-{NOW}",), {"keyRotation": NOW}),
        (MADE, (f"master-key-{NOW}", "master-key-initial"), {}),  # while a rotation lasts
        (MADE, (), {"keyRotation": "2026-11-23"}),  # another time zone's today
        (MADE, (), {"masterKey": {"secure": "x"}}),
        ({**MADE, "master_key_source": "configured"}, (), {}),  # which gives way to a generated one
        (MADE, (), {"environment": "development"}),
        (MADE, (), {"keyRotation": "yesterday"}),  # the settings' own rules refuse it
        (MADE, (), {"keyRotation": "2026-02-31"}),
        (ALICE, (), {"clients": {"bob": None}, "keyRotation": NOW}),
        (ALICE, (), {"clients": {"alice": "x"}}),
        (ALICE, (), {"clients": "x"}),
    ],
)
def test_any_other_key_is_no_reason_to_stop(
    tmp_path: Path, outputs: dict[str, Any], keys: tuple[str, ...], settings: dict[str, Any]
) -> None:
    refuse(tmp_path, state(outputs, *keys), **settings)
