"""The TLS scan: sslyze against the published port, judged by Mozilla's server-side profiles (version 5.7)."""

import warnings
from typing import TYPE_CHECKING

from posture.declaration import DeclarationError

if TYPE_CHECKING:
    from posture.edge import Edge

CONNECTIONS = 2
"""Handshakes at a time: the gateway has clients, too."""


def scan(edge: "Edge") -> dict[str, str]:
    """Returns what departs from the declared profile, by subject; empty when nothing does.

    The import is late: sslyze takes a second to load, and the fast subset does without it.

    Raises:
        DeclarationError: when the scan could not be completed.
    """
    from sslyze.mozilla_tls_profile import tls_config_checker as mozilla  # noqa: PLC0415 - late
    from sslyze.scanner.models import ServerScanRequest, ServerScanStatusEnum  # noqa: PLC0415 - late
    from sslyze.scanner.scanner import Scanner  # noqa: PLC0415 - late
    from sslyze.server_setting import ServerNetworkConfiguration, ServerNetworkLocation  # noqa: PLC0415 - late

    location = ServerNetworkLocation(hostname=edge.hostname, port=edge.port, ip_address=edge.address)
    profile = mozilla.TlsConfigurationEnum(edge.declaration.settings.tls_profile.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates in sslyze's copies of public trust stores
        scanner = Scanner(per_server_concurrent_connections_limit=CONNECTIONS, concurrent_server_scans_limit=1)
        scanner.queue_scans(
            [
                ServerScanRequest(
                    server_location=location,
                    network_configuration=ServerNetworkConfiguration(
                        tls_server_name_indication=edge.hostname, network_timeout=4
                    ),
                    scan_commands=mozilla.SCAN_COMMANDS_NEEDED_BY_MOZILLA_CHECKER,
                )
            ]
        )
        result = next(iter(scanner.get_results()))
    if result.scan_status is not ServerScanStatusEnum.COMPLETED:
        raise DeclarationError("the TLS scan found no TLS server at the published port")
    try:
        mozilla.check_server_against_tls_configuration(result, mozilla.MozillaTlsConfiguration.get(profile))
    except mozilla.ServerNotCompliantWithTlsConfiguration as error:
        return dict(error.issues)
    except mozilla.ServerScanResultIncomplete as error:
        raise DeclarationError(f"the TLS scan is incomplete: {error}") from None
    return {}
