"""Secrets are marked wherever the program registers them."""

from typing import Any

import pytest

from tests.unit.components.conftest import MARK, Deploy, plain

STACKS = ("dev", "prod")
SECRETS = {
    "masterKey": "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "claudeOauthToken": "sk-ant-oat01-secret",
}


def exposed(value: Any, texts: list[str]) -> list[str]:
    """Which of ``texts`` stand in a serialised value outside of a secret."""
    if isinstance(value, dict):
        return [] if MARK in value else [t for item in value.values() for t in exposed(item, texts)]
    if isinstance(value, list):
        return [t for item in value for t in exposed(item, texts)]
    return [t for t in texts if t in str(value)]


@pytest.mark.parametrize("stack", STACKS)
def test_secrets_are_marked_in_everything_that_is_registered(deploy: Deploy, stack: str) -> None:
    graph = deploy(stack, secrets=SECRETS)
    texts = [*SECRETS.values(), "server private key"]
    assert [r.name for r in graph.resources if exposed(r.inputs, texts)] == []
    assert graph.env("litellm")["LITELLM_MASTER_KEY"] == SECRETS["masterKey"]
    shown = {name: output["secret"] for name, output in graph.outputs.items() if output["value"] in SECRETS.values()}
    assert shown == {"master_key": True}


def test_a_generated_key_and_the_private_key_are_marked_too(deploy: Deploy) -> None:
    graph = deploy("prod")
    for role, name in (("litellm", "LITELLM_MASTER_KEY"), ("gateway", "GATEWAY_TLS_PRIVATE_KEY")):
        envs = graph.container(role).inputs["envs"]
        assert [plain(e) for e in envs if isinstance(e, dict)] == [e for e in plain(envs) if e.startswith(name)]
