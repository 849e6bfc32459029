"""A previous key is one that the stack has had."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.before_up import refuse_invented_keys
from ops.commands import OperationError
from ops.state import State

KEY = "urn:pulumi:prod::litellm-claude::random:index/randomPassword:RandomPassword::litellm-claude-prod-"


@pytest.mark.parametrize(
    ("known", "config", "fix"),
    [
        ("master-key-initial", {"previousKeyRotation": "initial"}, None),
        ("master-key-2026-11-01", {"previousKeyRotation": "2026-11-02"}, "--path 'previousKeyRotation'"),
        ("client-alice-key-initial", {"clients": {"alice": {"previousKeyRotation": "initial"}, "bob": None}}, None),
        (
            "master-key-initial",
            {"clients": {"alice": {"previousKeyRotation": "initial"}}},
            "--path 'clients.alice.previousKeyRotation'",
        ),
        ("", {"previousKeyRotation": "yesterday", "previousMasterKey": {"secure": "x"}}, None),
        ("", {}, None),
        # Written without quotes, and then any `pulumi config set`.
        ("master-key-2026-11-01", {"previousKeyRotation": "2026-11-01 00:00:00 +0000 UTC"}, None),
        (
            "client-alice-key-2026-11-01",
            {"clients": {"alice": {"previousKeyRotation": "2026-11-01 00:00:00 +0000 UTC"}}},
            None,
        ),
    ],
)
def test_a_previous_key_that_never_existed_is_refused_and_not_invented(
    tmp_path: Path, known: str, config: dict[str, Any], fix: str | None
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("config: {}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(
        yaml.safe_dump({"config": {f"litellm-claude:{name}": value for name, value in config.items()}})
    )
    key = {"urn": KEY + known, "type": "random:index/randomPassword:RandomPassword"}
    there = State("prod", {"deployment": {"resources": [key]}})
    if fix is None:
        refuse_invented_keys(there, "prod", tmp_path)
        return
    with pytest.raises(OperationError, match="the stack never had a key of") as refused:
        refuse_invented_keys(there, "prod", tmp_path)
    assert f"pulumi config rm --stack prod {fix} && pulumi config rm --stack prod" in str(refused.value)
