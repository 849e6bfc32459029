"""The images: a wrong setting ends the container with one sentence; nothing runs as root or needs a capability."""

import subprocess

import pytest

from testbed import gateway as bed
from tests.gateway.certificates import Pair, issue


def start_and_fail(image: str, folder: str, settings: dict[str, str]) -> str:
    tmpfs = f"{folder}:{bed.user_of(image)},mode=0700"
    command = ["docker", "run", "--rm", "--network", "none", *bed.HARDENING, "--tmpfs", tmpfs]
    command += [*bed.environment(settings), image]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 64, done
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


GATEWAY_MISTAKES = {
    "TLS=yes": "GATEWAY_TLS is 'yes'",
    "TLS_PROFILE=old": "GATEWAY_TLS_PROFILE is 'old'",
    "ALLOW_HOST=1": "GATEWAY_ALLOW_HOST is '1'",
    "ALLOWED_CIDRS=example.com": "not an IPv4 or IPv6 address",
    "ALLOWED_CIDRS=10": "not an IPv4 or IPv6 address",
    "ALLOWED_CIDRS=10.0.0.0/8,10.0.0.0/33": "10.0.0.0/33",
    "ALLOWED_CIDRS=10.0.0.0/8/8": "10.0.0.0/8/8",
    "ALLOWED_CIDRS=fd00::/129": "fd00::/129",
    "ALLOWED_CIDRS=300.1.1.1/8": "300.1.1.1/8",
    "HOST_ADDRESSES=localhost": "GATEWAY_HOST_ADDRESSES",
    "HOSTNAME=Gateway.test:443": "GATEWAY_HOSTNAME",
    "HOSTNAME=a b": "GATEWAY_HOSTNAME",
    "HOSTNAME=gateway.test.": "GATEWAY_HOSTNAME",
    "REDIRECT=true": "GATEWAY_REDIRECT is true, but GATEWAY_TLS is off",
    "HOSTNAME=::1]": "GATEWAY_HOSTNAME",
    "MAX_CONNECTIONS_PER_SOURCE=1k": "GATEWAY_MAX_CONNECTIONS_PER_SOURCE is '1k'",
    "MAX_CONNECTIONS_PER_SOURCE=99999999999999999999": "whole number",
    "BACKEND_PORT=-1": "GATEWAY_BACKEND_PORT",
    "PUBLIC_PORT=x": "GATEWAY_PUBLIC_PORT",
    'METRICS_KEY_SHA256=" hdr': "GATEWAY_METRICS_KEY_SHA256 is not the SHA-256",
    "METRICS_KEY_SHA256=0a": "GATEWAY_METRICS_KEY_SHA256 is not the SHA-256",
    "CHALLENGE=http-01": "GATEWAY_CHALLENGE is 'http-01'",
    "CHALLENGE=true": "GATEWAY_CHALLENGE is true, but GATEWAY_REDIRECT is not",
    "FRONT_CIDRS=front": "GATEWAY_FRONT_CIDRS has 'front'",
    "REPLICAS_HAVE_NAMES=no": "GATEWAY_REPLICAS_HAVE_NAMES is 'no'",
    "TLS_FILE=/srv/tls.pem": "GATEWAY_TLS_FILE is set, but GATEWAY_TLS is off",
}


@pytest.mark.parametrize("mistake", GATEWAY_MISTAKES)
def test_the_gateway_names_the_setting_that_is_wrong(gateway_image: str, mistake: str) -> None:
    name, _, value = mistake.partition("=")
    message = start_and_fail(gateway_image, "/run/gateway", {"GATEWAY_TLS": "off", f"GATEWAY_{name}": value})
    assert message.startswith("gateway: ")
    assert GATEWAY_MISTAKES[mistake] in message


def test_a_key_that_is_no_key_or_not_the_certificates_is_refused_and_not_shown(
    gateway_image: str, certificate: Pair
) -> None:
    secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    for key in ("", secret, f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----"):
        settings = {
            "GATEWAY_TLS": "on",
            "GATEWAY_TLS_CERTIFICATE": certificate.certificate,
            "GATEWAY_TLS_PRIVATE_KEY": key,
        }
        message = start_and_fail(gateway_image, "/run/gateway", settings)
        assert secret not in message
    settings["GATEWAY_TLS_PRIVATE_KEY"] = issue("gateway.test").key
    assert "private key" in start_and_fail(gateway_image, "/run/gateway", settings)


EGRESS_MISTAKES = {
    "ALLOW=https://api.anthropic.com": "without a scheme",
    "ALLOW=*.anthropic.com": "leading dot",
    "ALLOW=com": "top-level domain",
    "ALLOW=.com": "top-level domain",
    "ALLOW=localhost": "bare name",
    "ALLOW=api.anthropic.com:443": "without a port",
    "ALLOW=api.anthropic.com/v1": "without a port or path",
    "ALLOW=api..anthropic.com": "not a host name",
    "ALLOW=api_x.anthropic.com": "not a host name",
    "ALLOW=api.anthropic.com.": "not a host name",
    "PORTS=443,x": "EGRESS_PORTS has 'x'",
    "PORTS=,": "EGRESS_PORTS is empty",
    "CLOSED_CIDRS=example.com": "EGRESS_CLOSED_CIDRS has 'example.com'",
    "CLOSED_CIDRS=10.0.0.0/40": "10.0.0.0/40",
    "CLOSED_CIDRS=": "EGRESS_CLOSED_CIDRS is empty",
    "DRAIN_SECONDS=10m": "EGRESS_DRAIN_SECONDS is '10m'",
}


@pytest.mark.parametrize("mistake", EGRESS_MISTAKES)
def test_egress_names_the_setting_that_is_wrong(egress_image: str, mistake: str) -> None:
    name, _, value = mistake.partition("=")
    settings = {"EGRESS_CLOSED_CIDRS": "10.0.0.0/8", f"EGRESS_{name}": value}
    message = start_and_fail(egress_image, "/run/squid", settings)
    assert message.startswith("egress: ")
    assert EGRESS_MISTAKES[mistake] in message


@pytest.mark.parametrize(("image", "package"), [("gw-gateway", "haproxy"), ("gw-egress", "squid")])
def test_the_images_are_lean_and_not_root(gateway_image: str, egress_image: str, image: str, package: str) -> None:
    shell = ["run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c"]
    assert bed.docker(*shell, "id -u") != "0"
    assert bed.docker(*shell, "command -v python3 curl wget nc || echo none") == "none"
    assert bed.docker(*shell, f"cat /etc/{package}/version").startswith(package)


BEGIN = """
touch /run/gateway/allowed.lst /run/gateway/host.lst /run/gateway/front.lst
haproxy -D -f /etc/haproxy/haproxy.cfg && gateway-healthcheck
"""


@pytest.mark.parametrize(("latest", "ready"), [("4000000000", False), ("1", True)])
def test_a_gateway_that_has_not_found_litellm_yet_is_not_ready_before_its_time_is_up(
    gateway_image: str, latest: str, ready: bool
) -> None:
    """Else an update would hand connections to a gateway that can answer 503 alone."""
    names = (
        "MAX_CONNECTIONS_PER_SOURCE",
        "CONNECTIONS_PER_10S",
        "REQUESTS_PER_10S",
        "DRAIN_SECONDS",
        "BACKEND_PORT",
        "SERVERS",
    )
    settings = dict.fromkeys(names, "9") | {
        "TLS": "off",
        "ALLOW_HOST": "true",
        "HOST": "localhost",
        "REDIRECT": "false",
        "REPLICAS": "1",
    }
    variables = {f"GATEWAY_{name}": value for name, value in {**settings, "BEGINS_AT_LATEST": latest}.items()}
    tmpfs = f"/run/gateway:{bed.user_of(gateway_image)},mode=0700"
    command = ["docker", "run", "--rm", "--network", "none", *bed.HARDENING, "--tmpfs", tmpfs, "--entrypoint", "sh"]
    command += [*bed.environment(variables), gateway_image, "-c", BEGIN]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode == 0) is ready, done
