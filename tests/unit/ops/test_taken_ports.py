"""Ports that something else has, and what a person types then."""

import errno
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from ops import taken_ports


def test_a_taken_port_is_named_with_the_command_that_changes_it() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is taken" in (taken_ports.problem("127.0.0.1", port) or "")
    assert taken_ports.problem("127.0.0.1", port) is None


@pytest.mark.parametrize("address", ["127.0.0..1é", "é" * 70])
def test_what_is_no_address_is_left_to_the_settings_own_rules(address: str) -> None:
    assert taken_ports.problem(address, 4000) is None


def test_each_port_that_is_taken_is_named_with_its_own_setting(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "config: {bindAddresses: {default: [127.0.0.1]}, metricsAddress: {default: 127.0.0.1}}"
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        for name in ("port", "redirectPort", "metricsPort"):
            (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {{litellm-claude:{name}: {port}}}")
            (text,) = taken_ports.problems("dev", tmp_path)
            assert text.endswith(f"pulumi config set {name} NUMBER --stack dev")
            assert taken_ports.problems("dev", tmp_path, [("127.0.0.1", port)]) == []


def settings(folder: Path, **values: Any) -> None:
    """A stack's file, beside a project with defaults."""
    (folder / "Pulumi.yaml").write_text("config: {bindAddresses: {default: [127.0.0.1]}}")
    (folder / "Pulumi.dev.yaml").write_text(json.dumps({"config": values}))


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("127.0.0.1", "0.0.0.0"),
        ("0.0.0.0", "127.0.0.1"),
        ("::1", "0:0:0:0:0:0:0:1"),
        ("::", "::1"),
    ],
)
def test_a_stack_may_change_the_addresses_of_its_own_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str, wanted: str
) -> None:
    def taken(address: str, *_: object) -> str:
        return f"{address} is taken."

    monkeypatch.setattr(taken_ports, "problem", taken)
    settings(tmp_path, port=4000, bindAddresses=[wanted])
    assert taken_ports.problems("dev", tmp_path, [(held, 4000)]) == []
    assert len(taken_ports.problems("dev", tmp_path, [(held, 4001)])) == 1


@pytest.mark.parametrize(
    ("host", "looks"),
    [("", True), ("unix:///run/docker.sock", True), ("ssh://ann@far", False), ({"secure": "v1:x"}, False)],
)
def test_the_ports_of_this_machine_are_those_of_its_own_engine(tmp_path: Path, host: Any, looks: bool) -> None:
    settings(tmp_path, port=4000, bindAddresses=["192.0.2.1"], dockerHost=host)
    assert bool(taken_ports.problems("dev", tmp_path)) is looks


def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    settings(tmp_path, port=4000, bindAddresses=["127.0.0.1", "192.0.2.1"])
    (text,) = taken_ports.problems("dev", tmp_path, [("127.0.0.1", 4000)])
    assert "has no address 192.0.2.1" in text
    assert text.endswith("pulumi config set --path 'bindAddresses[1]' ADDRESS --stack dev")
    settings(tmp_path, port=4000, metricsPort=4001, metricsAddress="192.0.2.1")
    (text,) = taken_ports.problems("dev", tmp_path, [("127.0.0.1", 4000)])
    assert text.endswith("pulumi config set metricsAddress ADDRESS --stack dev")


@pytest.mark.parametrize(
    ("changed", "fix"),
    [
        ({"port": 4000, "bindAddresses": ["::1"]}, "set --path 'bindAddresses[0]' 127.0.0.1"),
        ({"port": 4000, "bindAddresses": ["127.0.0.1", "::1"]}, "rm --path 'bindAddresses[1]'"),
        ({"port": 4000, "metricsPort": 4001, "metricsAddress": "::1"}, "set metricsAddress 127.0.0.1"),
    ],
)
def test_without_ipv6_the_very_address_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], fix: str
) -> None:
    def none_of_ipv6(family: int) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, f"no family {family}")

    settings(tmp_path, **changed)
    monkeypatch.setattr(socket, "socket", none_of_ipv6)
    (text,) = taken_ports.problems("dev", tmp_path, [("127.0.0.1", 4000)])
    assert text.endswith(f"pulumi config {fix} --stack dev")
