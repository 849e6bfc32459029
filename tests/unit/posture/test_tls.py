"""What is asked of the TLS scanner, and what its answers are taken to mean; sslyze itself is not loaded."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from posture import tls
from posture.declaration import DeclarationError
from posture.edge import Edge
from posture.engine import Engine
from tests.unit.posture.conftest import Make


class NotCompliantError(Exception):
    """Sslyze's error, with its issues."""

    def __init__(self) -> None:
        self.issues = {"ciphers": "weak"}


class IncompleteError(Exception):
    """Sslyze's other one."""


def raises(error: Exception | None) -> None:
    if error:
        raise error


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A scanner that ends as it is told, and keeps what it was asked."""
    told = SimpleNamespace(error=None, status="completed", scanner=None, scan=None, profile=None)

    def scanner(**limits: Any) -> Any:
        told.scanner = limits
        result = SimpleNamespace(scan_status=told.status)
        return SimpleNamespace(
            queue_scans=lambda scans: setattr(told, "scan", scans), get_results=lambda: iter([result])
        )

    def check(_result: Any, profile: Any) -> None:
        told.profile = profile
        raises(told.error)

    mozilla = SimpleNamespace(
        TlsConfigurationEnum=str,
        MozillaTlsConfiguration=SimpleNamespace(get=lambda name: f"Mozilla's {name}"),
        SCAN_COMMANDS_NEEDED_BY_MOZILLA_CHECKER="all",
        check_server_against_tls_configuration=check,
        ServerNotCompliantWithTlsConfiguration=NotCompliantError,
        ServerScanResultIncomplete=IncompleteError,
    )
    kept = {
        "mozilla_tls_profile": SimpleNamespace(tls_config_checker=mozilla),
        "scanner.models": SimpleNamespace(
            ServerScanRequest=dict, ServerScanStatusEnum=SimpleNamespace(COMPLETED="completed")
        ),
        "scanner.scanner": SimpleNamespace(Scanner=scanner),
        "server_setting": SimpleNamespace(ServerNetworkConfiguration=dict, ServerNetworkLocation=dict),
    }
    for name, module in kept.items():
        monkeypatch.setitem(sys.modules, f"sslyze.{name}", module)
    return told


def test_the_published_port_is_scanned_gently_by_its_name(asked: SimpleNamespace, make: Make) -> None:
    """Two handshakes at a time: the gateway has clients, too."""
    edge = Edge(make(settings={"bindAddresses": ["10.0.0.5"], "hostname": "gw.example.org"}).declaration, Engine())
    assert tls.scan(edge) == {}
    assert asked.scanner == {"per_server_concurrent_connections_limit": 2, "concurrent_server_scans_limit": 1}
    ((scan),) = asked.scan
    assert scan["server_location"] == {"hostname": "gw.example.org", "port": 4000, "ip_address": "10.0.0.5"}
    assert scan["network_configuration"]["tls_server_name_indication"] == "gw.example.org"
    assert (scan["scan_commands"], asked.profile) == ("all", "Mozilla's intermediate")


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ("no connectivity", None, "found no TLS server at the published port"),
        ("completed", IncompleteError("a timeout"), "the TLS scan is incomplete: a timeout"),
    ],
)
def test_a_scan_that_did_not_end_is_no_proof(
    asked: SimpleNamespace, make: Make, status: str, error: Exception | None, said: str
) -> None:
    asked.status, asked.error = status, error
    with pytest.raises(DeclarationError, match=said):
        tls.scan(Edge(make().declaration, Engine()))


def test_what_departs_from_the_profile_is_named_by_subject(asked: SimpleNamespace, make: Make) -> None:
    asked.error = NotCompliantError()
    assert tls.scan(Edge(make().declaration, Engine())) == {"ciphers": "weak"}
