"""The CA of a stack as its operator hands it to clients."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ops import authority, clients

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The outputs of the stack prod, which a test may change."""
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.prod.yaml").write_text("")
    found: dict[str, Any] = {"url": "https://gateway.example.org", "ca_certificate": PEM, "master_key": "[secret]"}

    def pulumi(*arguments: str, stack: str) -> str:
        assert "--show-secrets" not in arguments
        return json.dumps(found)

    monkeypatch.setattr(clients, "pulumi", pulumi)
    return found


def run(monkeypatch: pytest.MonkeyPatch, name: str = "prod") -> int:
    monkeypatch.setattr(sys, "argv", ["authority", name])
    return authority.main()


def test_the_ca_is_printed_with_a_line_for_each_kind_of_client(
    stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(PEM)
    assert "make -s output NAME=ca_certificate STACK=prod >ca.pem" in printed
    for variable in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"):
        assert f"export {variable}=$PWD/ca.pem" in printed


@pytest.mark.parametrize(
    ("outputs", "name", "sentence"),
    [
        ({"ca_certificate": None}, "prod", "has no CA of its own"),
        ({"url": None}, "prod", "is not up, so its CA is not made yet. Run: make up STACK=prod"),
        ({}, "other", "there is no stack 'other' here"),
    ],
)
def test_a_stack_without_a_ca_is_one_sentence(
    stack: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outputs: dict[str, Any],
    name: str,
    sentence: str,
) -> None:
    stack |= outputs
    for gone in [key for key, value in outputs.items() if value is None]:
        del stack[gone]  # Pulumi leaves out an output that is null
    assert run(monkeypatch, name) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
