"""docs/updating.md says of each setting what a change of it replaces; the program is asked whether that is true."""

import re
from typing import Any

import pytest

from rules.configuration import FIELDS, SECRETS
from tests.unit.components.conftest import ROOT, Graph, deployed

IMAGE = "example.org/a@sha256:" + "a" * 64
NAMES = {"litellm": "LiteLLM", "gateway": "the gateway", "egress": "the egress proxy", "front": "the front"}
KINDS = ("docker:index/container:Container", "docker:index/remoteImage:RemoteImage")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "updating.md").read_text().splitlines()
    if re.match(r"\| (?!---|Change)", line)
]
CHANGES: dict[str, Any] = {
    "keyRotation": "2026-11-26",
    "models": {"sonnet": "claude-sonnet-5-5"},
    "clients": {"alice": {"models": ["opus"]}},
    "masterKeyCallsModels": False,
    "usageDays": 30,
    "claudeAuthVolume": "of-compose",
    "claudeWarmProcesses": 1,
    "claudeMaxConcurrency": 3,
    "claudeProcessReuse": "off",
    "dropParams": True,
    "logLevel": "WARNING",
    "maxRequestMib": 8,
    "failedAuthPerMinute": 20,
    "litellmMemoryMib": 4096,
    "litellmCpus": 1,
    "litellmImage": IMAGE,
    "allowedCidrs": ["10.1.0.0/16"],
    "allowHost": False,
    "maxConnectionsPerSource": 50,
    "hostname": "gateway.example.org",
    "tlsProfile": "modern",
    "gatewayImage": IMAGE,
    "egressAllow": ["api.anthropic.com"],
    "egressPrivateCidrs": ["10.1.2.3/32"],
    "egressDns": ["10.0.0.53"],
    "anthropicBaseUrl": "https://llm.example.org",
    "claudeOauthToken": "sk-ant-oat01-" + "a" * 80,
    "anthropicApiKey": "sk-ant-api03-" + "a" * 80,
    "egressImage": IMAGE,
    "replicas": 2,
    "drainSeconds": 30,
    "bindAddresses": ["127.0.0.2"],
    "port": 8443,
    "redirectPort": 8080,
    "metricsPort": 9464,
    "frontImage": IMAGE,
    "securityUpdates": "2026-11-20",
    "verifyOnUpdate": False,
    "keyMaxAgeDays": 30,
    "tlsRenewalHours": 100,
    "allowPublicAccess": True,
}


def named(row: list[str]) -> set[str]:
    """The settings of a row."""
    names = set(re.findall(r"`(\w+)`", row[0])) & set(FIELDS)
    prefix = re.search(r"all that begin with `(\w+)`", row[0])
    return names | ({name for name in FIELDS if name.startswith(prefix.group(1))} if prefix else set())


def declared(graph: Graph) -> dict[str, list[Any]]:
    """What is declared of the image and the containers of each role."""
    return {
        role: [one.inputs for one in graph.resources if one.type in KINDS and one.name.endswith(f"prod-{role}")]
        for role in NAMES
    }


def test_each_setting_has_one_row() -> None:
    listed = sorted(name for row in ROWS for name in named(row))
    assert listed == sorted(FIELDS)


def made(changes: dict[str, Any]) -> dict[str, list[Any]]:
    secrets = {one: value for one, value in changes.items() if one in SECRETS}
    plain = {one: value for one, value in changes.items() if one not in SECRETS}
    return declared(deployed("prod", **{"clients": {"alice": {}}, **plain}, secrets=secrets))


@pytest.fixture(scope="module")
def before() -> dict[str, list[Any]]:
    return made({})


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_replaces_what_the_page_says(before: dict[str, list[Any]], name: str) -> None:
    after = made({name: CHANGES[name]})
    replaced = {said for role, said in NAMES.items() if before[role] != after[role]}
    (told,) = [row[1] for row in ROWS if name in named(row)]
    assert {said for said in replaced if said not in told} == set()
    assert ("the front" in told) == ("the front" in replaced)
    assert (told == "nothing") == (replaced == set())
