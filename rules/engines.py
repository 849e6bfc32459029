"""Whether the setting ``dockerHost`` names an engine that can be reached, and that not everybody can reach."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from rules.docker import LOCAL

SCHEMES = ("unix", "ssh", "tcp")
"""How an engine is reached: what docker's client and the provider both speak."""

HOST_OF_CONTEXT = "DOCKER_HOST=$(docker context inspect --format '{{.Endpoints.docker.Host}}')"
CERTIFICATES = "(and for tcp:// DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH), as make does"


def fault(host: str | None, cert_path: str | None) -> tuple[str, str] | None:
    """Returns the setting that is wrong, and why; None when the engine can be used."""
    try:
        scheme = urlsplit(host or "unix:").scheme
    except ValueError:
        return "dockerHost", "must be an address, and its square brackets those of an IPv6 address"
    if scheme not in SCHEMES:
        return "dockerHost", f"must begin with one of: {', '.join(f'{known}://' for known in SCHEMES)}"
    if scheme == "tcp" and not cert_path:
        return "dockerCertPath", "must be set for a tcp:// engine: without certificates its port is root to all"
    return None


def built_elsewhere(host: str | None, environment: Mapping[str, str]) -> str | None:
    """Returns why images would be built on another engine than the stack's, with the fix, or None.

    The provider asks the stack's engine for everything else, but leaves a build to buildx, which knows that of docker's
    client alone (https://github.com/kreuzwerker/terraform-provider-docker/issues/972).
    """
    shell, context = environment.get("DOCKER_HOST"), environment.get("DOCKER_CONTEXT")
    chosen = environment.get("BUILDX_BUILDER") or environment.get("DOCKER_BUILDKIT") == "0"
    if chosen:
        return None
    if not shell and context and context != "default":
        named = f"export DOCKER_HOST={host}" if host else f"export {HOST_OF_CONTEXT}, for the engine of the context"
        return (
            f"dockerHost: Pulumi would build the images in docker's context {context} and not on {host or LOCAL}, "
            f"because docker's client in this shell speaks to that. Fix: {named} {CERTIFICATES}"
        )
    given = shell or LOCAL
    if host is None or host == given:
        return None
    return (
        f"dockerHost: Pulumi would build the images on {given} and not on {host}, because docker's client in this "
        f"shell speaks to that. Fix: export DOCKER_HOST={host} {CERTIFICATES}"
    )
